"""The query string, sorted into what each parameter means."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.filters import parse_filter
from tenantry.postgrest.ordering import parse_order
from tenantry.postgrest.refusals import beyond, unsupported
from tenantry.postgrest.request import Limits, Request
from tenantry.postgrest.selection import EVERYTHING, parse_columns, parse_select
from tenantry.postgrest.syntax import Filter, OrderTerm, SelectItem
from tenantry.postgrest.window import parse_count

_RESERVED = frozenset({"select", "order", "limit", "offset", "columns", "on_conflict"})
_LOGICAL = frozenset({"and", "or"})
# As the last word of `relation.word` these are reserved, too.
_EMBEDDABLE = frozenset({"order", "limit", "offset", "and", "or"})


@dataclass(frozen=True, slots=True)
class Parameters:
    """A query string, parsed; None is a parameter that was not given."""

    select: tuple[SelectItem, ...]
    filters: tuple[Filter, ...]
    order: tuple[OrderTerm, ...]
    limit: int | None
    offset: int | None
    columns: tuple[str, ...] | None


def parse_parameters(request: Request, limits: Limits) -> Parameters:
    """Parse every parameter of the request; none is ignored. Raises GrammarError."""
    reserved: dict[str, str] = {}
    filters: list[Filter] = []
    for key, texts in request.query.items():
        if key in _RESERVED:
            if texts:
                reserved[key] = _take_only(key, texts)
            continue
        if len(filters) + len(texts) > limits.max_filters:
            raise beyond("filters", limits.max_filters)
        _check_key(key)
        filters.extend([parse_filter(key, text, limits.max_list_items) for text in texts])
    return _parse_reserved(reserved, tuple(filters), limits)


def _parse_reserved(given: dict[str, str], filters: tuple[Filter, ...], limits: Limits) -> Parameters:
    if "on_conflict" in given:
        raise unsupported("on_conflict", given["on_conflict"])
    select, order, columns = given.get("select"), given.get("order"), given.get("columns")
    limit, offset = given.get("limit"), given.get("offset")
    return Parameters(
        EVERYTHING if select is None else parse_select(select, limits.max_select_items),
        filters,
        () if order is None else parse_order(order, limits.max_order_terms),
        None if limit is None else parse_count("limit", limit),
        None if offset is None else parse_count("offset", offset),
        None if columns is None else parse_columns(columns, limits.max_select_items),
    )


def _take_only(key: str, texts: Sequence[str]) -> str:
    if len(texts) > 1:
        raise GrammarError(f"{key} was given {len(texts)} times", hint="Give it once, with commas inside.")
    return texts[0]


def _check_key(key: str) -> None:
    if key in _LOGICAL:
        raise unsupported("a tree of conditions (and, or)", key)
    if "." not in key:
        return
    path, _, last = key.rpartition(".")
    if path == "not" and last in _LOGICAL:
        raise unsupported("a tree of conditions (and, or)", key)
    if last in _EMBEDDABLE:
        raise unsupported("a parameter of an embedded table", key)
