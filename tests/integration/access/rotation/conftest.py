"""Tenants on a real PostgreSQL with secrets in a local AWS, and the calls with which Secrets Manager rotates them."""

import json
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from handlers import query_tenant, rotate_credentials
from handlers.settings.rotation import rotation_settings
from local.aws_server import ACCESS_KEY, SECRET_KEY, AwsServer
from local.ports import LOOPBACK, free_ports
from local.postgres_server import PostgresServer
from tenantry.aws import clients as aws
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.database.connecting import ConnectSettings
from tenantry.database.logins import login_names
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.credentials import Credentials, secret_name
from tenantry.domain.errors import (
    DatabaseUnavailable,
)
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId
from tests.integration.conftest import ENVIRONMENT, REGION, STAGE, TABLE, World, clear_caches, create_registry

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@dataclass
class Rotating(World):
    """The server and its tenants; their secrets are in a local AWS that moves labels as AWS does."""

    @property
    def client(self) -> Any:
        return self.secrets_manager

    def begin(self, tenant: TenantId) -> str:
        """Do what Secrets Manager does before the first step: make a pending version without content."""
        token = str(uuid.uuid4())
        self.client.put_secret_value(
            SecretId=secret_name(STAGE, tenant), ClientRequestToken=token, VersionStages=["AWSPENDING"]
        )
        return token

    def step(self, tenant: TenantId, token: str, step: str) -> dict[str, Any]:
        event = {"SecretId": secret_name(STAGE, tenant), "ClientRequestToken": token, "Step": step}
        return rotate_credentials.handler(event, None)

    def rotate(self, tenant: TenantId, token: str | None = None) -> Credentials:
        token = token or self.begin(tenant)
        for step in STEPS:
            self.step(tenant, token, step)
        return self.current(tenant)

    def current(self, tenant: TenantId) -> Credentials:
        found = self.secrets.find(tenant)
        assert found
        return found

    def labels(self, tenant: TenantId) -> dict[str, set[str]]:
        answer = self.client.describe_secret(SecretId=secret_name(STAGE, tenant))
        return {version: set(labels) for version, labels in answer["VersionIdsToStages"].items()}

    def write_pending(self, tenant: TenantId, token: str, credentials: Credentials) -> None:
        self.client.put_secret_value(
            SecretId=secret_name(STAGE, tenant),
            ClientRequestToken=token,
            SecretString=credentials.to_json(),
            VersionStages=["AWSPENDING"],
        )

    def stored_passwords(self, tenant: TenantId) -> list[Any]:
        names = ", ".join(f"'{name}'" for name in login_names(tenant))
        return self.execute(
            f"SELECT rolname, rolpassword, rolconnlimit FROM pg_authid WHERE rolname IN ({names}) ORDER BY 1"
        )

    @contextmanager
    def made_for_a_while(self) -> Iterator[TenantId]:
        """Make a tenant with three candidates; in the end, drop it with the tenants that were made since."""
        known = set(self.credentials)
        try:
            yield self.add_tenant(3)
        finally:
            self._erase([tenant for tenant in self.credentials if tenant not in known])

    def _erase(self, tenants: list[TenantId]) -> None:
        if query_tenant._data_requests.cache_info().currsize:
            query_tenant._data_requests()._connections.close()
        for tenant in tenants:  # all of them first: a login may have been let into another's
            self.execute(f'DROP DATABASE IF EXISTS "{tenant}" WITH (FORCE)')
        for tenant in tenants:
            roles = self.execute(f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{tenant}_')")
            self.execute("DROP ROLE " + ", ".join(f'"{name}"' for (name,) in roles))
            del self.credentials[tenant]


def forget() -> None:
    clear_caches()
    rotation_settings.cache_clear()
    rotate_credentials._tools.cache_clear()
    # Sessions of botocore keep the keys that they found.
    aws._botocore.cache_clear()


@pytest.fixture(scope="module")
def local_aws() -> Iterator[AwsServer]:
    with tempfile.TemporaryDirectory(prefix="tenantry-rotation-") as name:
        directory = Path(name)
        server = AwsServer(directory, port=free_ports(1)[0], addresses=(LOOPBACK,), mark=directory)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def make_tenant_role(server: AwsServer) -> str:
    trust = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"AWS": "*"}}
    read = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
    policy, allowed = (json.dumps({"Version": "2012-10-17", "Statement": [statement]}) for statement in (trust, read))
    iam = server.client("iam")
    role = iam.create_role(RoleName="tenant-data", AssumeRolePolicyDocument=policy)["Role"]
    iam.put_role_policy(RoleName="tenant-data", PolicyName="read", PolicyDocument=allowed)
    return str(role["Arn"])


@pytest.fixture(scope="module")
def rotating(postgres: PostgresServer, local_aws: AwsServer) -> Iterator[Rotating]:
    with pytest.MonkeyPatch.context() as patch:
        variables = ENVIRONMENT | {
            "AWS_ENDPOINT_URL": local_aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "TENANT_ROLE_ARN": make_tenant_role(local_aws),
            "REGISTRY_TABLE": TABLE,
        }
        for name, value in variables.items():
            patch.setenv(name, value)
        forget()
        made = Rotating(postgres, create_registry(), SecretStore(aws_client("secretsmanager", REGION), STAGE))
        server = Server("local", REGION, postgres.host, postgres.port, sslmode="disable")
        made.registry.put_server(server)
        ServerSecrets(made.client, STAGE).write("local", administrator(postgres))
        yield made
    forget()


def administrator(postgres: PostgresServer) -> Credentials:
    return Credentials(
        postgres.host, postgres.port, "postgres", postgres.admin_user, postgres.admin_password, sslmode="disable"
    )


@pytest.fixture
def tenant(rotating: Rotating) -> Iterator[TenantId]:
    """A tenant of this test's own, with three candidates."""
    with rotating.made_for_a_while() as made:
        yield made


@pytest.fixture(scope="module")
def unchanged(rotating: Rotating) -> Iterator[TenantId]:
    """A tenant for tests of what changes nothing: each leaves it as it was, but for a pending version."""
    with rotating.made_for_a_while() as made:
        yield made


def logs_in(tenant: TenantId, credentials: Credentials) -> bool:
    try:
        TenantConnection(tenant, credentials, ConnectSettings()).close()
    except DatabaseUnavailable:
        return False
    return True


@dataclass(frozen=True)
class State:
    """Everything that a refused step must leave unchanged."""

    labels: dict[str, set[str]]
    passwords: list[Any]
    current: Credentials

    @classmethod
    def of(cls, rotating: Rotating, tenant: TenantId) -> Self:
        return cls(rotating.labels(tenant), rotating.stored_passwords(tenant), rotating.current(tenant))
