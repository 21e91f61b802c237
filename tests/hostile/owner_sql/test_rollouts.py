"""A tenant's own code meets a rollout: it may spoil its own migration, which the ledger tells, and nobody else's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tenantry.domain.tenant import Tenant, TenantId, owner_role
from tenantry.homes.factory import home_of
from tenantry.rollouts.rollout import EntryState, RolloutState, Wave
from tests.integration.conftest import World
from tests.integration.revisions.conftest import Versions
from tests.integration.rollouts.conftest import ADD_NOTE, DROP_NOTE, Fleet, fleet, lone_world, make_residents, versions

__all__ = ["fleet", "versions"]

POOL = "pool/local"
DONE, FAILED, BLOCKED = EntryState.DONE, EntryState.FAILED, EntryState.BLOCKED
RIGHTS = """
    EXECUTE format('GRANT SELECT ON candidates TO %1$I', session_user);
    EXECUTE format('ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO %1$I', session_user);
    EXECUTE format('CREATE POLICY evil ON candidates TO %1$I', session_user);
"""
SETTINGS = """
    PERFORM set_config(name, value, false) FROM (VALUES ('search_path', 'nowhere'), ('lock_timeout', '0'),
        ('default_transaction_read_only', 'on'), ('standard_conforming_strings', 'off')
    ) given(name, value);
"""


def code(body: str, when: str = "BEFORE UPDATE", deferred: str = "") -> str:
    """Let a trigger on the table of the revision run some code."""
    kind = "CONSTRAINT TRIGGER" if deferred else "TRIGGER"
    return f"""CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$;
        CREATE {kind} evil {when} ON alembic_version {deferred} FOR EACH ROW EXECUTE FUNCTION evil()"""


class Attack(NamedTuple):
    """What an owner does, what becomes of its own home, and how it takes it back; by default that goes with `evil`."""

    name: str
    statement: str
    state: EntryState
    code: str = ""
    undo: str = "SELECT"


ATTACKS = [
    Attack("rights of our login", code(RIGHTS), DONE),
    Attack("settings of our session", code(SETTINGS), DONE),
    Attack("another role", code("RESET ROLE; CREATE TABLE evil (id int);"), FAILED, "3F000"),
    Attack("the end of our transaction", code("COMMIT;"), FAILED, "2D000"),
    Attack("a server that is full", code("RAISE SQLSTATE '53100' USING MESSAGE = 'host=10.0.0.1';"), FAILED, "53100"),
    Attack("a lock that is none", code("RAISE SQLSTATE '55P03' USING MESSAGE = 'x';"), BLOCKED, "database_busy"),
    Attack(
        "the old revision",
        code(
            "IF NEW.version_num <> '0001' THEN UPDATE alembic_version SET version_num = '0001'; END IF;",
            "AFTER UPDATE",
            "DEFERRABLE INITIALLY DEFERRED",
        ),
        FAILED,
        "revision_not_kept",
        "ALTER TABLE candidates DROP COLUMN note",
    ),
    Attack(
        "a rule",
        "CREATE RULE evil AS ON UPDATE TO alembic_version DO INSTEAD NOTHING",
        FAILED,
        "schema_changed",
        "DROP RULE evil ON alembic_version",
    ),
    Attack(
        "a view",
        "ALTER TABLE alembic_version RENAME TO kept; CREATE VIEW alembic_version AS SELECT * FROM kept",
        FAILED,
        "42P07",
        "DROP VIEW alembic_version; ALTER TABLE kept RENAME TO alembic_version",
    ),
    Attack(
        "policies",
        "ALTER TABLE alembic_version ENABLE ROW LEVEL SECURITY; ALTER TABLE alembic_version FORCE ROW LEVEL SECURITY",
        FAILED,
        "42501",
        "ALTER TABLE alembic_version DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY",
    ),
    Attack(
        "a number for terminals and spreadsheets",
        "UPDATE alembic_version SET version_num = E'\\x1b[31m\\n=1+1'",
        FAILED,
        "schema_unknown",
        "UPDATE alembic_version SET version_num = '0001'",
    ),
    Attack(
        "a name with quotes",
        'ALTER TABLE candidates RENAME TO "can\'d\n""idates"',
        FAILED,
        "42P01",
        'ALTER TABLE "can\'d\n""idates" RENAME TO candidates',
    ),
]


@pytest.fixture(scope="module")
def own_world() -> Iterator[World]:
    with lone_world() as world:
        yield world


@pytest.fixture(scope="module")
def residents(own_world: World, tmp_path_factory: pytest.TempPathFactory) -> list[Tenant]:
    return make_residents(own_world, tmp_path_factory.mktemp("first"))


def as_owner(fleet: Fleet, tenant_id: TenantId, statement: str) -> None:
    tenant = fleet.registry.tenant(tenant_id)
    assert tenant
    home = home_of(tenant, None)
    role = owner_role(tenant_id)
    fleet.world.execute(f'SET ROLE "{role}"; SET search_path = "{home.schema}"; {statement}', home.database)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_owner_spoils_its_own_migration_only(fleet: Fleet, versions: Versions, attack: Attack) -> None:
    """Two owners attack, in a database and in a schema: all others are migrated, and both of them once they stop."""
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    hostile = fleet.made[:2]
    with attacking(fleet, attack):
        rollout = fleet.start(Wave("all", max_failed=2))
        fleet.run(wait=False)

    entries = fleet.entries(rollout)
    spoilt = [entries.pop(tenant_id.value) for tenant_id in hostile]
    assert [(entry.state, entry.code) for entry in spoilt] == [(attack.state, attack.code)] * 2
    assert {entry.state for entry in entries.values()} == {DONE}
    told = str.join(" ", [f"{entry.details} {entry.hint} {entry.revision}" for entry in spoilt])
    assert not {word for word in ("\x1b", "\n", "10.0.0.1", "psycopg") if word in told}
    # The registry says where they are, whatever they have said.
    wanted = "0002" if attack.state is DONE else "0001"
    assert {fleet.revisions()[tenant_id.value] for tenant_id in hostile} == {wanted}
    assert fleet.world.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE '%\\_copy'") == []

    if fleet.store.get(rollout.rollout_id).is_over:
        fleet.start()
    assert fleet.run().state is RolloutState.DONE
    assert set(fleet.revisions().values()) == {"0002"}


@contextmanager
def attacking(fleet: Fleet, attack: Attack) -> Iterator[None]:
    """Let the first two tenants attack, until the block ends."""
    for tenant_id in fleet.made[:2]:
        as_owner(fleet, tenant_id, attack.statement)
    yield
    for tenant_id in fleet.made[:2]:
        as_owner(fleet, tenant_id, f"DROP FUNCTION IF EXISTS evil CASCADE; {attack.undo}")
