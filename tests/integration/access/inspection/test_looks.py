"""An inspection reads one tenant's rows and nothing else, until it expires; then nothing of it is left."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest

from tenantry.domain.errors import Conflict, TenantUnknown
from tenantry.domain.operation import OperationStatus
from tenantry.domain.tenant import TenantId, TenantStatus
from tests.integration.access.inspection.conftest import OPERATOR, Desk


def test_a_look_reads_the_tenants_rows_at_once(desk: Desk) -> None:
    look = desk.open(*desk.world.tenants)
    assert desk.ask(look, "SELECT count(*) FROM candidates") == [(10,)]
    with closing(desk.connect(look, 2)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), current_user, session_user FROM candidates GROUP BY 2, 3")
        rows, role, login = cursor.fetchone()
    assert (rows, role) == (7, f"{desk.world.tenants[1]}_viewer")
    assert login == look.servers["Servers"]["2"]["Username"]


WRITES = {
    "INSERT INTO candidates (name) VALUES ('x')": "42501",
    "UPDATE candidates SET name = 'x'": "42501",
    "DELETE FROM candidates": "42501",
    "TRUNCATE candidates": "42501",
    "DROP TABLE candidates": "42501",
    "CREATE TABLE mine (a int)": "42501",
    "CREATE TEMP TABLE mine (a int)": "42501",
    "ALTER TABLE candidates ADD COLUMN x int": "42501",
}


@pytest.mark.parametrize("statement", WRITES)
def test_a_look_writes_nothing_even_when_it_stops_being_read_only(desk: Desk, statement: str) -> None:
    look = desk.open(desk.world.tenants[0])
    # Where both refuse, PostgreSQL may name either reason first.
    assert desk.refused(look, statement) in {"25006", WRITES[statement]}
    assert desk.refused(look, f"SET default_transaction_read_only = off; COMMIT; {statement}") == WRITES[statement]
    assert desk.world.execute("SELECT count(*) FROM candidates", str(desk.world.tenants[0])) == [(10,)]


@pytest.mark.parametrize(
    "role",
    ["{mine}_owner", "{mine}_editor", "{mine}_login_a", "{theirs}_viewer", "pg_read_all_data", "pg_monitor", "{admin}"],
)
def test_a_look_becomes_nobody_else(desk: Desk, role: str) -> None:
    mine, theirs = desk.world.tenants
    look = desk.open(mine)
    name = role.format(mine=mine, theirs=theirs, admin=desk.world.server.admin_user)
    assert desk.refused(look, f'SET ROLE "{name}"') == "42501"
    attributes = "rolsuper OR rolinherit OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
    (login,) = desk.logins()
    (found,) = desk.world.execute(
        f"SELECT {attributes}, rolconnlimit, rolvaliduntil FROM pg_roles WHERE rolname = '{login}'"
    )
    assert found == (False, 5, look.expires_at)
    memberships = f"""SELECT r.rolname FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid
                      JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = '{login}'"""
    assert desk.world.execute(memberships) == [(f"{mine}_viewer",)]


def test_a_look_gets_into_no_other_database(desk: Desk) -> None:
    mine, theirs = desk.world.tenants
    look = desk.open(mine)
    for database in (str(theirs), "postgres", "template1"):
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            desk.connect(look, dbname=database)


def test_a_look_has_limits(desk: Desk) -> None:
    look = desk.open(desk.world.tenants[0])
    settings = ["statement_timeout", "idle_in_transaction_session_timeout", "default_transaction_read_only"]
    assert [desk.ask(look, f"SHOW {name}")[0][0] for name in settings] == ["1min", "5min", "on"]


def test_after_its_time_postgresql_refuses_the_password(desk: Desk) -> None:
    look = desk.open(desk.world.tenants[0])
    (login,) = desk.logins()
    desk.connect(look).close()
    desk.world.execute(f"""ALTER ROLE "{login}" VALID UNTIL '{datetime.now(UTC) - timedelta(seconds=1)}'""")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        desk.connect(look)


def test_what_closes_a_look_is_set_for_the_moment_at_which_it_expires(desk: Desk) -> None:
    look = desk.open(desk.world.tenants[0], hours=3)
    expected = datetime.now(UTC) + timedelta(hours=3)
    assert abs(look.expires_at - expected) < timedelta(seconds=30)
    schedule = desk.scheduler.get_schedule(Name=f"tenantry-{look.operation_id}")
    assert schedule["ScheduleExpression"] == f"at({look.expires_at:%Y-%m-%dT%H:%M:%S})"
    assert json.loads(schedule["Target"]["Input"]) == {"operation_id": look.operation_id}


def test_closing_ends_the_session_and_leaves_nothing(desk: Desk) -> None:
    mine = desk.world.tenants[0]
    look = desk.open(mine)
    (login,) = desk.logins()
    with closing(desk.connect(look)) as connection, connection.cursor() as cursor:
        # What everybody may make, and what the tenant's owner may give: both would keep the role.
        cursor.execute("SET default_transaction_read_only = off; COMMIT; SET ROLE NONE; SELECT lo_create(0)")
        desk.world.execute(f'GRANT SELECT ON candidates TO "{login}"', str(mine), role=f"{mine}_owner")
        assert desk.close(look).status is OperationStatus.SUCCEEDED
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("SELECT 1")
    assert desk.logins() == []
    assert desk.world.execute("SELECT count(*) FROM pg_largeobject_metadata", str(mine)) == [(0,)]
    assert desk.world.execute(f"SELECT datacl::text LIKE '%inspect%' FROM pg_database WHERE datname = '{mine}'") == [
        (False,)
    ]
    with pytest.raises(desk.secrets.exceptions.ResourceNotFoundException):
        desk.pass_lines(look)
    assert desk.close(look).status is OperationStatus.SUCCEEDED


def test_a_cut_while_closing_is_finished_by_the_next(desk: Desk) -> None:
    first, second = desk.open(*desk.world.tenants), desk.open(desk.world.tenants[0])
    desk.performer._workflows[next(iter(desk.performer._workflows))][0].run(desk.store.get(first.operation_id))  # type: ignore[arg-type]
    assert len(desk.logins()) == 1
    assert desk.close(first).status is OperationStatus.SUCCEEDED
    assert desk.ask(second, "SELECT 1") == [(1,)]


def test_a_look_whose_moment_was_missed_is_closed_with_the_next_call(desk: Desk) -> None:
    late, other = desk.open(desk.world.tenants[0]), desk.open(desk.world.tenants[1])
    operation = desk.store.get(late.operation_id)
    assert operation is not None
    past = datetime.now(UTC) - timedelta(hours=1)
    desk.store.put(replace(operation, facts=operation.facts | {"expires_at": past.isoformat()}))
    assert [shown["expired"] for shown in desk.shown()] == [False, True]
    third = desk.open(desk.world.tenants[0])
    assert {shown["operation_id"] for shown in desk.shown()} == {other.operation_id, third.operation_id}
    assert len(desk.logins()) == 2


def test_what_is_open_is_shown_without_passwords(desk: Desk) -> None:
    look = desk.open(*desk.world.tenants)
    (shown,) = desk.shown()
    assert (shown["requested_by"], shown["expires_at"]) == (OPERATOR, look.expires_at.isoformat())
    assert [login["tenant"] for login in shown["logins"]] == [str(tenant) for tenant in desk.world.tenants]
    assert sorted(login["login"] for login in shown["logins"]) == sorted(desk.logins())
    operation = desk.store.get(look.operation_id)
    assert operation is not None
    for line in desk.pass_lines(look):
        password = line.rsplit(":", 1)[1]
        assert len(password) == 43
        assert password not in json.dumps([look.to_json(), desk.shown(), operation.facts])


def test_the_secret_says_when_it_expires(desk: Desk) -> None:
    look = desk.open(desk.world.tenants[0])
    tags = desk.secrets.describe_secret(SecretId=look.secret)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"Stage": "test", "ExpiresAt": look.expires_at.isoformat()}


def test_nothing_is_opened_where_one_of_the_tenants_can_not_be(desk: Desk) -> None:
    mine, other = desk.world.tenants
    with pytest.raises(TenantUnknown) as unknown:
        desk.open(mine, TenantId("nobody"))
    assert unknown.value.details == "nobody"
    tenant = desk.world.registry.tenant(other)
    assert tenant is not None
    changes = {
        "tenant_erasing": {"status": TenantStatus.ERASING},
        "tenant_moving": {"relocation": "01JBXKQ5S0AAAAAAAAAAAAAAAA"},
        "server_unknown": {"server_id": "gone"},
    }
    for code, change in changes.items():
        desk.world.registry.put_tenant(replace(tenant, **change))  # type: ignore[arg-type]
        try:
            with pytest.raises((Conflict, Exception)) as refusal:
                desk.open(mine, other)
        finally:
            desk.world.registry.put_tenant(tenant)
        assert getattr(refusal.value, "code", "") == code
        assert str(other) in str(refusal.value)
    assert desk.logins() == []
    assert desk.shown() == []


def test_what_was_made_is_taken_back_when_a_login_does_not_work(desk: Desk) -> None:
    mine, other = desk.world.tenants
    wrong = replace(desk.world.credentials[other], dbname=str(mine))
    desk.world.secrets.write(other, wrong)
    try:
        with pytest.raises(Exception, match=str(other)) as refusal:
            desk.open(mine, other)
    finally:
        desk.world.secrets.write(other, desk.world.credentials[other])
    assert getattr(refusal.value, "code", "") == "identity_mismatch"
    assert desk.logins() == []
    assert desk.shown() == []
