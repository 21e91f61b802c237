"""What `make revision NAME="add a note"` runs: makes the file of the next revision, for somebody to fill in."""

import io
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

from tenantry.domain.errors import InvalidSetting
from tenantry.revisions.history import History, alembic_config, revisions_directory

# It becomes the file's name and its docstring.
_NAME: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9 _-]{0,58}[A-Za-z0-9])?")
_REFUSED: Final = (
    "A revision's name has letters without accents, digits, blanks, '-' and '_', at most 60, and begins with a letter."
    ' Say what it does: make revision NAME="add a note".'
)
_LAST: Final = 9999


def make_revision(name: str) -> Path:
    """Make the file of the next revision, whose number has four digits; returns its path.

    :param name: what it does: letters, digits, blanks, `-` and `_`, at most 60.
    :raises ValueError: the name is none; the text says what is.
    :raises InvalidSetting: the files that are there can't be read, or have other names than numbers.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(_REFUSED)
    if not revisions_directory().is_dir():
        raise InvalidSetting(f"There is no directory {revisions_directory()}: make it, or set REVISIONS_DIRECTORY.")
    revisions = History().revisions
    newest = revisions[-1].revision_id if revisions else "0000"
    return _write(name, _next(newest))


def _next(newest: str) -> str:
    # The newest is found by the order of the names, so all are equally long.
    if not re.fullmatch("[0-9]{4}", newest) or int(newest) == _LAST:
        raise InvalidSetting(f"The newest revision is {newest!r}: there is no number of four digits after it.")
    return f"{int(newest) + 1:04}"


def _write(name: str, revision: str) -> Path:
    from alembic import command  # noqa: PLC0415 - it costs a second, also of a call that is refused

    # It tells the path itself, in words of its own.
    with redirect_stdout(io.StringIO()):
        made = command.revision(alembic_config(), message=name, rev_id=revision)
    if made is None or isinstance(made, list):
        raise TypeError("Alembic makes one script for one revision.")
    return Path(made.path)


def main(arguments: Sequence[str]) -> int:
    """Make a revision; returns the exit status, 2 if it was refused."""
    try:
        made = make_revision(" ".join(arguments).strip())
    except (ValueError, InvalidSetting) as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    sys.stdout.write(f"Made {made}. Fill in what it does, then run `make findings` and `make lint`.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
