"""Every status that the data API may answer with."""

from collections.abc import Mapping
from typing import Any

from tenantry.postgrest.openapi.types import Json

# Any request may be refused or fail in any of these ways: a tenant's policy, trigger or function decides.
_REFUSALS = {
    "300": ("MultipleChoices", "More than one relationship or function fits; `details` lists them."),
    "400": ("BadRequest", "The request is not understood, or the database refuses its values."),
    "401": ("Unauthorized", "There is no valid token."),
    "403": ("Forbidden", "The role may not do this, or its tenant is not served."),
    "404": ("NotFound", "There is no such table, view or function."),
    "405": ("MethodNotAllowed", "The method does not suit what it is used on."),
    "406": ("NotAcceptable", "No media type or schema that is asked for can be had, or not exactly one row was found."),
    "409": ("Conflict", "A key exists already, or is referred to."),
    "413": ("ContentTooLarge", "The body or the answer is larger than what is allowed."),
    "414": ("UriTooLong", "The URL is longer than what is allowed."),
    "415": ("UnsupportedMediaType", "The body is of a media type that is not understood."),
    "416": ("RangeNotSatisfiable", "The rows begin after the last one."),
    "429": ("TooManyRequests", "The tenant's rate or its requests of the month are used up."),
    "500": ("InternalError", "The request failed, or a function of the database did."),
    "502": ("BadGateway", "The service ended without an answer."),
    "503": ("Unavailable", "The database cannot be reached at the moment, or takes no writes while it is moved."),
    "504": ("Timeout", "The database did not answer in time."),
}
_WITH_ROWS = frozenset({"200", "201", "206"})
_RETRIED = frozenset({"429", "503"})
_TEXT = {"type": "string"}
_SUCCESSES: Mapping[str, Json] = {
    "200": {"description": "OK", "headers": {"Content-Range": _TEXT, "Preference-Applied": _TEXT}},
    "201": {"description": "Created", "headers": {"Location": _TEXT, "Preference-Applied": _TEXT}},
    "204": {"description": "No Content", "headers": {"Preference-Applied": _TEXT}},
    "206": {"description": "Partial Content", "headers": {"Content-Range": _TEXT, "Preference-Applied": _TEXT}},
}


def responses(*successes: str, schema: Json | None = None) -> Json:
    """Return all answers of an operation; the rows of answers 200, 201 and 206 look like `schema`."""
    made: dict[str, Any] = {status: dict(_SUCCESSES[status]) for status in successes}
    if schema is not None:
        for status in made.keys() & _WITH_ROWS:
            made[status]["schema"] = schema
    return made | {status: {"$ref": f"#/responses/{name}"} for status, (name, _) in _REFUSALS.items()}


def refusals(error: Json) -> Json:
    """Return the refusals that all operations share; `error` is the reference to their body."""
    return {
        name: {"description": text, "schema": error, "headers": _refusal_headers(status)}
        for status, (name, text) in _REFUSALS.items()
    }


def _refusal_headers(status: str) -> Json:
    return {"Retry-After": {"type": "integer", "format": "int32"}} if status in _RETRIED else {}


def error_definition() -> Json:
    """Describe the one shape of every error; `details` may be a text or a list."""
    return {
        "description": "Why a request was refused: PostgREST's code, or PostgreSQL's SQLSTATE.",
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "string"},
            "message": {"type": "string"},
            "details": {"x-nullable": True},
            "hint": {"type": "string", "x-nullable": True},
        },
    }
