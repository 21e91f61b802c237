"""What `make lint` runs: prints what was found, and says whether the file with the findings is up to date.

The exit status is 0 if all is well, 1 if there is an error that is not accepted or the file is not as it has to be, and
2 if nothing could be linted. With `--write` the file is written.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from traceback import format_exception_only

from tenantry.domain.errors import InvalidSetting
from tenantry.revisions.findings import Finding, Level, LintedRevision, as_text, findings_file
from tenantry.revisions.history import History
from tenantry.revisions.lint.judging import lint
from tenantry.revisions.rendering import RenderedHistory


def main(arguments: Sequence[str]) -> int:
    """Lint the revisions; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tenantry.revisions.lint", description="Lints the revisions.")
    parser.add_argument("--write", action="store_true", help="write the file with the findings")
    options = parser.parse_args(arguments)
    try:
        scripts = RenderedHistory(History())
        linted = lint(scripts)
    except InvalidSetting as exc:
        # It is the developer's own file, so what Python says of it helps.
        cause = exc.__cause__
        _tell(exc.message, *(format_exception_only(cause) if cause else ()))
        return 2
    _tell(*_lines(scripts, linted))
    is_kept = _keep(as_text(linted), may_write=options.write)
    return 0 if is_kept and not any(map(_stops, _all(linted))) else 1


def _keep(text: str, *, may_write: bool) -> bool:
    file = findings_file()
    if may_write:
        file.write_text(text, "utf-8")
    elif not file.exists() or file.read_text("utf-8") != text:
        _tell(f"{_shown(file)} does not belong to these revisions. Run `make findings` and commit the file.")
        return False
    return True


def _lines(scripts: RenderedHistory, linted: Sequence[LintedRevision]) -> Iterator[str]:
    for one in linted:
        file = _shown(Path(scripts.history.module(one.revision).__file__))
        for finding in one.findings:
            tables = f" ({', '.join(finding.tables)})" if finding.tables else ""
            level = f"accepted, {finding.accepted!r}" if finding.accepted else finding.level
            yield f"{file}: {level}: {finding.rule}{tables}: {finding.message}"
    if stopping := sum(map(_stops, _all(linted))):
        yield f'{stopping} to mend, or to accept: set safety_assured = "why it does no harm" in the revision\'s file.'


def _all(linted: Sequence[LintedRevision]) -> Iterator[Finding]:
    return (finding for one in linted for finding in one.findings)


def _stops(finding: Finding) -> bool:
    return finding.level is Level.ERROR and not finding.accepted


def _shown(file: Path) -> str:
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


def _tell(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line.rstrip()}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
