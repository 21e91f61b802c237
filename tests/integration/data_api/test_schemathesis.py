"""A tenant's OpenAPI document keeps its promises: schemathesis makes the requests, PostgreSQL answers."""

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance
from werkzeug.test import Client

from tenantry.domain.tenant import Role, TenantId, owner_role
from tests.integration.conftest import World
from tests.integration.data_api.gateway import ROOT, Gateway

TABLES = Path(__file__).with_name("common_types.sql").read_text("utf-8")
# What makes sense where the document can only say that it is text.
GRAMMAR = {
    "select": [
        "*",
        "id",
        "id,name",
        "nick:name",
        "name::text",
        "*,teams(*)",
        "*,people(name)",
        "about->a->>b",
        "nothing",
    ],
    "order": ["id", "id.desc", "name.asc.nullslast", "nothing", "about->a"],
    "limit": ["0", "1", "7", "-1", "many"],
    "offset": ["0", "2", "1000000", "-1"],
    "columns": ["name", "id,name", "nothing"],
    "on_conflict": ["id", "email", "name", "nothing"],
}
CONDITIONS = [
    "eq.{}",
    "neq.{}",
    "gt.{}",
    "not.lt.{}",
    "like.*{}*",
    "in.({},1)",
    "is.null",
    "cs.{{{}}}",
    "fts.{}",
    "eq.1",
    "{}",
]
FORMATS = {
    "bytea": st.binary(max_size=8).map(lambda some: f"\\x{some.hex()}"),
    "character": st.text("abc", max_size=3),
    "date": st.dates().map(str),
    "inet": st.ip_addresses().map(str),
    "int4range": st.sampled_from(["[1,3)", "empty", "(,5]"]),
    "interval": st.timedeltas().map(lambda some: f"{some.days} days {some.seconds} seconds"),
    "money": st.sampled_from(["1.50", "$3"]),
    "public.place": st.just('(High Street,"7")'),
    "time without time zone": st.times().map(str),
    "timestamp with time zone": st.datetimes().map(lambda some: f"{some}Z"),
    "timestamp without time zone": st.datetimes().map(str),
    "tsvector": st.text("ab ", max_size=5),
    '"bit"': st.text("01", min_size=3, max_size=3),
}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]
ACCEPTED = ["*/*", "application/json", "application/vnd.pgrst.object+json", "text/csv", "image/png"]
BOUNDED = partial(
    settings,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def tenant(world: World) -> TenantId:
    tenant = world.tenants[0]
    world.execute(TABLES, tenant.value, owner_role(tenant))
    return tenant


@pytest.fixture(scope="module", autouse=True)
def known_formats() -> None:
    for name, values in FORMATS.items():
        schemathesis.openapi.format(name, values)


class Requests:
    """Sends schemathesis's requests for an operation, and records the statuses."""

    def __init__(self, gateway: Gateway) -> None:
        document = gateway.get(ROOT)
        self.schema = schemathesis.openapi.from_dict(document)
        self._definitions = document["definitions"]
        self.statuses: Counter[int] = Counter()
        self._gateway = gateway

    def send(self, operation: Any, mode: GenerationMode, data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if mode is GenerationMode.POSITIVE:
            case.query = sensible(case.query, operation, data) | self._key(case)
        accepted = data.draw(st.sampled_from(ACCEPTED))
        response = case.call_and_validate(headers={"Accept": accepted}, checks=CHECKS, app=self._gateway)
        self.statuses[response.status_code] += 1
        if response.status_code >= 300:
            assert json.loads(response.content).keys() == {"code", "message", "details", "hint"}

    def _key(self, case: Any) -> dict[str, str]:
        """Filter by the key in the body, without which PUT is refused."""
        if case.method != "PUT" or not isinstance(case.body, dict):
            return {}
        columns = self._definitions[case.operation.path.removeprefix("/")]["properties"]
        keys = [name for name, column in columns.items() if "<pk/>" in column.get("description", "")]
        return {name: f"eq.{case.body[name]}" for name in keys if name in case.body}


def sensible(query: Any, operation: Any, data: st.DataObject) -> dict[str, Any]:
    """Keep a few of the parameters, with values that make sense more often than arbitrary text does."""
    names = data.draw(st.permutations(sorted(query or {})))[:3]
    is_table = "/rpc/" not in operation.path
    return {name: data.draw(meant(name, query[name], is_column=is_table)) for name in names} | required(
        query, operation
    )


def required(query: Any, operation: Any) -> dict[str, Any]:
    return {each.name: query[each.name] for each in operation.query if each.is_required and each.name in query}


def meant(name: str, value: Any, *, is_column: bool) -> st.SearchStrategy[Any]:
    if name in GRAMMAR:
        return st.sampled_from(GRAMMAR[name]) | st.just(value)
    return st.sampled_from(CONDITIONS).map(lambda shape: shape.format(value)) if is_column else st.just(value)


def exercise(requests: Requests, operation: Any, mode: GenerationMode, examples: int) -> None:
    @BOUNDED(max_examples=examples)
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        requests.send(operation, mode, data)

    attempt()


@pytest.mark.parametrize(
    ("mode", "examples", "statuses"),
    [(GenerationMode.POSITIVE, 18, {200, 201, 204, 400, 406, 409}), (GenerationMode.NEGATIVE, 4, {400})],
)
def test_every_operation_answers_what_the_document_says(
    tenant: TenantId, subtests: pytest.Subtests, mode: GenerationMode, examples: int, statuses: set[int]
) -> None:
    requests = Requests(Gateway(tenant, Role.EDITOR))
    for found in requests.schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        with subtests.test(operation.label):
            exercise(requests, operation, mode, examples)
    # Else nothing but refusals would have been looked at.
    assert requests.statuses.keys() >= statuses


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        ("", "2.0"),
        ("*/*", "2.0"),
        ("application/json", "2.0"),
        ("application/openapi+json", "2.0"),
        ("application/openapi+json;version=2.0", "2.0"),
        ("application/openapi+json;version=3.0", "3.0"),
        ('Application/OpenAPI+JSON; Version="3"', "3.0"),
        ("application/openapi+json;version=3.0.3, */*;q=0.1", "3.0"),
        ("application/openapi+json;version=3.1, application/json;q=0.5", "2.0"),
    ],
)
def test_a_version_is_chosen_by_the_accept_header(tenant: TenantId, accept: str, version: str) -> None:
    client = Client(Gateway(tenant, Role.VIEWER))
    answer, head = (client.open(ROOT, method=method, headers={"Accept": accept}) for method in ("GET", "HEAD"))
    document = json.loads(answer.text)
    told = {"2.0": "application/openapi+json", "3.0": "application/openapi+json;version=3.0"}[version]

    assert document.get("openapi", document.get("swagger")).startswith(version)
    assert answer.headers["Content-Type"] == head.headers["Content-Type"] == f"{told}; charset=utf-8"
    assert (head.status_code, head.text) == (200, "")


