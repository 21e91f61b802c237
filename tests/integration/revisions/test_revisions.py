"""The revisions that make a tenant's schema, and the templates that save most tenants from running them."""

import shutil
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.errors import Conflict, DatabaseUnavailable, InvalidSetting, StatementFailed
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId
from tenantry.revisions import templates as templates_module
from tenantry.revisions.history import head_revision
from tenantry.revisions.running import upgrade_home, upgrade_schema
from tenantry.revisions.scratch import scratch_database
from tenantry.revisions.templates import TemplateDatabases
from tenantry.revisions.version import schema_revision
from tenantry.servers.server_admin import ServerAdmin
from tenantry.tenants.provisioning import TenantRequest, provision_tenant
from tests.integration.conftest import REGION, REVISIONS, World

SECOND = """
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    op.execute("CREATE TABLE interviews (id int)")
    op.execute("{statement}")
"""


class Killed(Exception):
    """The process is killed here."""


def remove_templates(world: World) -> None:
    for (name,) in world.execute("SELECT datname FROM pg_database WHERE starts_with(datname, 'tenantry_template_')"):
        world.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE false')
        world.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def templates(world: World) -> list[tuple[str, bool, bool]]:
    """List the templates: name, whether marked as a template, whether anybody may connect."""
    return world.execute(
        """SELECT datname, datistemplate, datallowconn FROM pg_database
           WHERE starts_with(datname, 'tenantry_template_') ORDER BY 1"""
    )


@pytest.fixture
def no_template(world: World) -> Iterator[None]:
    remove_templates(world)
    yield
    remove_templates(world)


@contextmanager
def tenants(world: World, *names: str) -> Iterator[list[TenantId]]:
    """Ids whose databases and roles are dropped in the end."""
    made = [TenantId(f"{name}{uuid.uuid4().hex[:10]}") for name in names]
    try:
        yield made
    finally:
        for tenant in made:
            world.execute(f'DROP DATABASE IF EXISTS "{tenant}" WITH (FORCE)')
            for suffix in ("dump", "count", "login_a", "login_b", "viewer", "editor", "owner"):
                world.execute(f'DROP ROLE IF EXISTS "{tenant}_{suffix}"')


@pytest.fixture
def tenant(world: World) -> Iterator[TenantId]:
    with tenants(world, "m") as (made,):
        provision(world, made)
        yield made


