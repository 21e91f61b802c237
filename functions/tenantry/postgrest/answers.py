"""Turns a statement's row into the answer: status, body and headers."""

import json
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.media import Form
from tenantry.postgrest.own_headers import (
    MOST_SENT_BYTES,
    Headers,
    profile_header,
    read_headers,
    read_status,
    sent_bytes,
)
from tenantry.postgrest.refusals import range_refused
from tenantry.postgrest.request import Action, Guard, Plan


class Row(NamedTuple):
    """The row that every plan's statement returns; `Plan` explains the columns."""

    total: int | None
    rows: int
    body: str | None
    headers: str | None = None
    status: str | None = None
    key: str | None = None
    made: int | str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request: an HTTP status, text and headers; where `is_binary`, the text is bytes in Base64."""

    status: int
    body: str
    headers: Headers = field(default_factory=dict)
    is_binary: bool = False


def answer_of(plan: Plan, row: Row) -> Answer:
    """Build the answer of a statement that succeeded.

    :raises RequestRefused: the number of rows is not the one asked for; nothing was changed.
    """
    if plan.action is Action.READ and plan.media.form is Form.OBJECT and row.rows != 1:
        raise not_single(row.rows)
    if plan.media.form is Form.PLAN:
        return Answer(200, row.body or "", _told(plan))
    headers: Headers = {"Content-Range": _content_range(plan, row)} if plan.action is not Action.REPLACE else {}
    status = _status(plan, row)
    if plan.address:
        headers["Content-Location"] = plan.address
    if row.key:
        headers["Location"] = _location(plan.name, row.key)
    if plan.applied:
        headers["Preference-Applied"] = plan.applied
    if (plan.returns_body or plan.action in (Action.READ, Action.CALL)) and not plan.is_void:
        headers |= _told(plan)
    if row.headers:
        headers = _with_own(headers, read_headers(row.headers))
    return Answer(
        read_status(row.status) if row.status else status,
        (row.body or "") if plan.returns_body else "",
        headers,
        plan.is_binary,
    )


def _with_own(ours: Headers, own: Headers) -> Headers:
    """Add a function's headers; where both can't be sent, the rows go without their address, which nobody needs."""
    if sent_bytes(ours | own) > MOST_SENT_BYTES:
        ours.pop("Content-Location", None)
    return ours | own


def _told(plan: Plan) -> Headers:
    """Return the headers that describe the body: its media type and its schema."""
    return {"Content-Type": plan.media.content_type, **_profile(plan)}


def _profile(plan: Plan) -> dict[str, str]:
    return profile_header(plan.profile) if plan.profile else {}


def not_single(rows: int) -> RequestRefused:
    """Build the refusal for a result that is not exactly one row."""
    details = f"The result contains {rows} rows"
    return RequestRefused("Cannot coerce the result to a single JSON object", code="PGRST116", details=details)


def guarded(guard: Guard, rows: int) -> RequestRefused:
    """Build the refusal for the guard that failed, by the rows that it counted; the change was rolled back."""
    if guard is Guard.ONE_ROW:
        return not_single(rows)
    if guard is Guard.AS_NAMED:
        return RequestRefused("Payload values do not match URL in primary key column(s)", code="PGRST115")
    details = f"The query affects {rows} rows"
    return RequestRefused("Query result exceeds max-affected preference constraint", code="PGRST124", details=details)


def _status(plan: Plan, row: Row) -> int:
    if plan.is_void:
        return 204
    if plan.action in (Action.READ, Action.CALL) and row.total is not None:
        if plan.offset > row.total:
            raise _beyond(plan, row.total)
        return 206 if row.rows < row.total else 200
    if plan.action in (Action.UPSERT, Action.REPLACE) and row.made is not None:
        made = int(row.made) > 0
        if plan.action is Action.UPSERT:
            return 201 if made else 200
        return plan.status if plan.status == 204 else (201 if made else 200)
    return plan.status


def _beyond(plan: Plan, total: int) -> RequestRefused:
    refusal = range_refused(f"An offset of {plan.offset} was requested, but there are only {total} rows.")
    applied = {"Preference-Applied": plan.applied} if plan.applied else {}
    address = {"Content-Location": plan.address} if plan.address else {}
    refusal.headers = {"Content-Range": f"*/{total}", **address, **applied, **_profile(plan)}
    return refusal


def _content_range(plan: Plan, row: Row) -> str:
    if plan.action in (Action.READ, Action.CALL):
        total = row.total
        first, last = plan.offset, plan.offset + row.rows - 1
    else:
        total = row.rows if plan.preferences.count in ("exact", "estimated") else None
        first, last = (0, row.rows - 1) if plan.action is Action.UPDATE else (1, 0)
    rows = f"{first}-{last}" if first <= last and total != 0 else "*"
    return f"{rows}/{'*' if total is None else total}"


def _location(name: str, key: str) -> str:
    pairs = [(column, f"eq.{value}" if value is not None else "is.null") for column, value in json.loads(key).items()]
    query = "&".join(f"{quote(column, safe='')}={quote(value, safe='')}" for column, value in pairs)
    return f"/{quote(name, safe='')}?{query}"
