"""Runs the isolation audit over fifty tenants on one server, with every pair."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import STAGE, Stage, make_registry
from local.aws_server import REGION
from local.ports import free_ports
from local.postgres_server import PostgresServer
from local.sample_data import Candidate, load_candidates
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId, owner_role
from tenantry.reports.isolation.audit import IsolationAudit
from tenantry.reports.isolation.probe import DatedSecrets
from tenantry.servers.server_admin import ServerAdmin
from tenantry.tenants.provisioning import TenantRequest, provision_tenant

_SERVER = "isolation"
_TABLE = "tenantry-bench-isolation"
_TENANTS = 50
_TARGET_SECONDS = 60.0
_PEOPLE = (Candidate("Person", "Engineer", "person@example.com", "+91 55501 00000", "Pune"),)


def run(stage: Stage) -> list[Result]:
    """Seconds of the isolation report: 50 tenants on one server, every pair, logins and all else that is tried."""
    registry = _make_registry(stage)
    client = stage.aws.client("secretsmanager")
    secrets, administrators = DatedSecrets(client, STAGE), ServerSecrets(client, STAGE)
    with _server(stage) as postgres:
        server = Server(_SERVER, REGION, postgres.host, postgres.port, sslmode="disable")
        registry.put_server(server)
        administrators.write(_SERVER, _administrator(postgres))
        for number in range(_TENANTS):
            _make_tenant(TenantId(f"isolated-{number:02}"), server, postgres, secrets, registry)
        report = IsolationAudit(registry, secrets, administrators, timedelta(days=1)).run()
    if not report.passed or report.attempts < _TENANTS * (_TENANTS - 1):
        raise BenchmarkFailed(f"the audit found {report.findings[:3]} and could not check {report.unchecked[:3]}")
    print(f"    {report.attempts} attempts")
    return [Result("isolation_probe", "s", report.seconds, _TARGET_SECONDS, at_most=1.0)]


@contextmanager
def _server(stage: Stage) -> Iterator[PostgresServer]:
    """Start a server that has only these tenants."""
    postgres = PostgresServer(
        stage.directory / "isolation",
        name="for the isolation report",
        port=free_ports(1)[0],
        durable=False,
        mark=stage.directory,
    )
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.stop()


def _administrator(postgres: PostgresServer) -> Credentials:
    return Credentials(
        postgres.host, postgres.port, "postgres", postgres.admin_user, postgres.admin_password, sslmode="disable"
    )


def _make_registry(stage: Stage) -> Registry:
    """Make a separate registry, so that the leftovers of other benchmarks are not audited."""
    return make_registry(stage.aws.client("dynamodb"), _TABLE)


def _make_tenant(
    tenant_id: TenantId, server: Server, postgres: PostgresServer, secrets: DatedSecrets, registry: Registry
) -> None:
    def connect(database: str) -> Any:
        connection = postgres.connect(database)
        connection.autocommit = True
        return connection

    credentials = provision_tenant(
        TenantRequest(tenant_id), server=server, admin=ServerAdmin(connect), secret_store=secrets, registry=registry
    )
    with closing(postgres.connect(credentials.dbname)) as connection:
        load_candidates(connection, owner_role(tenant_id), _PEOPLE)
