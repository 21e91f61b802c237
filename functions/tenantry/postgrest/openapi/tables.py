"""Tables and views in an OpenAPI document: their definitions, parameters and paths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tenantry.postgrest.catalogue.model import Cardinality, Catalogue, Column, Name, Relationship, Table
from tenantry.postgrest.openapi.parameters import (
    WINDOW,
    body_key,
    column_key,
    filter_key,
    query,
    reference,
    references,
)
from tenantry.postgrest.openapi.responses import responses
from tenantry.postgrest.openapi.types import Json, column_schema, described, summarised
from tenantry.postgrest.openapi.visible import Visible


@dataclass(frozen=True, slots=True)
class Profiles:
    """Keys of the parameters that choose a schema, for reading and for writing; empty if there is only one schema."""

    reading: tuple[str, ...] = ()
    writing: tuple[str, ...] = ()


def table_definition(catalogue: Catalogue, visible: Visible, table: Table) -> Json:
    """Describe the rows of a table; columns that may not be null are required."""
    columns = visible.columns_of(table)
    required = [column.name for column in columns if not column.nullable]
    properties = {column.name: column_schema(column, _notes(catalogue, visible, table, column)) for column in columns}
    made: Json = {"type": "object", "properties": properties} | described(table.comment)
    return made | ({"required": required} if required else {})


def _notes(catalogue: Catalogue, visible: Visible, table: Table, column: Column) -> list[str]:
    """Write which keys a column belongs to, in PostgREST's marks, for which code generators look."""
    notes = ["This is a Primary Key.<pk/>"] if column.name in table.primary_key else []
    found = [each for each in catalogue.relationships.get(table.name, ()) if _is_key(catalogue, each, column.name)]
    seen = [each for each in found if each.target in visible.tables]
    for key in sorted(seen, key=lambda each: each.target_is_view)[:1]:
        target, pointed = key.target.name, key.columns[0][1]
        notes.append(f"This is a Foreign Key to `{target}.{pointed}`.<fk table='{target}' column='{pointed}'/>")
    return notes


def _is_key(catalogue: Catalogue, key: Relationship, column: str) -> bool:
    if [own for own, _ in key.columns] != [column]:
        return False
    is_one_to_one = key.cardinality is Cardinality.ONE_TO_ONE
    return key.cardinality is Cardinality.MANY_TO_ONE or (is_one_to_one and _points(catalogue.tables, key))


def _points(tables: Mapping[Name, Table], key: Relationship) -> bool:
    """Whether this is the pointing end of a one-to-one key.

    The end that is pointed at usually is a primary key. If both are, the key's name tells: PostgreSQL begins it with
    the name of the pointing table.
    """
    own, pointed = key.columns[0]
    from_primary = key.origin in tables and tables[key.origin].primary_key == (own,)
    to_primary = key.target in tables and tables[key.target].primary_key == (pointed,)
    if from_primary != to_primary:
        return to_primary
    return key.constraint.startswith(f"{key.origin.name}_") and not key.constraint.startswith(f"{key.target.name}_")


def table_parameters(visible: Visible, table: Table) -> Json:
    """Describe a row in the body, and a filter for each column."""
    name = table.name.name
    body = {"name": name, "in": "body", "required": False, "schema": reference("definitions", name)}
    filters = {
        filter_key(name, column.name): query(column_key(column.name), column.comment)
        for column in visible.columns_of(table)
    }
    return {body_key(name): body | {"description": name}} | filters


def table_path(visible: Visible, table: Table, profiles: Profiles) -> Json:
    """Describe what the role may do with a table."""
    name = table.name.name
    filters = [filter_key(name, each.name) for each in visible.columns_of(table)]
    about = summarised(table.comment) | {"tags": [name]}
    operations = {
        "get": _reading(name, filters, profiles),
        "post": _inserting(name, profiles),
        "put": _replacing(name, filters, profiles),
        "patch": _changing(name, filters, profiles),
        "delete": _deleting(name, filters, profiles),
    }
    return {method: about | operations[method] for method in _methods(visible, table)}


def _methods(visible: Visible, table: Table) -> list[str]:
    inserts = table.insertable and visible.may("INSERT", table.name)
    updates = table.updatable and visible.may("UPDATE", table.name)
    allowed = {
        "get": visible.may("SELECT", table.name),
        "post": inserts,
        "put": inserts and updates and bool(table.primary_key),
        "patch": updates,
        "delete": table.deletable and visible.may("DELETE", table.name),
    }
    return [method for method, is_allowed in allowed.items() if is_allowed]


def _reading(name: str, filters: Sequence[str], profiles: Profiles) -> Json:
    keys = [*filters, "select", *WINDOW, "preferCount", *profiles.reading]
    return {"parameters": references(keys), "responses": responses("200", "206", schema=_rows(name))}


def _inserting(name: str, profiles: Profiles) -> Json:
    keys = [body_key(name), "select", "columns", "on_conflict", "preferPost", *profiles.writing]
    return {"parameters": references(keys), "responses": responses("200", "201", schema=_rows(name))}


def _replacing(name: str, filters: Sequence[str], profiles: Profiles) -> Json:
    keys = [*filters, body_key(name), "select", "columns", "preferReturn", *profiles.writing]
    return {"parameters": references(keys), "responses": responses("200", "201", "204", schema=_rows(name))}


def _changing(name: str, filters: Sequence[str], profiles: Profiles) -> Json:
    keys = [*filters, body_key(name), "select", "columns", "order", "limit", "offset", "preferReturn"]
    answers = responses("200", "204", schema=_rows(name))
    return {"parameters": references([*keys, *profiles.writing]), "responses": answers}


def _deleting(name: str, filters: Sequence[str], profiles: Profiles) -> Json:
    keys = [*filters, "select", "order", "limit", "offset", "preferReturn", *profiles.writing]
    return {"parameters": references(keys), "responses": responses("200", "204", schema=_rows(name))}


def _rows(name: str) -> Json:
    return {"type": "array", "items": reference("definitions", name)}