@pytest.mark.parametrize("version", ["3.1", "4.0", "30", "3.", ""])
def test_a_version_that_is_not_there_is_refused(tenant: TenantId, version: str) -> None:
    accept = f"application/openapi+json;version={version}"
    answer = Client(Gateway(tenant, Role.VIEWER)).get(ROOT, headers={"Accept": accept})

    assert (answer.status_code, json.loads(answer.text)["code"]) == (406, "PGRST107")


@pytest.mark.parametrize(("sent", "scheme"), [(None, "https"), ("https", "https"), ("http", "http"), ("ftp", "https")])
def test_both_versions_are_valid_and_say_where_they_are_served(tenant: TenantId, sent: str | None, scheme: str) -> None:
    client = Client(Gateway(tenant, Role.EDITOR))
    headers = {"X-Forwarded-Proto": sent} if sent else {}
    accept = "application/openapi+json;version=3.0"
    second, third = (json.loads(client.get(ROOT, headers=headers | more).text) for more in ({}, {"Accept": accept}))
    OpenAPIV30SpecValidator(third).validate()

    assert third["servers"] == [{"url": f"{scheme}://localhost{ROOT.rstrip('/')}"}]
    assert second["schemes"] == [scheme]
    assert third["paths"].keys() == second["paths"].keys()


def test_the_document_is_valid_and_its_callers_own(tenant: TenantId) -> None:
    viewers, editors = (Gateway(tenant, role).get(ROOT) for role in (Role.VIEWER, Role.EDITOR))
    for document in (viewers, editors):
        assert f"{document['basePath']}/" == ROOT
        OpenAPIV2SpecValidator(document).validate()

    assert viewers["definitions"]["people"] == editors["definitions"]["people"]
    assert viewers["paths"]["/people"].keys() == {"get"}
    assert editors["paths"]["/people"].keys() == {"get", "post", "put", "patch", "delete"}
    assert editors["paths"]["/totals"].keys() == {"get"}
    assert editors["paths"]["/rpc/birthday"].keys() == {"post"}
    assert editors["paths"]["/rpc/older"].keys() == {"get", "post"}


def test_the_document_describes_what_the_database_has(tenant: TenantId) -> None:
    document = Gateway(tenant, Role.EDITOR).get(ROOT)
    people = document["definitions"]["people"]["properties"]

    assert "<pk/>" in people["id"]["description"]
    assert "<fk table='teams' column='id'/>" in people["team_id"]["description"]
    assert people["mood"] | {"x-nullable": True} == {
        "type": "string",
        "format": "public.mood",
        "enum": ["calm", "busy", 'a "b" ,c'],
        "default": "calm",
        "x-nullable": True,
    }
    assert (people["email"]["maxLength"], people["rank"]["type"], people["salary"]["default"]) == (40, "integer", 1.5)
    assert people["tags"]["items"] == {"type": "string"}
    rows = {"type": "array", "items": {"$ref": "#/definitions/people"}}
    assert document["paths"]["/rpc/older"]["get"]["responses"]["200"]["schema"] == rows
