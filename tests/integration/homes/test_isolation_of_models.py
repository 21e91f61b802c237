"""The isolation report on tenants of all three models: it passes after creation, and finds holes that are made."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.reports.isolation.audit import IsolationAudit
from tenantry.reports.isolation.findings import Hole, IsolationReport
from tenantry.reports.isolation.probe import DatedSecrets, ServerAudit
from tenantry.reports.isolation.sampling import Sample
from tests.integration.conftest import REGION, STAGE, World
from tests.postgres import temporary_postgres

type Fleet = dict[Isolation, list[TenantId]]
type Audit = Callable[..., IsolationReport]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own: on a shared one, the passing states of other tests would be findings."""
    with temporary_postgres("for the models") as server:
        yield server


@pytest.fixture
def audit(world: World) -> Audit:
    server, administrators = world.server, ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
    world.registry.put_server(Server("local", REGION, server.host, server.port, sslmode="disable"))
    login = Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable")
    administrators.write("local", login)
    secrets = DatedSecrets(aws_client("secretsmanager", REGION), STAGE)

    def run(each: int = 100) -> IsolationReport:
        def choose(_: int, seed: str) -> Sample:
            return Sample(seed, each)

        return IsolationAudit(world.registry, secrets, administrators, timedelta(days=1), choose).run()

    return run


def test_a_fleet_of_all_models_passes(world: World, fleet: Fleet, audit: Audit) -> None:
    report = audit()
    assert (report.findings, report.unchecked, report.passed) == ([], [], True)
    assert report.tenants == len(world.tenants) == 8
    for name, attempts in report.attempts_by_tenant.items():
        assert attempts > 20, name
    assert report.pairs == report.pairs_tried == 8 * 7


def test_our_own_policies_are_known_as_such(world: World, fleet: Fleet) -> None:
    """Where there is none but them, not every pair has to be tried. The one for the tables' owner is for no tenant."""
    server = world.server
    login = Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable")
    found = ServerAudit(login).content("tenantry_pool", "").policies
    assert found
    assert {role for policy in found for role in policy.roles} == {"tenantry_pool"}


GAPS = {
    "rights on a neighbour's schema": (
        'GRANT USAGE ON SCHEMA "{s}" TO "{r}_viewer"; GRANT SELECT ON "{s}".candidates TO "{r}_viewer"',
        'REVOKE ALL ON "{s}".candidates FROM "{r}_viewer"; REVOKE ALL ON SCHEMA "{s}" FROM "{r}_viewer"',
        "tenantry_schemas",
        {Hole.FOREIGN_GRANT, Hole.ROWS_READABLE},
    ),
    "a pooled tenant's login in the schemas' database": (
        'GRANT CONNECT ON DATABASE tenantry_schemas TO "{p}_login_a"',
        'REVOKE CONNECT ON DATABASE tenantry_schemas FROM "{p}_login_a"',
        "postgres",
        {Hole.FOREIGN_CONNECT, Hole.LOGIN_ACCEPTED},
    ),
    "shared tables without row-level security": (
        "ALTER TABLE candidates DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE candidates ENABLE ROW LEVEL SECURITY",
        "tenantry_pool",
        {Hole.NO_ROW_SECURITY, Hole.ROWS_READABLE, Hole.ROWS_WRITABLE},
    ),
    "a policy that believes the session": (
        "CREATE POLICY said ON candidates USING (tenant_id = current_setting('app.tenant_id', true))",
        "DROP POLICY said ON candidates",
        "tenantry_pool",
        {Hole.ROWS_READABLE, Hole.ROWS_WRITABLE},
    ),
    "a shared index without the tenant": (
        "CREATE INDEX by_name ON candidates USING hash (name)",
        "DROP INDEX by_name",
        "tenantry_pool",
        {Hole.INDEX_ORDER},
    ),
    "the owner of the shared tables": (
        'GRANT tenantry_pool TO "{p}_editor"',
        'REVOKE tenantry_pool FROM "{p}_editor"',
        "postgres",
        {Hole.FOREIGN_MEMBERSHIP, Hole.ROLE_ASSUMED},
    ),
    "a viewer that may write": (
        'GRANT tenantry_pool_editor TO "{p}_viewer"',
        'REVOKE tenantry_pool_editor FROM "{p}_viewer"',
        "postgres",
        {Hole.FOREIGN_MEMBERSHIP},
    ),
    "a tenant of its own database in a group of the pool": (
        'GRANT tenantry_pool_viewer TO "{d}_viewer"',
        'REVOKE tenantry_pool_viewer FROM "{d}_viewer"',
        "postgres",
        {Hole.FOREIGN_MEMBERSHIP, Hole.ROLE_ASSUMED},
    ),
    "the revision of the pool": (
        "GRANT UPDATE ON alembic_version TO tenantry_pool_editor",
        "REVOKE UPDATE ON alembic_version FROM tenantry_pool_editor",
        "tenantry_pool",
        {Hole.INDEX_ORDER},
    ),
}


@pytest.mark.parametrize(("made", "mended", "database", "found"), GAPS.values(), ids=GAPS.keys())
def test_a_hole_in_a_shared_model_is_found(
    world: World, fleet: Fleet, audit: Audit, made: str, mended: str, database: str, found: set[Hole]
) -> None:
    names = {"d": fleet[Isolation.DATABASE][0], "p": fleet[Isolation.POOLED][0]}
    names |= dict(zip("sr", fleet[Isolation.SCHEMA], strict=True))
    world.execute(made.format(**names), database)
    try:
        # Among thousands of tenants only a sample is tried of what the catalogues rule out. A hole is not ruled out.
        reports = audit(), audit(each=0)
    finally:
        world.execute(mended.format(**names), database)
    for report in reports:
        assert {finding.what for finding in report.findings} == found
