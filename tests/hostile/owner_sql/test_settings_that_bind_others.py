"""The owner of a database sets what binds, shuts out or outlives an administrator: whatever is to be done is done."""

import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from psycopg2 import sql

from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.operation import OperationStatus
from tenantry.domain.pgadmin import Inspector, new_inspector_name
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.relocation.clone_requests import CloneOrder
from tenantry.servers.role_renaming import TenantRenaming
from tenantry.tenants.provisioning import TenantRequest, provision_tenant
from tests.integration.homes.conftest import new_id
from tests.integration.restores.conftest import ROWS, Vault

# What an owner may set for everybody who connects.
SETTINGS = {
    "transaction_timeout": "1ms",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "idle_session_timeout": "1ms",
    "role": "{owner}",
    "local_preload_libraries": "no_such_library",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "search_path": "pg_temp, public",
    "default_tablespace": "nowhere",
    "temp_tablespaces": "nowhere",
    "default_table_access_method": "nothing",
    "row_security": "off",
    "check_function_bodies": "off",
    "standard_conforming_strings": "off",
    "quote_all_identifiers": "on",
    "client_encoding": "SQL_ASCII",
    "client_min_messages": "error",
    "datestyle": "SQL, DMY",
    "timezone": "Asia/Kolkata",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "exit_on_error": "on",
}
# What it may do to the database itself; ALLOW_CONNECTIONS from another database of its own only, as one that is
# restored beside it is.
SHUT = ("IS_TEMPLATE true", "CONNECTION LIMIT 0", "ALLOW_CONNECTIONS false")


@pytest.fixture(autouse=True)
def cleared(vault: Vault) -> Iterator[None]:
    """Let the fixture drop what an attack has marked."""
    yield
    for server in vault.postgres:
        for tenant_id in vault.made:
            for name in databases(vault, tenant_id, server):
                vault.execute(server, f'ALTER DATABASE "{name}" IS_TEMPLATE false')


def as_owner(vault: Vault, tenant_id: TenantId, server: str, statement: sql.Composable) -> None:
    with closing(vault.postgres[server].connect("postgres")) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner_role(tenant_id))))
        cursor.execute(statement)


def sabotage(vault: Vault, tenant_id: TenantId, server: str = "here", *, shut: bool = True) -> None:
    """Do all of it at once, to the tenant's database and to its logins."""
    database = sql.Identifier(vault.credentials(tenant_id).dbname)
    for name, value in SETTINGS.items():
        text = value.format(owner=owner_role(tenant_id))
        values = [text] if name != "search_path" else text.split(", ")
        change = sql.SQL("ALTER DATABASE {} SET {} = {}").format(
            database, sql.Identifier(name), sql.SQL(", ").join(map(sql.Literal, values))
        )
        try:
            as_owner(vault, tenant_id, server, change)
        except Exception as exc:
            raise AssertionError(name) from exc
    for closing_it in SHUT if shut else ():
        as_owner(vault, tenant_id, server, sql.SQL(f"ALTER DATABASE {{}} {closing_it}").format(database))


def count(vault: Vault, tenant_id: TenantId) -> int:
    return len(vault.run_as(tenant_id, f'SET statement_timeout = 0; SET ROLE "{tenant_id}_owner"; {ROWS}'))


def databases(vault: Vault, tenant_id: TenantId, server: str = "here") -> list[str]:
    query = f"SELECT datname FROM pg_database WHERE starts_with(datname, '{tenant_id}')"
    return [name for (name,) in vault.execute(server, query)]


def test_an_erasure_drops_the_database(vault: Vault) -> None:
    """The owner makes its database a template and shuts it: dropping it works, and repeating that."""
    tenant_id = vault.add()
    sabotage(vault, tenant_id)
    home = vault.servers.home(tenant_id, vault.home(tenant_id))
    home.close()
    home.drop()
    home.drop()
    assert databases(vault, tenant_id) == []


def test_a_template_by_a_loop_is_dropped(vault: Vault) -> None:
    """A session of the owner's marks the database as a template again and again: it is dropped all the same."""
    tenant_id = vault.add()
    loop = f"""DO $$ BEGIN LOOP
        EXECUTE 'ALTER DATABASE "{tenant_id}" IS_TEMPLATE true'; COMMIT; PERFORM pg_sleep(0.001); END LOOP; END $$"""
    with closing(vault.connect(tenant_id)) as connection, connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{tenant_id}_owner"')
        cursor.execute("SET statement_timeout = '20s'")
        connection.autocommit = True

        def run() -> None:
            # Its session is ended.
            with suppress(psycopg2.Error):
                cursor.execute(loop)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        marked = f"SELECT 1 FROM pg_database WHERE datname = '{tenant_id}' AND datistemplate"
        while thread.is_alive() and not vault.execute("here", marked):
            pass
        assert thread.is_alive()
        vault.servers.home(tenant_id, vault.home(tenant_id)).drop()
        thread.join(20)
    assert databases(vault, tenant_id) == []


