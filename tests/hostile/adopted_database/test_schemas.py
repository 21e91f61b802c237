"""The application's tables lie in a schema of their own, whatever its name: backups are drilled and restored."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from psycopg2 import sql

from tenantry.relocation.clone_requests import CloneOrder
from tenantry.tenants.adoption import AdoptionRequest, adopt_database
from tests.hostile.adopted_database.test_drills_and_restores import PASSWORD, TABLES, Adopted
from tests.integration.homes.conftest import new_id
from tests.integration.restores.conftest import Vault

SCHEMAS = ["crm", "tab\there", "new\nline", '-c role="x"', "50% {x} back\\slash"]
INSIDE = "SELECT id FROM inside"


@pytest.fixture
def adopted(vault: Vault, request: pytest.FixtureRequest) -> Iterator[Adopted]:
    """A tenant that was adopted with tables in that schema, and others in `public`."""
    made, schema = Adopted(vault, f"adopted-{new_id()}"), sql.Identifier(request.param)
    server = vault.postgres["here"]
    try:
        vault.execute("here", f"CREATE ROLE \"{made.user}\" LOGIN PASSWORD '{PASSWORD}'")
        vault.execute("here", f'CREATE DATABASE "{made.database}" OWNER "{made.user}"')
        made.run(TABLES)
        tables = sql.SQL("CREATE SCHEMA {0}; CREATE TABLE {0}.inside (id int); INSERT INTO {0}.inside VALUES (1)")
        with (
            closing(server.connect(made.database, user=made.user, password=PASSWORD)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(tables.format(schema))
            connection.commit()
        adopt_database(
            AdoptionRequest(made.tenant_id, made.database, made.user, PASSWORD, schema=request.param),
            server=vault.servers.get("here"),
            admin=vault.servers.admin("here"),
            secret_store=vault.world.secrets,
            registry=vault.world.registry,
        )
        yield made
    finally:
        made.drop()


@pytest.mark.parametrize("adopted", SCHEMAS, indirect=True)
def test_its_backups_are_drilled_and_restored(vault: Vault, adopted: Adopted) -> None:
    """Whatever the schema is called: its login finds the tables, and a backup comes back, and goes again."""
    assert vault.run_as(adopted.tenant_id, INSIDE) == [(1,)]
    backup = vault.back_up(adopted.tenant_id)
    found = vault.scratches().drill(vault.order(backup))
    assert (found.findings.differing, found.findings.rows, found.left_behind) == ([], 3, "")
    vault.run_as(adopted.tenant_id, "INSERT INTO inside VALUES (2)")
    vault.perform_well(vault.start(backup))
    assert vault.run_as(adopted.tenant_id, INSIDE) == [(1,)]
    vault.perform_well(vault.relocations.undo(adopted.tenant_id, "op-1"))
    assert len(vault.run_as(adopted.tenant_id, INSIDE)) == 2
    vault.perform_well(vault.relocations.confirm(adopted.tenant_id, "op-1"))


@pytest.mark.parametrize("adopted", ["crm"], indirect=True)
def test_it_is_restored_as_a_new_tenant_and_cloned(vault: Vault, adopted: Adopted) -> None:
    """Its backup becomes another tenant, and so does it itself: the tables lie where they lay."""
    backup = vault.back_up(adopted.tenant_id)
    restored, cloned = new_id("n"), new_id("n")
    vault.made += [restored, cloned]
    vault.perform_well(vault.start(backup, into=restored, tenant_id=adopted.tenant_id))
    vault.perform_well(vault.clones.start(CloneOrder(adopted.tenant_id, cloned, "here"), "op-1"))
    assert (vault.run_as(restored, INSIDE), vault.run_as(cloned, INSIDE)) == ([(1,)], [(1,)])
