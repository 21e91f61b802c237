"""The parameters that operations share, and references to entries of a document."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from tenantry.postgrest.openapi.types import Json, described

# Words that the grammar reserves, also after a dot, where they refer to an embedded table.
_RESERVED = frozenset({"select", "order", "limit", "offset", "columns", "on_conflict", "and", "or"})
_PLAIN = re.compile(r"[\w$]+(?:[ -][\w$]+)*")
WINDOW = ("order", "range", "rangeUnit", "offset", "limit")

_COUNTS = ["count=exact", "count=planned", "count=estimated"]
_RETURNS = ["return=representation", "return=minimal", "return=headers-only"]
_RESOLUTIONS = ["resolution=merge-duplicates", "resolution=ignore-duplicates"]


def reference(kind: str, key: str) -> Json:
    """Refer to an entry of `definitions` or `parameters`, with the special characters of its name escaped."""
    return {"$ref": f"#/{kind}/{quote(key.replace('~', '~0').replace('/', '~1'), safe='~')}"}


def references(keys: Iterable[str]) -> list[Json]:
    """Refer to parameters."""
    return [reference("parameters", key) for key in keys]


def path_of(name: str) -> str:
    """Return the path of a table or a function in a URL."""
    return f"/{quote(name, safe='')}"


def body_key(table: str) -> str:
    """Return the key of the parameter that is a row of a table."""
    return f"body.{_part(table)}"


def filter_key(table: str, column: str) -> str:
    """Return the key of the parameter that filters by a column; it is different for each column."""
    return f"rowFilter.{_part(table)}.{_part(column)}"


def is_reserved(name: str) -> bool:
    """Whether the grammar reserves this name of a parameter."""
    return name.rpartition(".")[2] in _RESERVED


def column_key(column: str) -> str:
    """Return the name of the parameter that filters by a column, in quotes if the grammar would misread it."""
    if _PLAIN.fullmatch(column) and not is_reserved(column):
        return column
    return '"' + column.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _part(name: str) -> str:
    return name.replace("%", "%25").replace(".", "%2E")


def query(name: str, description: str | None) -> Json:
    """Describe an optional parameter of the URL."""
    return {"name": name, "in": "query", "required": False, "type": "string"} | described(description)


def header(name: str, description: str, values: Iterable[str] = ()) -> Json:
    """Describe an optional header, with any value or only the given ones."""
    made = {"name": name, "in": "header", "required": False, "type": "string", "description": description}
    return made | ({"enum": list(values)} if values else {})


def shared_parameters() -> Json:
    """Describe the parameters that tables and functions have in common; the keys are PostgREST's."""
    return {
        "select": query("select", "The columns, and the related rows to embed"),
        "order": query("order", "The columns to order by"),
        "limit": query("limit", "How many rows at most"),
        "offset": query("offset", "How many rows to leave out first"),
        "columns": query("columns", "The keys of the body that are used; others are left out"),
        "on_conflict": query("on_conflict", "The columns of the unique key that tells duplicates"),
        "range": header("Range", "The rows from and to, counted from 0"),
        "rangeUnit": header("Range-Unit", "What a range counts") | {"default": "items"},
        "preferCount": header("Prefer", "How rows are counted", _COUNTS),
        "preferReturn": header("Prefer", "What is returned", _RETURNS),
        "preferPost": header(
            "Prefer", "What is returned, and what becomes of duplicates", [*_RETURNS, *_RESOLUTIONS, "missing=default"]
        ),
        "preferParams": header("Prefer", "How the call is made"),
    }


def profile_parameters(schema: str, schemas: Iterable[str]) -> Json:
    """Describe the headers that choose among several schemas."""
    return {
        "acceptProfile": header("Accept-Profile", "The schema to read from", schemas) | {"default": schema},
        "contentProfile": header("Content-Profile", "The schema to write to or to call in", schemas)
        | {"default": schema},
    }
