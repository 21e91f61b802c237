"""The files of the revisions: which there are, in their order, and what each says about itself.

Alembic and SQLAlchemy cost more than a second of a cold start, so they are imported when the files are to be read and
not before: a tenant that is copied from a template needs neither.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tenantry.domain.errors import InvalidSetting
from tenantry.domain.revision import Phase, Revision

_MIGRATIONS = Path(__file__).parents[2] / "migrations"
_DIRECTORY_SETTING = "REVISIONS_DIRECTORY"
_MAX_PAUSE_SECONDS = 60.0


def revisions_directory() -> Path:
    """Say where the revisions' files are: in `functions/migrations/versions`, unless REVISIONS_DIRECTORY is set."""
    return Path(os.environ.get(_DIRECTORY_SETTING) or _MIGRATIONS / "versions")


def head_revision() -> str:
    """Name the newest revision, without importing Alembic: the files are named `{revision}_{what}.py`, in order.

    :raises InvalidSetting: the directory of the revisions has none.
    """
    names = [path.name.partition("_")[0] for path in revisions_directory().glob("[0-9]*_*.py")]
    if not names:
        raise InvalidSetting(f"The directory of the revisions has none; {_DIRECTORY_SETTING} names another.")
    return max(names)


def alembic_config(**attributes: Any) -> Any:
    """Make Alembic's configuration for these files; `attributes` are passed on to `env.py`."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    options = {
        "script_location": _MIGRATIONS,
        "version_locations": revisions_directory(),
        # A path may have any other of the characters at which Alembic can split.
        "path_separator": "newline",
    }
    for name, value in options.items():
        config.set_main_option(name, str(value).replace("%", "%%"))
    config.attributes |= attributes
    return config


class History:
    """All revisions, oldest first, as their files stand now."""

    def __init__(self) -> None:
        """Read the files.

        :raises InvalidSetting: one of them can't be read, they are not one line, or one says something wrong of itself.
        """
        with _readable():
            from alembic.script import ScriptDirectory  # noqa: PLC0415

            _require_own_numbers()
            scripts = [*ScriptDirectory.from_config(alembic_config()).walk_revisions()]
        scripts.reverse()
        _require_one_line(scripts)
        self._modules = {script.revision: script.module for script in scripts}
        self.revisions = [_revision(script) for script in scripts]

    def module(self, revision_id: str) -> Any:
        """Return the module of a revision, with its `upgrade` and `downgrade`."""
        return self._modules[revision_id]


def _require_own_numbers() -> None:
    """Require that no two files have one number, as after a merge: Alembic would leave one of them out.

    :raises InvalidSetting: two have.
    """
    named: dict[str, str] = {}
    for path in sorted(revisions_directory().glob("*.py")):
        number = path.name.partition("_")[0]
        if other := named.get(number):
            raise InvalidSetting(
                f"Both {other} and {path.name} are revision {number}: of the one that is deployed nowhere yet, set "
                "`revision` and the file's name to the next number, and `down_revision` to the number before that."
            )
        named[number] = path.name


def _require_one_line(scripts: Sequence[Any]) -> None:
    """Require that each revision follows the one before it, and is named by its file: the newest is found by names.

    :param scripts: Alembic's, oldest first.
    :raises InvalidSetting: one does not.
    """
    for earlier, script in zip([None, *scripts], scripts, strict=False):
        file, before = Path(script.path).name, earlier.revision if earlier else None
        if file.partition("_")[0] != script.revision:
            raise InvalidSetting(f"The name of {file} has to begin with its `revision`, {script.revision}.")
        if script.down_revision != before:
            raise InvalidSetting(
                f"The revisions are no line: {file} has `down_revision` {script.down_revision!r}, and {before!r} is "
                "there too. Each follows the number before its own, and no two follow the same."
            )


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except InvalidSetting:
        raise
    except Exception as exc:
        # Whatever a file raises when it is imported, and whatever Alembic says of how they hang together.
        raise InvalidSetting(f"The revisions' files can't be read ({type(exc).__name__}).") from exc


def _revision(script: Any) -> Revision:
    module, name = script.module, script.revision
    try:
        phase = Phase(getattr(module, "phase", Phase.EXPAND))
    except ValueError as exc:
        raise InvalidSetting(f"Revision {name}: its phase is expand, backfill or contract.") from exc
    in_transaction = getattr(module, "in_transaction", True)
    if not isinstance(in_transaction, bool):
        raise InvalidSetting(f"Revision {name}: its in_transaction is True or False.")
    batch, pause = _text(script, "batch"), getattr(module, "pause_seconds", 0.1)
    if (phase is Phase.BACKFILL) != bool(batch):
        raise InvalidSetting(f"Revision {name}: a backfill has a statement `batch`, and nothing else has one.")
    if not isinstance(pause, int | float) or not 0 <= pause <= _MAX_PAUSE_SECONDS:
        raise InvalidSetting(f"Revision {name}: its pause_seconds are 0 to {_MAX_PAUSE_SECONDS:.0f}.")
    return Revision(
        revision_id=name,
        down_revision=script.down_revision or "",
        title=(script.doc or "").strip(),
        phase=phase,
        in_transaction=in_transaction,
        batch=batch,
        pause_seconds=pause,
        safety_assured=_text(script, "safety_assured").strip(),
    )


def _text(script: Any, attribute: str) -> str:
    text = getattr(script.module, attribute, "")
    if not isinstance(text, str) or (hasattr(script.module, attribute) and not text.strip()):
        # `safety_assured = True` would accept everything and say nothing.
        raise InvalidSetting(f"Revision {script.revision}: its {attribute} is a text, and not empty.")
    return text
