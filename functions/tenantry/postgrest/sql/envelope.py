"""Writes the outer statement: counts, the body in its format, and the status and headers that a function has set."""

from collections.abc import Mapping, Sequence
from functools import cache

from tenantry.domain.session_state import SESSION_STATE
from tenantry.postgrest.media import Form, Media
from tenantry.postgrest.names import quote
from tenantry.postgrest.own_headers import HEADERS_PATTERN, MAX_HEADERS_BYTES, MAX_WITH_LOCATION, STATUS_PATTERN
from tenantry.postgrest.request import Guard
from tenantry.postgrest.sql.csv_lines import csv_body
from tenantry.postgrest.sql.gathering import Bound, gathered
from tenantry.postgrest.sql.own_bodies import VALUE, Made, own_body
from tenantry.postgrest.sql.refusing import Refusal, refuse, refuse_rows

SOURCE = '"_source"'
_ROWS = '"_rows"'
_HEADERS = "nullif(current_setting('response.headers', true), '')"
_STATUS = "nullif(current_setting('response.status', true), '')"
# No more of either than shows that it can't be sent.
_SHOWN = f"left({_HEADERS}, {MAX_HEADERS_BYTES + 1:d}), left({_STATUS}, 4)"
# As they are sent: a database may have another encoding, in which they are shorter.
_HEADERS_BYTES = f"octet_length(convert_to({_HEADERS}, 'UTF8'))"
# Of a key's text; in a URL, each byte may take several.
_MAX_KEY_BYTES = 1_500
_BYTES_IN_URL = 3
# All rows that were changed, or that a function returned: of an answer's there may be less, or others.
SOURCE_ROWS = f"(SELECT count(*) FROM {SOURCE})"


@cache
def _checked() -> str:
    """Write the headers and the status of a change, which is taken back if they can't be sent."""
    return (
        f"CASE WHEN {_HEADERS_BYTES} > {MAX_HEADERS_BYTES:d} OR {_HEADERS} !~ '{HEADERS_PATTERN}'"
        f" THEN {refuse(Refusal.HEADERS)}::text ELSE {_HEADERS} END,"
        f" CASE WHEN {_STATUS} !~ '{STATUS_PATTERN}' THEN {refuse(Refusal.STATUS)}::text ELSE {_STATUS} END"
    )


def read_statement(
    rows: str,
    media: Media,
    *,
    made: Made | None,
    total: str | None,
    head: bool,
    bound: Bound,
    max_rows: int | None,
    gate: str,
) -> str:
    """Wrap rows that are read. Its columns are those that Plan says."""
    counted = f'(SELECT count(*) FROM ({total}) "_all")' if total else "NULL::bigint"
    shown, body, origin = "", "NULL::text", f"({rows}) {_ROWS}"
    if not head:
        shown, body, origin = _body(rows, media, made, bound, max_rows)
    columns = f"{counted}, count(*), {body}, {_SHOWN}, NULL, NULL, {SESSION_STATE}"
    return f"{f'WITH {shown} ' if shown else ''}SELECT {columns} FROM {origin}{gate}"


def call_statement(
    call: str,
    rows: str,
    media: Media,
    *,
    made: Made | None,
    value: bool,
    single: bool,
    total: str | None,
    guards: Sequence[tuple[Guard, int]],
    bound: Bound,
    gate: str,
) -> str:
    """Wrap the rows of a function so that it is called once.

    The statement always has a body: PostgreSQL does not call a function if nothing reads its rows.

    :param value: the rows are plain values, in the column `VALUE`.
    """
    shown, body, origin = _body(rows, media, made, bound, None, value=value, one=single)
    counted = f'(SELECT count(*) FROM ({total}) "_all")' if total else "NULL::bigint"
    count = "1::bigint" if single else "count(*)"
    columns = f"{counted}, {count}, {body}, {_checked()}, NULL, {_guard(guards, SOURCE_ROWS)}, {SESSION_STATE}"
    return f"WITH {SOURCE} AS ({call}){f', {shown}' if shown else ''} SELECT {columns} FROM {origin}{gate}"


