"""Statements as a pooler needs them: with their values written out, for no session keeps one that was prepared."""

import re
from collections import OrderedDict
from collections.abc import Sequence

from tenantry.domain.session_state import SESSION_STATE, TRANSACTION_STATE

_MAX_KEPT = 64
# Longer ones are rare, and not worth their memory.
_MAX_CHARACTERS = 20_000
# What is quoted is passed over: a column may be called "$1".
_PLACEHOLDER = re.compile(r"""("[^"]*"|'[^']*'|--[^\n]*)|\$([0-9]+)""")


class PlainStatements:
    """In place of `PreparedStatements`, with nothing for a session to know or to forget."""

    def __init__(self) -> None:
        """Start with none."""
        self._templates: OrderedDict[str, str] = OrderedDict()

    def execution(self, text: str, _arity: int, words: Sequence[str] = (), _path: str = "") -> tuple[str, bool]:
        """Write the SQL that runs a statement, or explains it, with `%(1)s` for the first of its values.

        :return: the SQL, and that no session can have kept anything of it.
        """
        template = self._templates.get(text) or self._keep(text)
        return f"EXPLAIN ({', '.join(words)}) {template}" if words else template, False

    def arguments(self, values: tuple[str | None, ...]) -> dict[str, str | None]:
        """Name the values as `execution` does."""
        return {str(place): value for place, value in enumerate(values, 1)}

    def abandon(self, _text: str, _path: str = "") -> None:
        """Do nothing: nothing was kept."""

    def forget(self) -> None:
        """Do nothing, as above."""

    def renew(self) -> None:
        """Do nothing, as above."""

    def _keep(self, text: str) -> str:
        text = text.replace(SESSION_STATE, TRANSACTION_STATE)
        template = _PLACEHOLDER.sub(_named, text.replace("%", "%%"))
        if len(text) <= _MAX_CHARACTERS:
            self._templates[text] = template
            if len(self._templates) > _MAX_KEPT:
                self._templates.popitem(last=False)
        return template


def _named(found: re.Match[str]) -> str:
    return found[1] or f"%({found[2]})s"
