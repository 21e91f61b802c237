"""Restores from an older server to a newer one and not back; on the oldest supported; by a plain administrator."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from local.postgres_server import PostgresServer
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Isolation, TenantId, TenantStatus
from tests.integration.conftest import World, clear_caches
from tests.integration.restores.conftest import ROWS, Vault
from tests.oldest_server import OldestServer, oldest_postgres
from tests.postgres import temporary_postgres

MODELS = [Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED]
NEW = "INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', 'new')"
NAME, PASSWORD = "plain_restorer", "of a test only"
RIGHTS = f"""CREATE ROLE {NAME} LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}';
             GRANT SET ON PARAMETER tenantry.tenant_id TO {NAME}"""


@pytest.fixture(scope="module")
def old_server() -> Iterator[OldestServer]:
    with oldest_postgres() as server:
        yield server


@pytest.fixture
def ages(world: World, second_postgres: PostgresServer, s3: Any, old_server: OldestServer) -> Iterator[Vault]:
    """`here` is PostgreSQL 15, `there` 18."""
    clear_caches()
    made = Vault(world, second_postgres, s3, here=old_server)
    try:
        yield made
    finally:
        made.drop()


@pytest.mark.parametrize("isolation", MODELS)
def test_a_backup_of_an_older_server_is_restored_on_a_newer_one(ages: Vault, isolation: Isolation) -> None:
    tenant, new = ages.add(isolation), TenantId(f"new{ages.add().value[1:]}")
    ages.made.append(new)
    before = ages.run_as(tenant, ROWS)
    backup = ages.back_up(tenant)
    assert backup.manifest
    assert backup.manifest.database.server_version.startswith("15.")
    ages.perform_well(ages.start(backup, into=new, server_id="there"))
    assert (ages.tenant(new).status, ages.tenant(new).server_id) == (TenantStatus.ACTIVE, "there")
    assert ages.run_as(new, ROWS) == before
    ages.perform_well(ages.start(backup, server_id="there"))
    assert ages.run_as(tenant, ROWS) == before
    ages.perform_well(ages.relocations.confirm(tenant, "op-1"))
    newer = ages.back_up(tenant)
    with pytest.raises(Conflict) as refusal:
        ages.start(newer, server_id="here")
    assert refusal.value.code == "server_too_old"


@pytest.mark.parametrize("isolation", MODELS)
def test_it_works_on_the_oldest_server_too(ages: Vault, isolation: Isolation) -> None:
    there_and_back(ages, isolation)


@pytest.fixture(scope="module")
def plain_server() -> Iterator[PostgresServer]:
    """A server of this module's own, on which nobody but a plain administrator has made anything."""
    with temporary_postgres("for a plain restorer") as server:
        with closing(server.connect()) as connection:
            connection.autocommit = True
            connection.cursor().execute(RIGHTS)
        yield server


@pytest.fixture
def plain(world: World, second_postgres: PostgresServer, s3: Any, plain_server: PostgresServer) -> Iterator[Vault]:
    """The administrator of `here` is no superuser."""

    def administrator(server: PostgresServer) -> Credentials:
        name, password = (NAME, PASSWORD) if server is plain_server else (server.admin_user, server.admin_password)
        return Credentials(server.host, server.port, "postgres", name, password, "disable")

    clear_caches()
    made = Vault(world, second_postgres, s3, here=plain_server, administrator=administrator)
    try:
        yield made
    finally:
        made.drop()


@pytest.mark.parametrize("isolation", MODELS)
def test_an_administrator_needs_not_be_a_superuser(plain: Vault, isolation: Isolation) -> None:
    there_and_back(plain, isolation)


def there_and_back(vault: Vault, isolation: Isolation) -> None:
    tenant = vault.add(isolation)
    before = vault.run_as(tenant, ROWS)
    backup = vault.back_up(tenant)
    vault.run_as(tenant, "DELETE FROM candidates WHERE id % 2 = 0")
    lost = vault.run_as(tenant, ROWS)
    vault.perform_well(vault.start(backup))
    assert vault.run_as(tenant, ROWS) == before
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert vault.run_as(tenant, ROWS) == lost
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    assert vault.run_as(tenant, ROWS) == before
    assert vault.leftovers(tenant) == []
    vault.run_as(tenant, NEW)


# What a table may need and be a part of, on the oldest server too.
_ROOT = """
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE SEQUENCE ids INCREMENT -1;
CREATE TABLE root (id int DEFAULT nextval('ids'), part positive, during span,
    made int GENERATED ALWAYS AS (twice(4)) STORED, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE leaf PARTITION OF root FOR VALUES IN (1);
CREATE TABLE refers (id int, part int, FOREIGN KEY (id, part) REFERENCES root DEFERRABLE);
COMMENT ON CONSTRAINT refers_id_part_fkey ON refers IS 'said';
INSERT INTO root SELECT nextval('ids'), 1, span(i, i + 1) FROM generate_series(1, 5) i;
INSERT INTO refers SELECT id, part FROM root;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
"""


@pytest.mark.parametrize("where", ["ages", "plain"])
@pytest.mark.parametrize("isolation", MODELS[:2])
def test_single_tables_are_restored_there_too(request: pytest.FixtureRequest, where: str, isolation: Isolation) -> None:
    vault: Vault = request.getfixturevalue(where)
    tenant = vault.add(isolation)
    vault.run_as(tenant, _ROOT)
    backup, name = vault.back_up(tenant), f"{vault.credentials(tenant).schema}.root"
    ids = "SELECT id, during::text, made FROM {}root ORDER BY id"
    before = vault.run_as(tenant, ids.format(""))
    vault.run_as(tenant, "DELETE FROM refers; DELETE FROM root; ALTER SEQUENCE ids RESTART")
    made = vault.perform_well(vault.start(backup, tables=(name,))).facts["restored_schema"]
    assert vault.run_as(tenant, ids.format(f'"{made}".')) == before
    assert vault.run_as(tenant, "SELECT count(*) FROM root") == [(0,)]
    vault.run_as(tenant, f'INSERT INTO "{made}".root (part) VALUES (1)')
    kept = vault.perform_well(vault.start(backup, tables=(name,), mode="replace")).facts["replaced_schema"]
    assert vault.run_as(tenant, ids.format("")) == before
    assert vault.run_as(tenant, "INSERT INTO root (part) VALUES (1) RETURNING id") == [(-6,)]
    said = """SELECT obj_description(oid), pg_get_constraintdef(oid) FROM pg_constraint
              WHERE conname = 'refers_id_part_fkey'"""
    assert vault.run_as(tenant, said) == [("said", "FOREIGN KEY (id, part) REFERENCES root(id, part) DEFERRABLE")]
    for schema in (made, kept):
        rights = f"""SELECT 1 FROM pg_namespace, aclexplode(nspacl) WHERE nspname = '{schema}' AND grantee <> nspowner
                     UNION ALL SELECT 1 FROM pg_class, aclexplode(relacl)
                     WHERE relnamespace = '"{schema}"'::regnamespace AND grantee <> relowner"""
        assert vault.run_as(tenant, rights) == []
        vault.run_as(tenant, f'DROP SCHEMA "{schema}" CASCADE')
