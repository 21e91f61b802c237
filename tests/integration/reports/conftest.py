"""A small fleet without drift, on a server of its own, because reports look at everything on a server."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from moto import mock_aws
from moto.secretsmanager.models import secretsmanager_backends

from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.backups.inventory import BackupInventory, Bucket
from tenantry.domain.credentials import Credentials, secret_name
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, Tenant, TenantId
from tenantry.operations.operation_store import OperationStore
from tenantry.reports.drift.audit import DriftAudit
from tenantry.reports.drift.findings import Drift, DriftReport
from tenantry.reports.drift.fleet_inventory import FleetInventory
from tenantry.reports.drift.references import References
from tenantry.servers.server_admin import ServerAdmin
from tenantry.servers.servers import Servers
from tenantry.tenants.provisioning import TenantRequest, provision_tenant
from tests.integration.conftest import ENVIRONMENT, REGION, STAGE, TABLE, World, create_registry
from tests.postgres import temporary_postgres

BUCKET, SERVER, POOL_ID = "reported", "local", "pool"
ACCOUNT = "123456789012"
ACME, UMBRELLA = TenantId("acme"), TenantId("umbrella")


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own."""
    with temporary_postgres("for reports") as server:
        yield server


class Pages:
    """Stands for the client of a service that can't run in process: returns its lists as paginators do."""

    def __init__(self, **lists: list[Any]) -> None:
        self.lists = lists

    def get_paginator(self, operation: str) -> Any:
        pages = self.lists[operation]

        class Paginator:
            def paginate(self, **_: Any) -> list[Any]:
                return pages

        return Paginator()


class Fleet(World):
    """A server and its tenants; `keys` and `users` are what API Gateway and Cognito would list."""

    def __init__(self, server: PostgresServer, references: References) -> None:
        secrets = aws_client("secretsmanager", REGION)
        super().__init__(server, create_registry(), SecretStore(secrets, STAGE))
        self.references = references
        # Whether the server may be other than the next fleet's tenants need it.
        self.touched = False
        self.client: Any = secrets
        self.administrators = ServerSecrets(secrets, STAGE)
        self.operations = OperationStore(aws_client("dynamodb", REGION), TABLE)
        self.s3: Any = aws_client("s3", REGION)
        self.keys: list[dict[str, Any]] = []
        self.users = [user("op-1", role="operator")]
        self.place = Server(SERVER, REGION, server.host, server.port, sslmode="disable")
        self.registry.put_server(self.place)
        admin = Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable")
        self.administrators.write(SERVER, admin)
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    @property
    def gateway(self) -> Any:
        half = len(self.keys) // 2
        return Pages(get_api_keys=[{"items": self.keys[:half]}, {"items": self.keys[half:]}])

    def execute(self, statement: str, database: str = "postgres", role: str | None = None) -> list[Any]:
        self.touched = True
        return super().execute(statement, database, role)

    def add(self, tenant_id: TenantId, isolation: Isolation = Isolation.DATABASE) -> None:
        """Make a tenant with everything that it has to have; a home that the last test left as it was is reused."""
        self.touched |= tenant_id not in (ACME, UMBRELLA)
        self.credentials[tenant_id] = provision_tenant(
            TenantRequest(tenant_id, isolation=isolation),
            server=self.place,
            admin=ServerAdmin(self.admin),
            secret_store=self.secrets,
            registry=self.registry,
        )
        secret = self.secret(tenant_id)
        secret.rotation_requested = secret.rotation_enabled = True
        self.keys.append(key(f"tenantry-{STAGE}-{tenant_id}", tenant_id.value))
        self.users.append(user(f"admin@{tenant_id}", tenant_id.value, "admin"))
        self.back_up(tenant_id.value)

    def secret(self, tenant_id: TenantId) -> Any:
        """The secret inside moto, which has no function that could rotate it."""
        return secretsmanager_backends[ACCOUNT][REGION].secrets[secret_name(STAGE, tenant_id)]

    def back_up(self, name: str, backup: str = "01JBXKQ5S00000000000000000") -> None:
        for file, size in (("dump.zst", 2000), ("manifest.json", 48)):
            self.s3.put_object(Bucket=BUCKET, Key=f"tenants/{name}/backups/{backup}/{file}", Body=b"x" * size)

    def tenant(self, tenant_id: TenantId = ACME) -> Tenant:
        found = self.registry.tenant(tenant_id)
        assert found
        return found

    @property
    def inventory(self) -> FleetInventory:
        users: Any = Pages(list_users=[{"Users": self.users}])
        return FleetInventory(self.client, self.gateway, users, STAGE, POOL_ID)

    @property
    def backups(self) -> BackupInventory:
        return BackupInventory([Bucket(self.s3, BUCKET)])

    @property
    def servers(self) -> Servers:
        return Servers(self.registry, self.administrators)

    def audit(self) -> DriftAudit:
        return DriftAudit(
            self.registry,
            self.operations,
            self.secrets,
            self.administrators,
            self.inventory,
            self.backups,
            STAGE,
            self.references,
        )

    def drift(self, now: datetime | None = None) -> DriftReport:
        return self.audit().run(now=now)

    def found(self, now: datetime | None = None) -> set[tuple[Drift, str]]:
        return {(finding.kind, finding.tenant) for finding in self.drift(now).findings}

    def clear(self) -> None:
        """Drop everything on the server except what every server has, and the template."""
        databases = "SELECT datname FROM pg_database WHERE datname !~ '^(postgres|template[01]|tenantry_template_.*)$'"
        for (name,) in self.execute(databases):
            self.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE false')
            self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        roles = "SELECT rolname FROM pg_roles WHERE NOT rolsuper AND rolname !~ '^(pg_|tenantry_template$)'"
        for (name,) in self.execute(roles):
            self.execute(f'DROP OWNED BY "{name}"; DROP ROLE "{name}"')


def key(name: str, tenant: str) -> dict[str, Any]:
    return {"id": f"id-{tenant}", "name": name, "tags": {"TenantId": tenant, "Stage": STAGE}}


def user(name: str, tenant: str = "", role: str = "viewer") -> dict[str, Any]:
    attributes = {"custom:tenant_id": tenant, "custom:role": role}
    return {"Username": name, "Attributes": [{"Name": k, "Value": v} for k, v in attributes.items() if v]}


@pytest.fixture(scope="module")
def references() -> References:
    """What the revisions make: the same for all tests on one server."""
    return References()


@pytest.fixture
def fleet(postgres: PostgresServer, references: References, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """Two tenants, and no drift."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        made = Fleet(postgres, references)
        try:
            made.add(ACME)
            made.add(UMBRELLA)
            yield made
        finally:
            if made.touched:
                made.clear()
