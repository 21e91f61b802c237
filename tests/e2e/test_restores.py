"""A database is lost on purpose and restored through the operators' API; its users find their rows again."""

import json
import threading
import uuid
from collections import Counter
from typing import Any

import pytest
from psycopg2 import sql

from tenantry.domain.tenant import SCHEMAS_DATABASE
from tests.e2e.api import Api, open_database
from tests.e2e.living import LivingTenant, erase, living_tenant, operate, operator, people


def back_up(api: Api, tenant: str) -> str:
    """Back a tenant up now; returns the backup's id."""
    name = api.aws("cloudformation").describe_stack_resource(
        StackName=api.stack.stack_name, LogicalResourceId="BackUpTenant"
    )["StackResourceDetail"]["PhysicalResourceId"]
    answer = api.aws("lambda").invoke(
        FunctionName=name, Payload=json.dumps({"tenant_id": tenant, "trigger": "test"}).encode()
    )
    done = json.loads(answer["Payload"].read())
    assert "backup_id" in done, done
    return str(done["backup_id"])


def restore(api: Api, tenant: str, backup: str, **body: Any) -> dict[str, Any]:
    path = f"/tenants/{tenant}/backups/{backup}/restore"
    return operate(api, "POST", path, json=body or {"tenant_id": tenant})


@pytest.mark.parametrize("isolation", ["database", "schema", "pooled"])
def test_what_was_lost_comes_back_while_others_go_on(api: Api, isolation: str) -> None:
    with living_tenant(api, 5, isolation=isolation) as tenant, living_tenant(api, isolation=isolation) as neighbour:
        rows = tenant.rows()
        backup = back_up(api, tenant.name)
        assert tenant.call("DELETE", params={"id": "gte.0"}).status_code == 204
        statuses: Counter[int] = Counter()
        stopped = threading.Event()

        def ask() -> None:
            while not stopped.is_set():
                statuses[neighbour.call("GET").status_code] += 1

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            done = restore(api, tenant.name, backup)
        finally:
            stopped.set()
            asking.join(60)
        assert statuses.keys() == {200}
        assert tenant.rows() == rows
        assert {row["name"] for row in tenant.call("GET").json()} == {row[0] for row in rows}
        assert done["facts"]["rows"] >= 5
        assert tenant.call("POST", json=people(f"{tenant.name}-after", 1)).status_code == 201
        operate(api, "POST", f"/tenants/{tenant.name}/undo")
        assert tenant.rows() == []
        operate(api, "POST", f"/tenants/{tenant.name}/confirm")
        assert tenant.shown()["former_home"] is None


@pytest.mark.parametrize("isolation", ["database", "schema", "pooled"])
def test_rows_of_a_single_table_come_back_in_the_place_of_what_is_there(api: Api, isolation: str) -> None:
    with living_tenant(api, 5, isolation=isolation) as tenant, living_tenant(api, isolation=isolation) as neighbour:
        rows, theirs = tenant.rows(), neighbour.rows()
        backup = back_up(api, tenant.name)
        assert tenant.call("DELETE", params={"id": "gte.0"}).status_code == 204
        assert tenant.call("POST", json=people(f"{tenant.name}-after", 1)).status_code == 201
        written_since = tenant.rows()
        schema = tenant.name if isolation == "schema" else "public"
        tables = [f"{schema}.candidates"]
        done = restore(api, tenant.name, backup, tenant_id=tenant.name, tables=tables, mode="replace")
        assert (tenant.rows(), neighbour.rows()) == (rows, theirs)
        assert {row["name"] for row in tenant.call("GET").json()} == {row[0] for row in rows}
        if isolation == "pooled":
            operate(api, "POST", f"/tenants/{tenant.name}/undo")
            assert tenant.rows() == written_since
            operate(api, "POST", f"/tenants/{tenant.name}/confirm")
        else:
            assert read(tenant, done["facts"]["replaced_schema"]) == written_since
        assert tenant.call("POST", json=people(f"{tenant.name}-more", 1)).status_code == 201


