"""Single tables are restored detached from the live ones, or their rows replace the live rows."""

import uuid
from dataclasses import replace

import pytest

from tenantry.domain.errors import TenantryError
from tenantry.domain.operation import Operation
from tenantry.domain.tenant import SCHEMAS_DATABASE, Isolation, TenantId, new_home
from tenantry.servers.role_renaming import TenantRenaming
from tests.integration.relocation.conftest import TABLES
from tests.integration.restores.conftest import ROWS, Cut, Shelf, Vault, dying_after

MODELS = [Isolation.DATABASE, Isolation.SCHEMA]
PEOPLE = "SELECT id, team, born, facts FROM {}.people ORDER BY id"


def schema_of(vault: Vault, tenant: TenantId) -> str:
    """Return the schema of the tenant's own tables, as written in SQL."""
    return f'"{vault.credentials(tenant).schema}"'


def wanted(vault: Vault, tenant: TenantId, table: str) -> tuple[str, ...]:
    return (f"{vault.credentials(tenant).schema}.{table}",)


def asides(vault: Vault, tenant: TenantId) -> list[str]:
    """List the detached schemas of single tables, wherever the tenant lives."""
    database = vault.credentials(tenant).dbname
    query = "SELECT nspname FROM pg_namespace WHERE nspname ~ '(restored|replaced)_' ORDER BY 1"
    return [
        name for (name,) in vault.execute("here", query, database) if database == tenant.value or tenant.value in name
    ]


def rename(vault: Vault, old: TenantId) -> TenantId:
    """Give a tenant with a schema another id on its server, in its secret and in the registry."""
    new = TenantId(f"n{uuid.uuid4().hex[:10]}")
    vault.made.append(new)
    found, secret, home = vault.tenant(old), vault.credentials(old), vault.home(old)
    login = secret.username.replace(old.value, new.value)
    renaming = TenantRenaming(vault.servers.connector("here"))
    renaming.rename_roles(old, new, login, secret.password)
    renaming.rename_home(old, new, home, new_home(new, "here", Isolation.SCHEMA))
    vault.world.secrets.write(new, replace(secret, username=login, schema=new.value))
    vault.world.registry.put_tenant(replace(found, tenant_id=new, former_ids=(old,)))
    vault.world.registry.delete_tenant(old)
    return new


def bring(vault: Vault, isolation: Isolation, *, mode: str, lose: str) -> tuple[TenantId, Operation, list[object]]:
    """Back a tenant up, run the given statement, and restore its table of people."""
    tenant = vault.add_with_tables(isolation)
    before = vault.run_as(tenant, PEOPLE.format(schema_of(vault, tenant)))
    backup = vault.back_up(tenant)
    vault.run_as(tenant, lose)
    done = vault.perform_well(vault.start(backup, tables=wanted(vault, tenant, "people"), mode=mode))
    left = [name for name in vault.leftovers(tenant) if name.removeprefix("schema ") not in asides(vault, tenant)]
    assert left == []
    assert (vault.tenant(tenant).relocation, vault.tenant(tenant).former_home) == ("", None)
    return tenant, done, before


@pytest.mark.parametrize("isolation", MODELS)
def test_a_table_that_was_dropped_comes_back_beside(vault: Vault, isolation: Isolation) -> None:
    tenant, done, before = bring(vault, isolation, mode="beside", lose="DROP VIEW grown; DROP TABLE people")
    restored = done.facts["restored_schema"]
    assert asides(vault, tenant) == [restored]
    assert vault.run_as(tenant, PEOPLE.format(f'"{restored}"')) == before
    assert vault.run_as(tenant, f"SELECT to_regclass('{schema_of(vault, tenant)}.people')") == [(None,)]
    assert vault.run_as(tenant, f"SELECT count(*) FROM pg_tables WHERE schemaname = '{restored}'") == [(1,)]