def test_the_call_that_made_it_lets_everybody_in_again(vault: Vault) -> None:
    """The owner shuts everybody out of its database: the operator repeats the call that made it, and it is served."""
    tenant_id = vault.add()
    sabotage(vault, tenant_id)
    place = vault.world.registry.server("here")
    assert place

    provision_tenant(
        TenantRequest(tenant_id),
        server=place,
        admin=vault.servers.admin("here"),
        secret_store=vault.world.secrets,
        registry=vault.world.registry,
    )
    TenantConnection(tenant_id, vault.credentials(tenant_id), ConnectSettings()).close()


def test_a_tenants_own_sessions_begin(vault: Vault) -> None:
    """The owner, or the login itself, sets a role, a missing library and a timeout: data requests are served."""
    tenant_id = vault.add()
    sabotage(vault, tenant_id, shut=False)
    login = vault.credentials(tenant_id).username
    for setting in ("transaction_timeout = '1ms'", "local_preload_libraries = 'none'", "client_encoding = 'LATIN1'"):
        vault.execute("here", f'SET ROLE "{login}"; ALTER ROLE "{login}" SET {setting}')
    with closing(TenantConnection(tenant_id, vault.credentials(tenant_id), ConnectSettings())) as connection:
        for role in ("viewer", "editor", "owner"):
            row = connection.run(f"{tenant_id}_{role}", "{}", "SELECT pg_sleep(0.01)::text, NULL", (), reads_only=True)
            assert row[0] == ""


def test_a_move_and_its_undo_go_on(vault: Vault) -> None:
    """The owner sabotages its database before a move, and the copy before that is undone: both succeed."""
    tenant_id = vault.add()
    sabotage(vault, tenant_id)
    vault.perform_well(vault.relocations.move(tenant_id, "there", "op-1"))
    sabotage(vault, tenant_id, "there")
    vault.perform_well(vault.relocations.undo(tenant_id, "op-1"))
    assert databases(vault, tenant_id, "there") == []


def test_a_clone_is_made(vault: Vault) -> None:
    """The owner sabotages the database that is cloned: the clone has its rows, its settings too, and is served."""
    tenant_id, new = vault.add(), new_id("n")
    vault.made.append(new)
    sabotage(vault, tenant_id)
    vault.perform_well(vault.clones.start(CloneOrder(tenant_id, new), "op-1"))
    rows = "SELECT (SELECT count(*) FROM public.candidates)::text, NULL"
    with closing(TenantConnection(new, vault.credentials(new), ConnectSettings())) as connection:
        assert connection.run(f"{new}_viewer", "{}", rows, (), reads_only=True)[0] == "200"


def test_a_restore_and_its_undo_go_on(vault: Vault) -> None:
    """The owner sabotages its database: a backup is restored in its place, that is undone, and confirmed."""
    tenant_id = vault.add()
    backup = vault.back_up(tenant_id)
    sabotage(vault, tenant_id)
    vault.perform_well(vault.start(backup))
    sabotage(vault, tenant_id)
    vault.perform_well(vault.relocations.undo(tenant_id, "op-1"))
    sabotage(vault, tenant_id)
    vault.perform_well(vault.relocations.confirm(tenant_id, "op-1"))
    assert vault.leftovers(tenant_id) == []


def test_single_tables_are_restored(vault: Vault) -> None:
    """The owner sabotages its database: single tables are restored into it, beside and in their place."""
    tenant_id = vault.add()
    backup = vault.back_up(tenant_id)
    for mode in ("beside", "replace"):
        sabotage(vault, tenant_id)
        vault.perform_well(vault.start(backup, tables=("public.candidates",), mode=mode))


def test_a_database_is_renamed(vault: Vault) -> None:
    """The owner sabotages its database: it gets the tenant's new name."""
    tenant_id, new = vault.add(), new_id("n")
    vault.made.append(new)
    sabotage(vault, tenant_id)
    before = vault.home(tenant_id)
    renaming = TenantRenaming(vault.servers.connector("here"))
    renaming.rename_roles(tenant_id, new, f"{new}_login_a", vault.credentials(tenant_id).password)
    renaming.rename_home(tenant_id, new, before, replace(before, database=new.value))
    credentials = replace(vault.credentials(tenant_id), username=f"{new}_login_a", dbname=new.value)
    TenantConnection(new, credentials, ConnectSettings()).close()


@pytest.mark.parametrize("model", [Isolation.DATABASE, Isolation.SCHEMA])
def test_a_backup_is_taken_and_drilled(vault: Vault, model: Isolation) -> None:
    """The owner, or the login, sets what binds whoever dumps: the backup is whole and passes its drill."""
    tenant_id = vault.add(model)
    if model is Isolation.DATABASE:
        sabotage(vault, tenant_id, shut=False)
    login = vault.credentials(tenant_id).username
    for setting in ("transaction_timeout = '1ms'", "default_tablespace = 'nowhere'", "row_security = off"):
        vault.execute("here", f'SET ROLE "{login}"; ALTER ROLE "{login}" SET {setting}')
    found = vault.scratches().drill(vault.order(vault.back_up(tenant_id)))
    assert (found.findings.matches, found.left_behind) == (True, "")


