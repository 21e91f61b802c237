"""The result of a benchmark: one ratio and its target, as a line on screen and as an entry of results.json."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "build" / "bench" / "results.json"


class BenchmarkFailed(Exception):
    """The measured code did not do its work."""


@dataclass(frozen=True, slots=True)
class Result:
    """`value` compared with `reference`, both in `unit`; a ratio without a target is for information only."""

    name: str
    unit: str
    value: float
    reference: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def ratio(self) -> float:
        """The value divided by the reference."""
        return self.value / self.reference

    @property
    def target(self) -> str | None:
        """The target as text; None if there is none."""
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return None if self.at_least is None else f">= {self.at_least:g}"

    @property
    def ok(self) -> bool | None:
        """Whether the ratio meets the target; None without a target."""
        if self.at_most is not None:
            return self.ratio <= self.at_most
        return None if self.at_least is None else self.ratio >= self.at_least

    def as_json(self) -> dict[str, Any]:
        """Return the entry in results.json."""
        return {
            "name": self.name,
            "unit": self.unit,
            "value": round(self.value, 4),
            "reference": round(self.reference, 4),
            "ratio": round(self.ratio, 4),
            "target": self.target,
            "ok": self.ok,
        }


def write_results(results: Iterable[Result], file: Path = FILE) -> None:
    """Overwrite results.json: it has the results of one run only."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([result.as_json() for result in results], indent=2) + "\n")


def table(results: Iterable[Result]) -> str:
    """Format the results as a table for the terminal."""
    lines = [f"{'':<28}{'measured':>14}{'reference':>14}  {'unit':<11}{'ratio':>7}  target"]
    verdicts = {True: "ok", False: "MISSED", None: ""}
    lines += [
        f"{result.name:<28}{result.value:>14.3f}{result.reference:>14.3f}  {result.unit:<11}"
        f"{result.ratio:>7.3f}  {result.target or '-':<9}{verdicts[result.ok]}".rstrip()
        for result in results
    ]
    return "\n".join(lines)
