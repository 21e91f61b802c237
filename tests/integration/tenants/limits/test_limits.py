"""Limits on connections and statement time: on both logins, for the data plane, without a failed request."""

import threading
from collections import Counter
from typing import Any

import psycopg2
import pytest

from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.logins import login_names, replace_password
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable
from tenantry.domain.tenant import TenantId
from tests.integration.conftest import Reply, World
from tests.integration.tenants.limits.conftest import MakeTenant
from tests.integration.tenants.test_administration import Operator

# What the data plane of these tests allows itself: STATEMENT_TIMEOUT_MS of the fixture `world`.
OWN_MS = 2000


def set_limits(operator: Operator, tenant_id: TenantId, **limits: Any) -> Reply:
    return operator.call("PUT", f"/admin/v1/tenants/{tenant_id}/limits", limits)


def credentials_of(world: World, tenant_id: TenantId) -> Credentials:
    credentials = world.secrets.find(tenant_id)
    assert credentials
    return credentials


def statement_time(world: World, tenant_id: TenantId, own_ms: int = OWN_MS) -> str:
    """Read the statement timeout of a session of the data plane."""
    settings = ConnectSettings(statement_timeout_ms=own_ms)
    opened = TenantConnection(tenant_id, credentials_of(world, tenant_id), settings)
    try:
        with opened._connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            return str(cursor.fetchone()[0])
    finally:
        opened.close()


def connection_limits(world: World, tenant_id: TenantId) -> list[int]:
    names = ", ".join(f"'{name}'" for name in login_names(tenant_id))
    return [limit for (limit,) in world.execute(f"SELECT rolconnlimit FROM pg_roles WHERE rolname IN ({names})")]


def sessions(world: World, tenant_id: TenantId) -> list[int]:
    return [pid for (pid,) in world.execute(f"SELECT pid FROM pg_stat_activity WHERE datname = '{tenant_id}'")]


def age(world: World, tenant_id: TenantId) -> None:
    """Wait, on the server, until every session of the tenant has been idle for more than a second."""
    world.execute(
        f"""SELECT pg_sleep_until(max(state_change) + interval '1010 milliseconds')
            FROM pg_stat_activity WHERE datname = '{tenant_id}'"""
    )


def test_limits_are_set_and_shown(world: World, operator: Operator, make_tenant: MakeTenant) -> None:
    tenant_id = make_tenant()
    assert operator.call("GET", f"/admin/v1/tenants/{tenant_id}").json["limits"] == {
        "connections": 50,
        "statement_timeout_ms": 0,
        "plan": "standard",
        "max_bytes": -1,
    }
    reply = set_limits(operator, tenant_id, connections=3, statement_timeout_ms=700, plan="free", backups="weekly")
    assert reply.status == 200, reply.text
    assert reply.json["limits"] == {"connections": 3, "statement_timeout_ms": 700, "plan": "free", "max_bytes": -1}
    assert reply.json["backups"] == "weekly"
    assert connection_limits(world, tenant_id) == [3, 3]
    assert statement_time(world, tenant_id) == "700ms"
    entries = operator.call("GET", "/admin/v1/audit", target=f"tenant/{tenant_id}").json["items"]
    assert entries[0]["action"] == "set_limits"


def test_what_is_left_out_stays(world: World, operator: Operator, make_tenant: MakeTenant) -> None:
    given = {"connections": 7, "statement_timeout_ms": 900, "max_bytes": 1 << 40}
    tenant_id = make_tenant(limits=given, backups="hourly")
    set_limits(operator, tenant_id, plan="premium")
    assert operator.create(tenant_id.value).status == 200
    shown = operator.call("GET", f"/admin/v1/tenants/{tenant_id}").json
    assert shown["limits"] == given | {"plan": "premium"}
    assert shown["over_quota"] is False
    assert shown["backups"] == "hourly"
    assert connection_limits(world, tenant_id) == [7, 7]
    assert statement_time(world, tenant_id) == "900ms"


def test_the_short_form_of_the_connections_still_works(world: World, make_tenant: MakeTenant) -> None:
    assert connection_limits(world, make_tenant(connection_limit=4)) == [4, 4]


@pytest.mark.parametrize(
    ("login", "own_ms", "effective"),
    [
        ("0", 2000, "2s"),
        ("500", 2000, "500ms"),
        ("9000", 2000, "2s"),
        ("500", 0, "500ms"),
        ("0", 0, "0"),
        # What an administrator wrote by hand, in PostgreSQL's own words.
        ("'1min'", 90_000, "1min"),
        ("'1500ms'", 2000, "1500ms"),
        ("'2h'", 2000, "2s"),
    ],
)
def test_a_tenants_limit_only_lowers_the_functions_own(
    world: World, make_tenant: MakeTenant, login: str, own_ms: int, effective: str
) -> None:
    tenant_id = make_tenant()
    world.execute(f'ALTER ROLE "{tenant_id}_login_a" SET statement_timeout = {login}')
    assert statement_time(world, tenant_id, own_ms) == effective


