"""Reports that an operation makes: stored in the bucket, with a summary and the key in the operation's facts."""

import json
from collections.abc import Callable
from typing import Any

from tenantry.domain.errors import NotFound
from tenantry.domain.operation import Operation
from tenantry.operations.operations import Operations, Step
from tenantry.reports.report_store import ReportStore

# Lambda allows 6 MB for an answer, but the report in it is a JSON string, whose quotes are escaped.
MAX_ANSWER_BYTES = 4_500_000
_KEY = "report_key"
_ENOUGH = 100


def stored_step(name: str, kind: str, make: Callable[[], dict[str, Any]], store: ReportStore) -> Step:
    """Return the step that makes and stores a report."""

    def run(operation: Operation) -> dict[str, Any]:
        report = make()
        key = store.put(kind, operation.operation_id, report)
        summary: dict[str, Any] = {part: len(report[part]) for part in ("findings", "unchecked") if part in report}
        if "passed" in report:
            summary["passed"] = report["passed"]
        return {_KEY: key, **summary}

    return Step(name, run)


def newest_report(operations: Operations, store: ReportStore, kind: str, target: str, path: str) -> dict[str, Any]:
    """Read the newest report of a kind, shortened to fit into an answer.

    :param target: what operations that make such a report are about.
    :param path: the route whose POST makes such a report.
    :raises NotFound: there is no report yet.
    :raises DependencyFailed: DynamoDB or S3 did not answer.
    """
    done = next((o for o in operations.newest(_ENOUGH, target, kind) if _KEY in o.facts), None)
    if done is None:
        raise NotFound("There is no such report yet.", code="report_unknown", hint=f"POST {path} makes one.")
    key = done.facts[_KEY]
    return shorten(store.get(key) | {"operation_id": done.operation_id, "stored_at": key}, MAX_ANSWER_BYTES)


def shorten(report: dict[str, Any], max_bytes: int) -> dict[str, Any]:
    """Truncate long lists until a report fits; `left_out` says how many items of which list are missing.

    The worst findings come first, so they are kept. The whole report is in the bucket, under `stored_at`.
    """
    shortened, left_out = dict(report), dict[str, int]()
    while len(json.dumps(json.dumps(shortened))) > max_bytes:
        lists = {name: len(json.dumps(value)) for name, value in shortened.items() if _can_be_cut(name, value)}
        if not lists:
            break
        longest = max(lists, key=lists.__getitem__)
        items = shortened[longest]
        kept = len(items) // 2
        left_out[longest] = left_out.get(longest, 0) + len(items) - kept
        shortened[longest] = dict(list(items.items())[:kept]) if isinstance(items, dict) else items[:kept]
        shortened["left_out"] = left_out
    return shortened


def _can_be_cut(name: str, value: Any) -> bool:
    return isinstance(value, list | dict) and bool(value) and name != "left_out"
