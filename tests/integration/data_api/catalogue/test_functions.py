"""Functions in the catalogue, and which of them a request can call."""

from collections.abc import Iterator

import pytest

from tenantry.postgrest.catalogue.model import (
    Cardinality,
    Catalogue,
    Name,
    Parameter,
    Relationship,
    Routine,
    Volatility,
)
from tests.integration.data_api.catalogue.conftest import Server, read_by_a_login

SCHEMA = """
CREATE SCHEMA hidden;
CREATE DOMAIN counted AS int;
CREATE TABLE people (id int PRIMARY KEY, boss int CONSTRAINT people_boss REFERENCES people);
CREATE TABLE pets (id int PRIMARY KEY, owner int CONSTRAINT pets_owner REFERENCES people);
CREATE DOMAIN person AS people;
CREATE FUNCTION nothing() RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
COMMENT ON FUNCTION add IS 'Adds "two"';
CREATE FUNCTION add(a int, b int, c int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1::bigint';
CREATE FUNCTION add(a text) RETURNS text LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION lengths(a char(3), b bit(2), c varchar(2), d numeric(3), e char(3)[]) RETURNS int
    LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION many(a int, VARIADIC "more, of them" text[] DEFAULT '{}') RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION results_first(OUT total int, a text, INOUT b date DEFAULT NULL) LANGUAGE sql AS 'SELECT 1, $2';
CREATE FUNCTION one_result(a int, OUT total int) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION as_table(a int) RETURNS TABLE (id int, name text) LANGUAGE sql AS 'SELECT 1, ''x''';
CREATE FUNCTION all_people() RETURNS SETOF people LANGUAGE sql AS 'SELECT * FROM people';
CREATE FUNCTION a_person() RETURNS person LANGUAGE sql AS 'SELECT p::person FROM people p';
CREATE FUNCTION numbers() RETURNS SETOF counted LANGUAGE sql AS 'SELECT 1::counted';
CREATE FUNCTION an_array() RETURNS int[] LANGUAGE sql AS 'SELECT ARRAY[1]';
CREATE FUNCTION records() RETURNS SETOF record LANGUAGE sql AS 'SELECT 1, 2';
CREATE FUNCTION body_json(json) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION body_jsonb(jsonb) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION body_text(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION body_xml(xml) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION body_bytea(bytea) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION "odd ""name\\" ("an ""argument" counted) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION unnamed_int(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION unnamed_too(a int, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION two_bodies(json, json) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE PROCEDURE a_procedure(a int) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE an_aggregate (a int) (SFUNC = int4pl, STYPE = int);
CREATE FUNCTION hidden.secret() RETURNS int LANGUAGE sql AS 'SELECT 1';
"""
COMPUTED = """
CREATE TABLE hidden.things (id int);
CREATE FUNCTION pets_of(people) RETURNS SETOF pets LANGUAGE sql AS 'SELECT * FROM pets';
CREATE FUNCTION first_pet(p people) RETURNS SETOF pets ROWS 1 LANGUAGE sql AS 'SELECT * FROM pets';
CREATE FUNCTION any_pet(people) RETURNS pets LANGUAGE sql AS 'SELECT * FROM pets';
CREATE FUNCTION pets(people) RETURNS SETOF pets LANGUAGE sql AS 'SELECT * FROM pets WHERE id > 1';
CREATE FUNCTION colour(pets) RETURNS text LANGUAGE sql AS 'SELECT ''red''';
CREATE FUNCTION two_rows(people, pets) RETURNS SETOF pets LANGUAGE sql AS 'SELECT * FROM pets';
CREATE FUNCTION to_hidden(people) RETURNS SETOF hidden.things LANGUAGE sql AS 'SELECT * FROM hidden.things';
CREATE FUNCTION hidden.from_hidden(people) RETURNS SETOF pets LANGUAGE sql AS 'SELECT * FROM pets';
"""
VOID, INT4 = Name("pg_catalog", "void"), Name("pg_catalog", "int4")
PEOPLE, PETS = Name("public", "people"), Name("public", "pets")


