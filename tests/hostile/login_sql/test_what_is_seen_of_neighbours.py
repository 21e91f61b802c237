"""What a tenant with SQL sees of others on its server: names, by model; of what they ask, hold and know, nothing."""

from collections.abc import Iterator
from contextlib import closing
from itertools import product
from typing import Any

import psycopg2
import pytest

from local.postgres_server import PostgresServer
from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.conftest import World
from tests.integration.relocation.conftest import Yard

QUERY = "SELECT 'what-a-neighbour-asks'"
# In `docs/architecture.md`, what each model shows.
SHARED = [Isolation.SCHEMA, Isolation.POOLED]


@pytest.fixture
def yard(servers_of_the_module: tuple[World, PostgresServer]) -> Iterator[Yard]:
    made = Yard(*servers_of_the_module)
    try:
        yield made
    finally:
        made.drop()


def fetch(connection: Any, query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


# Passwords, other databases' addresses, samples of rows, contents of large objects, and files.
REFUSED = [
    "SELECT rolpassword FROM pg_authid",
    "SELECT passwd FROM pg_shadow",
    "SELECT umoptions FROM pg_user_mapping",
    "SELECT subconninfo FROM pg_subscription",
    "SELECT stavalues1 FROM pg_statistic",
    "SELECT stxdmcv FROM pg_statistic_ext_data",
    "SELECT data FROM pg_largeobject",
    "SELECT * FROM pg_file_settings",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT * FROM pg_ident_file_mappings",
    "SELECT * FROM pg_shmem_allocations",
    "SELECT * FROM pg_backend_memory_contexts",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_ls_logdir()",
    "SELECT pg_ls_waldir()",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_current_logfile()",
    "SELECT pg_stat_reset()",
]


@pytest.mark.parametrize("isolation", Isolation)
def test_no_password_row_or_file_is_seen(yard: Yard, isolation: Isolation) -> None:
    """Reads the catalogues, views and functions that tell more than names, as each of its roles: it is refused."""
    tenant = yard.add(isolation)
    with closing(yard.connect(tenant)) as connection, connection.cursor() as cursor:
        for role, query in product([f"{tenant}_{name}" for name in ("login_a", "viewer", "editor", "owner")], REFUSED):
            cursor.execute(f'SET ROLE "{role}"')
            with pytest.raises(psycopg2.Error) as refusal:
                cursor.execute(query)
            assert refusal.value.pgcode == "42501", query
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolpassword <> '********'")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("isolation", Isolation)
def test_what_a_neighbour_asks_is_not_seen(yard: Yard, isolation: Isolation) -> None:
    """Looks at the neighbours' sessions: that they are there is seen; statement, address and waiting are not."""
    tenant, neighbour = yard.add(isolation), yard.add(isolation)
    with closing(yard.connect(neighbour)) as victim, closing(yard.connect(tenant)) as attacker:
        fetch(victim, QUERY)
        seen = fetch(
            attacker,
            f"""SELECT query, client_addr, client_port, state, wait_event, backend_start, query_start
                FROM pg_stat_activity WHERE usename = '{neighbour}_login_a'""",
        )
        assert seen == [("<insufficient privilege>", *[None] * 6)]
        told = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%neighbour-asks%' AND pid <> pg_backend_pid()"
        assert fetch(attacker, told) == [(0,)]


@pytest.mark.parametrize("isolation", Isolation)
def test_locks_are_seen_from_a_database_of_ones_own_only(yard: Yard, isolation: Isolation) -> None:
    """Reads which locks neighbours hold: refused beside them, and elsewhere it is numbers that nobody can use there."""
    tenant, neighbour = yard.add(isolation), yard.add(isolation)
    with closing(yard.connect(neighbour)) as victim, closing(yard.connect(tenant)) as attacker:
        fetch(victim, "SELECT pg_advisory_lock(4711)")
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711"
        if isolation is Isolation.DATABASE:
            assert fetch(attacker, held) == [(1,)]
            assert fetch(attacker, "SELECT pg_try_advisory_lock(4711)") == [(True,)]
        else:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                fetch(attacker, held)


def names_seen(yard: Yard, tenant: TenantId, schema: str) -> tuple[bool, bool]:
    """Tell whether the names of a schema and its tables, and the body of a function there, are seen."""
    with closing(yard.connect(tenant)) as connection:
        tables = fetch(connection, f"SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text = '{schema}'")
        bodies = fetch(connection, "SELECT 1 FROM pg_proc WHERE prosrc LIKE '%in-a-body%'")
        return bool(tables), bool(bodies)


def test_tables_and_bodies_are_seen_where_a_database_is_shared(yard: Yard) -> None:
    """Reads pg_class and pg_proc: beside it in a database, a neighbour's names and bodies; from elsewhere, nothing."""
    victim = yard.add(Isolation.SCHEMA)
    yard.run_as(victim, "CREATE FUNCTION told() RETURNS text LANGUAGE sql AS $$ SELECT 'in-a-body' $$")
    schema = yard.credentials(victim).schema
    assert names_seen(yard, yard.add(Isolation.SCHEMA), schema) == (True, True)
    assert names_seen(yard, yard.add(Isolation.DATABASE), schema) == (False, False)
    assert names_seen(yard, yard.add(Isolation.POOLED), schema) == (False, False)


@pytest.mark.parametrize("isolation", SHARED)
def test_no_value_of_a_neighbours_is_seen_in_statistics(yard: Yard, isolation: Isolation) -> None:
    """Reads the samples that the planner keeps of all rows: of tables with others' rows there are none to see."""
    tenant, neighbour = yard.add(isolation), yard.add(isolation)
    database, schema = yard.credentials(neighbour).dbname, yard.credentials(neighbour).schema
    yard.execute("here", f'ANALYZE "{schema}".candidates', database)
    sampled = "SELECT count(*) FROM pg_stats WHERE tablename = 'candidates' AND histogram_bounds IS NOT NULL"
    assert yard.execute("here", sampled, database) != [(0,)]
    with closing(yard.connect(tenant)) as connection:
        assert fetch(connection, f"{sampled} AND schemaname = '{schema}'") == [(0,)]
        assert fetch(connection, f"SELECT count(*) FROM pg_stats_ext WHERE schemaname = '{schema}'") == [(0,)]


@pytest.mark.parametrize("isolation", Isolation)
def test_the_standards_views_show_what_is_ones_own(yard: Yard, isolation: Isolation) -> None:
    """Reads information_schema: of a neighbour it shows no table, no role and no right."""
    tenant, neighbour = yard.add(isolation), yard.add(isolation)
    with closing(yard.connect(tenant)) as connection, connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{tenant}_owner"')
        for query in (
            "SELECT grantee FROM information_schema.table_privileges",
            "SELECT role_name FROM information_schema.enabled_roles",
            "SELECT grantee FROM information_schema.applicable_roles",
            "SELECT grantor FROM information_schema.role_routine_grants",
            "SELECT table_schema FROM information_schema.tables",
            "SELECT schema_name FROM information_schema.schemata",
        ):
            cursor.execute(query)
            assert not [name for (name,) in cursor.fetchall() if str(name).startswith(neighbour.value)], query
