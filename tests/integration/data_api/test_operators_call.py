"""`PUT /admin/v1/tenants/{tenant_id}/data-api`."""

from base64 import b64encode
from dataclasses import replace
from hashlib import sha384
from typing import Any

import pytest

from tenantry.domain.data_api import DataApiSettings
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantStatus
from tests.integration.data_api.conftest import Subject

DEFAULT = {"schemas": ["public"], "aggregates": False, "plans": False, "max_rows": 0, "at_once": 0, "pre_request": ""}


def registered(subject: Subject) -> Tenant:
    found = subject.world.registry.tenant(subject.tenant_id)
    assert found
    return found


def test_settings_are_set_shown_and_recorded(subject: Subject) -> None:
    assert subject.shown() == DEFAULT
    wanted = DEFAULT | {"schemas": ["api", "public"], "aggregates": True, "plans": True, "max_rows": 20, "at_once": 2}
    reply = subject.set(**wanted)
    assert (reply.status, reply.json["data_api"]) == (200, wanted)
    assert subject.shown() == wanted
    assert registered(subject).data_api == DataApiSettings(
        ("api", "public"), aggregates=True, plans=True, max_rows=20, at_once=2
    )
    (entry, *_) = subject.operator.call("GET", "/admin/v1/audit", target=f"tenant/{subject.tenant_id}").json["items"]
    assert (entry["action"], entry["actor"]) == ("set_data_api", "op-1")


def test_what_is_left_out_stays(subject: Subject) -> None:
    subject.set(schemas=["public", "api"], max_rows=20, at_once=2)
    assert subject.set(aggregates=True).json["data_api"] == DEFAULT | {
        "schemas": ["public", "api"],
        "aggregates": True,
        "max_rows": 20,
        "at_once": 2,
    }
    assert subject.set(aggregates=False, max_rows=0, at_once=0, plans=None).json["data_api"]["schemas"] == [
        "public",
        "api",
    ]
    assert subject.operator.create(subject.tenant_id.value).status == 200
    assert subject.shown() == DEFAULT | {"schemas": ["public", "api"]}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"schemas": []}, "invalid_schema"),
        ({"schemas": ["public", "public"]}, "invalid_schema"),
        ({"schemas": [""]}, "invalid_schema"),
        ({"schemas": ["x" * 64]}, "invalid_schema"),
        ({"schemas": ["a\0b"]}, "invalid_schema"),
        ({"schemas": ["pg_catalog"]}, "invalid_schema"),
        ({"schemas": ["public", "pg_toast"]}, "invalid_schema"),
        ({"schemas": ["information_schema"]}, "invalid_schema"),
        ({"schemas": ["tenantry"]}, "invalid_schema"),
        # No room for their names in the authorizer's answer, however they are packed.
        (
            {"schemas": [b64encode(sha384(bytes([number])).digest()).decode()[1:] for number in range(145)]},
            "invalid_schema",
        ),
        ({"pre_request": "a.b.c"}, "invalid_data_api"),
        ({"pre_request": 7}, "invalid_body"),
        ({"schemas": "public"}, "invalid_body"),
        ({"schemas": [7]}, "invalid_body"),
        ({"max_rows": -1}, "invalid_body"),
        ({"max_rows": 1001}, "invalid_body"),
        ({"max_rows": "many"}, "invalid_body"),
        ({"at_once": 33}, "invalid_body"),
        ({"aggregates": "yes"}, "invalid_body"),
        ({"plans": 1}, "invalid_body"),
        ({"schema": "public"}, "invalid_body"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(subject: Subject, body: dict[str, Any], code: str) -> None:
    reply = subject.set(**body)
    assert (reply.status, reply.json["code"]) == (400, code), reply.text
    assert subject.shown() == DEFAULT


def test_a_schema_that_is_not_there_is_refused_and_nothing_is_changed(subject: Subject) -> None:
    reply = subject.set(schemas=["public", "api", "nowhere"], max_rows=5)
    assert (reply.status, reply.json["code"]) == (400, "schema_unknown")
    assert (reply.json["details"], bool(reply.json["hint"])) == ("nowhere", True)
    assert subject.shown() == DEFAULT
    assert not subject.is_let("TABLE api.before", "viewer")


def test_a_schema_of_an_extension_is_no_tenants_to_expose(subject: Subject) -> None:
    database = subject.tenant_id.value
    subject.world.execute("CREATE SCHEMA theirs; CREATE EXTENSION citext", database)
    assert subject.set(schemas=["theirs"]).status == 200
    assert subject.set(schemas=["public"]).status == 200
    subject.world.execute("ALTER EXTENSION citext ADD SCHEMA theirs", database)
    assert subject.set(schemas=["theirs"]).json["code"] == "schema_unknown"


@pytest.mark.parametrize("isolation", ["schema", "pooled"])
def test_a_tenant_of_a_shared_database_has_one_schema(subject: Subject, isolation: str) -> None:
    tenant = registered(subject)
    stored = subject.world.secrets.find(subject.tenant_id)
    assert stored
    shared = replace(stored, isolation=Isolation(isolation), schema="public")
    subject.world.secrets.write(subject.tenant_id, shared)
    subject.world.registry.put_tenant(replace(tenant, isolation=Isolation(isolation)))
    reply = subject.set(schemas=["public", "api"])
    assert (reply.status, reply.json["code"]) == (409, "one_schema")
    assert "promote" in reply.json["hint"]
    assert subject.set(schemas=["public"], aggregates=True, max_rows=7).json["data_api"] == DEFAULT | {
        "aggregates": True,
        "max_rows": 7,
    }


def test_schemas_stay_as_they_are_until_a_move_is_confirmed_or_undone(subject: Subject) -> None:
    subject.set(schemas=["public", "api"])
    former = Home("elsewhere", Isolation.SCHEMA, "tenantry_schemas", subject.tenant_id.value)
    subject.world.registry.put_tenant(replace(registered(subject), former_home=former))
    reply = subject.set(schemas=["public"])
    assert (reply.status, reply.json["code"]) == (409, "move_unconfirmed")
    assert subject.is_let("TABLE api.before", "viewer")
    assert subject.set(schemas=["public", "api"], plans=True).json["data_api"]["plans"] is True


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": TenantStatus.PROVISIONING}, "tenant_incomplete"),
        ({"status": TenantStatus.ERASING}, "tenant_erasing"),
        ({"relocation": "an operation"}, "operation_in_progress"),
    ],
)
def test_a_tenant_that_something_is_done_to_is_left_alone(subject: Subject, change: dict[str, Any], code: str) -> None:
    subject.world.registry.put_tenant(replace(registered(subject), **change))
    reply = subject.set(plans=True)
    assert (reply.status, reply.json["code"]) == (409, code)
    assert registered(subject).data_api == DataApiSettings()


def test_nobody_else_may_call_it(subject: Subject) -> None:
    path = f"/admin/v1/tenants/{subject.tenant_id}/data-api"
    assert subject.operator.call("PUT", path, {"plans": True}, role="admin").status == 403
    assert subject.operator.call("PUT", "/admin/v1/tenants/nobody/data-api", {"plans": True}).status == 404
    assert subject.shown() == DEFAULT
