"""Writes bodies that are none of the usual ones: of a database's own aggregates and functions, of bytes, of GeoJSON."""

from dataclasses import dataclass
from typing import Final

from tenantry.postgrest.catalogue.model import Handler, Name
from tenantry.postgrest.names import quote
from tenantry.postgrest.sql.gathering import Bound, gathered
from tenantry.postgrest.sql.refusing import Refusal, refuse
from tenantry.postgrest.sql.representing import qualified
from tenantry.postgrest.sql.values import Values

# PostgREST's name for the only column of a function that returns plain values: a CSV shows it.
VALUE: Final = "pgrst_scalar"
_VALUE, _SUM = '"_value"', '"_sum"'


@dataclass(frozen=True, slots=True)
class Made:
    """What makes a body of rows: an aggregate, PostGIS's function, or else the values of `column`, one after the other.

    `is_binary`: it is bytes, which the statement writes in Base64.
    """

    handler: Handler | None = None
    geojson: Name | None = None
    column: str = ""
    is_binary: bool = False
    # The stored column that it is made of: its table, its name and its type as SQL.
    stored: tuple[Name, str, str] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether a function's one value is the body."""
        return self.column == VALUE

    @property
    def takes_table(self) -> bool:
        """Whether the rows have to be a table's own, as they are stored."""
        return self.handler is not None and self.handler.takes is not None


def watch(made: Made | None, values: Values) -> None:
    """Note what a body is made of, so that it is not made of anything else that has the same name by now."""
    if made and made.stored:
        values.note_domain(*made.stored)
    if made and made.handler:
        values.note_routine(made.handler.oid, made.handler.function)


def own_body(made: Made, rows: str, alias: str, bound: Bound) -> tuple[str, str]:
    """Write the body, text or NULL, and what it reads from; an aggregate runs as the caller, as all that it calls."""
    if made.geojson:
        feature = f"{qualified(made.geojson)}({alias}.*)::json"
        array, origin = gathered(rows, alias, bound, max_rows=None, json=feature)
        features = f"coalesce({array}, '[]')"
        return f"json_build_object('type', 'FeatureCollection', 'features', {features})::text", origin
    if made.handler is None:
        return _values(made, rows, alias, bound)
    row = f"{alias}.*" if made.handler.takes is None else f"({alias}.*)::{qualified(made.handler.takes)}"
    return _written(f"{qualified(made.handler.function)}({row})", made, bound), f"({rows}) {alias}"


def _values(made: Made, rows: str, alias: str, bound: Bound) -> tuple[str, str]:
    """Put the values of one column together; PostgreSQL stops before it has more than an answer may hold."""
    kind, nothing = ("bytea", "''::bytea") if made.is_binary else ("text", "''")
    each = f"SELECT {alias}.{quote(made.column)}::{kind} AS {_VALUE} FROM ({rows}) {alias}"
    running = f"sum(octet_length({_VALUE})) OVER (ROWS UNBOUNDED PRECEDING)"
    source = f"SELECT {_VALUE}, {running} AS {_SUM} FROM ({each}) {alias}"
    # Made of text, for a cast of the refusal itself would be worked out beforehand.
    refusal = f"{refuse(Refusal.TOO_LARGE)}::text::{kind}"
    checked = f"CASE WHEN {_SUM} > {bound.max_bytes:d} THEN {refusal} ELSE {_VALUE} END"
    return _written(f"string_agg({checked}, {nothing})", made, bound), f"({source}) {alias}"


def _written(value: str, made: Made, bound: Bound) -> str:
    """Write a value as text, and refuse more than an answer may have, as it is sent."""
    if made.is_binary:
        value = f"({value})::bytea"
        size, text = f"octet_length({value})", f"translate(encode({value}, 'base64'), E'\\n', '')"
    else:
        text = f"({value})::text"
        size = f"greatest(octet_length({text}), octet_length(to_json({text})::text) * 3 / 4)"
    return f"CASE WHEN {size} > {bound.max_bytes:d} THEN {refuse(Refusal.TOO_LARGE)}::text ELSE {text} END"