def write_statement(
    change: str,
    rows: str | None,
    media: Media,
    *,
    own: Made | None,
    key: Mapping[str, str] | None = None,
    changed: str = "count(*)",
    made: str = "NULL",
    guards: Sequence[tuple[Guard, int]] = (),
    bound: Bound,
    gate: str,
) -> str:
    """Wrap a change.

    :param rows: the statement that selects the answer's rows from the changed ones; None if there is no body.
    :param key: the primary key's columns, each with SQL for its value, if the answer has to name the one row that was
        inserted.
    :param changed: SQL for the number of changed rows.
    :param made: SQL for the number of inserted rows.
    """
    shown, body, origin = "", "NULL::text", f"(SELECT 1 FROM {SOURCE}) {_ROWS}"
    if rows is not None:
        shown, body, origin = _body(rows, media, own, bound, None)
    refusal = _guard(guards, changed)
    new = made if refusal == "NULL" else f"coalesce({refusal}, ({made})::text)"
    columns = f"NULL::bigint, count(*), {body}, {_checked()}, {_location(key or {})}, {new}, {SESSION_STATE}"
    return f"WITH {SOURCE} AS ({change}){f', {shown}' if shown else ''} SELECT {columns} FROM {origin}{gate}"


def _body(
    rows: str,
    media: Media,
    made: Made | None,
    bound: Bound,
    max_rows: int | None,
    *,
    value: bool = False,
    one: bool = False,
) -> tuple[str, str, str]:
    """Write the body: what comes before the statement, the aggregate, and what it reads from.

    `_rows` is only ever used as `"_rows".*`, which means the row even if it has a column of that name.

    :param value: the rows are plain values, in the column `VALUE`.
    :param one: there can only be one row, so the body is not an array.
    """
    if made:
        return "", *own_body(made, rows, _ROWS, bound)
    form = media.inner if media.form is Form.PLAN else media.form
    if form is Form.CSV:
        return csv_body(rows, bound)
    # One value of several is told as the row that it is, as PostgREST does.
    plain = value and (one or form is not Form.OBJECT)
    array, origin = gathered(rows, _ROWS, bound, max_rows=max_rows, value=VALUE if plain else None)
    body, empty = array, "[]"
    if form is Form.OBJECT or one:
        body, empty = f"{array} -> 0", "null"
    body = f"json_strip_nulls({body})" if media.strip_nulls else body
    return "", f"coalesce({body}, '{empty}')::text", origin


def _location(key: Mapping[str, str]) -> str:
    if not key:
        return "NULL"
    columns = ", ".join(f"{value} AS {quote(column)}" for column, value in key.items())
    row = f'(SELECT row_to_json("_key".*) FROM (SELECT {columns} FROM {SOURCE} LIMIT 1) "_key")'
    text, refusal = "json_object_agg(key, value)::text", f"{refuse(Refusal.LOCATION)}::text"
    size = f"octet_length(convert_to({text}, 'UTF8'))"
    both = f"{_BYTES_IN_URL} * {size} + coalesce({_HEADERS_BYTES}, 0)"
    is_long = f"{size} > {_MAX_KEY_BYTES:d} OR {both} > {MAX_WITH_LOCATION:d}"
    bounded = f"CASE WHEN {is_long} THEN {refusal} ELSE {text} END"
    return f"CASE WHEN count(*) = 1 THEN (SELECT {bounded} FROM json_each_text({row})) END"


def _guard(guards: Sequence[tuple[Guard, int]], affected: str) -> str:
    """Write SQL that fails, and so rolls the change back, if the number of rows is not the required one."""
    cases = [_guard_case(guard, limit, affected) for guard, limit in guards]
    return f"CASE {' '.join(cases)} END" if cases else "NULL"


def _guard_case(guard: Guard, limit: int, affected: str) -> str:
    """Refuse another number of rows: of those of the answer where one is asked for, otherwise of those affected."""
    rows = "count(*)" if guard is Guard.ONE_ROW else affected
    sign = ">" if guard is Guard.MAX_AFFECTED else "<>"
    return f"WHEN {rows} {sign} {limit:d} THEN {refuse_rows(guard, rows)}"
