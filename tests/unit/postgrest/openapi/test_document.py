"""The document of a shop with all sorts of tables and functions: it is valid, and has what code generators need."""

import json
import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator

from tenantry.postgrest.catalogue.model import (
    Cardinality,
    Catalogue,
    Column,
    Name,
    Parameter,
    Relationship,
    Routine,
    Table,
    Volatility,
)
from tenantry.postgrest.names import NAME, read_name
from tenantry.postgrest.openapi.document import describe
from tenantry.postgrest.openapi.version3 import rewrite
from tenantry.postgrest.openapi.visible import Signature, Visible

ALL = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
UUID = "018f2c6e-5a3b-7c1d-9e4f-0123456789ab"
REFUSALS = {300, 400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 416, 429, 500, 502, 503, 504}


def name(text: str) -> Name:
    return Name("public", text)


def table(text: str, *columns: Column, key: tuple[str, ...] = ("id",), **more: Any) -> Table:
    return Table(name(text), {column.name: column for column in columns}, primary_key=key, **more)


ID = Column("id", "bigint", nullable=False, default="nextval('orders_id_seq'::regclass)")
ORDERS = table(
    "orders",
    ID,
    Column("customer_id", "integer", comment="Who ordered"),
    Column("code", "character varying", max_length=8, default="'a''b'::character varying"),
    Column("state", "public.state", enum=("open", "paid"), default="'open'::public.state"),
    comment="What was ordered\n\nOne row an order.",
)
CUSTOMERS = table("customers", ID)
PROFILES = table("profiles", Column("customer_id", "integer", nullable=False), key=("customer_id",))
PLACED = Relationship(
    ORDERS.name, CUSTOMERS.name, Cardinality.MANY_TO_ONE, "orders_customer_id_fkey", (("customer_id", "id"),)
)
PROFILE = Relationship(
    PROFILES.name, CUSTOMERS.name, Cardinality.ONE_TO_ONE, "profiles_customer_id_fkey", (("customer_id", "id"),)
)
PROFILED = Relationship(
    CUSTOMERS.name, PROFILES.name, Cardinality.ONE_TO_ONE, "profiles_customer_id_fkey", (("id", "customer_id"),)
)


def catalogue(
    *tables: Table, routines: tuple[Routine, ...] = (), relationships: tuple[Relationship, ...] = ()
) -> Catalogue:
    return Catalogue(
        ("public", "other"),
        {each.name: each for each in tables},
        {each.origin: tuple(r for r in relationships if r.origin == each.origin) for each in relationships},
        {each.name: tuple(r for r in routines if r.name == each.name) for each in routines},
    )


def all_of(known: Catalogue) -> Visible:
    signatures = [
        Signature.of(each.name, (p.type for p in each.parameters)) for r in known.routines.values() for each in r
    ]
    return Visible(dict.fromkeys(known.tables, ALL), frozenset(signatures))


def document(known: Catalogue, visible: Visible | None = None, *, many_schemas: bool = False) -> Any:
    """Describe the shop; it is checked in both versions, and passed through JSON as on its way to a client."""
    made = describe(
        known,
        visible or all_of(known),
        "public",
        title="Shop",
        version="1.2",
        base_url="https://api.example.com/live/rest/v1",
        many_schemas=many_schemas,
    )
    arrived = json.loads(json.dumps(made))
    OpenAPIV2SpecValidator(arrived).validate()
    OpenAPIV30SpecValidator(json.loads(json.dumps(rewrite(made, "https://api.example.com")))).validate()
    return arrived


def names_of(made: Any, operation: Any) -> list[str]:
    """Return the names of an operation's parameters, with references resolved."""
    found = [each.get("$ref", "").removeprefix("#/parameters/") for each in operation["parameters"]]
    named = [each["name"] for each in operation["parameters"] if "name" in each]
    return [made["parameters"][key]["name"] for key in found if key] + named


def property_of(column: Column) -> Any:
    return document(catalogue(table("t", column, key=())))["definitions"]["t"]["properties"][column.name]


