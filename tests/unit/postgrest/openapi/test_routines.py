"""Functions in the OpenAPI document."""

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator

from tenantry.postgrest.catalogue.model import Catalogue, Column, Name, Parameter, Routine, Table, Volatility
from tenantry.postgrest.openapi.document import describe
from tenantry.postgrest.openapi.visible import Signature, Visible

PEOPLE = Table(Name("public", "people"), {"id": Column("id", "integer", nullable=False)}, ("id",))


def routine(*parameters: Parameter, name: str = "f", **more: Any) -> Routine:
    return Routine(Name("public", name), parameters, **({"volatility": Volatility.STABLE} | more))


def signature(of: Routine) -> Signature:
    return Signature.of(of.name, (each.type for each in of.parameters))


def paths(*routines: Routine, seen: frozenset[Signature] | None = None) -> Any:
    names = {each.name for each in routines}
    known = Catalogue(
        ("public",),
        {PEOPLE.name: PEOPLE},
        {},
        {name: tuple(each for each in routines if each.name == name) for name in names},
    )
    visible = Visible(
        {PEOPLE.name: frozenset({"SELECT"})}, frozenset(map(signature, routines)) if seen is None else seen
    )
    made = describe(
        known, visible, "public", title="t", version="1", base_url="https://a.example/rest/v1", many_schemas=False
    )
    arrived = json.loads(json.dumps(made))
    OpenAPIV2SpecValidator(arrived).validate()
    return {path: item for path, item in arrived["paths"].items() if path.startswith("/rpc/")}


def body_of(path: Any) -> Any:
    return path["post"]["parameters"][0]["schema"]


def in_url(path: Any) -> list[Any]:
    return [each for each in path["get"]["parameters"] if each.get("in") == "query"]


@pytest.mark.parametrize(
    ("volatility", "methods"),
    [
        (Volatility.IMMUTABLE, ["get", "post"]),
        (Volatility.STABLE, ["get", "post"]),
        (Volatility.VOLATILE, ["post"]),
    ],
)
def test_what_may_write_is_not_called_by_get(volatility: Volatility, methods: list[str]) -> None:
    assert list(paths(routine(volatility=volatility))["/rpc/f"]) == methods


def test_arguments_are_in_the_url_or_the_body() -> None:
    made = paths(
        routine(
            Parameter("a", "integer"),
            Parameter("tags", "text[]", required=False),
            Parameter("about", "jsonb", required=False),
            Parameter("rest", "integer[]", required=False, variadic=True),
            comment="Adds\nthem up",
        )
    )["/rpc/f"]

    assert (made["get"]["summary"], made["get"]["description"]) == ("Adds", "them up")
    assert in_url(made) == [
        {"name": "a", "in": "query", "required": True, "type": "integer", "format": "int32"},
        {"name": "tags", "in": "query", "required": False, "type": "string", "format": "text[]"},
        {"name": "about", "in": "query", "required": False, "type": "string", "format": "jsonb"},
        {
            "name": "rest",
            "in": "query",
            "required": False,
            "type": "array",
            "collectionFormat": "multi",
            "items": {"type": "integer"},
        },
    ]
    assert body_of(made) == {
        "type": "object",
        "description": "Adds\nthem up",
        "required": ["a"],
        "properties": {
            "a": {"type": "integer", "format": "int32"},
            "tags": {"type": "array", "format": "text[]", "items": {"type": "string"}},
            "about": {"format": "jsonb"},
            "rest": {"type": "array", "format": "integer[]", "items": {"type": "integer"}},
        },
    }


def test_functions_of_one_name_are_one_path() -> None:
    one = routine(Parameter("a", "integer"))
    two = routine(Parameter("a", "text"), Parameter("b", "boolean"), volatility=Volatility.VOLATILE)
    made = paths(one, two)["/rpc/f"]

    assert body_of(made)["required"] == ["a"]
    assert body_of(made)["properties"] == {"a": {}, "b": {"type": "boolean", "format": "boolean"}}
    assert in_url(made) == [{"name": "a", "in": "query", "required": True, "type": "integer", "format": "int32"}]


def test_only_functions_that_the_role_may_call_are_there() -> None:
    one, two = routine(Parameter("a", "integer")), routine(Parameter("b", "character"))

    assert paths(one, two, seen=frozenset()) == {}
    made = paths(one, two, seen=frozenset({Signature.of(two.name, ["bpchar"])}))
    assert body_of(made["/rpc/f"])["properties"].keys() == {"b"}


def test_one_argument_without_a_name_is_the_body_and_more_can_not_be_called() -> None:
    made = paths(routine(Parameter("", "json")), routine(Parameter("", "integer"), Parameter("", "text"), name="g"))

    assert list(made) == ["/rpc/f"]
    assert list(made["/rpc/f"]) == ["post"]
    assert body_of(made["/rpc/f"]) == {}


def test_an_argument_that_the_grammar_has_another_meaning_for_is_only_in_the_body() -> None:
    made = paths(routine(Parameter("limit", "integer"), Parameter("a.or", "text"), composite=True))["/rpc/f"]

    assert in_url(made) == []
    assert {"$ref": "#/parameters/limit"} in made["get"]["parameters"]
    assert body_of(made)["properties"].keys() == {"limit", "a.or"}


def test_rows_of_a_table_are_told() -> None:
    row = {"$ref": "#/definitions/people"}
    many = paths(routine(returns=PEOPLE.name, returns_set=True, composite=True))["/rpc/f"]["get"]
    assert many["responses"]["200"]["schema"] == {"type": "array", "items": row}
    assert many["responses"]["206"]["schema"] == {"type": "array", "items": row}

    one = paths(routine(returns=PEOPLE.name, composite=True))["/rpc/f"]["post"]
    assert one["responses"]["200"]["schema"] == row
    assert "206" not in one["responses"]


def test_a_function_that_returns_nothing_answers_204() -> None:
    assert "204" in paths(routine())["/rpc/f"]["post"]["responses"]
    assert "204" not in paths(routine(returns=Name("pg_catalog", "int4")))["/rpc/f"]["post"]["responses"]