@pytest.mark.parametrize("isolation", ["database", "schema"])
def test_a_single_table_comes_back_beside_those_that_are_there(api: Api, isolation: str) -> None:
    with living_tenant(api, 5, isolation=isolation) as tenant:
        rows = tenant.rows()
        backup = back_up(api, tenant.name)
        assert tenant.call("DELETE", params={"id": "gte.0"}).status_code == 204
        schema = tenant.name if isolation == "schema" else "public"
        done = restore(api, tenant.name, backup, tenant_id=tenant.name, tables=[f"{schema}.*"])
        assert done["kind"] == "restore_tables"
        assert read(tenant, done["facts"]["restored_schema"]) == rows
        assert tenant.rows() == []
        assert tenant.call("GET").json() == []
        assert tenant.shown()["former_home"] is None


def read(tenant: LivingTenant, schema: str) -> list[tuple[Any, ...]]:
    """Read the candidates in a detached schema of a tenant, as its server's superuser."""
    database = SCHEMAS_DATABASE if tenant.shown()["isolation"] == "schema" else tenant.name
    statement = sql.SQL("SELECT name, email, phone, id FROM {} ORDER BY id").format(
        sql.Identifier(schema, "candidates")
    )
    with open_database(tenant.server(), database) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_a_backup_becomes_a_new_tenant(api: Api) -> None:
    with living_tenant(api, 5) as tenant:
        name = f"r{uuid.uuid4().hex[:10]}"
        try:
            restore(api, tenant.name, back_up(api, tenant.name), into=name)
            new = LivingTenant(api, name, {})
            assert new.shown()["status"] == "active"
            assert new.rows() == tenant.rows()
        finally:
            erase(api, name)


def test_a_tenant_that_the_registry_has_lost_comes_back_from_the_bucket(api: Api) -> None:
    with living_tenant(api, 5) as tenant:
        rows = tenant.rows()
        backup = back_up(api, tenant.name)
        key = {"pk": {"S": "TENANT"}, "sk": {"S": tenant.name}}
        api.aws("dynamodb").delete_item(TableName=api.stack.registry_table, Key=key)
        restore(api, tenant.name, backup, into=tenant.name)
        assert tenant.rows() == rows
        assert tenant.shown()["status"] == "active"
        operate(api, "POST", f"/tenants/{tenant.name}/confirm")


REFUSED = [
    ("{own}", {}, "not_confirmed"),
    ("{own}", {"tenant_id": "acme"}, "not_confirmed"),
    ("{own}", {"into": "mycompany"}, "tenant_exists"),
    # Its own id is for a tenant that the registry has lost: nobody confirmed that this one is overwritten.
    ("{own}", {"into": "{name}"}, "tenant_exists"),
    ("{own}", {"tenant_id": "{name}", "into": "elsewhere"}, "two_places"),
    ("{own}", {"into": "No"}, "invalid_tenant_id"),
    ("01ARZ3NDEKTSV4RRFFQ69G5FAV", {"tenant_id": "{name}"}, "backup_unknown"),
    ("nothing", {"tenant_id": "{name}"}, "invalid_backup_id"),
    ("{own}", {"tenant_id": "{name}", "server_id": "nowhere"}, "server_unknown"),
    ("{own}", {"tenant_id": "{name}", "tables": ["public.nothing"]}, "table_unknown"),
    ("{own}", {"into": "elsewhere", "tables": ["public.candidates"]}, "tables_elsewhere"),
    ("{own}", {"into": "elsewhere", "mode": "replace"}, "tables_elsewhere"),
    # Else somebody who forgot to name the tables would get all of them.
    ("{own}", {"tenant_id": "{name}", "tables": []}, "no_tables"),
    ("{own}", {"tenant_id": "{name}", "mode": "replace"}, "no_tables"),
]


def test_what_cannot_be_restored_is_refused(api: Api) -> None:
    with living_tenant(api) as tenant:
        own = back_up(api, tenant.name)
        before = tenant.shown()
        for backup, body, code in REFUSED:
            path = f"/admin/v1/tenants/{tenant.name}/backups/{backup.replace('{own}', own)}/restore"
            filled = json.loads(json.dumps(body).replace("{name}", tenant.name))
            answer = api.call("POST", path, operator(api), json=filled)
            assert (400 <= answer.status_code < 500, answer.json()["code"]) == (True, code), answer.text
            assert tenant.shown() == before
