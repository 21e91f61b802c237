"""Renders a revision as SQL, as Alembic's offline mode does, without the lines that keep the version.

What is rendered once can be read before it is run, is run for every tenant with one message, and has a digest.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from tenantry.domain.errors import InvalidSetting
from tenantry.domain.revision import Step
from tenantry.revisions.history import History

# Alembic writes blanks for tabs, also within values; this stands for them meanwhile. Unicode calls it no character.
_TAB: Final = "\ufdd0"
# What leaving the transaction for a while writes, in a revision that has none.
_TRANSACTION_CONTROL: Final = frozenset({"BEGIN", "COMMIT"})
# `op` in a revision's file is one for the process.
_ONE_AT_A_TIME: Final = Lock()


class StepMissing(InvalidSetting):
    """The file of a revision does not say how it is run, or how it is taken back."""

    code = "revision_incomplete"
    hint = "Write that function in the revision's file, and deploy it."


@dataclass(frozen=True, slots=True)
class Rendering:
    """A step's statements in order, each without the semicolon at its end."""

    statements: tuple[str, ...]

    @property
    def text(self) -> str:
        """All statements, as they are sent."""
        return "".join(f"{statement}{_end(statement)}\n" for statement in self.statements)


class RenderedHistory:
    """The revisions with their SQL, each rendered once."""

    def __init__(self, history: History) -> None:
        """Take the files as they were read."""
        self.history = history
        self._rendered: dict[Step, Rendering | Exception] = {}

    def render(self, step: Step) -> Rendering | None:
        """Render one step; None if the revision asks the database something, so that it can't be rendered.

        :raises StepMissing: the file has no such function, or one that does nothing but raise NotImplementedError.
        :raises InvalidSetting: the step leaves a transaction that it says it runs in.
        """
        if step not in self._rendered:
            self._rendered[step] = _render(self.work(step), step)
        rendered = self._rendered[step]
        return rendered if isinstance(rendered, Rendering) else None

    def obstacle(self, step: Step) -> str:
        """Name the kind of error with which a step can't be rendered, such as `AttributeError`; empty if it can.

        :raises InvalidSetting: as `render`.
        """
        return "" if self.render(step) else type(self._rendered[step]).__name__

    def digest(self, step: Step) -> str:
        """Return the SHA-256 of what a step does: of its SQL or, if it can't be rendered, of its file, in hexadecimal.

        :raises InvalidSetting: as `render`.
        """
        rendering = self.render(step)
        if rendering is not None:
            text = f"{rendering.text}{step.revision.batch}".encode()
        else:
            text = Path(self.history.module(step.revision.revision_id).__file__).read_bytes()
        return hashlib.sha256(text).hexdigest()

    def work(self, step: Step) -> Callable[[], None]:
        """Return the function of a revision's file that takes a step.

        :raises StepMissing: the file has none.
        """
        module = self.history.module(step.revision.revision_id)
        work: Callable[[], None] | None = getattr(module, step.direction.value, None)
        if work is None:
            raise _missing(step)
        return work


def _missing(step: Step) -> StepMissing:
    return StepMissing(f"Revision {step.revision.revision_id} has no {step.direction}.")


def _end(statement: str) -> str:
    """Return a semicolon, on a line of its own where it would be part of a comment."""
    return "\n;" if "--" in statement.rpartition("\n")[2] else ";"


def _render(work: Callable[[], None], step: Step) -> Rendering | Exception:
    written = _Statements()
    with _ONE_AT_A_TIME:
        try:
            _run_offline(work, written)
        except NotImplementedError as exc:
            raise _missing(step) from exc
        except Exception as exc:  # noqa: BLE001 - there are as many ways to fail here as there are to ask a database
            return exc
    statements = [one for one in written.statements if one.upper() not in _TRANSACTION_CONTROL]
    if step.revision.in_transaction and len(statements) != len(written.statements):
        raise InvalidSetting(
            f"Revision {step.revision.revision_id} leaves its transaction: set in_transaction = False."
        )
    return Rendering(tuple(statements))


class _Statements:
    """Collects what Alembic writes: a statement a call."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def write(self, text: str) -> None:
        if statement := text.strip().removesuffix(";").rstrip():
            self.statements.append(statement.replace(_TAB, "\t"))

    def flush(self) -> None:
        """Do nothing: Alembic wants a file."""


def _run_offline(work: Callable[[], None], written: _Statements) -> None:
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    options = {"as_sql": True, "output_buffer": written, "literal_binds": True}
    with Operations.context(MigrationContext.configure(dialect=_dialect(), opts=options)):
        work()


def _dialect() -> Any:
    """PostgreSQL's, with values written out as they are: Alembic's own would double each percent sign."""
    from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDDLCompiler  # noqa: PLC0415
    from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2  # noqa: PLC0415

    class Statements(PGCompiler):
        def __str__(self) -> str:
            return _hide_tabs(super().__str__())

    class Definitions(PGDDLCompiler):
        def __str__(self) -> str:
            return _hide_tabs(super().__str__())

    class Dialect(PGDialect_psycopg2):
        statement_compiler = Statements
        ddl_compiler = Definitions
        supports_statement_cache = False

    return Dialect(paramstyle="named")  # type: ignore[no-untyped-call]


def _hide_tabs(text: str) -> str:
    if _TAB in text:
        raise ValueError("The text has the character that stands for a tab.")
    return text.replace("\t", _TAB)
