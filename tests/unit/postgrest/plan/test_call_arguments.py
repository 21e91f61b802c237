"""Arguments that are text: in a URL, in a form, or as a body that is the only argument."""

import pytest

from tenantry.domain.errors import BadRequest
from tenantry.postgrest import Kind, Plan, Request, RequestLimits, plan
from tenantry.postgrest.catalogue.model import Catalogue, Name, Parameter, Routine

FORM = "application/x-www-form-urlencoded"


def routine(text: str, *parameters: Parameter) -> Routine:
    return Routine(Name("public", text), parameters, Name("pg_catalog", "text"))


ROUTINES = [
    routine("say", Parameter("what", "text")),
    routine("list", Parameter("words", "text[]", variadic=True)),
    routine("take", Parameter("", "text")),
    routine("read", Parameter("", "json")),
    routine("mark", Parameter("", "xml")),
    routine("keep", Parameter("", "bytea")),
    routine("maybe", Parameter("", "text", required=False)),
]
OVERLOADS = (routine("either", Parameter("", "json")), routine("either", Parameter("", "text")))
KNOWN = Catalogue(("public",), {}, {}, {each.name: (each,) for each in ROUTINES} | {OVERLOADS[0].name: OVERLOADS})


def post(name: str, content_type: str, body: str) -> Plan:
    return plan(
        Request("POST", name, {}, kind=Kind.ROUTINE, content_type=content_type, body=body.encode()),
        RequestLimits(),
        KNOWN,
    )


def test_a_forms_fields_are_values() -> None:
    assert "it's" in post("say", FORM, "what=it%27s").values


@pytest.mark.parametrize(
    ("name", "content_type", "body"), [("say", FORM, "what=a%00b"), ("take", "text/plain", "a\0b")]
)
def test_text_that_postgresql_can_not_store_is_the_callers_error(name: str, content_type: str, body: str) -> None:
    with pytest.raises(BadRequest) as refused:
        post(name, content_type, body)

    assert refused.value.code == "22021"


def test_elements_of_a_variadic_argument_stay_what_they_are() -> None:
    planned = post("list", FORM, "words=a%0Ab&words=%22c%22&words=%5Cd&words=%01")

    assert '{"a\nb","\\"c\\"","\\\\d","\x01"}' in planned.values


def test_a_form_is_not_the_one_argument_of_a_function_that_reads_json() -> None:
    with pytest.raises(BadRequest) as refused:
        post("read", FORM, "a=1")

    assert refused.value.code == "PGRST202"


def test_a_single_element_that_looks_like_an_array_stays_an_element() -> None:
    query = {"words": ["{a,b}"]}
    planned = plan(Request("GET", "list", query, kind=Kind.ROUTINE), RequestLimits(), KNOWN)
    assert planned.values == ('{"{a,b}"}',)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_function_is_called_even_where_nobody_looks_at_its_value(method: str) -> None:
    assert "json_agg" in plan(Request(method, "say", {"what": ["x"]}, kind=Kind.ROUTINE), RequestLimits(), KNOWN).text


@pytest.mark.parametrize("name", ["take", "read", "mark", "maybe"])
def test_a_member_without_a_name_is_the_one_argument_without_a_name(name: str) -> None:
    body = '{"": "\\\\ \u00e9"}'
    planned = post(name, "application/json", body)
    assert planned.values[0] == body


def test_bytes_without_a_name_are_those_of_the_body() -> None:
    body = '{"": "\\\\ \u00e9"}'
    assert post("keep", "application/json", body).values[0] == f"\\x{body.encode().hex()}"


def test_two_functions_that_take_a_member_without_a_name_are_told() -> None:
    with pytest.raises(BadRequest) as refused:
        post("either", "application/json", '{"": "test"}')

    assert refused.value.code == "PGRST203"
    assert "public.either( => json), public.either( => text)" in refused.value.message


@pytest.mark.parametrize(
    ("content_type", "body", "taken"),
    [("application/json", '{"a":1}', "json"), ("text/plain", "a", "text")],
)
def test_of_overloads_without_names_the_type_of_the_body_chooses(content_type: str, body: str, taken: str) -> None:
    planned = post("either", content_type, body)
    assert planned.values[0] == body
    assert f"$1::{taken})" in planned.text


@pytest.mark.parametrize("name", ["take", "say"])
def test_a_url_has_no_argument_without_a_name(name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        plan(Request("GET", name, {"": ["x"]}, kind=Kind.ROUTINE), RequestLimits(), KNOWN)

    assert refused.value.code == "PGRST100"


def test_an_argument_without_a_name_that_is_left_out_has_its_default() -> None:
    assert '"maybe"()' in plan(Request("GET", "maybe", {}, kind=Kind.ROUTINE), RequestLimits(), KNOWN).text


def test_csv_is_not_the_one_argument_of_a_function_that_reads_json() -> None:
    with pytest.raises(BadRequest) as refused:
        post("read", "text/csv", "a,b\n1,2")

    assert refused.value.code == "PGRST202"
