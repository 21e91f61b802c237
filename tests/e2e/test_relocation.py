"""A tenant is moved, promoted and cloned through the operators' API; its users keep working with their rows."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.api import Api, open_database
from tests.e2e.living import CANDIDATES, LivingTenant, administer, erase, living_tenant, operate, operator, people


def databases(api: Api, server_id: str) -> set[str]:
    server = next(server for server in api.stack.servers if server.id == server_id)
    with open_database(server, "postgres") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        return {name for (name,) in cursor.fetchall()}


@contextmanager
def writing(tenant: LivingTenant) -> Iterator[tuple[Counter[int], list[str]]]:
    """Writes rows all the time; counts the answers by status, and records the names of the acknowledged rows."""
    statuses: Counter[int] = Counter()
    acknowledged: list[str] = []
    stopped = threading.Event()

    def write() -> None:
        while not stopped.is_set():
            (row,) = people(f"{tenant.name}-{uuid.uuid4().hex[:8]}", 1)
            status = tenant.call("POST", json=row).status_code
            statuses[status] += 1
            if status == 201:
                acknowledged.append(row["name"])

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield statuses, acknowledged
    finally:
        stopped.set()
        thread.join(60)


@pytest.mark.parametrize("isolation", ["database", "schema", "pooled"])
def test_a_move_loses_no_row_and_is_kept_until_confirmed(api: Api, isolation: str) -> None:
    with living_tenant(api, isolation=isolation) as tenant:
        origin = tenant.server().id
        target = next(server.id for server in api.stack.servers if server.id != origin)
        with writing(tenant) as (statuses, acknowledged):
            moved = operate(api, "POST", f"/tenants/{tenant.name}/move", json={"server_id": target})
        assert tenant.server().id == target
        assert statuses.keys() <= {201, 503}, statuses
        assert set(acknowledged) <= {row[0] for row in tenant.rows()}
        assert moved["facts"]["write_pause_ms"] >= moved["facts"]["read_pause_ms"] >= 0
        assert tenant.shown()["former_home"]["server_id"] == origin
        again = api.call("POST", f"/admin/v1/tenants/{tenant.name}/move", operator(api), json={"server_id": origin})
        assert (again.status_code, again.json()["code"]) == (409, "move_unconfirmed")
        operate(api, "POST", f"/tenants/{tenant.name}/confirm")
        assert tenant.shown()["former_home"] is None
        assert tenant.name not in databases(api, origin)
        assert tenant.call("GET").status_code == 200


def test_a_move_is_undone_with_what_was_written_since(api: Api) -> None:
    with living_tenant(api) as tenant:
        origin = tenant.server().id
        target = next(server.id for server in api.stack.servers if server.id != origin)
        operate(api, "POST", f"/tenants/{tenant.name}/move", json={"server_id": target})
        (row,) = people(f"{tenant.name}-after", 1)
        assert tenant.call("POST", json=row).status_code == 201
        operate(api, "POST", f"/tenants/{tenant.name}/undo")
        assert tenant.server().id == origin
        assert row["name"] in {found["name"] for found in tenant.call("GET").json()}
        assert tenant.name not in databases(api, target)


@pytest.mark.parametrize(("before", "after"), [("pooled", "schema"), ("pooled", "database"), ("schema", "database")])
def test_a_promotion_loses_no_row(api: Api, before: str, after: str) -> None:
    with living_tenant(api, 5, isolation=before) as tenant:
        rows = tenant.rows()
        operate(api, "POST", f"/tenants/{tenant.name}/promote", json={"isolation": after})
        assert tenant.shown()["isolation"] == after
        shown = tenant.call("GET", params={"order": "id"}).json()
        assert [row["name"] for row in shown] == [row[0] for row in rows]
        (row,) = people(f"{tenant.name}-after", 1)
        assert tenant.call("POST", json=row).status_code == 201
        operate(api, "POST", f"/tenants/{tenant.name}/confirm")
        assert len(tenant.call("GET").json()) == len(rows) + 1


@pytest.mark.parametrize("isolation", ["database", "schema", "pooled"])
def test_a_clone_has_the_rows_and_goes_its_own_way(api: Api, isolation: str) -> None:
    with living_tenant(api, isolation=isolation) as tenant:
        name = f"c{uuid.uuid4().hex[:10]}"
        try:
            operate(api, "POST", f"/tenants/{tenant.name}/clone", json={"tenant_id": name})
            clone = LivingTenant(api, name, {})
            assert clone.rows() == tenant.rows()
            assert clone.shown()["status"] == "active"
            assert tenant.call("DELETE", params={"id": "gte.0"}).status_code == 204
            assert len(clone.rows()) == 3
        finally:
            erase(api, name)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("move", {"server_id": "{own}"}, "same_place"),
        ("move", {"server_id": "nowhere"}, "server_unknown"),
        ("promote", {"isolation": "database"}, "same_place"),
        ("promote", {"isolation": "pooled"}, "invalid_body"),
        ("clone", {"tenant_id": "mycompany"}, "tenant_exists"),
        ("clone", {"tenant_id": "No"}, "invalid_tenant_id"),
        ("clone", {"tenant_id": "nobodys", "admin_email": "admin@mycompany1.example.com"}, "user_exists"),
        ("confirm", {}, "nothing_to_confirm"),
        ("undo", {}, "nothing_to_undo"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    api: Api, path: str, body: dict[str, str], code: str
) -> None:
    before = administer(api, "GET", "/tenants/mycompany")
    filled = {key: value.replace("{own}", before["server_id"]) for key, value in body.items()}
    answer = api.call("POST", f"/admin/v1/tenants/mycompany/{path}", operator(api), json=filled)
    assert (400 <= answer.status_code < 500, answer.json()["code"]) == (True, code), answer.text
    assert administer(api, "GET", "/tenants/mycompany") == before
    assert api.call("GET", CANDIDATES, api.token("mycompany")).status_code == 200


def test_a_tenant_that_must_not_leave_its_region_stays(api: Api) -> None:
    with living_tenant(api, region="ap-south-1") as tenant:
        answer = api.call(
            "POST", f"/admin/v1/tenants/{tenant.name}/move", operator(api), json={"server_id": "us-east-1"}
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "other_region")
        assert tenant.server().id == "ap-south-1"