@pytest.mark.parametrize("isolation", MODELS)
def test_rows_are_replaced_and_what_was_there_is_kept(vault: Vault, isolation: Isolation) -> None:
    lose = "DELETE FROM people WHERE id > 10; UPDATE people SET born = NULL; INSERT INTO people (team) VALUES (2)"
    tenant, done, before = bring(vault, isolation, mode="replace", lose=lose)
    assert vault.run_as(tenant, PEOPLE.format(schema_of(vault, tenant))) == before
    assert vault.run_as(tenant, f'SELECT count(*) FROM "{done.facts["replaced_schema"]}".people') == [(11,)]
    # An id that was given out since does not come again, triggers fire, and foreign keys hold.
    ((number, facts),) = vault.run_as(tenant, "INSERT INTO people (team) VALUES (1) RETURNING id, facts")
    assert (number > 301, facts) == (True, {"stamped": True})
    with pytest.raises(Exception, match="foreign key"):
        vault.run_as(tenant, "INSERT INTO people (team) VALUES (99)")


@pytest.mark.parametrize("isolation", MODELS)
def test_rows_that_others_refer_to_are_not_taken_from_under_them(vault: Vault, isolation: Isolation) -> None:
    """A row added since the backup refers to a row that the backup does not have."""
    tenant = vault.add_with_tables(isolation)
    backup = vault.back_up(tenant)
    vault.run_as(tenant, "INSERT INTO teams (name) VALUES ('new'); INSERT INTO people (team) VALUES (6)")
    before = vault.run_as(tenant, "SELECT * FROM teams ORDER BY id")
    with pytest.raises(TenantryError) as failure:
        vault.perform(vault.start(backup, tables=wanted(vault, tenant, "teams"), mode="replace"))
    assert failure.value.code == "23503"
    assert vault.run_as(tenant, "SELECT * FROM teams ORDER BY id") == before
    assert vault.leftovers(tenant) == asides(vault, tenant) == []
    assert vault.tenant(tenant).relocation == ""
    vault.perform_well(vault.start(backup, tables=wanted(vault, tenant, "*"), mode="replace"))
    assert len(vault.run_as(tenant, "SELECT * FROM teams")) == len(before) - 1


@pytest.mark.parametrize("step", ["find", "beside", "compare", "bring", "settle"])
@pytest.mark.parametrize("mode", ["beside", "replace"])
@pytest.mark.parametrize("isolation", MODELS)
def test_a_worker_that_dies_is_followed_by_one_that_finishes(
    vault: Vault, shelf: Shelf, isolation: Isolation, mode: str, step: str
) -> None:
    with shelf.lend(isolation, TABLES) as kept:
        tenant, backup, before = kept.tenant_id, kept.backup, kept.rows
        vault.run_as(tenant, "DELETE FROM candidates")
        request = {"tables": wanted(vault, tenant, "candidates"), "mode": mode}
        operation = vault.start(backup, **request)
        with pytest.raises(Cut):
            vault.perform(operation, dying_after(step))
        if step != "settle":
            assert vault.start(backup, **request).operation_id == operation.operation_id
        done = vault.perform_well(operation)
        (aside,) = asides(vault, tenant)
        schema = f'"{aside}"' if mode == "beside" else schema_of(vault, tenant)
        assert vault.run_as(tenant, ROWS.replace("FROM ", f"FROM {schema}.")) == before
        assert done.facts[f"{'restored' if mode == 'beside' else 'replaced'}_schema"] == aside
        vault.run_as(tenant, f'DROP SCHEMA "{aside}" CASCADE')


@pytest.mark.parametrize("mode", ["beside", "replace"])
def test_in_a_shared_database_others_see_nothing_of_it(vault: Vault, mode: str) -> None:
    tenant, neighbour = vault.add(Isolation.SCHEMA), vault.add(Isolation.SCHEMA)
    theirs = vault.run_as(neighbour, ROWS)
    backup = vault.back_up(tenant)
    vault.perform_well(vault.start(backup, tables=wanted(vault, tenant, "candidates"), mode=mode))
    (aside,) = asides(vault, tenant)
    for statement in (f'SELECT FROM "{aside}".candidates', f'CREATE TABLE "{aside}".mine ()'):
        with pytest.raises(Exception, match="permission denied"):
            vault.run_as(neighbour, statement)
    assert vault.run_as(neighbour, ROWS) == theirs
    assert (asides(vault, neighbour), vault.leftovers(neighbour)) == ([], [])


