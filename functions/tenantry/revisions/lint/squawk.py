"""Asks squawk about SQL as we run it: with our limits, and in a transaction or not."""

import json
import re
import shutil
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tenantry.database.patience import CHANGE_SECONDS, LOCK_TIMEOUT_MS
from tenantry.domain.errors import InvalidSetting
from tenantry.revisions.lint.statements import Statement

# The servers that Tenantry runs on: some rules depend on what a version can do.
VERSIONS: Final = (15, 16, 17, 18)
_LIMITS: Final = f"SET lock_timeout = '{LOCK_TIMEOUT_MS}ms';\nSET statement_timeout = '{CHANGE_SECONDS}s';\n"
_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Document:
    """Statements that are run one after the other, in one transaction or in none."""

    statements: tuple[Statement, ...]
    in_transaction: bool


@dataclass(frozen=True, slots=True)
class Remark:
    """What squawk says of a statement of a document, which is counted from 0; `advice` may be empty."""

    rule: str
    message: str
    advice: str
    statement: int


def ask_squawk(documents: Sequence[Document]) -> list[list[Remark]]:
    """Return what squawk says of each document for any version of PostgreSQL; what it says for several, once.

    :raises InvalidSetting: squawk is not installed.
    :raises RuntimeError: it gave no answer that could be read.
    """
    remarks: list[list[Remark]] = [[] for _ in documents]
    with TemporaryDirectory() as folder:
        files = [_Written(Path(folder) / f"{number}.sql", one) for number, one in enumerate(documents)]
        # Without one of its own, it would look for a configuration in the folders above.
        config = Path(folder) / "squawk.toml"
        config.touch()
        for in_transaction in (True, False):
            asked = [file for file in files if file.document.in_transaction is in_transaction]
            for version in VERSIONS if asked else ():
                for entry in _run([file.path for file in asked], config, version, in_transaction=in_transaction):
                    number = int(Path(entry["file"]).stem)
                    remark = files[number].remark(entry)
                    if remark not in remarks[number]:
                        remarks[number].append(remark)
    return remarks


class _Written:
    """A document in a file: each of its statements begins on a line of its own."""

    def __init__(self, path: Path, document: Document) -> None:
        self.path = path
        self.document = document
        text, self._first_lines = _LIMITS, []
        for statement in document.statements:
            self._first_lines.append(text.count("\n"))
            text += f"{_without_ignoring(statement.text)}\n;\n"
        path.write_text(text, "utf-8")

    def remark(self, entry: dict[str, str]) -> Remark:
        place = max(bisect_right(self._first_lines, int(entry["line"])) - 1, 0)
        return Remark(entry["rule_name"], entry["message"], entry["help"] or "", place)


def _without_ignoring(text: str) -> str:
    """Take away squawk's own way to be quiet: a revision says why in `safety_assured`, where others read it."""
    return re.sub("squawk-ignore", "squawk ignore", text, flags=re.IGNORECASE)


def _run(files: Sequence[Path], config: Path, version: int, *, in_transaction: bool) -> list[dict[str, str]]:
    transaction = "--assume-in-transaction" if in_transaction else "--no-assume-in-transaction"
    command = [squawk_program(), "--config", config, "--reporter", "json", "--pg-version", f"{version}.0", transaction]
    done = subprocess.run(
        [*map(str, command), *map(str, files)], capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    try:
        found: list[dict[str, str]] = json.loads(done.stdout)
    except ValueError as exc:
        raise RuntimeError(f"squawk ended with status {done.returncode}: {done.stderr.strip()}") from exc
    return found


def squawk_program() -> str:
    """Return the path of squawk. :raises InvalidSetting: it is not installed."""
    beside = Path(sys.executable).with_name("squawk")
    found = str(beside) if beside.exists() else shutil.which("squawk")
    if not found:
        raise InvalidSetting("squawk, which lints revisions, is not installed: `make` installs it.")
    return found
