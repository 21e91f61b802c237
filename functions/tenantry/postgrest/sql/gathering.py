"""Rows gathered into one JSON array, no larger than it may be: PostgreSQL stops before it has built more."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenantry.postgrest.sql.refusing import Refusal, refuse

JSON = '"_json"'
_SUM = '"_sum"'


@dataclass(frozen=True, slots=True)
class Bound:
    """How large an answer may be.

    `exact` adds up the size of row by row, which costs microseconds; otherwise each of `max_rows` rows may take its
    share, and one that takes more raises `WIDE`: then the statement has to be sent again with an exact bound.
    `encoded`: what counts is the text as it stands in a JSON string, in which quotes are escaped.
    """

    max_bytes: int
    exact: bool = False
    encoded: bool = False

    def at(self, depth: int) -> int:
        """Give the bytes of an array that lies `depth` levels below the answer: all levels are in memory at once."""
        return self.max_bytes >> max(depth - 1, 0)


def gathered(
    rows: str, alias: str, bound: Bound, *, max_rows: int | None, depth: int = 0, value: str | None = None
) -> tuple[str, str]:
    """Write the aggregate over rows, NULL where there are none, and what it is selected from.

    :param alias: what the rows are called; it is quoted. The aggregate's source is called so as well.
    :param value: a column of plain values, in place of whole rows.
    """
    json = f"to_json({alias}.{value})" if value else f"row_to_json({alias}.*)"
    each = f"SELECT {json} AS {JSON} FROM ({rows}) {alias}"
    limit = bound.at(depth)
    if bound.exact or not max_rows:
        source = f"SELECT {JSON}, {_running(_size(bound))} AS {_SUM} FROM ({each}) {alias}"
        exceeded, refusal = f"{_SUM} > {limit:d}", Refusal.TOO_LARGE
    else:
        # OFFSET 0: the JSON is made once, and not once for each time that it is named.
        source = f"{each} OFFSET 0"
        exceeded, refusal = f"pg_column_size({JSON}) > {limit // max_rows:d}", Refusal.WIDE
    checked = f"CASE WHEN {exceeded} THEN {refuse(refusal)}::text::json ELSE {JSON} END"
    return f"json_agg({checked})", f"({source}) {alias}"


def gathered_lines(rows: str, alias: str, bound: Bound) -> tuple[str, str]:
    """Write the same for rows that are lines of text in a column `_line`, of which there may be none: then it is ''."""
    size = _running(f'octet_length({alias}."_line") + 2')
    source = f'SELECT "_line", {size} AS {_SUM} FROM ({rows}) {alias}'
    checked = f'CASE WHEN {_SUM} > {bound.max_bytes:d} THEN {refuse(Refusal.TOO_LARGE)}::text ELSE "_line" END'
    return f"coalesce(string_agg({checked}, E'\\n'), '')", f"({source}) {alias}"


def checked_rows(rows: str, alias: str, bound: Bound, *, max_rows: int | None, depth: int) -> str:
    """Write rows whose columns are gathered one by one, bounded in the same way."""
    limit = bound.at(depth)
    json = f"row_to_json({alias}.*)"
    if not bound.exact and max_rows:
        refused = (
            f"CASE WHEN pg_column_size({json}) > {limit // max_rows:d} THEN {refuse(Refusal.WIDE)} > 0 ELSE true END"
        )
        return f"SELECT * FROM ({rows}) {alias} WHERE {refused}"
    summed = f"SELECT {alias}.*, {_running(f'pg_column_size({json})')} AS {_SUM} FROM ({rows}) {alias}"
    refused = f"CASE WHEN {_SUM} > {limit:d} THEN {refuse(Refusal.TOO_LARGE)} > 0 ELSE true END"
    return f"SELECT * FROM ({summed}) {alias} WHERE {refused}"


def fits(values: Sequence[str], bound: Bound, depth: int) -> str:
    """Write the condition that values of one row are not larger together than an answer; false is never its value."""
    size = " + ".join(f"coalesce(pg_column_size({value}), 0)" for value in values)
    return f"CASE WHEN {size} > {bound.at(depth):d} THEN {refuse(Refusal.TOO_LARGE)} > 0 ELSE true END"


def _size(bound: Bound) -> str:
    if not bound.encoded:
        return f"pg_column_size({JSON}) + 2"
    # Of six bytes that Lambda sends, four and a half are the answer's at least.
    return f"greatest(pg_column_size({JSON}), octet_length(to_json({JSON}::text)::text) * 3 / 4) + 2"


def _running(size: str) -> str:
    return f"sum({size}) OVER (ROWS UNBOUNDED PRECEDING)"
