"""Homes are measured, closed, fenced, emptied and dropped, without effect on others in the same database."""

import contextlib
import threading
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.conftest import World
from tests.integration.homes.conftest import MODELS, SHARED, candidate, home, new_id, provision, remove

type Fleet = dict[Isolation, list[TenantId]]


def log_in(world: World, tenant_id: TenantId) -> Any:
    credentials = world.secrets.find(tenant_id)
    assert credentials
    connection = world.server.connect(credentials.dbname, user=credentials.username, password=credentials.password)
    connection.autocommit = True
    return connection


def dependencies(world: World, tenant_id: TenantId) -> list[Any]:
    """List what still depends on a tenant's roles on the server."""
    return world.execute(
        f"""SELECT coalesce(d.datname, 'server'), s.classid::regclass, s.deptype
            FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid LEFT JOIN pg_database d ON d.oid = s.dbid
            WHERE s.refclassid = 'pg_authid'::regclass AND starts_with(r.rolname, '{tenant_id}_')
              AND s.classid <> 'pg_auth_members'::regclass
            UNION ALL
            SELECT d.datname, NULL, NULL FROM pg_db_role_setting s
            JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase
            WHERE starts_with(r.rolname, '{tenant_id}_')"""
    )


@pytest.mark.parametrize("model", MODELS)
def test_a_home_is_dropped_with_all_that_is_in_it(
    world: World, fleet: Fleet, tenant_id: TenantId, model: Isolation
) -> None:
    neighbour = fleet[model][0]
    before = world.call(neighbour).json
    provision(world, tenant_id, model)
    assert world.call(tenant_id, "POST", body=candidate(neighbour.value)).status == 201
    place = home(world, tenant_id)
    assert (place.size() or 0) > 0
    with closing(log_in(world, tenant_id)) as session, session.cursor() as cursor:
        cursor.execute(f'SET ROLE "{tenant_id}_editor"; SELECT lo_create(0)')
        place.drop()
        place.drop()
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("SELECT 1")
    assert place.size() is None
    assert dependencies(world, tenant_id) == []
    assert world.call(neighbour).json == before
    with pytest.raises(psycopg2.OperationalError):
        log_in(world, tenant_id)


@pytest.mark.parametrize("model", MODELS)
def test_a_home_is_emptied_and_closed_until_it_is_opened(world: World, tenant_id: TenantId, model: Isolation) -> None:
    provision(world, tenant_id, model)
    assert world.call(tenant_id, "POST", body=candidate("Ada")).status == 201
    place = home(world, tenant_id)
    for _ in range(2):
        place.make_empty()
        with pytest.raises(psycopg2.OperationalError):
            log_in(world, tenant_id)
    place.upgrade()
    place.grant()
    place.open()
    assert world.call(tenant_id).json == []
    assert world.call(tenant_id, "POST", body=candidate("Ada")).status == 201


@pytest.mark.parametrize("model", MODELS)
def test_a_fence_lets_nobody_write(world: World, fleet: Fleet, model: Isolation) -> None:
    tenant, neighbour = fleet[model]
    place = home(world, tenant)
    with closing(log_in(world, tenant)) as session, session.cursor() as cursor:
        cursor.execute(f'BEGIN; SET ROLE "{tenant}_editor"; DELETE FROM candidates')
        place.fence()
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("COMMIT")
    try:
        with closing(log_in(world, tenant)) as session, session.cursor() as cursor:
            cursor.execute(f'SET ROLE "{tenant}_editor"; SELECT name FROM candidates')
            assert cursor.fetchall() == [(tenant.value,)]
            with pytest.raises(psycopg2.Error) as refusal:
                cursor.execute("DELETE FROM candidates")
            assert refusal.value.pgcode == "25006"
        assert world.call(neighbour, "PATCH", body={"phone": "1"}, id="gte.0").status == 204
    finally:
        place.unfence()
    assert world.call(tenant, "PATCH", body={"phone": "1"}, id="gte.0").status == 204


@pytest.mark.parametrize("model", MODELS)
def test_no_session_slips_past_a_fence(world: World, fleet: Fleet, model: Isolation) -> None:
    """Sessions that are starting while the fence goes up are either ended or read-only."""
    tenant = fleet[model][0]
    place, stop, fenced = home(world, tenant), threading.Event(), threading.Event()
    let_in, wrong = threading.Semaphore(0), []

    def knock() -> None:
        while not stop.is_set():
            with contextlib.suppress(psycopg2.Error), closing(log_in(world, tenant)) as session:
                with session.cursor() as cursor:
                    cursor.execute("SHOW default_transaction_read_only")
                    (read_only,) = cursor.fetchone()
                    is_fenced = fenced.is_set()
                    cursor.execute("SELECT 1")
                    if read_only == "off" and is_fenced and fenced.is_set():
                        wrong.append(read_only)
                let_in.release()

    guests = [threading.Thread(target=knock) for _ in range(3)]
    for guest in guests:
        guest.start()
    try:
        for _ in range(5):
            place.fence()
            fenced.set()
            for _ in range(10):
                assert let_in.acquire(timeout=20)
            fenced.clear()
            place.unfence()
    finally:
        stop.set()
        for guest in guests:
            guest.join()
        place.unfence()
    assert wrong == []


@pytest.mark.parametrize("model", SHARED)
def test_sessions_of_a_neighbour_go_on(world: World, fleet: Fleet, model: Isolation) -> None:
    tenant, neighbour = fleet[model]
    with closing(log_in(world, tenant)) as ended, closing(log_in(world, neighbour)) as kept:
        home(world, tenant).end_sessions()
        with pytest.raises(psycopg2.OperationalError), ended.cursor() as cursor:
            cursor.execute("SELECT 1")
        with kept.cursor() as cursor:
            cursor.execute("SELECT 1")


def test_what_is_somebody_elses_is_left(world: World, tenant_id: TenantId) -> None:
    provision(world, tenant_id, Isolation.SCHEMA)
    other = new_id()
    try:
        world.execute(f'CREATE SCHEMA "{other}"', "tenantry_schemas")
        with pytest.raises(Conflict) as refusal:
            provision(world, other, Isolation.SCHEMA)
        assert refusal.value.code == "name_taken"
    finally:
        world.execute(f'DROP SCHEMA "{other}"', "tenantry_schemas")
        remove(world, other)


def test_a_database_that_says_it_is_anothers_is_not_dropped(world: World, tenant_id: TenantId) -> None:
    provision(world, tenant_id)
    world.execute(f"ALTER DATABASE \"{tenant_id}\" SET tenantry.tenant_id = 'another'")
    with pytest.raises(Conflict):
        home(world, tenant_id).drop()
    world.execute(f"ALTER DATABASE \"{tenant_id}\" SET tenantry.tenant_id = '{tenant_id}'")
