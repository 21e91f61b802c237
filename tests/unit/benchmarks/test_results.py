"""The report of a benchmark."""

import json
from pathlib import Path

import pytest

from benchmarks.results import Result, table, write_results


@pytest.mark.parametrize(
    ("result", "ok"),
    [
        (Result("x", "ms", 17.0, 10.0, at_most=1.7), True),
        (Result("x", "ms", 17.1, 10.0, at_most=1.7), False),
        (Result("x", "ms", 80.0, 10.0, at_least=8.0), True),
        (Result("x", "ms", 79.0, 10.0, at_least=8.0), False),
        (Result("x", "ms", 80.0, 10.0), None),
    ],
)
def test_a_ratio_is_compared_with_its_target(result: Result, ok: bool | None) -> None:
    assert result.ok is ok


def test_the_file_tells_of_one_run(tmp_path: Path) -> None:
    file = tmp_path / "bench" / "results.json"
    write_results([Result("old", "ms", 1.0, 1.0)], file)

    write_results([Result("new", "ms", 3.0, 2.0, at_most=1.2)], file)

    (entry,) = json.loads(file.read_text())
    assert entry == {
        "name": "new",
        "unit": "ms",
        "value": 3.0,
        "reference": 2.0,
        "ratio": 1.5,
        "target": "<= 1.2",
        "ok": False,
    }


def test_a_missed_target_shows_in_the_table() -> None:
    assert "MISSED" in table([Result("slow", "ms", 3.0, 2.0, at_most=1.2)])
