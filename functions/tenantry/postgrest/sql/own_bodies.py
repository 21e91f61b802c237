"""Writes bodies that are none of the usual ones: of a database's own aggregates and functions, of bytes, of GeoJSON."""

from dataclasses import dataclass

from tenantry.postgrest.catalogue.model import Handler, Name
from tenantry.postgrest.names import quote
from tenantry.postgrest.sql.gathering import Bound, gathered
from tenantry.postgrest.sql.refusing import Refusal, refuse
from tenantry.postgrest.sql.representing import qualified

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

    @property
    def takes_table(self) -> bool:
        """Whether the rows have to be a table's own, as they are stored."""
        return self.handler is not None and self.handler.takes is not None


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
