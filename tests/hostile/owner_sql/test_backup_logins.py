"""An owner lays traps for, or binds, who backs its database up: nothing of its own runs as the login for dumps."""

import re
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from tenantry.database.logins import count_login, dump_login
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.relocation.clone_requests import CloneOrder
from tenantry.servers.session_watch import SessionWatch, WatchLimits
from tenantry.tenants.provisioning import TenantRequest, provision_tenant
from tests.integration.restores.conftest import Vault

# It says in the server's log as whom it runs, and has whatever name and place it is looked for by.
TRAP = """
CREATE FUNCTION {schema}trap(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN RAISE LOG 'TRAP % as % of %', x, current_user, session_user; RETURN x; END $$;
CREATE FUNCTION {schema}trapped(x int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT {schema}trap(x) > 0';
"""
TRAPS = """
CREATE DOMAIN careful AS int CHECK (trapped(VALUE));
CREATE TABLE trapped_table (
    id int PRIMARY KEY DEFAULT trap(1),
    guarded careful,
    stored int GENERATED ALWAYS AS (trap(id)) STORED,
    virtual int GENERATED ALWAYS AS (id * 2) VIRTUAL,
    CHECK (trapped(id + trap(2)))
);
CREATE INDEX ON trapped_table ((id + trap(3)));
CREATE INDEX ON trapped_table (id) WHERE trapped(id + trap(4));
CREATE INDEX ON trapped_table ((id + 7::careful));
CREATE STATISTICS trapping ON (id + trap(5)), guarded FROM trapped_table;
ALTER TABLE trapped_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE trapped_table FORCE ROW LEVEL SECURITY;
CREATE POLICY trapping ON trapped_table USING (trapped(trap(6)));
CREATE TABLE withheld (id int); INSERT INTO withheld VALUES (1);
CREATE INDEX ON withheld ((id + trap(8)));
CREATE STATISTICS trapping_too ON (id + trap(9)), id FROM withheld;
CREATE TABLE parted (id int) PARTITION BY LIST ((trap(id)));
CREATE TABLE part PARTITION OF parted FOR VALUES IN (1, 2);
CREATE TABLE plain (id int); INSERT INTO plain VALUES (1), (2);
CREATE INDEX ON plain ((id + trap(10)));
CREATE VIEW seen AS SELECT trap(11), * FROM trapped_table;
CREATE MATERIALIZED VIEW kept AS SELECT trap(12) AS id;
CREATE RULE trapping AS ON UPDATE TO plain DO ALSO SELECT trap(13);
CREATE FUNCTION public.hashtextextended(text, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT trap(14)::bigint';
CREATE FUNCTION public.count(text) RETURNS bigint LANGUAGE sql AS 'SELECT trap(15)::bigint';
CREATE FUNCTION public.same(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT trap(16) > 0';
CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = name, RIGHTARG = text);
CREATE SEQUENCE counted; SELECT nextval('counted');
SELECT lo_from_bytea(815, 'large');
"""
# Some are laid last: those that would spring while the others are made.
TABLE_OF_OTHERS = "ALTER TABLE withheld OWNER TO CURRENT_USER; REVOKE ALL ON withheld FROM {owner}"
SETTINGS = {
    "transaction_timeout": "1ms",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "search_path": "public, pg_catalog",
    "constraint_exclusion": "on",
    "row_security": "off",
    "role": "{owner}",
    "client_encoding": "LATIN1",
}


def sprung(vault: Vault) -> list[tuple[str, str, str]]:
    """Read which traps have sprung, as whom, of whose sessions."""
    text = vault.postgres["here"].log.read_text(errors="replace")
    return re.findall(r"TRAP (\d+) as (\S+) of (\S+)", text)


def password(vault: Vault, tenant_id: TenantId) -> str:
    found = vault.world.secrets.find_dump_password(tenant_id)
    assert found
    return found


def connect_as(vault: Vault, tenant_id: TenantId, login: str, database: str = "") -> Any:
    # The owner may have set a millisecond, which is less than a session may take to begin.
    connection = vault.postgres["here"].connect(
        database or tenant_id.value,
        user=login,
        password=password(vault, tenant_id),
        options="-c transaction_timeout=0",
    )
    connection.autocommit = True
    return connection


def bind(vault: Vault, tenant_id: TenantId) -> None:
    """Set, as the owner, what every session in its database begins with."""
    owner, set_to = owner_role(tenant_id), sql.SQL("ALTER DATABASE {} SET {} = {}")
    with closing(vault.postgres["here"].connect()) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        for name, value in SETTINGS.items():
            names = sql.Identifier(tenant_id.value), sql.Identifier(name)
            cursor.execute(set_to.format(*names, sql.Literal(value.format(owner=owner))))


def test_no_trap_springs_as_the_login_for_dumps(vault: Vault) -> None:
    """Lays traps where PostgreSQL evaluates what an owner has written: none runs with more rights than the owner's."""
    tenant_id = vault.add()
    owner = owner_role(tenant_id)
    vault.run_as(tenant_id, TRAP.format(schema="public.") + TRAPS)
    vault.run_as(tenant_id, "INSERT INTO trapped_table (id) VALUES (1), (2), (3)")
    vault.execute("here", TABLE_OF_OTHERS.format(owner=f'"{owner}"'), tenant_id.value)
    bind(vault, tenant_id)
    before = len(sprung(vault))
    backup = vault.back_up(tenant_id)
    assert backup.manifest
    tables = {table.table: (table.rows, table.copied) for table in backup.manifest.tables}
    assert (tables["trapped_table"], tables["withheld"], tables["plain"]) == ((3, True), (1, True), (2, False))
    found = sprung(vault)[before:]
    # What is planned for the owner runs as the owner, in a session that may do nothing else.
    assert {(whom, session) for _, whom, session in found} <= {(owner, count_login(tenant_id))}
    assert found
    with closing(connect_as(vault, tenant_id, dump_login(tenant_id))) as connection, connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET transaction_timeout = 0; SET row_security = off")
        cursor.execute("SELECT count(*) FROM public.withheld")
    assert (str(8), dump_login(tenant_id), dump_login(tenant_id)) in sprung(vault)


