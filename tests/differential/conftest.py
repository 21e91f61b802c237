"""One tenant's database, served by both PostgREST and the data API."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from psycopg2 import sql

from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import SecretStore
from tenantry.domain.tenant import TENANT_ROLES, Isolation, TenantId, database_role, new_home, owner_role
from tenantry.homes.exposure import Exposure
from tests.differential.postgrest_server import postgrest_program, running_postgrest
from tests.differential.sides import SETTINGS, PostgrestSide, Sides, TenantrySide
from tests.integration.conftest import (
    ENVIRONMENT,
    REGION,
    STAGE,
    World,
    _revisions,
    clear_caches,
    create_registry,
    create_usage_plans,
)

# The tests' own revisions: a server keeps one template of a revision, whoever made it.
__all__ = ["_revisions"]

SCHEMA = Path(__file__).with_name("schema")
# Large enough that no limit of ours is met by chance.
ROOM = {"MAX_BODY_BYTES": "1000000", "MAX_ANSWER_BYTES": "5000000", "STATEMENT_TIMEOUT_MS": "10000"}
TABLES = """
SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND nspname IN ('public', 'api')
"""
REWIND = "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"


def _make_database(world: World, tenant_id: TenantId) -> None:
    names = {f":{role}": f'"{database_role(tenant_id, role)}"' for role in TENANT_ROLES}
    for file in sorted(SCHEMA.glob("*.sql")):
        statements = file.read_text("utf-8")
        for placeholder, name in names.items():
            statements = statements.replace(placeholder, name)
        world.execute(statements, tenant_id.value, owner_role(tenant_id))
    home = new_home(tenant_id, "local", Isolation.DATABASE)
    Exposure(world.admin, tenant_id, home).change(SETTINGS.schemas, ())


@contextmanager
def _authenticator(world: World, tenant_id: TenantId) -> Iterator[dict[str, str]]:
    """Give PostgREST a login of its own, which has no rights until it takes one of the tenant's roles.

    A request without a token runs as that login; all requests of the corpus have one.
    """
    name, password = f"{tenant_id}_judge", secrets.token_hex(16)
    identifier = sql.Identifier(name)
    roles = sql.SQL(", ").join(sql.Identifier(database_role(tenant_id, role)) for role in TENANT_ROLES)
    with closing(world.admin(tenant_id.value)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}").format(identifier, sql.Literal(password)))
        cursor.execute(sql.SQL("GRANT {} TO {}").format(roles, identifier))
        cursor.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(tenant_id.value), identifier)
        )
        try:
            address = f"postgresql://{name}:{password}@{world.server.host}:{world.server.port}/{tenant_id}"
            yield {"PGRST_DB_URI": address, "PGRST_DB_ANON_ROLE": name}
        finally:
            cursor.execute(
                sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {}").format(
                    sql.Literal(name)
                )
            )
            cursor.execute(sql.SQL("DROP OWNED BY {}").format(identifier))
            cursor.execute(sql.SQL("DROP ROLE {}").format(identifier))


@pytest.fixture(scope="module")
def program() -> str:
    """PostgREST itself, found first: without it there is nothing to compare with."""
    return postgrest_program()


@pytest.fixture(scope="module")
def tenant(program: str, postgres: PostgresServer) -> Iterator[tuple[World, TenantId]]:
    """A tenant with the schema and the rows of this folder."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name, value in (ENVIRONMENT | ROOM).items():
            environment.setenv(name, value)
        clear_caches()
        create_usage_plans()
        world = World(postgres, create_registry(), SecretStore(aws_client("secretsmanager", REGION), STAGE))
        try:
            tenant_id = world.add_tenant(3)
            _make_database(world, tenant_id)
            yield world, tenant_id
        finally:
            world.drop()
            clear_caches()


@pytest.fixture(scope="module")
def sides(program: str, tenant: tuple[World, TenantId]) -> Iterator[Sides]:
    """PostgREST and the data API on that tenant's database."""
    world, tenant_id = tenant
    secret = secrets.token_hex(32)
    settings = {"PGRST_DB_SCHEMAS": ",".join(SETTINGS.schemas), "PGRST_JWT_SECRET": secret}
    with (
        _authenticator(world, tenant_id) as login,
        closing(world.admin(tenant_id.value)) as rewinding,
        rewinding.cursor() as cursor,
        running_postgrest(program, settings | login) as port,
        closing(PostgrestSide(port, secret, tenant_id)) as judge,
    ):
        rows = partial(_rows, cursor)
        yield Sides(judge, TenantrySide(tenant_id), partial(cursor.execute, REWIND), rows, rows())


def _rows(cursor: Any) -> dict[str, str]:
    """Read all tables of the exposed schemas, each as one text."""
    cursor.execute(TABLES)
    found = {}
    for (table,) in cursor.fetchall():
        cursor.execute(f"SELECT coalesce(string_agg(t::text, ';' ORDER BY t::text), '') FROM {table} t")
        found[table] = cursor.fetchone()[0]
    return found
