"""Translates PostgreSQL's types, defaults and comments into OpenAPI 2.0."""

import re
from typing import Any

from tenantry.postgrest.catalogue.model import Column
from tenantry.postgrest.openapi.visible import one_spelling

type Json = dict[str, Any]

# The type that a value has in JSON; all other types are strings.
_TYPES = {
    "boolean": "boolean",
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "numeric": "number",
    "real": "number",
    "double precision": "number",
}
# These may hold any JSON value, which no type in OpenAPI expresses.
_ANYTHING = frozenset({"json", "jsonb"})
# OpenAPI has its own formats for integers, and PostgREST has used them since 14.8.
_FORMATS = {"smallint": "int32", "integer": "int32", "bigint": "int64"}

# OpenAPI defines these formats too, so an expression such as CURRENT_DATE is not a valid default for them.
_STRICT = {"date": re.compile(r"\d{4}-\d{2}-\d{2}"), "uuid": re.compile(r"[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}")}

_CAST = r"""(?:::[\w ."\[\](),]+)*"""
_TEXT = re.compile(rf"'((?:[^']|'')*)'{_CAST}")
_NUMBER = re.compile(rf"\(?'?(-?\d+(?:\.\d+)?)'?\)?{_CAST}")


def type_schema(type_name: str) -> Json:
    """Describe the values of a type; `format` is PostgreSQL's name for it, or OpenAPI's if that has one."""
    spelled = one_spelling(type_name)
    schema = _json_type(spelled)
    if spelled.endswith("[]"):
        schema |= {"type": "array", "items": _json_type(spelled.removesuffix("[]"))}
    return {"format": _FORMATS.get(spelled, spelled)} | schema


def _json_type(spelled: str) -> Json:
    return {} if spelled in _ANYTHING else {"type": _TYPES.get(spelled, "string")}


def column_schema(column: Column, notes: list[str]) -> Json:
    """Describe a column; `notes` go after its comment, where code generators look for keys."""
    schema = type_schema(column.base_type or column.type)
    if column.enum:
        schema.get("items", schema)["enum"] = list(column.enum)
    if column.max_length and schema.get("type") == "string":
        schema["maxLength"] = column.max_length
    if (default := _default(column, schema)) is not None:
        schema["default"] = default
    if column.nullable:
        schema["x-nullable"] = True
    noted = "\n".join(["Note:", *notes]) if notes else None
    return schema | described("\n\n".join(filter(None, (column.comment, noted))))


def described(text: str | None) -> Json:
    """Return a `description`, or nothing for an empty text."""
    return {"description": text} if text else {}


def summarised(comment: str | None) -> Json:
    """Return a comment's first line as `summary` and the rest as `description`."""
    summary, _, rest = (comment or "").partition("\n")
    return ({"summary": summary} if summary else {}) | described(rest.lstrip("\n"))


def _default(column: Column, schema: Json) -> str | int | float | bool | None:
    """Return the default as a value of the column's type; None if it has no such value, or OpenAPI would reject it."""
    expression = column.default or ""
    match schema.get("type"):
        case "string":
            return _text_default(expression, column, schema["format"]) if expression else None
        case "boolean":
            return {"true": True, "false": False}.get(expression)
        case "integer" | "number" as kind:
            return _number_default(expression, whole=kind == "integer")
    return None


def _text_default(expression: str, column: Column, form: str) -> str | None:
    literal = _TEXT.fullmatch(expression)
    text = literal[1].replace("''", "'") if literal else expression
    too_long = column.max_length is not None and len(text) > column.max_length
    malformed = form in _STRICT and not _STRICT[form].fullmatch(text)
    return None if too_long or malformed or (column.enum and text not in column.enum) else text


def _number_default(expression: str, *, whole: bool) -> int | float | None:
    literal = _NUMBER.fullmatch(expression)
    if literal is None:
        return None
    if "." not in literal[1]:
        return int(literal[1])
    return None if whole else float(literal[1])
