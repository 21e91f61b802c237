"""The project's own revisions, including the newest, make tables for tenants of all three models."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import SecretStore
from tenantry.domain.tenant import Isolation
from tenantry.revisions.history import head_revision
from tests.integration.conftest import ENVIRONMENT, REGION, STAGE, World, create_registry
from tests.integration.homes.conftest import MODELS, new_id, provision, rows
from tests.postgres import temporary_postgres

TABLES = """SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
            WHERE schemaname = %s AND tablename <> 'alembic_version'"""


@pytest.fixture(scope="module")
def own_world() -> Iterator[World]:
    """A server of its own: a shared server's pool would get a revision that other tests do not know."""
    with temporary_postgres("own-revisions") as server, mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("REVISIONS_DIRECTORY", raising=False)
        yield World(server, create_registry(), SecretStore(aws_client("secretsmanager", REGION), STAGE))


@pytest.mark.parametrize("model", MODELS)
def test_a_viewer_reads_every_table_of_the_newest_revision(own_world: World, model: Isolation) -> None:
    tenant_id = new_id()

    credentials = provision(own_world, tenant_id, model)

    tenant = own_world.registry.tenant(tenant_id)
    assert tenant
    assert tenant.schema_revision == head_revision()
    tables = rows(own_world, credentials, TABLES.replace("%s", f"'{credentials.schema}'"), f"{tenant_id}_owner")
    assert tables
    for (table,) in tables:
        assert rows(own_world, credentials, f"SELECT * FROM {table}", f"{tenant_id}_viewer") == []