def test_a_statement_that_takes_longer_is_ended(world: World, operator: Operator, make_tenant: MakeTenant) -> None:
    tenant_id = make_tenant()
    set_limits(operator, tenant_id, statement_timeout_ms=150)
    slow = "CREATE VIEW slow AS SELECT pg_sleep(1)::text AS x; GRANT SELECT ON slow TO "
    world.execute(f'{slow} "{tenant_id}_editor"', tenant_id.value, f"{tenant_id}_owner")
    reply = world.call(tenant_id, table="slow")
    assert (reply.status, reply.json["code"]) == (504, "57014")
    set_limits(operator, tenant_id, statement_timeout_ms=0)
    age(world, tenant_id)
    set_limits(operator, tenant_id)
    assert world.call(tenant_id, table="slow").status == 200


def test_opening_a_connection_still_costs_one_question(
    world: World, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Counting(psycopg2.extensions.cursor):
        def execute(self, query: Any, values: Any = None) -> None:
            asked.append(str(query))
            super().execute(query, values)

    def connect_counting(*arguments: Any) -> Any:
        connection = connect(*arguments)
        connection.cursor_factory = Counting
        return connection

    tenant_id = make_tenant()
    monkeypatch.setattr("tenantry.database.tenant_connection.connect", connect_counting)
    TenantConnection(tenant_id, credentials_of(world, tenant_id), ConnectSettings()).close()
    assert len(asked) == 1


def test_a_rotation_keeps_the_limits(world: World, operator: Operator, make_tenant: MakeTenant) -> None:
    tenant_id = make_tenant(limits={"connections": 5, "statement_timeout_ms": 600})
    first, second = login_names(tenant_id)
    server = world.server
    administrator = Credentials(
        server.host, server.port, "postgres", server.admin_user, server.admin_password, sslmode="disable"
    )
    replace_password(administrator, ConnectSettings(), login=second, password="another password", like=first)
    current = credentials_of(world, tenant_id)
    world.secrets.write(
        tenant_id,
        Credentials(current.host, current.port, current.dbname, second, "another password", sslmode="disable"),
    )
    assert connection_limits(world, tenant_id) == [5, 5]
    assert statement_time(world, tenant_id) == "600ms"


def test_a_login_may_have_no_more_sessions_than_that(world: World, operator: Operator, make_tenant: MakeTenant) -> None:
    tenant_id = make_tenant()
    set_limits(operator, tenant_id, connections=1)
    held = connect(credentials_of(world, tenant_id), ConnectSettings())
    try:
        with pytest.raises(DatabaseUnavailable) as refusal:
            connect(credentials_of(world, tenant_id), ConnectSettings())
        assert refusal.value.code == "53300"
    finally:
        held.close()


def test_idle_sessions_take_the_new_limits_at_once(world: World, operator: Operator, make_tenant: MakeTenant) -> None:
    tenant_id = make_tenant()
    assert world.call(tenant_id).status == 200
    before = sessions(world, tenant_id)
    age(world, tenant_id)
    set_limits(operator, tenant_id, statement_timeout_ms=300)
    assert world.call(tenant_id).status == 200
    assert not set(before) & set(sessions(world, tenant_id))


def test_a_session_in_use_is_left_alone(world: World, operator: Operator, make_tenant: MakeTenant) -> None:
    tenant_id = make_tenant()
    busy = connect(credentials_of(world, tenant_id), ConnectSettings())
    try:
        with busy.cursor() as cursor:
            cursor.execute("BEGIN")
            age(world, tenant_id)
            set_limits(operator, tenant_id, connections=2)
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
    finally:
        busy.close()


def test_under_load_no_request_fails(world: World, operator: Operator, make_tenant: MakeTenant) -> None:
    tenant_id = make_tenant()
    statuses: Counter[int] = Counter()
    enough, done = threading.Event(), threading.Event()

    def ask() -> None:
        while not done.is_set():
            statuses[world.call(tenant_id).status] += 1
            person = {"name": "under load", "job_role": "x", "email": f"{statuses.total()}@example.com"}
            statuses[world.call(tenant_id, "POST", body=person).status] += 1
            if statuses.total() > 400:
                enough.set()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        rounds = 0
        while not enough.is_set():
            rounds += 1
            reply = set_limits(operator, tenant_id, connections=5 + rounds % 5, statement_timeout_ms=500 + rounds)
            assert reply.status == 200
    finally:
        done.set()
        asking.join(30)
    assert statuses.keys() == {200, 201}
    assert rounds > 3


@pytest.mark.parametrize(
    "body",
    [
        {"connections": 0},
        {"connections": "many"},
        {"statement_timeout_ms": -1},
        {"max_bytes": -2},
        {"plan": "gold"},
        {"backups": "never"},
        {"colour": "red"},
    ],
)
def test_limits_that_are_none_change_nothing(
    world: World, operator: Operator, make_tenant: MakeTenant, body: dict[str, Any]
) -> None:
    tenant_id = make_tenant()
    before = world.registry.tenant(tenant_id)
    reply = set_limits(operator, tenant_id, **body)
    assert (reply.status, reply.json["code"]) == (400, "invalid_body")
    assert world.registry.tenant(tenant_id) == before


def test_two_limits_of_connections_that_differ_are_refused(operator: Operator) -> None:
    reply = operator.create(connection_limit=3, limits={"connections": 4})
    assert (reply.status, reply.json["code"]) == (400, "invalid_body")


def test_nobodys_limits_are_not_set(operator: Operator) -> None:
    assert set_limits(operator, TenantId("nobody-here"), connections=1).json["code"] == "tenant_unknown"