def test_an_inspector_gets_in(vault: Vault) -> None:
    """The owner sabotages its database, or shuts it by what binds sessions: an operator's inspector reads it."""
    tenant_id = vault.add()
    sabotage(vault, tenant_id, shut=False)
    home = vault.credentials(tenant_id)
    inspector = Inspector(tenant_id.value, "here", home.dbname, new_inspector_name(tenant_id))
    roles = vault.servers.inspector_roles("here")
    roles.make(inspector, home, "a password", datetime.now(UTC) + timedelta(hours=1))
    options = {"user": inspector.login, "password": "a password"}
    try:
        with closing(vault.postgres["here"].connect(home.dbname, **options)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_user, count(*) FROM candidates, pg_sleep(0.01)")
                assert cursor.fetchone() == (f"{tenant_id}_viewer", 200)
    finally:
        roles.drop(inspector.login)
    assert vault.execute("here", f"SELECT 1 FROM pg_roles WHERE rolname = '{inspector.login}'") == []


CHECK = """
CREATE FUNCTION fits(t text) RETURNS boolean LANGUAGE plpgsql AS $f$
DECLARE named record;
BEGIN
    IF current_database() LIKE '%\\_%' THEN
        FOR named IN SELECT datname FROM pg_database WHERE pg_has_role(datdba, 'USAGE') LOOP
            EXECUTE format('ALTER DATABASE %I IS_TEMPLATE true CONNECTION LIMIT 0', named.datname);
            EXECUTE format('ALTER DATABASE %I SET transaction_timeout = 1', named.datname);
            EXECUTE format('ALTER DATABASE %I SET role = %L', named.datname, current_user);
            IF named.datname <> current_database() THEN
                EXECUTE format('ALTER DATABASE %I ALLOW_CONNECTIONS false', named.datname);
            END IF;
        END LOOP;
    END IF;
    RETURN true;
END $f$;
CREATE TABLE traps (t text CHECK (public.fits(t)));
INSERT INTO traps VALUES ('a');
"""


def test_what_is_in_a_dump_hinders_nothing(vault: Vault) -> None:
    """A CHECK function in a dump marks the scratch database as a template, and shuts the live one: drill, restore and
    undo succeed, and nothing is left."""
    tenant_id = vault.add()
    vault.run_as(tenant_id, CHECK)
    backup = vault.back_up(tenant_id)
    found = vault.scratches().drill(vault.order(backup))
    assert (found.findings.matches, found.left_behind) == (True, "")
    assert vault.leftovers(tenant_id) == []
    done = vault.perform(vault.start(backup))
    assert done.status is OperationStatus.SUCCEEDED, done.error
    vault.perform_well(vault.relocations.undo(tenant_id, "op-1"))
    vault.perform_well(vault.relocations.confirm(tenant_id, "op-1"))
    assert vault.leftovers(tenant_id) == []


def test_an_administrators_session_has_its_own_settings(vault: Vault) -> None:
    """Every setting that an owner can make is beaten by the administrator's own, in each of its connections."""
    tenant_id = vault.add()
    sabotage(vault, tenant_id, shut=False)
    with closing(vault.servers.connector("here")(tenant_id.value)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user, pg_sleep(0.01)")
        session, current, _ = cursor.fetchone()
        assert session == current
        cursor.execute("CREATE TEMP TABLE made (id int)")
        cursor.execute("SHOW default_transaction_isolation")
        assert cursor.fetchone() == ("read committed",)
        # A statement that fails, as many of ours may, does not end the session.
        with pytest.raises(psycopg2.errors.UndefinedTable):
            cursor.execute("SELECT FROM nothing_of_that_name")
        cursor.execute("SELECT 1")
    with closing(connect(vault.credentials(tenant_id), ConnectSettings())) as connection, connection.cursor() as cursor:
        # A login goes on by what its database says of reading only: that is how it is fenced.
        cursor.execute("SHOW default_transaction_read_only")
        assert cursor.fetchone() == ("on",)


@pytest.mark.parametrize("kind", ["drill", "restore"])
def test_what_a_dead_worker_left_goes_with_the_roles(vault: Vault, kind: str) -> None:
    """A dump made its scratch database a template and shut it, and the worker died: the tenant's roles can go."""
    tenant_id = vault.add()
    left = f"{tenant_id}_{kind}_0123456789"
    vault.execute("here", f'CREATE DATABASE "{left}" OWNER "{owner_role(tenant_id)}"')
    for closing_it in SHUT:
        as_owner(vault, tenant_id, "here", sql.SQL(f"ALTER DATABASE {{}} {closing_it}").format(sql.Identifier(left)))
    vault.servers.home(tenant_id, vault.home(tenant_id)).drop()
    removal = vault.servers.removal("here")
    removal.drop_roles(removal.find_roles(tenant_id))
    assert (removal.find_roles(tenant_id), databases(vault, tenant_id)) == ([], [])