def test_says_where_it_is_served_and_that_a_token_is_needed() -> None:
    made = document(catalogue(ORDERS))

    assert made["swagger"] == "2.0"
    assert (made["info"]["title"], made["info"]["version"]) == ("Shop", "1.2")
    assert (made["schemes"], made["host"], made["basePath"]) == (["https"], "api.example.com", "/live/rest/v1")
    assert made["securityDefinitions"]["JWT"]["name"] == "Authorization"
    assert made["security"] == [{"JWT": []}]


def test_describes_rows() -> None:
    orders = document(catalogue(ORDERS, CUSTOMERS, relationships=(PLACED,)))["definitions"]["orders"]

    assert orders == {
        "type": "object",
        "description": "What was ordered\n\nOne row an order.",
        "required": ["id"],
        "properties": {
            "id": {"format": "int64", "type": "integer", "description": "Note:\nThis is a Primary Key.<pk/>"},
            "customer_id": {
                "format": "int32",
                "type": "integer",
                "x-nullable": True,
                "description": "Who ordered\n\nNote:\nThis is a Foreign Key to `customers.id`."
                "<fk table='customers' column='id'/>",
            },
            "code": {
                "format": "character varying",
                "type": "string",
                "maxLength": 8,
                "default": "a'b",
                "x-nullable": True,
            },
            "state": {
                "format": "public.state",
                "type": "string",
                "enum": ["open", "paid"],
                "default": "open",
                "x-nullable": True,
            },
        },
    }


@pytest.mark.parametrize(
    ("type_name", "described"),
    [
        ("smallint", {"type": "integer", "format": "int32"}),
        ("numeric", {"type": "number", "format": "numeric"}),
        ("double precision", {"type": "number", "format": "double precision"}),
        ("boolean", {"type": "boolean", "format": "boolean"}),
        ("uuid", {"type": "string", "format": "uuid"}),
        ("timestamp with time zone", {"type": "string", "format": "timestamp with time zone"}),
        ("bpchar", {"type": "string", "format": "character"}),
        ("jsonb", {"format": "jsonb"}),
        ("text[]", {"type": "array", "format": "text[]", "items": {"type": "string"}}),
        ("bigint[]", {"type": "array", "format": "bigint[]", "items": {"type": "integer"}}),
        ("jsonb[]", {"type": "array", "format": "jsonb[]", "items": {}}),
    ],
)
def test_types_are_jsons_and_formats_postgresqls(type_name: str, described: Any) -> None:
    assert property_of(Column("c", type_name, nullable=False)) == described


def test_a_domain_is_what_it_stands_on() -> None:
    assert property_of(Column("c", "public.positive", "integer", nullable=False))["type"] == "integer"


def test_a_list_of_an_enumeration_has_its_values_in_the_items() -> None:
    found = property_of(Column("c", "public.state[]", enum=("open", "paid")))

    assert found["items"] == {"type": "string", "enum": ["open", "paid"]}
    assert "enum" not in found


@pytest.mark.parametrize(
    ("type_name", "expression", "default"),
    [
        ("text", "'it''s'::text", "it's"),
        ("text", "''::text", ""),
        ("text", "lower('A'::text)", "lower('A'::text)"),
        ("text", "('a'::text || 'b'::text)", "('a'::text || 'b'::text)"),
        ("text", "'a'::text || 'b'::text", "'a'::text || 'b'::text"),
        ("timestamp with time zone", "now()", "now()"),
        ("uuid", "gen_random_uuid()", None),
        ("uuid", f"'{UUID}'::uuid", UUID),
        ("date", "CURRENT_DATE", None),
        ("date", "'infinity'::date", None),
        ("date", "'2024-02-29'::date", "2024-02-29"),
        ("boolean", "true", True),
        ("boolean", "is_it()", None),
        ("integer", "0", 0),
        ("integer", "'-1'::integer", -1),
        ("integer", "(-5)", -5),
        ("integer", "1.5", None),
        ("integer", "nextval('s'::regclass)", None),
        ("numeric", "1.50", 1.5),
        ("numeric", "'NaN'::numeric", None),
        ("jsonb", "'{}'::jsonb", None),
        ("text[]", "'{}'::text[]", None),
    ],
)
def test_defaults_are_values_of_the_columns_type(type_name: str, expression: str, default: Any) -> None:
    found = property_of(Column("c", type_name, default=expression))

    assert found.get("default") == default
    assert type(found.get("default")) is type(default)


