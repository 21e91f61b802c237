"""Functions in an OpenAPI document. Functions of one name share a path, which takes the arguments of all of them."""

from collections.abc import Mapping, Sequence

from tenantry.postgrest.catalogue.model import Catalogue, Name, Parameter, Routine, Volatility
from tenantry.postgrest.openapi.parameters import WINDOW, is_reserved, reference, references
from tenantry.postgrest.openapi.responses import responses
from tenantry.postgrest.openapi.tables import Profiles
from tenantry.postgrest.openapi.types import Json, described, summarised, type_schema
from tenantry.postgrest.openapi.visible import Visible


def visible_routines(catalogue: Catalogue, visible: Visible, schema: str) -> dict[str, list[Routine]]:
    """Return the functions of a schema that the role can call, by name."""
    found: dict[str, list[Routine]] = {}
    for name, overloads in sorted(catalogue.routines.items()):
        called = [each for each in overloads if visible.calls(each) and _can_be_called(each)]
        if name.schema == schema and called:
            found[name.name] = called
    return found


def _can_be_called(routine: Routine) -> bool:
    """Whether a request can pass the arguments: each by its name, or the body as the only one."""
    return takes_body(routine) or all(each.name for each in routine.parameters)


def takes_body(routine: Routine) -> bool:
    """Whether the function's only parameter has no name, so that it takes the body."""
    return len(routine.parameters) == 1 and not routine.parameters[0].name


def routine_path(overloads: Sequence[Routine], tables: Mapping[Name, str], profiles: Profiles) -> Json:
    """Describe how the functions of one name are called: by POST, and by GET if one of them can't write.

    :param tables: the key of each table's definition, for functions that return its rows.
    """
    first = overloads[0]
    about = summarised(next((each.comment for each in overloads if each.comment), None))
    about["tags"] = [f"(rpc) {first.name.name}"]
    post = about | {
        "parameters": [_arguments(overloads), *references(["preferParams", *profiles.writing])],
        "responses": _answers(overloads, tables),
    }
    reading = [each for each in overloads if each.volatility is not Volatility.VOLATILE and not takes_body(each)]
    if not reading:
        return {"post": post}
    parameters = [*_in_url(reading), *references([*_window(reading), *profiles.reading])]
    return {"get": about | {"parameters": parameters, "responses": _answers(reading, tables)}, "post": post}


def _window(overloads: Sequence[Routine]) -> tuple[str, ...]:
    return ("select", *WINDOW, "preferCount") if any(each.composite for each in overloads) else ()


def _answers(overloads: Sequence[Routine], tables: Mapping[Name, str]) -> Json:
    if all(each.returns_void for each in overloads):
        return responses("200", "204")
    schemas = [_result(each, tables) for each in overloads]
    same = schemas[0] if all(each == schemas[0] for each in schemas) else None
    statuses = ("200", "206") if any(each.returns_set for each in overloads) else ("200",)
    void = ("204",) if any(each.returns_void for each in overloads) else ()
    return responses(*statuses, *void, schema=same)


def _result(routine: Routine, tables: Mapping[Name, str]) -> Json | None:
    if routine.returns not in tables:
        return None
    row = reference("definitions", tables[routine.returns])
    return {"type": "array", "items": row} if routine.returns_set else row


def _arguments(overloads: Sequence[Routine]) -> Json:
    body = {"name": "args", "in": "body", "required": True}
    if any(takes_body(each) for each in overloads):
        return body | {"schema": described(overloads[0].comment)}
    required = sorted(_required(overloads))
    properties = {name: _merged(name, overloads) for name in _names(overloads)}
    schema: Json = {"type": "object", "properties": properties} | described(overloads[0].comment)
    if required:
        schema["required"] = required
    return body | {"schema": schema}


def _in_url(overloads: Sequence[Routine]) -> list[Json]:
    required = _required(overloads)
    return [
        {"name": name, "in": "query", "required": name in required} | _plain(name, overloads)
        for name in _names(overloads)
        if not is_reserved(name)
    ]


def _plain(name: str, overloads: Sequence[Routine]) -> Json:
    """Describe an argument in the URL: a variadic one may be repeated, other arrays are written in braces."""
    schema = _merged(name, overloads)
    if schema.get("type") != "array":
        return {"type": "string"} | schema
    if not all(each.variadic for each in _of_name(name, overloads)):
        return {"type": "string", "format": schema["format"]}
    return {"type": "array", "collectionFormat": "multi", "items": {"type": "string"} | schema["items"]}


def _merged(name: str, overloads: Sequence[Routine]) -> Json:
    types = {each.type for each in _of_name(name, overloads)}
    return type_schema(types.pop()) if len(types) == 1 else {}


def _of_name(name: str, overloads: Sequence[Routine]) -> list[Parameter]:
    return [each for routine in overloads for each in routine.parameters if each.name == name]


def _names(overloads: Sequence[Routine]) -> list[str]:
    return list(dict.fromkeys(each.name for routine in overloads for each in routine.parameters))


def _required(overloads: Sequence[Routine]) -> frozenset[str]:
    """Return the arguments that all functions of the name require."""
    return frozenset.intersection(
        *(frozenset(each.name for each in routine.parameters if each.required) for routine in overloads)
    )
