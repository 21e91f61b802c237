import json
from typing import Any

from tenantry.reports.stored_reports import shorten


def report(findings: int) -> dict[str, Any]:
    rows = [{"kind": "x", "where": str(number), "hint": 'a "quoted" hint'} for number in range(findings)]
    return {"passed": False, "findings": rows, "by_tenant": {str(number): number for number in range(10)}}


def test_a_report_that_fits_is_as_it_is() -> None:
    assert shorten(report(5), 10_000) == report(5)


def test_a_report_that_does_not_fit_keeps_the_beginning_of_its_longest_list_and_says_how_much_is_left_out() -> None:
    whole = report(1000)
    shown = shorten(whole, 10_000)
    assert len(json.dumps(json.dumps(shown))) <= 10_000
    kept = len(shown["findings"])
    assert 0 < kept < 1000
    assert shown["findings"] == whole["findings"][:kept]
    assert shown["left_out"] == {"findings": 1000 - kept}
    assert shown["by_tenant"] == whole["by_tenant"]
    assert len(whole["findings"]) == 1000


def test_what_can_not_be_shortened_ends() -> None:
    shown = shorten({"findings": [1, 2], "by_tenant": {"a": 1}, "text": "x" * 100}, 10)
    assert (shown["findings"], shown["by_tenant"], shown["text"]) == ([], {}, "x" * 100)
    assert shown["left_out"] == {"findings": 2, "by_tenant": 1}