def test_a_default_that_the_column_could_not_hold_is_left_out() -> None:
    assert "default" not in property_of(Column("c", "public.state", enum=("open",), default="first_state()"))
    assert "default" not in property_of(Column("c", "character varying", max_length=3, default="short()"))


def test_only_the_end_of_a_one_to_one_key_that_points_is_a_foreign_key() -> None:
    definitions = document(catalogue(PROFILES, CUSTOMERS, relationships=(PROFILE, PROFILED)))["definitions"]

    assert "<fk table='customers' column='id'/>" in definitions["profiles"]["properties"]["customer_id"]["description"]
    assert "<fk" not in definitions["customers"]["properties"]["id"]["description"]


def test_a_one_to_one_key_to_another_unique_column_points_at_the_primary_key() -> None:
    badges = table("badges", ID, Column("customer_id", "bigint"))
    there = Relationship(badges.name, CUSTOMERS.name, Cardinality.ONE_TO_ONE, "b", (("customer_id", "id"),))
    back = Relationship(CUSTOMERS.name, badges.name, Cardinality.ONE_TO_ONE, "b", (("id", "customer_id"),))
    definitions = document(catalogue(badges, CUSTOMERS, relationships=(there, back)))["definitions"]

    assert "<fk table='customers'" in definitions["badges"]["properties"]["customer_id"]["description"]
    assert "<fk" not in definitions["customers"]["properties"]["id"]["description"]


def test_a_key_is_told_with_a_table_rather_than_a_view_and_not_with_what_is_hidden() -> None:
    view = table("a_view", ID, is_view=True)
    to_view = Relationship(
        ORDERS.name, view.name, Cardinality.MANY_TO_ONE, "f", (("customer_id", "id"),), target_is_view=True
    )
    known = catalogue(ORDERS, CUSTOMERS, view, relationships=(to_view, PLACED))
    assert "<fk table='customers'" in json.dumps(document(known)["definitions"])

    hidden = document(known, Visible({ORDERS.name: ALL}, frozenset()))
    assert "<fk" not in json.dumps(hidden["definitions"])
    assert hidden["definitions"].keys() == {"orders", "Error"}


def test_methods_are_what_the_role_and_the_table_allow() -> None:
    view = table("totals", ID, insertable=False, updatable=True, deletable=False, is_view=True)
    log = table("log", Column("line", "text"), key=())
    known = catalogue(ORDERS, CUSTOMERS, view, log)
    rights = {
        ORDERS.name: frozenset({"SELECT"}),
        CUSTOMERS.name: ALL,
        view.name: ALL,
        log.name: frozenset({"INSERT", "UPDATE"}),
    }
    paths = document(known, Visible(rights, frozenset()))["paths"]

    assert {path: list(operations) for path, operations in paths.items()} == {
        "/": ["get"],
        "/orders": ["get"],
        "/customers": ["get", "post", "put", "patch", "delete"],
        "/totals": ["get", "patch"],
        "/log": ["post", "patch"],
    }


def test_columns_that_the_role_may_not_use_are_not_there() -> None:
    visible = Visible({ORDERS.name: frozenset({"SELECT"})}, frozenset(), {ORDERS.name: frozenset({"id", "code"})})
    made = document(catalogue(ORDERS), visible)

    assert made["definitions"]["orders"]["properties"].keys() == {"id", "code"}
    assert "state" not in json.dumps(made["parameters"])


def test_a_table_is_filtered_by_its_columns() -> None:
    made = document(catalogue(ORDERS))
    orders = made["paths"]["/orders"]

    assert (orders["get"]["summary"], orders["get"]["description"]) == ("What was ordered", "One row an order.")
    window = ["select", "order", "Range", "Range-Unit", "offset", "limit", "Prefer"]
    assert names_of(made, orders["get"]) == ["id", "customer_id", "code", "state", *window]
    assert names_of(made, orders["post"]) == ["orders", "select", "columns", "on_conflict", "Prefer"]
    assert {"$ref": "#/parameters/rowFilter.orders.code"} in orders["delete"]["parameters"]
    assert {"$ref": "#/parameters/body.orders"} in orders["patch"]["parameters"]
    assert orders["get"]["responses"]["200"]["schema"] == {"type": "array", "items": {"$ref": "#/definitions/orders"}}


