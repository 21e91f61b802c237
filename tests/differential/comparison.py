"""Compares two answers to one request, and lists their differences."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from tests.differential.cases import Case
from tests.differential.sides import Answered

HEADERS = (
    "content-range",
    "content-type",
    "content-location",
    "location",
    "preference-applied",
    "content-profile",
    "allow",
)
_ERROR = ("code", "message", "details", "hint")
# An aspect of an answer, and what each side has there.
type Differing = dict[str, tuple[Any, Any]]


def differing(case: Case, judge: Answered, ours: Answered) -> Differing:
    """Compare the status, the headers that a client reads, and the body; of an error, each part on its own.

    If only one side refuses the request, the only difference is `outcome`: the statuses with the codes.
    """
    if _refuses(judge) != _refuses(ours):
        return {"outcome": (_outcome(judge), _outcome(ours))}
    return {aspect: (left, right) for aspect, left, right in _aspects(case, judge, ours) if left != right}


def _refuses(answer: Answered) -> bool:
    return answer.status >= 400 or "code" in _error(answer)


def _outcome(answer: Answered) -> str:
    return f"{answer.status} {_error(answer).get('code', '')}".strip()


def _error(answer: Answered) -> dict[str, Any]:
    """Read the parts of an error; empty if the body is not an error."""
    try:
        content = json.loads(answer.text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _aspects(case: Case, judge: Answered, ours: Answered) -> Iterator[tuple[str, Any, Any]]:
    yield "status", judge.status, ours.status
    for name in HEADERS:
        yield name, _header(judge, name), _header(ours, name)
    if case.method == "HEAD":
        # PostgREST sends a body after an error's head; nobody reads it.
        return
    if _refuses(judge):
        for part in _ERROR:
            yield part, _error(judge).get(part), _error(ours).get(part)
    else:
        yield "body", _body(case, judge), _body(case, ours)


def _header(answer: Answered, name: str) -> str | None:
    value = answer.headers.get(name)
    if name == "location" and value is not None:
        # Ours has the stage's path and /rest/v1 before the table.
        return re.sub(r"^(/[^/?]+)*/rest/v1(?=/)", "", value)
    return _decoded(value) if name == "content-location" and value is not None else value


def _decoded(address: str) -> str:
    """Decode an address; PostgREST leaves the table's name as it is, and encodes what is not ASCII twice."""
    text = unquote(address)
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _body(case: Case, answer: Answered) -> Any:
    """Read a JSON body; rows without a requested order are sorted."""
    kind = answer.headers.get("content-type", "")
    if "json" in kind or "vnd.pgrst" in kind:
        try:
            return _arranged(case, json.loads(answer.text, parse_float=_Number, parse_int=_Number))
        except ValueError:
            return answer.text
    if "csv" in kind and not _orders(case.query, ""):
        head, *rows = answer.text.split("\n")
        return "\n".join([head, *sorted(rows)])
    return answer.text


class _Number(str):
    """A number as it was written, so that 1.50 and 1.5 differ."""

    __slots__ = ()


def _arranged(case: Case, content: Any) -> Any:
    rows = [_with_sorted_rows(row, case.query) for row in content] if isinstance(content, list) else content
    if isinstance(rows, list):
        return rows if _orders(case.query, "") else _sorted(rows)
    return _with_sorted_rows(rows, case.query)


def _with_sorted_rows(value: Any, query: str) -> Any:
    """Sort rows within rows, unless some have an order; other lists stay as they are."""
    if isinstance(value, dict):
        return {key: _with_sorted_rows(inner, query) for key, inner in value.items()}
    if isinstance(value, list):
        inner = [_with_sorted_rows(each, query) for each in value]
        are_rows = inner and all(isinstance(each, dict) for each in inner)
        return _sorted(inner) if are_rows and not _orders(query, ".") else inner
    return value


def _orders(query: str, before: str) -> bool:
    """Whether an order of rows was requested: of the answer's rows or (with a dot) of those within them."""
    return any(piece.startswith("order=") if not before else ".order=" in piece for piece in query.split("&"))


def _sorted(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
