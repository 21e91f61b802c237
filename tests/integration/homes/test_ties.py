"""What is tied to a tenant's very database keeps it from being copied, swapped and dropped, and not from an erasure."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import LogicalReplicationConnection

from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.backups.retention.removal import BackupRemoval
from tenantry.domain.errors import Conflict
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.tenant import Isolation, TenantId, TenantStatus
from tenantry.homes.ties import find_ties
from tenantry.operations.operations import Performer
from tenantry.relocation.clone_requests import CloneOrder
from tenantry.tenants.certificate_store import CertificateStore
from tenantry.tenants.erasure import KIND, Erasure
from tenantry.tenants.rename_checks import check_renaming
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory
from tests.integration.conftest import REGION, STAGE, TABLE, World
from tests.integration.relocation.conftest import second_postgres  # noqa: F401
from tests.integration.restores.conftest import BUCKET, Vault, s3  # noqa: F401
from tests.postgres import temporary_postgres

SETTINGS = {"max_prepared_transactions": "10", "wal_level": "logical"}
NOBODY = "host=127.0.0.1 port=1 dbname=x user=u password=p connect_timeout=1"
INSERT = "INSERT INTO candidates (name, job_role, email) VALUES ('a', 'b', 'c@d.e')"
SUBSCRIPTION = '"odd one;--"'
NAMES = {
    "prepared": "prepared transaction it's",
    "subscription": "subscription odd one;--",
    "slot": "replication slot of_{id}",
}


@pytest.fixture(scope="module")
def tying() -> Iterator[PostgresServer]:
    """A server on which transactions can be prepared, and others may subscribe to what is written."""
    with temporary_postgres("that ties") as server:
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for name, value in SETTINGS.items():
                cursor.execute(f"ALTER SYSTEM SET {name} = {value}")
        server.stop()
        server.start()
        yield server


@pytest.fixture
def bound(world: World, tying: PostgresServer, second_postgres: PostgresServer, s3: Any) -> Iterator[Vault]:  # noqa: F811
    made = Vault(world, second_postgres, s3, here=tying)
    try:
        yield made
    finally:
        for tenant_id in made.made:
            release(made, tenant_id)
        made.drop()


def tie(vault: Vault, tenant_id: TenantId, kind: str, database: str = "") -> None:
    database = database or tenant_id.value
    if kind == "prepared":
        vault.run_as(tenant_id, f"BEGIN; {INSERT}; PREPARE TRANSACTION 'it''s'")
    elif kind == "subscription":
        where = f"CONNECTION '{NOBODY}' PUBLICATION p WITH (connect = false, slot_name = 'far')"
        vault.execute("here", f"CREATE SUBSCRIPTION {SUBSCRIPTION} {where}", database)
        vault.execute("here", f"ALTER SUBSCRIPTION {SUBSCRIPTION} ENABLE", database)
    else:
        create_slot(vault, f"of_{tenant_id}", database)


def create_slot(vault: Vault, name: str, database: str) -> None:
    vault.execute("here", f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')", database)


def release(vault: Vault, tenant_id: TenantId, database: str = "") -> None:
    """Do by hand what the hint says."""
    database = database or tenant_id.value
    for name, where in vault.execute("here", "SELECT gid, database FROM pg_prepared_xacts"):
        vault.execute("here", "ROLLBACK PREPARED '{}'".format(name.replace("'", "''")), where)
    of_it = f"JOIN pg_database d ON d.oid = subdbid WHERE datname = '{database}'"
    if vault.execute("here", f"SELECT 1 FROM pg_subscription {of_it}"):
        for change in ("ALTER {} DISABLE", "ALTER {} SET (slot_name = NONE)", "DROP {}"):
            vault.execute("here", change.format(f"SUBSCRIPTION {SUBSCRIPTION}"), database)
    slots = f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '{database}'"
    vault.execute("here", slots)


def refused(call: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(Conflict) as refusal:
        call(*arguments, **options)
    assert (refusal.value.code, bool(refusal.value.hint)) == ("tied_to_database", True)
    return str(refusal.value.details)


def test_nothing_is_begun_that_would_lose_or_meet_it(bound: Vault) -> None:
    tenant_id = bound.add()
    backup = bound.back_up(tenant_id)
    for kind, shown in NAMES.items():
        tie(bound, tenant_id, kind)
        before = bound.tenant(tenant_id)
        named = shown.format(id=tenant_id)
        assert refused(bound.relocations.move, tenant_id, "there", "op-1") == named
        assert refused(bound.clones.start, CloneOrder(tenant_id, TenantId("a-copy")), "op-1") == named
        assert refused(bound.start, backup) == named
        if kind == "prepared":
            parts = {"registry": bound.world.registry, "secrets": bound.world.secrets, "servers": bound.servers}
            assert refused(check_renaming, tenant_id, TenantId("another-name"), "", **parts) == named
        else:
            # A backup can be taken, and says that it does not have it.
            limited = bound.back_up(tenant_id)
            assert limited.limited
            assert limited.manifest
            assert [gone.reason for gone in limited.manifest.omissions or ()] == ["tied_to_database"]
            assert limited.to_json()["limited"]
            assert bound.scratches().drill(bound.order(limited)).findings.differing == []
        assert (bound.tenant(tenant_id), bound.invoker.started) == (before, [])
        release(bound, tenant_id)
    bound.perform_well(bound.relocations.move(tenant_id, "there", "op-1"))


def test_what_came_since_is_met_before_anything_is_dropped(bound: Vault) -> None:
    """The place that a tenant has left is not dropped with a slot, nor the one that it goes back from."""
    tenant_id = bound.add()
    bound.perform_well(bound.relocations.move(tenant_id, "there", "op-1"))
    tie(bound, tenant_id, "slot")
    assert refused(bound.relocations.confirm, tenant_id, "op-1") == f"replication slot of_{tenant_id}"
    assert bound.tenant(tenant_id).relocation == ""
    release(bound, tenant_id)
    bound.perform_well(bound.relocations.confirm(tenant_id, "op-1"))
    bound.perform_well(bound.relocations.move(tenant_id, "here", "op-1"))
    tie(bound, tenant_id, "prepared")
    assert refused(bound.relocations.undo, tenant_id, "op-1") == NAMES["prepared"]
    release(bound, tenant_id)
    bound.perform_well(bound.relocations.undo(tenant_id, "op-1"))


def test_what_comes_during_a_move_stops_it_before_the_switch(bound: Vault) -> None:
    tenant_id = bound.add()
    operation = bound.relocations.move(tenant_id, "there", "op-1")

    def wrap(step: Any) -> Any:
        def run(started: Operation) -> Any:
            if step.name == "switch":
                tie(bound, tenant_id, "slot")
            return step.run(started)

        return step._replace(run=run)

    with pytest.raises(Conflict) as refusal:
        bound.perform(operation, wrap)
    assert refusal.value.code == "tied_to_database"
    release(bound, tenant_id)
    bound.perform_well(bound.relocations.move(tenant_id, "there", "op-1"))


@pytest.mark.parametrize("isolation", [Isolation.SCHEMA, Isolation.POOLED])
def test_in_a_shared_database_only_the_tenants_own_counts(bound: Vault, isolation: Isolation) -> None:
    tenant_id, neighbour = bound.add(isolation), bound.add(isolation)
    database = bound.credentials(tenant_id).dbname
    # A slot is made when all that was begun before has ended.
    tie(bound, neighbour, "slot", database)
    tie(bound, neighbour, "prepared")
    bound.perform_well(bound.relocations.promote(tenant_id, Isolation.DATABASE, "op-1"))
    assert refused(bound.relocations.promote, neighbour, Isolation.DATABASE, "op-1") == NAMES["prepared"]
    erase(bound, neighbour)
    assert bound.execute("here", "SELECT 1 FROM pg_prepared_xacts") == []
    # What an operator has made of the database that tenants share is not a tenant's.
    assert len(bound.execute("here", f"SELECT 1 FROM pg_replication_slots WHERE database = '{database}'")) == 1
    release(bound, neighbour, database)


def test_an_erasure_drops_it_all(bound: Vault) -> None:
    tenant_id = bound.add()
    home, reader = bound.home(tenant_id), read_slot(bound, tenant_id)
    for kind in reversed(NAMES):
        tie(bound, tenant_id, kind)
    assert len(find_ties(bound.servers.connector("here"), tenant_id, home)) == 4
    erase(bound, tenant_id)
    assert find_ties(bound.servers.connector("here"), tenant_id, home) == []
    assert bound.execute("here", f"SELECT 1 FROM pg_database WHERE datname = '{tenant_id}'") == []
    with pytest.raises(psycopg2.Error):
        reader.cursor().execute("IDENTIFY_SYSTEM")
    reader.close()


def read_slot(vault: Vault, tenant_id: TenantId) -> Any:
    """Read from a slot, as a replica that somebody has forgotten does."""
    create_slot(vault, f"read_{tenant_id}", tenant_id.value)
    server = vault.postgres["here"]
    connection = psycopg2.connect(
        host=server.host,
        port=server.port,
        user=server.admin_user,
        password=server.admin_password,
        dbname=tenant_id.value,
        connection_factory=LogicalReplicationConnection,
    )
    options = {"proto_version": "1", "publication_names": "p"}
    connection.cursor().start_replication(slot_name=f"read_{tenant_id}", options=options)
    return connection


def erase(vault: Vault, tenant_id: TenantId) -> None:
    registry = vault.world.registry
    tenant = vault.tenant(tenant_id)
    registry.put_tenant(replace(tenant, status=TenantStatus.ERASING))
    erasure = Erasure(
        registry,
        vault.servers,
        vault.world.secrets,
        BackupRemoval(vault.s3, BUCKET),
        UserDirectory(None, ""),  # type: ignore[arg-type]
        CertificateStore(aws_client("dynamodb", REGION), TABLE),
        UsagePlans(aws_client("apigateway", REGION), STAGE),
    )
    name = "01JBXKQ5S0" + uuid.uuid4().hex[:16]
    vault.store.put(Operation(name, KIND, f"tenant/{tenant_id}", "op-1", datetime.now(UTC)))
    done = Performer(vault.store, vault.leases, {KIND: erasure.steps()}).perform(name)
    assert done.status is OperationStatus.SUCCEEDED
