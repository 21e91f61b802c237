"""How the results are shown: a table for people, JSON for machines."""

import json
import textwrap
from collections import Counter
from collections.abc import Sequence

from local.doctor.examination import Result
from local.doctor.finding import Verdict

_COLUMN = max(map(len, Verdict)) + 2


def has_errors(results: Sequence[Result]) -> bool:
    """Tell whether something is wrong. A hint is not, nor what could not be looked at."""
    return any(result.finding.verdict is Verdict.ERROR for result in results)


def as_table(results: Sequence[Result], width: int) -> str:
    """Show each finding in a row, what to do below it, and the sum at the end.

    :param width: characters of a line.
    """
    names = max(len(result.check) for result in results) + 2
    rows = [line for result in results for line in _row(result, names, max(width - _COLUMN - names, 40))]
    counted = Counter(result.finding.verdict for result in results)
    return "\n".join([*rows, "", ", ".join(f"{counted[verdict]} {verdict}" for verdict in Verdict)])


def as_json(stack: str, results: Sequence[Result]) -> str:
    """Show the same as an object: `stack`, `errors` (whether there are any) and `findings`."""
    findings = [
        {"check": r.check, "verdict": r.finding.verdict, "says": r.finding.says, "what_to_do": r.finding.what_to_do}
        for r in results
    ]
    return json.dumps({"stack": stack, "errors": has_errors(results), "findings": findings}, indent=2)


def _row(result: Result, names: int, width: int) -> list[str]:
    finding = result.finding
    lines = textwrap.wrap(finding.says, width)
    lines += textwrap.wrap(f"→ {finding.what_to_do}", width, subsequent_indent="  ") if finding.what_to_do else []
    first = f"{finding.verdict:<{_COLUMN}}{result.check:<{names}}"
    return [(first if number == 0 else " " * len(first)) + line for number, line in enumerate(lines)]
