"""PostgreSQL's types, defaults and comments in the words of OpenAPI 2.0."""

import re
from typing import Any

from tenantry.postgrest.catalogue.model import Column
from tenantry.postgrest.openapi.visible import one_spelling

type Json = dict[str, Any]

# What JSON makes of a type; of all others a string.
_TYPES = {
    "boolean": "boolean",
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "numeric": "number",
    "real": "number",
    "double precision": "number",
}
# They can be anything, which no type of JSON says.
_ANYTHING = frozenset({"json", "jsonb"})
# OpenAPI has formats of its own for whole numbers, and PostgREST names them since 14.8.
_FORMATS = {"smallint": "int32", "integer": "int32", "bigint": "int64"}

# Formats that OpenAPI knows too, so that an expression such as CURRENT_DATE is no value of theirs.
_STRICT = {"date": re.compile(r"\d{4}-\d{2}-\d{2}"), "uuid": re.compile(r"[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}")}

_CAST = r"""(?:::[\w ."\[\](),]+)*"""
_TEXT = re.compile(rf"'((?:[^']|'')*)'{_CAST}")
_NUMBER = re.compile(rf"\(?'?(-?\d+(?:\.\d+)?)'?\)?{_CAST}")


def type_schema(type_name: str) -> Json:
    """Describe the values of a type; `format` is PostgreSQL's name of it."""
    spelled = one_spelling(type_name)
    schema = _json_type(spelled)
    if spelled.endswith("[]"):
        schema |= {"type": "array", "items": _json_type(spelled.removesuffix("[]"))}
    return {"format": _FORMATS.get(spelled, spelled)} | schema


def _json_type(spelled: str) -> Json:
    return {} if spelled in _ANYTHING else {"type": _TYPES.get(spelled, "string")}


def column_schema(column: Column, notes: list[str]) -> Json:
    """Describe a column; `notes` follow its comment, where code generators look for keys."""
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
    """Give a `description`, where there is anything to say."""
    return {"description": text} if text else {}


def summarised(comment: str | None) -> Json:
    """Give a comment's first line as `summary` and what follows it as `description`."""
    summary, _, rest = (comment or "").partition("\n")
    return ({"summary": summary} if summary else {}) | described(rest.lstrip("\n"))


def _default(column: Column, schema: Json) -> str | int | float | bool | None:
    """Give the default as a value of the column's own type, or none: a description must agree with itself."""
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