def test_what_binds_a_tenants_login_binds_no_backup(vault: Vault) -> None:
    """Lets a tenant have one session, and uses it: its backups go on, and need no session of the tenant's."""
    tenant_id = vault.add()
    own = vault.credentials(tenant_id)
    vault.execute("here", f'ALTER ROLE "{own.username}" CONNECTION LIMIT 1')
    with closing(vault.connect(tenant_id)) as held, held.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert vault.back_up(tenant_id).manifest
    # One that was made before there were logins for backups is backed up as its own login, and gets them with PUT.
    vault.execute("here", f'ALTER ROLE "{own.username}" CONNECTION LIMIT 20')
    vault.world.secrets.delete_dump_password(tenant_id)
    vault.servers.admin("here").dump_logins.drop(tenant_id)
    manifest = vault.back_up(tenant_id).manifest
    assert manifest
    assert {role.name for role in manifest.roles} == {f"{tenant_id}_{role}" for role in OLDER}
    place = vault.servers.get("here")
    provision_tenant(
        TenantRequest(tenant_id),
        server=place,
        admin=vault.servers.admin("here"),
        secret_store=vault.world.secrets,
        registry=vault.world.registry,
    )
    assert password(vault, tenant_id)
    manifest = vault.back_up(tenant_id).manifest
    assert manifest
    assert {dump_login(tenant_id), count_login(tenant_id)} <= {role.name for role in manifest.roles}
    assert not manifest.names_others
    # A password that the server does not know, as for a moment while it is changed: the tenant's own login does it.
    vault.world.secrets.replace_dump_password(tenant_id, dump_login(tenant_id), "of yesterday")
    assert vault.back_up(tenant_id).manifest


OLDER = ("owner", "editor", "viewer", "login_a", "login_b")


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_a_login_for_backups_reaches_one_home(vault: Vault, isolation: Isolation) -> None:
    """Has the password of the logins: nobody else's database opens, and no tables beside its own are read.

    Past policies reads the one that dumps, of tables that the owner may read.
    """
    tenant_id, neighbour = vault.add(isolation), vault.add(isolation)
    home = vault.home(tenant_id)
    assert vault.back_up(tenant_id).manifest
    for login in (dump_login(tenant_id), count_login(tenant_id)):
        for database in ("postgres", "template1", *([neighbour.value] if isolation is Isolation.DATABASE else [])):
            with pytest.raises(psycopg2.OperationalError, match="permission denied"):
                connect_as(vault, tenant_id, login, database)
        with closing(connect_as(vault, tenant_id, login, home.database)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication, rolbypassrls "
                "FROM pg_roles WHERE rolname = session_user"
            )
            reads_all = isolation is Isolation.DATABASE and login == dump_login(tenant_id)
            assert cursor.fetchone() == (False, login == dump_login(tenant_id))
            cursor.execute("SELECT pg_has_role(session_user, 'pg_read_all_data', 'MEMBER')")
            assert cursor.fetchone() == (reads_all,)
            if isolation is Isolation.SCHEMA:
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(f'SELECT * FROM "{neighbour}".candidates')
                cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner_role(tenant_id))))
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(f'SELECT * FROM "{neighbour}".candidates')
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner_role(neighbour))))


def test_limits_of_connections_keep_nobody_out(vault: Vault) -> None:
    """An owner limits its database to nothing; its own login may have one session, which is in use, or none."""
    tenant_id = vault.add()
    limit = f'ALTER DATABASE "{tenant_id}" CONNECTION LIMIT 0'
    vault.run_as(tenant_id, limit)
    with pytest.raises(TenantryError) as refusal:
        vault.back_up(tenant_id)
    assert refusal.value.code == "53300"
    watched = SessionWatch(vault.servers, WatchLimits())
    assert watched.run().lifted == [tenant_id.value]
    assert watched.run().lifted == []
    assert vault.back_up(tenant_id).manifest
    clone = TenantId(f"c{tenant_id.value[1:]}")
    vault.made.append(clone)
    login = vault.credentials(tenant_id).username
    vault.execute("here", f'ALTER ROLE "{login}" CONNECTION LIMIT 1')
    with closing(vault.connect(tenant_id)) as held, held.cursor() as cursor:
        cursor.execute("SELECT 1")
        vault.perform_well(vault.clones.start(CloneOrder(tenant_id, clone), "op-1"))
    vault.run_as(tenant_id, limit)
    vault.execute("here", f'ALTER ROLE "{login}" CONNECTION LIMIT 0')
    vault.perform_well(vault.relocations.move(tenant_id, "there", "op-1"))
    vault.execute("there", f'ALTER DATABASE "{tenant_id}" CONNECTION LIMIT 0; ALTER ROLE "{login}" CONNECTION LIMIT 0')
    vault.perform_well(vault.relocations.undo(tenant_id, "op-1"))
    assert len(vault.run_as(tenant_id, "SELECT 1 FROM candidates")) == 200
