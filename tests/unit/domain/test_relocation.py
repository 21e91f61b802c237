"""The source and the target of a relocation, and the comparison of a tenant's contents in both."""

import json
from dataclasses import replace

import pytest

from tenantry.domain.content import Content, ContentColumn, ContentTable, TableContent
from tenantry.domain.errors import BadRequest
from tenantry.domain.home import moved
from tenantry.domain.relocation import Journey, journey_of, promoted
from tenantry.domain.tenant import Home, Isolation, TenantId, new_home

ACME = TenantId("acme")
DATABASE, SCHEMA, POOLED = Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED


def home(isolation: Isolation, server: str = "first") -> Home:
    return new_home(ACME, server, isolation)


@pytest.mark.parametrize(("source", "target"), [(POOLED, SCHEMA), (POOLED, DATABASE), (SCHEMA, DATABASE)])
def test_a_promotion_separates_more_on_the_same_server(source: Isolation, target: Isolation) -> None:
    # Functions spell a schema's name, which therefore stays.
    schema = "acme" if source is SCHEMA else home(target).schema
    assert promoted(ACME, home(source), target) == replace(home(target), schema=schema)
    with pytest.raises(BadRequest) as refusal:
        promoted(ACME, home(target), source)
    assert refusal.value.code == "no_promotion"


def test_a_move_keeps_the_names() -> None:
    adopted = Home("first", DATABASE, "acme_prod", "app")
    assert moved(adopted, "second") == replace(adopted, server_id="second")


@pytest.mark.parametrize(
    ("source", "target", "copies_schema"),
    [
        (DATABASE, DATABASE, True),
        (SCHEMA, SCHEMA, True),
        (SCHEMA, DATABASE, True),
        (DATABASE, SCHEMA, False),
        (POOLED, POOLED, False),
        (POOLED, DATABASE, False),
        (DATABASE, POOLED, False),
    ],
)
def test_what_is_copied_how(source: Isolation, target: Isolation, copies_schema: bool) -> None:
    journey = Journey(home(source), home(target, "second"))
    assert journey.copies_schema is copies_schema
    assert journey.leaves_server
    assert journey_of(json.loads(json.dumps(journey.to_facts()))) == journey
    assert journey.back().back() == journey


def test_a_difference_is_named_and_a_mark_tells_any_change() -> None:
    content = Content({"a": TableContent(1, "x"), "b": TableContent(2, "y")}, {"s": "7 true"})
    changed = replace(content, tables={"a": TableContent(1, "z"), "c": TableContent(0, "0")})
    assert content.rows == 3
    assert content.differences(content) == []
    assert content.differences(changed) == changed.differences(content) == ["a", "b", "c"]
    assert content.mark() == replace(content).mark()
    assert content.mark() != changed.mark()
    assert content.mark() != replace(content, sequences={"s": "8 true"}).mark()


def test_tables_with_other_columns_are_told_apart() -> None:
    table = ContentTable("public", "t", (ContentColumn("a", "integer"), ContentColumn("b", "text", generated=True)))
    assert [column.name for column in table.stored] == ["a"]
    assert table.has_columns_of(replace(table, schema="acme"))
    assert not table.has_columns_of(replace(table, columns=(ContentColumn("a", "bigint"), table.columns[1])))
