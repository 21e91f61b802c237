"""Chooses the form of an answer among the usual ones and those that a tenant's own database makes."""

from collections.abc import Mapping

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.catalogue.model import Catalogue, Handler, Name, Routine, Table
from tenantry.postgrest.grammar.selection import EVERYTHING, Items
from tenantry.postgrest.grammar.syntax import SelectItem
from tenantry.postgrest.media import ANY, Form, Media, Offer, negotiate
from tenantry.postgrest.plan.needs import CatalogueNeeded
from tenantry.postgrest.request import RequestLimits
from tenantry.postgrest.sql.own_bodies import VALUE, Made

# What only the catalogue says whether it can be had.
_IN_DOUBT = ("octet-stream", "geo+json")
_BYTES = Name("pg_catalog", "bytea")


def form_of_rows(
    accept: str, limits: RequestLimits, catalogue: Catalogue | None, name: Name, select: Items
) -> tuple[Media, Made | None]:
    """Choose the form of a table's rows, and say how it is made where it is none of the usual ones.

    :raises CatalogueNeeded: only the catalogue can tell.
    :raises RequestRefused: with PGRST107, no form is available.
    """
    if catalogue is None:
        if any(kind in accept.lower() for kind in _IN_DOUBT):
            raise CatalogueNeeded()
        try:
            return negotiate(accept, plans=limits.plans), None
        except RequestRefused as exc:
            raise CatalogueNeeded() from exc
    bytes_ = _bytes_of(catalogue.tables.get(name), select)
    media = negotiate(accept, plans=limits.plans, offer=_offer(catalogue, name, select, has_bytes=bytes_ is not None))
    return media, _made(media, catalogue, name, select, bytes_)


def form_of_call(
    accept: str, limits: RequestLimits, catalogue: Catalogue, routine: Routine, rows: Name | None, select: Items
) -> tuple[Media, Made | None]:
    """Choose the form of a function's answer, in the same way; `rows` names the table whose rows it returns, if any."""
    bytes_ = _bytes_of(catalogue.tables.get(rows) if rows else None, select)
    if not routine.composite and routine.returns == _BYTES and not routine.media:
        bytes_ = Made(column=VALUE, is_binary=True)
    offer = _offer(catalogue, rows, select, has_bytes=bytes_ is not None, routine=routine)
    media = negotiate(accept, plans=limits.plans, offer=offer)
    if media.own and media.own == routine.media:
        return media, Made(column=VALUE, is_binary=routine.returns == _BYTES)
    return media, _made(media, catalogue, rows, select, bytes_)


def _offer(
    catalogue: Catalogue, rows: Name | None, select: Items, *, has_bytes: bool, routine: Routine | None = None
) -> Offer:
    own: set[str] = set(catalogue.handlers.get(None, ()))
    whole = _handlers_of(catalogue, rows, select)
    # A form for everything of one table or function goes before all others; one for anything is the one of `*/*`.
    its = {*whole, routine.media} if routine and routine.media else set(whole)
    has_rows = routine is None or routine.composite
    return Offer(
        frozenset(own | its),
        frozenset(its),
        ANY in its,
        has_bytes,
        has_geojson=has_rows and catalogue.geojson is not None,
    )


def _handlers_of(catalogue: Catalogue, rows: Name | None, select: Items) -> Mapping[str, Handler]:
    """Return what makes a table's whole rows into one answer, where they are selected whole."""
    return catalogue.handlers.get(rows, {}) if rows and select == EVERYTHING else {}


def _made(media: Media, catalogue: Catalogue, rows: Name | None, select: Items, bytes_: Made | None) -> Made | None:
    form = media.inner if media.form is Form.PLAN else media.form
    if form is Form.BYTES:
        return bytes_
    if form is Form.GEOJSON:
        return Made(geojson=catalogue.geojson)
    if form is not Form.OWN:
        return None
    handler = _handlers_of(catalogue, rows, select).get(media.own) or catalogue.handlers[None][media.own]
    return Made(handler, is_binary=handler.is_binary)


def _bytes_of(table: Table | None, select: Items) -> Made | None:
    """Make a body of the answer's only column, where that is one of bytes."""
    item = select[0] if len(select) == 1 else None
    if table is None or not isinstance(item, SelectItem) or item.field.path or item.cast or item.aggregate:
        return None
    column = table.columns.get(item.field.name)
    if column is None or (column.base_type or column.type) != "bytea":
        return None
    stored = (table.name, column.name, column.type)
    return Made(column=item.alias or item.field.name, is_binary=True, stored=stored)