def test_every_operation_documents_every_refusal_with_one_shape() -> None:
    shout = Routine(name("shout"), (Parameter("word", "text"),), volatility=Volatility.STABLE)
    made = document(catalogue(ORDERS, routines=(shout,)))
    operations = [operation for path in made["paths"].values() for operation in path.values()]

    assert len(operations) == 8
    for operation in operations:
        statuses = {int(status) for status in operation["responses"]}
        assert statuses > REFUSALS
        assert min(statuses) in {200, 201}
    assert {each["schema"]["$ref"] for each in made["responses"].values()} == {"#/definitions/Error"}
    assert made["definitions"]["Error"]["properties"].keys() == {"code", "message", "details", "hint"}


def test_names_of_any_kind_make_a_valid_document() -> None:
    odd = table(
        'a "b"/{c}~%é',
        Column("select", "text"),
        Column("x.y", "text"),
        Column("a/b~c d", "text"),
        Column("%2E", "text"),
        key=(),
    )
    twin = table("a", Column("b.c", "text"), key=())
    other = table("a.b", Column("c", "text"), key=())
    error = table("Error", ID)
    made = document(catalogue(odd, twin, other, error))

    assert made["definitions"].keys() == {'a "b"/{c}~%é', "a", "a.b", "Error", "Error_"}
    assert made["responses"]["BadRequest"]["schema"] == {"$ref": "#/definitions/Error_"}
    assert made["parameters"]["rowFilter.a.b%2Ec"]["name"] == '"b.c"'
    assert made["parameters"]["rowFilter.a%2Eb.c"]["name"] == "c"
    assert "get" in made["paths"]["/a%20%22b%22%2F%7Bc%7D~%25%C3%A9"]
    filters = [each for key, each in made["parameters"].items() if key.startswith('rowFilter.a "b"/{c}~%25é.')]
    assert [each["name"] for each in filters] == ['"select"', '"x.y"', '"a/b~c d"', '"%2E"']


@pytest.mark.parametrize(
    "column", ["id", "a b", "e-mail", "größe", "limit", "x.order", 'a"b', "a\\b", " a", "a->b", "a,b"]
)
def test_a_filters_name_is_read_as_that_column(column: str) -> None:
    made = document(catalogue(table("t", Column(column, "text"), key=())))
    (key,) = {each["name"] for key, each in made["parameters"].items() if key.startswith("rowFilter.")}

    token = re.fullmatch(NAME, key)
    assert token is not None
    assert read_name(token[0]) == column


def test_several_schemas_are_chosen_among_by_headers() -> None:
    volatile = Routine(name("go"))
    known = catalogue(ORDERS, routines=(volatile,))
    made = document(known, many_schemas=True)
    paths = made["paths"]

    assert made["parameters"]["acceptProfile"]["enum"] == ["public", "other"]
    assert made["parameters"]["acceptProfile"]["default"] == "public"
    for operation in (paths["/"]["get"], paths["/orders"]["get"]):
        assert "Accept-Profile" in names_of(made, operation)
    for operation in (paths["/orders"]["put"], paths["/rpc/go"]["post"]):
        assert "Content-Profile" in names_of(made, operation)
    assert "Profile" not in json.dumps(document(known))


def test_another_schemas_things_are_not_in_the_document() -> None:
    elsewhere = Table(Name("other", "orders"), {"id": ID})
    routine = Routine(Name("other", "go"))

    made = document(catalogue(elsewhere, CUSTOMERS, routines=(routine,)))
    assert made["paths"].keys() == {"/", "/customers"}


def test_a_document_of_nothing_is_valid() -> None:
    assert document(catalogue(ORDERS), Visible({}, frozenset()))["paths"].keys() == {"/"}
