"""Servers and tenants of a benchmark's own that an isolation report is made of."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from benchmarks.stage import STAGE, Stage, connect_to, make_registry
from local.aws_server import REGION
from local.ports import free_ports
from local.postgres_server import PostgresServer
from local.sample_data import Candidate, load_candidates
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.reports.isolation.audit import IsolationAudit
from tenantry.reports.isolation.findings import IsolationReport
from tenantry.reports.isolation.probe import DatedSecrets
from tenantry.servers.server_admin import ServerAdmin
from tenantry.tenants.provisioning import TenantRequest, provision_tenant

_PEOPLE = (Candidate("Person", "Engineer", "person@example.com", "+91 55501 00000", "Pune"),)
# Hundreds of databases would each be visited once a minute.
_SETTINGS = {"autovacuum_naptime": "1h", "max_locks_per_transaction": "256"}


@dataclass(frozen=True)
class AuditedFleet:
    """Servers that have only these tenants, by the servers' ids."""

    servers: dict[str, PostgresServer]
    registry: Registry
    secrets: DatedSecrets
    administrators: ServerSecrets

    def make_tenant(self, name: str, server_id: str, isolation: Isolation = Isolation.DATABASE) -> Credentials:
        """Provision a tenant with one row of the sample application's."""
        postgres, tenant_id = self.servers[server_id], TenantId(name)
        credentials = provision_tenant(
            TenantRequest(tenant_id, isolation=isolation),
            server=_registered(server_id, postgres),
            admin=ServerAdmin(lambda database: connect_to(postgres, database)),
            secret_store=self.secrets,
            registry=self.registry,
        )
        if isolation is Isolation.DATABASE:
            with closing(postgres.connect(credentials.dbname)) as connection:
                load_candidates(connection, owner_role(tenant_id), _PEOPLE)
        return credentials

    def audit(self) -> IsolationReport:
        """Make an isolation report."""
        return IsolationAudit(self.registry, self.secrets, self.administrators, timedelta(days=1)).run()


@contextmanager
def audited_fleet(stage: Stage, table: str, *server_ids: str) -> Iterator[AuditedFleet]:
    """Start the servers, and make a registry: the leftovers of other benchmarks are not audited."""
    client: Any = stage.aws.client("secretsmanager")
    registry = make_registry(stage.aws.client("dynamodb"), table)
    administrators = ServerSecrets(client, STAGE)
    with ExitStack() as stack:
        servers = {server_id: _start(stage, server_id, stack) for server_id in server_ids}
        for server_id, postgres in servers.items():
            registry.put_server(_registered(server_id, postgres))
            login = Credentials(
                postgres.host, postgres.port, "postgres", postgres.admin_user, postgres.admin_password, "disable"
            )
            administrators.write(server_id, login)
        yield AuditedFleet(servers, registry, DatedSecrets(client, STAGE), administrators)


def _registered(server_id: str, postgres: PostgresServer) -> Server:
    return Server(server_id, REGION, postgres.host, postgres.port, sslmode="disable")


def _start(stage: Stage, server_id: str, stack: ExitStack) -> PostgresServer:
    directory, port = stage.directory / server_id, free_ports(1)[0]
    postgres = PostgresServer(
        directory, name=f"of the fleet, {server_id}", port=port, durable=False, mark=stage.directory, settings=_SETTINGS
    )
    stack.callback(postgres.stop)
    postgres.start()
    return postgres
