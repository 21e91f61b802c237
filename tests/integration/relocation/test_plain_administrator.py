"""Relocations work for administrators who are no superusers."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from local.postgres_server import PostgresServer
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Isolation
from tenantry.relocation.clone_requests import CloneOrder
from tests.integration.conftest import World
from tests.integration.relocation.conftest import ROWS, Yard, superuser
from tests.integration.relocation.test_clone import new_id
from tests.postgres import temporary_postgres

NAME, PASSWORD = "plain_administrator", "of a test only"
RIGHTS = f"""CREATE ROLE {NAME} LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}';
             GRANT SET ON PARAMETER tenantry.tenant_id TO {NAME}"""
DATABASE, SCHEMA, POOLED = Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED


def plain(server: PostgresServer) -> Credentials:
    return replace(superuser(server), username=NAME, password=PASSWORD)


@pytest.fixture(scope="module")
def plain_yard(world: World) -> Iterator[Yard]:
    """On servers of its own: on the others a superuser has made what tenants share."""
    with temporary_postgres("plain here") as here, temporary_postgres("plain there") as there:
        for server in (here, there):
            with closing(server.connect()) as connection:
                connection.autocommit = True
                connection.cursor().execute(RIGHTS)
        made = Yard(world, there, here, plain)
        yield made
        made.drop()


@pytest.mark.parametrize("isolation", [DATABASE, SCHEMA, POOLED])
def test_moves_undos_and_clones(plain_yard: Yard, isolation: Isolation) -> None:
    yard = plain_yard
    tenant_id = yard.add(isolation)
    yard.perform_well(yard.relocations.move(tenant_id, "there", "op-1"))
    yard.run_as(tenant_id, "INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', 'new')")
    before = yard.run_as(tenant_id, ROWS)
    yard.perform_well(yard.relocations.undo(tenant_id, "op-1"))
    assert yard.run_as(tenant_id, ROWS) == before
    clone = new_id(yard)
    yard.perform_well(yard.clones.start(CloneOrder(tenant_id, clone, "there"), "op-1"))
    assert yard.run_as(clone, ROWS) == before
    yard.perform_well(yard.relocations.move(tenant_id, "there", "op-1"))
    yard.perform_well(yard.relocations.confirm(tenant_id, "op-1"))
    assert yard.run_as(tenant_id, ROWS) == before
    assert yard.traces(tenant_id)["here"] == []


@pytest.mark.parametrize("way", [(SCHEMA, DATABASE), (POOLED, SCHEMA), (POOLED, DATABASE)])
def test_promotions(plain_yard: Yard, way: tuple[Isolation, Isolation]) -> None:
    yard = plain_yard
    tenant_id = yard.add(way[0])
    yard.perform_well(yard.relocations.promote(tenant_id, way[1], "op-1"))
    yard.run_as(tenant_id, "INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', 'new')")
    before = yard.run_as(tenant_id, ROWS)
    yard.perform_well(yard.relocations.undo(tenant_id, "op-1"))
    assert yard.run_as(tenant_id, ROWS) == before
    yard.perform_well(yard.relocations.promote(tenant_id, way[1], "op-1"))
    yard.perform_well(yard.relocations.confirm(tenant_id, "op-1"))
    assert yard.run_as(tenant_id, ROWS) == before


@pytest.mark.parametrize("isolation", [DATABASE, SCHEMA])
def test_rights_go_along(plain_yard: Yard, isolation: Isolation) -> None:
    """The editor owns a table where it may make none any more, and has passed on what it was given."""
    yard = plain_yard
    tenant_id = yard.add(isolation)
    schema = yard.credentials(tenant_id).schema
    owner, editor, viewer = (f'"{tenant_id}_{role}"' for role in ("owner", "editor", "viewer"))
    with closing(yard.connect(tenant_id)) as session, session.cursor() as cursor:
        cursor.execute(f'SET ROLE {owner}; SET search_path = "{schema}"')
        cursor.execute(f'CREATE TABLE passed_on (id int); GRANT CREATE ON SCHEMA "{schema}" TO {editor}')
        cursor.execute(f"REVOKE ALL ON passed_on, candidates FROM {editor}, {viewer}")
        cursor.execute(f"GRANT SELECT ON passed_on TO {editor} WITH GRANT OPTION")
        cursor.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        cursor.execute(f"SET ROLE {editor}; GRANT SELECT ON passed_on TO {viewer}")
        cursor.execute(f"CREATE TABLE editors_own (id int); GRANT SELECT ON editors_own TO {owner}")
        cursor.execute(f'SET ROLE {owner}; REVOKE ALL ON SCHEMA "{schema}" FROM {editor}')
    query = f"""SELECT relname, relowner::regrole::text, grantee::regrole::text, privilege_type, is_grantable,
                       grantor::regrole::text
                FROM pg_class, aclexplode(coalesce(relacl, acldefault(
                    CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner
                )))
                WHERE relnamespace = '"{schema}"'::regnamespace AND relkind IN ('r', 'S')
                UNION ALL
                SELECT 'schema', nspowner::regrole::text, grantee::regrole::text, privilege_type, is_grantable,
                       grantor::regrole::text
                FROM pg_namespace, aclexplode(nspacl) WHERE nspname = '{schema}'
                ORDER BY 1, 3, 4"""
    before = yard.run_as(tenant_id, query)
    yard.perform_well(yard.relocations.move(tenant_id, "there", "op-1"))
    assert yard.run_as(tenant_id, query) == before
    yard.perform_well(yard.relocations.undo(tenant_id, "op-1"))
    assert yard.run_as(tenant_id, query) == before