def provision(world: World, tenant_id: TenantId) -> Any:
    return provision_tenant(
        TenantRequest(tenant_id),
        server=Server("local", REGION, world.server.host, world.server.port, sslmode="disable"),
        admin=ServerAdmin(world.admin),
        secret_store=world.secrets,
        registry=world.registry,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the revisions, to which a test may add; its path has characters that Alembic would misread."""
    copy = Path(shutil.copytree(REVISIONS, tmp_path / "a, b: 100%(c)s", ignore=shutil.ignore_patterns("__pycache__")))
    monkeypatch.setenv("REVISIONS_DIRECTORY", str(copy))
    return copy


def add_revision(folder: Path, statement: str) -> None:
    (folder / "0002_interviews.py").write_text(SECOND.format(statement=statement))


def revision_of(world: World, tenant_id: TenantId) -> str | None:
    with closing(world.admin(tenant_id.value)) as connection:
        return schema_revision(connection, "public")


def test_the_projects_files_are_named_by_their_revisions_which_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REVISIONS_DIRECTORY")
    config = Config(toml_file="pyproject.toml")
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert [script.revision for script in scripts] == sorted((script.revision for script in scripts), reverse=True)
    assert all(Path(script.path).name.startswith(f"{script.revision}_") for script in scripts)
    assert ScriptDirectory.from_config(config).get_heads() == [head_revision()]


def test_a_directory_without_revisions_is_a_wrong_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVISIONS_DIRECTORY", str(tmp_path))
    with pytest.raises(InvalidSetting, match="REVISIONS_DIRECTORY"):
        head_revision()


def test_a_tenant_is_made_with_the_tables_which_its_owner_owns(world: World, tenant: TenantId) -> None:
    owned = world.execute("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'", tenant.value)
    assert sorted(owned) == [("alembic_version", f"{tenant}_owner"), ("candidates", f"{tenant}_owner")]
    (left,) = world.execute(
        """SELECT count(*) FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid
           WHERE refobjid = 'tenantry_template'::regrole AND datname = current_database()""",
        tenant.value,
    )
    assert left == (0,)
    found = world.registry.tenant(tenant)
    assert found
    assert found.schema_revision == revision_of(world, tenant) == head_revision()


def test_the_data_api_serves_the_tables_and_not_the_revision(world: World, tenant: TenantId) -> None:
    row = {"name": "Ada", "job_role": "Engineer", "email": "ada@example.com"}
    assert world.call(tenant, "POST", body=row).status == 201
    assert world.call(tenant, role="viewer", select="name").json == [{"name": "Ada"}]
    assert world.call(tenant, "POST", role="viewer", body=row).status == 403
    for role in ("viewer", "editor"):
        assert world.call(tenant, table="alembic_version", role=role).status == 403
        assert world.call(tenant, "POST", "alembic_version", role=role, body={"version_num": "x"}).status == 403


def test_what_a_revision_adds_reaches_a_tenant_when_the_call_is_repeated(
    world: World, tenant: TenantId, folder: Path, no_template: None
) -> None:
    add_revision(folder, "SELECT 1")
    provision(world, tenant)
    found = world.registry.tenant(tenant)
    assert found
    assert found.schema_revision == revision_of(world, tenant) == "0002"
    assert world.call(tenant, "POST", "interviews", body={"id": 1}).status == 201
    assert world.call(tenant, table="interviews", role="viewer").json == [{"id": 1}]
    for role in ("viewer", "editor"):
        assert world.call(tenant, table="alembic_version", role=role).status == 403


def test_revisions_run_as_the_owner_and_all_or_none(world: World, tenant: TenantId, folder: Path) -> None:
    add_revision(folder, "CREATE ROLE intruder SUPERUSER")
    with closing(world.admin(tenant.value)) as connection:
        with pytest.raises(StatementFailed) as refusal:
            upgrade_schema(connection, f"{tenant}_owner", "public")
        assert refusal.value.code == "42501"
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user = session_user, to_regclass('interviews') IS NULL")
            assert cursor.fetchone() == (True, True)
    assert revision_of(world, tenant) == "0001"


def test_a_revision_that_is_not_known_here_is_left_alone(world: World, tenant: TenantId) -> None:
    world.execute("UPDATE alembic_version SET version_num = '9999'", tenant.value)
    with pytest.raises(Conflict) as refusal:
        provision(world, tenant)
    assert refusal.value.code == "schema_unknown"
    assert revision_of(world, tenant) == "9999"


def test_two_upgrades_of_one_schema_follow_each_other(world: World, tenant: TenantId, folder: Path) -> None:
    add_revision(folder, "SELECT 1")
    together = threading.Barrier(2, timeout=20)

    def upgrade(_: int) -> str:
        together.wait()
        return upgrade_home(world.admin, tenant.value, f"{tenant}_owner", "public")

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(upgrade, range(2))) == ["0002", "0002"]


def test_a_tenant_that_takes_every_lock_it_can_does_not_stop_an_upgrade(
    world: World, tenant: TenantId, folder: Path
) -> None:
    def impatient(database: str) -> Any:
        connection = world.admin(database)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        return connection

    add_revision(folder, "SELECT 1")
    places = ("public", f"{tenant}/public")
    credentials = world.secrets.find(tenant)
    assert credentials
    with closing(connect(credentials, ConnectSettings())) as session, session.cursor() as cursor:
        for place in places:
            cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (0x74656E61, place))
        assert upgrade_home(impatient, tenant.value, f"{tenant}_owner", "public") == "0002"


def test_two_tenants_at_once_on_a_server_without_a_template(world: World, no_template: None) -> None:
    together = threading.Barrier(2, timeout=20)

    def make(tenant_id: TenantId) -> Any:
        together.wait()
        return provision(world, tenant_id)

    with tenants(world, "x", "y") as made, ThreadPoolExecutor(2) as pool:
        for credentials in pool.map(make, made):
            connect(credentials, ConnectSettings()).close()
        assert [revision_of(world, tenant) for tenant in made] == [head_revision()] * 2
    assert templates(world) == [(f"tenantry_template_{head_revision()}", True, False)]


@pytest.mark.parametrize("killed_at", ["connect", "before the revisions", "after the revisions"])
def test_a_template_that_was_left_half_way_is_made_anew(
    world: World, no_template: None, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    def connect_and_die(database: str) -> Any:
        if database != "postgres" and killed_at == "connect":
            raise Killed
        return world.admin(database)

    def upgrade_and_die(*arguments: Any) -> str:
        if killed_at == "after the revisions":
            upgrade_schema(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(templates_module, "upgrade_schema", upgrade_and_die)
        with pytest.raises(Killed):
            TemplateDatabases(connect_and_die).ensure()
    assert [complete for _, complete, _ in templates(world)] == [False]
    with tenants(world, "k") as (tenant_id,):
        provision(world, tenant_id)
        assert revision_of(world, tenant_id) == head_revision()
    assert templates(world) == [(f"tenantry_template_{head_revision()}", True, False)]


def test_a_template_that_sorts_as_a_former_library_did_is_made_anew(world: World, no_template: None) -> None:
    """PostgreSQL refuses to copy it, and so no tenant could be made after an update of the system."""
    name = TemplateDatabases(world.admin).ensure()
    world.execute(f"UPDATE pg_database SET datcollversion = '0' WHERE datname = '{name}'")
    copy = f"copy_{uuid.uuid4().hex[:8]}"
    with pytest.raises(Exception, match="collation version mismatch"):
        world.execute(f'CREATE DATABASE {copy} TEMPLATE "{name}"')
    assert TemplateDatabases(world.admin).ensure() == name
    world.execute(f'CREATE DATABASE {copy} TEMPLATE "{name}"')
    world.execute(f"DROP DATABASE {copy}")


def test_an_older_template_goes_and_a_later_one_stays(world: World, no_template: None) -> None:
    for revision in ("0000", "9999"):
        world.execute(f"CREATE DATABASE tenantry_template_{revision} IS_TEMPLATE true ALLOW_CONNECTIONS false")
        world.execute(f"COMMENT ON DATABASE tenantry_template_{revision} IS 'tenantry server'")
    TemplateDatabases(world.admin).ensure()
    assert [name for name, *_ in templates(world)] == [
        f"tenantry_template_{head_revision()}",
        "tenantry_template_9999",
    ]


def test_nobody_connects_to_a_template(world: World, tenant: TenantId) -> None:
    credentials = world.secrets.find(tenant)
    assert credentials
    database = f"tenantry_template_{head_revision()}"
    with pytest.raises(DatabaseUnavailable):
        connect(replace(credentials, dbname=database), ConnectSettings())
    (row,) = world.execute(
        f"""SELECT pg_get_userbyid(datdba), rolcanlogin FROM pg_database, pg_roles
            WHERE datname = '{database}' AND rolname = 'tenantry_template'"""
    )
    assert row == (world.server.admin_user, False)


def test_a_scratch_database_is_closed_and_gone_afterwards(world: World) -> None:
    rights = "SELECT has_database_privilege('public', datname, 'CONNECT') FROM pg_database WHERE datname = %s"
    with closing(world.admin()) as connection, connection.cursor() as cursor:
        with pytest.raises(RuntimeError), scratch_database(world.admin) as name:
            cursor.execute(rights, (name,))
            assert cursor.fetchall() == [(False,)]
            raise RuntimeError
        cursor.execute(rights, (name,))
        assert cursor.fetchall() == []
