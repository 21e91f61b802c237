"""Writes the outer statement: counts, the body in its format, and the status and headers that a function has set."""

from collections.abc import Sequence

from tenantry.postgrest.media import Form, Media
from tenantry.postgrest.names import quote
from tenantry.postgrest.request import Guard

SOURCE = '"_source"'
# PostgREST's name for the only column of a function that returns plain values: a CSV shows it.
VALUE = "pgrst_scalar"
_SHOWN = '"_shown"'
_ROWS = '"_rows"'
_HEADERS = "nullif(current_setting('response.headers', true), '')"
_STATUS = "nullif(current_setting('response.status', true), '')"
# A guard fails with PostgreSQL's error for an index out of range, whose text holds the number of rows.
REFUSAL_SQLSTATE = "2202E"
_REFUSE = "get_byte(''::bytea, count(*)::int)::text"


def read_statement(rows: str, media: Media, *, total: str | None, head: bool) -> str:
    """Wrap the rows of a read. `Plan` explains the statement's columns."""
    counted = f'(SELECT count(*) FROM ({total}) "_all")' if total else "NULL::bigint"
    shown, origin = _shown(rows, media)
    body = "NULL::text" if head else body_sql(media)
    columns = f"{counted}, count(*), {body}, {_HEADERS}, {_STATUS}, NULL, NULL"
    return f"{f'WITH {shown} ' if shown else ''}SELECT {columns} FROM {origin} {_ROWS}"


def call_statement(
    call: str,
    rows: str,
    media: Media,
    *,
    value: bool,
    single: bool,
    total: str | None,
    guards: Sequence[tuple[Guard, int]],
) -> str:
    """Wrap the rows of a function so that it is called once.

    The statement always has a body: PostgreSQL does not call a function if nothing reads its rows.

    :param value: the rows are plain values, in the column `VALUE`.
    """
    body = body_sql(media, value=value, one=single)
    shown, origin = _shown(rows, media)
    counted = f'(SELECT count(*) FROM ({total}) "_all")' if total else "NULL::bigint"
    count = "1::bigint" if single else "count(*)"
    columns = f"{counted}, {count}, {body}, {_HEADERS}, {_STATUS}, NULL, {_guard(guards)}"
    return f"WITH {SOURCE} AS ({call}){f', {shown}' if shown else ''} SELECT {columns} FROM {origin} {_ROWS}"


def write_statement(
    change: str,
    rows: str | None,
    media: Media,
    *,
    key: Sequence[str] = (),
    made: str = "NULL",
    guards: Sequence[tuple[Guard, int]] = (),
) -> str:
    """Wrap a change.

    :param rows: the statement that selects the answer's rows from the changed ones; None if there is no body.
    :param key: the primary key's columns, if the answer has to name the one row that was inserted.
    :param made: SQL for the number of inserted rows.
    """
    body = body_sql(media) if rows is not None else "NULL::text"
    refusal = _guard(guards)
    new = made if refusal == "NULL" else f"coalesce({refusal}, ({made})::text)"
    columns = f"NULL::bigint, count(*), {body}, {_HEADERS}, {_STATUS}, {_location(key)}, {new}"
    shown, origin = _shown(rows, media) if rows is not None else ("", f"(SELECT 1 FROM {SOURCE})")
    return f"WITH {SOURCE} AS ({change}){f', {shown}' if shown else ''} SELECT {columns} FROM {origin} {_ROWS}"


def _shown(rows: str, media: Media) -> tuple[str, str]:
    """Return the statement's WITH part and its source: for a CSV, which reads its rows twice, the rows need a name."""
    is_csv = Form.CSV in (media.form, media.inner)
    return (f"{_SHOWN} AS ({rows})", _SHOWN) if is_csv else ("", f"({rows})")


def body_sql(media: Media, *, value: bool = False, one: bool = False) -> str:
    """Write the SQL of the body.

    `_rows` is only ever used as `"_rows".*`, which means the row even if it has a column of that name.

    :param value: the rows are plain values, in the column `VALUE`.
    :param one: there can only be one row, so the body is not an array.
    """
    form = media.inner if media.form is Form.PLAN else media.form
    if form is Form.CSV:
        return _csv()
    row = f"{_ROWS}.{VALUE}" if value else f"{_ROWS}.*"
    rows = f"json_agg({row})"
    if form is Form.OBJECT or one:
        rows, empty = f"{rows} -> 0", "null"
    else:
        empty = "[]"
    rows = f"json_strip_nulls({rows})" if media.strip_nulls else rows
    return f"coalesce({rows}, '{empty}')::text"


def _csv() -> str:
    """Write a header line and, for each row, PostgreSQL's text of a record without the parentheses."""
    first = f'(SELECT row_to_json("_first".*) FROM {_SHOWN} "_first" LIMIT 1)'
    header = f"(SELECT coalesce(string_agg(\"_key\", ','), '') FROM json_object_keys({first}) \"_key\")"
    record = f"({_ROWS}.*)::text"
    lines = f"coalesce(string_agg(substring({record}, 2, length({record}) - 2), E'\\n'), '')"
    return f"{header} || E'\\n' || {lines}"


def _location(key: Sequence[str]) -> str:
    if not key:
        return "NULL"
    columns = ", ".join(f"{SOURCE}.{quote(column)}" for column in key)
    row = f'(SELECT row_to_json("_key".*) FROM (SELECT {columns} FROM {SOURCE} LIMIT 1) "_key")'
    return f"CASE WHEN count(*) = 1 THEN (SELECT json_object_agg(key, value)::text FROM json_each_text({row})) END"


def _guard(guards: Sequence[tuple[Guard, int]]) -> str:
    """Write SQL that fails, and so rolls the change back, if the number of rows is not the required one."""
    if not guards:
        return "NULL"
    cases = [
        f"WHEN count(*) {'>' if guard is Guard.MAX_AFFECTED else '<>'} {limit:d} THEN {_REFUSE}"
        for guard, limit in guards
    ]
    return f"CASE {' '.join(cases)} END"