def test_in_a_shared_database_it_goes_with_the_tenant(vault: Vault) -> None:
    """The detached schema is dropped with the last of the tenant, or the roles that own it could not be dropped."""
    tenant = vault.add(Isolation.SCHEMA)
    backup = vault.back_up(tenant)
    for mode in ("beside", "replace"):
        vault.perform_well(vault.start(backup, tables=wanted(vault, tenant, "candidates"), mode=mode))
    assert len(asides(vault, tenant)) == 2
    vault.servers.home(tenant, vault.home(tenant)).drop()
    removal = vault.servers.removal("here")
    removal.drop_roles(removal.find_roles(tenant))
    assert (
        vault.execute("here", "SELECT 1 FROM pg_namespace WHERE nspname ~ 'restored|replaced'", SCHEMAS_DATABASE) == []
    )


def test_what_was_backed_up_under_a_former_id_comes_back_under_the_present_one(vault: Vault) -> None:
    """In a shared database, the schema is named after the id, and types of the tenant's are named by that schema."""
    tenant = vault.add_with_tables(Isolation.SCHEMA)
    before = vault.run_as(tenant, "SELECT name, moods::text FROM teams ORDER BY id")
    backup = vault.back_up(tenant)
    vault.perform_well(vault.start(backup, tables=wanted(vault, tenant, "candidates")))
    (earlier,) = asides(vault, tenant)
    new = rename(vault, tenant)
    vault.run_as(new, "UPDATE teams SET moods = NULL")
    done = [
        vault.perform_well(vault.start(backup, tenant_id=new, tables=(f"{tenant}.teams",), mode=mode))
        for mode in ("beside", "replace")
    ]
    beside = f'"{done[0].facts["restored_schema"]}"'
    for schema in (beside, schema_of(vault, new)):
        assert vault.run_as(new, f"SELECT name, moods::text FROM {schema}.teams ORDER BY id") == before
    # What was put beside before has gone along.
    assert earlier.replace(tenant.value, new.value) in asides(vault, new)
    assert len(asides(vault, new)) == 3


def test_what_cannot_be_restored_alone_is_refused(vault: Vault) -> None:
    tenant, pooled = vault.add(), vault.add(Isolation.POOLED)
    backup = vault.back_up(tenant)
    gone = vault.add()
    lost = vault.back_up(gone)
    vault.servers.home(gone, vault.home(gone)).drop()
    codes = []
    for whose, request in (
        (backup, {"tables": ("public.nothing",)}),
        (backup, {"tables": ("public.candidates",), "server_id": "there"}),
        (lost, {"tables": ("public.candidates",)}),
        (vault.back_up(pooled), {"tables": ("public.candidates",)}),
    ):
        with pytest.raises(TenantryError) as refusal:
            vault.start(whose, **request)
        codes.append(refusal.value.code)
    assert codes == ["table_unknown", "tables_elsewhere", "tables_elsewhere", "tables_shared"]


def test_a_partitioned_table_without_partitions_is_a_table(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(tenant, "CREATE TABLE parts (a int, b text) PARTITION BY LIST (a); COMMENT ON TABLE parts IS 'empty'")
    backup = vault.back_up(tenant)
    beside = vault.perform_well(vault.start(backup, tables=("public.parts",), mode="beside")).facts["restored_schema"]
    assert vault.run_as(tenant, f"SELECT obj_description('\"{beside}\".parts'::regclass)") == [("empty",)]
    vault.perform_well(vault.start(backup, tables=("public.parts",), mode="replace"))
