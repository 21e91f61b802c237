"""Writes SQL that gathers rows into one JSON array of limited size: PostgreSQL stops before it has built more."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenantry.postgrest.sql.refusing import Refusal, refuse

JSON = '"_json"'
_SUM = '"_sum"'


@dataclass(frozen=True, slots=True)
class Bound:
    """How large an answer may be.

    `exact`: adds up the sizes row by row, which costs microseconds. Otherwise each of `max_rows` rows may take an equal
    share, and a row that takes more raises `WIDE`: the statement then has to be sent again with an exact bound.
    `encoded`: the size that counts is that of the text within a JSON string, in which quotes are escaped.
    """

    max_bytes: int
    exact: bool = False
    encoded: bool = False

    def at(self, depth: int) -> int:
        """Return the most bytes of an array `depth` levels below the answer: all levels are in memory at once."""
        return self.max_bytes >> max(depth - 1, 0)


def gathered(
    rows: str,
    alias: str,
    bound: Bound,
    *,
    max_rows: int | None,
    depth: int = 0,
    value: str | None = None,
    json: str = "",
) -> tuple[str, str]:
    """Write the aggregate over rows, which is NULL if there are none, and the FROM item that it needs.

    :param alias: the quoted alias of the rows, and also of the FROM item.
    :param value: a column whose plain values are gathered in place of whole rows.
    :param json: SQL for what is gathered in place of either.
    """
    json = json or (f"to_json({alias}.{value})" if value else f"row_to_json({alias}.*)")
    each = f"SELECT {json} AS {JSON} FROM ({rows}) {alias}"
    limit = bound.at(depth)
    if bound.exact or not max_rows:
        source = f"SELECT {JSON}, {_running(_size(bound))} AS {_SUM} FROM ({each}) {alias}"
        exceeded, refusal = f"{_SUM} > {limit:d}", Refusal.TOO_LARGE
    else:
        # OFFSET 0 makes PostgreSQL compute the JSON once, and not each time that the column is used.
        source = f"{each} OFFSET 0"
        exceeded, refusal = f"pg_column_size({JSON}) > {limit // max_rows:d}", Refusal.WIDE
    checked = f"CASE WHEN {exceeded} THEN {refuse(refusal)}::text::json ELSE {JSON} END"
    return f"json_agg({checked})", f"({source}) {alias}"


def gathered_lines(rows: str, alias: str, bound: Bound) -> tuple[str, str]:
    """Write the same for rows that are lines of text in a column `_line`; without rows the aggregate is ''."""
    size = _running(_line_size(f'{alias}."_line"', bound))
    source = f'SELECT "_line", {size} AS {_SUM} FROM ({rows}) {alias}'
    checked = f'CASE WHEN {_SUM} > {bound.max_bytes:d} THEN {refuse(Refusal.TOO_LARGE)}::text ELSE "_line" END'
    return f"coalesce(string_agg({checked}, E'\\n'), '')", f"({source}) {alias}"


def checked_rows(rows: str, alias: str, bound: Bound, summed: str, *, max_rows: int | None, depth: int) -> str:
    """Write rows whose columns are gathered one by one, bounded in the same way.

    :param summed: the quoted name of a column that the rows don't have.
    """
    limit = bound.at(depth)
    json = f"row_to_json({alias}.*)"
    if not bound.exact and max_rows:
        refused = (
            f"CASE WHEN pg_column_size({json}) > {limit // max_rows:d} THEN {refuse(Refusal.WIDE)} > 0 ELSE true END"
        )
        return f"SELECT * FROM ({rows}) {alias} WHERE {refused}"
    sums = f"SELECT {alias}.*, {_running(f'pg_column_size({json})')} AS {summed} FROM ({rows}) {alias}"
    refused = f"CASE WHEN {summed} > {limit:d} THEN {refuse(Refusal.TOO_LARGE)} > 0 ELSE true END"
    return f"SELECT * FROM ({sums}) {alias} WHERE {refused}"


def fits(values: Sequence[str], bound: Bound, depth: int) -> str:
    """Write the condition that values of one row together fit into an answer; it is true or raises, and never false."""
    size = " + ".join(f"coalesce(pg_column_size({value}), 0)" for value in values)
    return f"CASE WHEN {size} > {bound.at(depth):d} THEN {refuse(Refusal.TOO_LARGE)} > 0 ELSE true END"


# What stands between two values of an array counts, too: four bytes, or six where it is sent.
def _size(bound: Bound) -> str:
    if not bound.encoded:
        return f"pg_column_size({JSON}) + 4"
    # Of every six bytes that Lambda sends, at least four and a half belong to the answer.
    return f"greatest(pg_column_size({JSON}), octet_length(to_json({JSON}::text)::text) * 3 / 4) + 4"


def _line_size(line: str, bound: Bound) -> str:
    if not bound.encoded:
        return f"octet_length({line}) + 2"
    return f"greatest(octet_length({line}), octet_length(to_json({line})::text) * 3 / 4) + 2"


def _running(size: str) -> str:
    return f"sum({size}) OVER (ROWS UNBOUNDED PRECEDING)"