def made(name: str, *parameters: Parameter, returns: Name = INT4, **rest: object) -> Routine:
    return Routine(Name("public", name), parameters, returns, **rest)  # type: ignore[arg-type]


ROUTINES = [
    [made("nothing", returns=VOID)],
    [
        made("add", Parameter("a", "text"), returns=Name("pg_catalog", "text")),
        made(
            "add",
            Parameter("a", "integer"),
            Parameter("b", "integer", required=False),
            volatility=Volatility.IMMUTABLE,
            comment='Adds "two"',
        ),
        made(
            "add",
            *(Parameter(name, "integer") for name in "abc"),
            returns=Name("pg_catalog", "int8"),
            volatility=Volatility.STABLE,
        ),
    ],
    [
        made(
            "lengths",
            Parameter("a", "bpchar"),
            Parameter("b", '"bit"'),
            Parameter("c", "character varying"),
            Parameter("d", "numeric"),
            Parameter("e", "bpchar[]"),
        )
    ],
    [
        made(
            "many",
            Parameter("a", "integer"),
            Parameter("more, of them", "text[]", required=False, variadic=True),
        )
    ],
    [
        made(
            "results_first",
            Parameter("a", "text"),
            Parameter("b", "date", required=False),
            returns=Name("pg_catalog", "record"),
            composite=True,
        )
    ],
    [made("one_result", Parameter("a", "integer"), composite=True)],
    [
        made(
            "as_table",
            Parameter("a", "integer"),
            returns=Name("pg_catalog", "record"),
            returns_set=True,
            composite=True,
        )
    ],
    [made("all_people", returns=PEOPLE, returns_set=True, composite=True)],
    [made("a_person", returns=PEOPLE, composite=True)],
    [made("numbers", returns_set=True)],
    [made("an_array", returns=Name("pg_catalog", "_int4"))],
    [made("records", returns=Name("pg_catalog", "record"), returns_set=True)],
    *([made(f"body_{kind}", Parameter("", kind))] for kind in ("json", "jsonb", "text", "xml", "bytea")),
    [made('odd "name\\', Parameter('an "argument', "public.counted"))],
]


@pytest.fixture(scope="module")
def catalogue(server: Server) -> Iterator[Catalogue]:
    with read_by_a_login(server, SCHEMA) as read:
        yield read("public")


@pytest.mark.parametrize("overloads", ROUTINES, ids=lambda overloads: overloads[0].name.name)
def test_a_function_is_read(catalogue: Catalogue, overloads: list[Routine]) -> None:
    assert list(catalogue.routines[overloads[0].name]) == overloads


def test_no_function_is_read_that_no_request_can_call(catalogue: Catalogue) -> None:
    assert set(catalogue.routines) == {overloads[0].name for overloads in ROUTINES}


def test_functions_of_a_row_are_relationships(server: Server) -> None:
    with read_by_a_login(server, SCHEMA + COMPUTED) as read:
        found = read("public").relationships[PEOPLE]
    computed = {each for each in found if each.function}
    assert computed == {way("any_pet", to_one=True), way("first_pet", to_one=True), way("pets"), way("pets_of")}
    # The function of the table's own name has taken the key's place.
    assert {each.constraint for each in found if not each.function} == {"people_boss"}


def test_a_hidden_function_makes_no_relationship_unless_it_is_exposed(server: Server) -> None:
    with read_by_a_login(server, SCHEMA + COMPUTED) as read:
        found = read("public", "hidden").relationships[PEOPLE]
    functions = {each.function for each in found if each.function}
    assert Name("hidden", "from_hidden") in functions
    assert Name("public", "to_hidden") in functions


def way(function: str, *, to_one: bool = False) -> Relationship:
    cardinality = Cardinality.MANY_TO_ONE if to_one else Cardinality.ONE_TO_MANY
    return Relationship(PEOPLE, PETS, cardinality, function=Name("public", function))
