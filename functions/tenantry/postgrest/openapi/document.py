"""Describes a tenant's tables and functions as an OpenAPI 2.0 document, the version that PostgREST's clients read."""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from tenantry.postgrest.catalogue.model import Catalogue, Name, Routine, Table
from tenantry.postgrest.openapi.parameters import path_of, profile_parameters, reference, references, shared_parameters
from tenantry.postgrest.openapi.responses import error_definition, refusals, responses
from tenantry.postgrest.openapi.routines import routine_path, visible_routines
from tenantry.postgrest.openapi.tables import Profiles, table_definition, table_parameters, table_path
from tenantry.postgrest.openapi.types import Json
from tenantry.postgrest.openapi.visible import Visible

MEDIA_TYPE = "application/openapi+json"

_OBJECT = "application/vnd.pgrst.object+json"
_JSON = ["application/json", _OBJECT, f"{_OBJECT};nulls=stripped", "application/vnd.pgrst.array+json;nulls=stripped"]
_PROFILES = Profiles(("acceptProfile",), ("contentProfile",))
_SECURITY = "JWT"
_TOKEN = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "The word Bearer, a blank and the token",
}


def describe(
    catalogue: Catalogue,
    visible: Visible,
    schema: str,
    *,
    title: str,
    version: str,
    base_url: str,
    many_schemas: bool,
) -> Json:
    """Build the document of one schema, with what a role may see there.

    :param base_url: the address of the data API, up to and including `/rest/v1`.
    :param many_schemas: whether a header may choose the schema of a request.
    """
    tables = [each for name, each in sorted(catalogue.tables.items()) if _is_seen(name, visible, schema)]
    routines = visible_routines(catalogue, visible, schema)
    profiles = _PROFILES if many_schemas else Profiles()
    error = _error_name(tables)
    parameters = shared_parameters() | (profile_parameters(schema, catalogue.schemas) if many_schemas else {})
    return {
        **_preamble(title, version, base_url, schema),
        "paths": {"/": _root(profiles)} | _table_paths(visible, tables, profiles) | _calls(routines, tables, profiles),
        "definitions": _definitions(catalogue, visible, tables) | {error: error_definition()},
        "parameters": parameters | _table_parameters(visible, tables),
        "responses": refusals(reference("definitions", error)),
    }


def _preamble(title: str, version: str, base_url: str, schema: str) -> Json:
    parts = urlsplit(base_url)
    return {
        "swagger": "2.0",
        "info": {"title": title, "version": version, "description": f"The tables and functions of schema {schema}."},
        "host": parts.netloc,
        "basePath": parts.path.rstrip("/") or "/",
        "schemes": [parts.scheme],
        "consumes": ["application/json", "text/csv", "application/x-www-form-urlencoded"],
        "produces": [*_JSON, "text/csv"],
        "securityDefinitions": {_SECURITY: _TOKEN},
        "security": [{_SECURITY: []}],
    }


def _is_seen(name: Name, visible: Visible, schema: str) -> bool:
    return name.schema == schema and bool(visible.tables.get(name))


def _error_name(tables: Iterable[Table]) -> str:
    """Choose a name for the definition of errors that no table has."""
    taken, name = {each.name.name for each in tables}, "Error"
    while name in taken:
        name += "_"
    return name


def _root(profiles: Profiles) -> Json:
    return {
        "get": {
            "tags": ["Introspection"],
            "summary": "This document",
            "produces": [MEDIA_TYPE, "application/json"],
            "parameters": references(profiles.reading),
            "responses": responses("200"),
        }
    }


def _definitions(catalogue: Catalogue, visible: Visible, tables: Iterable[Table]) -> Json:
    return {each.name.name: table_definition(catalogue, visible, each) for each in tables}


def _table_parameters(visible: Visible, tables: Iterable[Table]) -> Json:
    return {key: made for each in tables for key, made in table_parameters(visible, each).items()}


def _table_paths(visible: Visible, tables: Iterable[Table], profiles: Profiles) -> Json:
    paths = {path_of(each.name.name): table_path(visible, each, profiles) for each in tables}
    return {path: methods for path, methods in paths.items() if methods}


def _calls(routines: Mapping[str, Sequence[Routine]], tables: Iterable[Table], profiles: Profiles) -> Json:
    rows = {each.name: each.name.name for each in tables}
    return {f"/rpc{path_of(name)}": routine_path(overloads, rows, profiles) for name, overloads in routines.items()}
