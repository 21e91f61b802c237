import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.domain.data_api import DataApiChange, DataApiSettings
from tenantry.domain.errors import BadRequest

NAMES = st.text(min_size=1, max_size=15).filter(
    lambda name: "\0" not in name and name.isprintable() and not name.startswith("pg_")
)
SETTINGS = st.builds(
    DataApiSettings,
    schemas=st.lists(NAMES, min_size=1, max_size=40, unique=True).map(tuple),
    aggregates=st.booleans(),
    plans=st.booleans(),
    max_rows=st.integers(0, 1000),
    pre_request=st.sampled_from(["", "check", "api.check", '"a.b"."c""d"', "東京.prüfen"]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)
HOSTILE = st.fixed_dictionaries({}, optional=dict.fromkeys(DataApiSettings.__slots__, VALUES))


@given(SETTINGS)
def test_what_is_written_into_the_context_is_read_from_it(settings: DataApiSettings) -> None:
    text = settings.to_context()
    assert text.isascii()
    assert DataApiSettings.from_context(text) == settings


def test_the_default_is_written_as_nothing_and_the_longest_names_are_read() -> None:
    assert DataApiSettings().to_context() == "{}"
    longest = DataApiSettings(schemas=tuple(f"{number:3}" + "é" * 30 for number in range(1000)), max_rows=7)
    assert DataApiSettings.from_context(longest.to_context()) == longest


def test_any_number_of_schemas_is_written_that_there_is_room_for() -> None:
    generator = random.Random(1)
    unlike = ["".join(chr(generator.randint(0x4E00, 0x9FFF)) for _ in range(21)) for _ in range(200)]
    some = DataApiSettings(schemas=tuple(unlike[:100]))
    assert DataApiSettings.from_context(some.to_context()) == some
    with pytest.raises(BadRequest) as refused:
        DataApiSettings(schemas=tuple(unlike)).to_context()
    assert refused.value.code == "invalid_schema"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("check", ("home", "check")),
        ("public.check", ("home", "check")),
        ("Api.Check it", ("Api", "Check it")),
        ('"a.b"."c""d"', ("a.b", 'c"d')),
        ("東京.prüfen", ("東京", "prüfen")),
    ],
)
def test_a_function_is_named_with_its_schema_or_without(text: str, found: tuple[str, str] | None) -> None:
    assert DataApiSettings(pre_request=text).pre_request_in("home") == found


@pytest.mark.parametrize("text", [".", "a.", ".b", "a.b.c", '"', '"a', 'a"b', "x" * 64, "a\0b", "\ud800", '""'])
def test_what_names_no_function_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        DataApiSettings(pre_request=text)
    assert refused.value.code == "invalid_data_api"


@given(st.text(max_size=40) | HOSTILE.map(json.dumps))
def test_whatever_is_read_is_settings_or_refused(text: str) -> None:
    try:
        settings = DataApiSettings.from_context(text)
    except BadRequest:
        return
    assert DataApiSettings(settings.schemas, settings.aggregates, settings.plans, settings.max_rows) == settings
    assert all(type(name) is str for name in settings.schemas)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 8_000,
        '{"a":' * 1_600,
        "{}" + " " * 9_000,
        '{"max_rows":' + "9" * 5_000 + "}",
        '{"max_rows":1e2}',
        '{"max_rows":NaN}',
        '{"max_rows":true}',
        '{"aggregates":1}',
        '{"plans":"true"}',
        '{"schemas":"public"}',
        '{"schemas":{"public":1}}',
        '{"schemas":[["public"]]}',
        '{"schemas":[null]}',
        '{"schemas":["\\ud800"]}',
        '{"schemas":["a\\u0000b"]}',
        '{"pre_request":1}',
        '{"packed":1}',
        '{"packed":"!"}',
        '{"packed":"AAAA"}',
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        DataApiSettings.from_context(text)


def test_what_a_newer_version_has_added_is_passed_over() -> None:
    assert DataApiSettings.from_context('{"plans":true,"later":{"x":1}}') == DataApiSettings(plans=True)


@pytest.mark.parametrize(
    "schemas",
    [
        (),
        ("",),
        ("x" * 64,),
        ("é" * 32,),
        ("pg_catalog",),
        ("pg_temp_1",),
        ("information_schema",),
        ("tenantry",),
        ("a", "a"),
    ],
)
def test_a_schema_that_is_not_the_tenants_to_expose_is_refused(schemas: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest) as refused:
        DataApiSettings(schemas=schemas)
    assert refused.value.code == "invalid_schema"


@pytest.mark.parametrize("max_rows", [-1, 1001])
def test_rows_have_a_bound(max_rows: int) -> None:
    with pytest.raises(BadRequest):
        DataApiSettings(max_rows=max_rows)


def test_the_rows_of_an_answer_can_only_be_fewer_than_the_stacks() -> None:
    assert [DataApiSettings(max_rows=rows).row_limit(500) for rows in (0, 20, 900)] == [500, 20, 500]


def test_the_default_is_the_one_schema_of_the_home() -> None:
    assert DataApiSettings().exposed("mycompany") == ("mycompany",)
    assert DataApiSettings(schemas=("api", "public")).exposed("public") == ("api", "public")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, DataApiSettings(("a", "b"), aggregates=True, max_rows=5)),
        ({"aggregates": False, "max_rows": 0}, DataApiSettings(("a", "b"))),
        ({"schemas": ("public",), "plans": True}, DataApiSettings(aggregates=True, plans=True, max_rows=5)),
    ],
)
def test_what_a_change_leaves_out_stays(change: dict[str, Any], expected: DataApiSettings) -> None:
    assert DataApiChange(**change).apply(DataApiSettings(("a", "b"), aggregates=True, max_rows=5)) == expected
