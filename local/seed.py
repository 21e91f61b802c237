"""Fills a fresh stack: two servers, two tenants with sample data, their users, and an operator."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import psycopg2.extensions

from local import accounts, sample_data
from local.aws_server import AwsServer
from local.deployment import STAGE, Deployment
from local.postgres_server import PostgresServer
from local.stack_file import Operator, StackTenant
from tenantry.access.rotation import rotation_schedule
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.domain.tenant import Limits, TenantId, owner_role
from tenantry.servers.server_admin import ServerAdmin
from tenantry.tenants.provisioning import TenantRequest, provision_tenant
from tenantry.tenants.usage_plans import UsagePlans


@dataclass(frozen=True, slots=True)
class _DemoTenant:
    tenant_id: TenantId
    server_id: str
    people: tuple[sample_data.Candidate, ...]


_TENANTS = (
    _DemoTenant(TenantId("mycompany"), "ap-south-1", sample_data.MYCOMPANY),
    _DemoTenant(TenantId("mycompany1"), "us-east-1", sample_data.MYCOMPANY1),
)


class Seed:
    """Loads the demo's content into the deployed stack. Rows of an earlier run stay."""

    def __init__(
        self, aws: AwsServer, deployment: Deployment, servers: Mapping[str, PostgresServer], address: str
    ) -> None:
        """`servers` are by region, which is also their id; `address` is where the functions reach them."""
        self._aws = aws
        self._servers = servers
        self._address = address
        self._pool = deployment.outputs["UserPoolId"]
        self._rotation = deployment.outputs["RotateCredentialsArn"]
        self._registry = Registry(aws.client("dynamodb"), deployment.outputs["RegistryTableName"])
        self._usage_plans = UsagePlans(aws.client("apigateway"), STAGE)
        self._secrets = SecretStore(aws.client("secretsmanager"), STAGE)

    def register_servers(self) -> None:
        """Add the two servers to the registry, and their administrators to Secrets Manager."""
        administrators = ServerSecrets(self._aws.client("secretsmanager"), STAGE)
        for server_id, postgres in self._servers.items():
            server = self._server(server_id)
            self._registry.put_server(server)
            administrators.write(server_id, _administrator(server, postgres))

    def create_tenants(self) -> list[StackTenant]:
        """Provision the tenants as an operator would, each with its tables and its users."""
        cognito = self._aws.client("cognito-idp")
        return [self._create_tenant(demo, cognito) for demo in _TENANTS]

    def create_operator(self) -> Operator:
        """Create the operator."""
        return accounts.create_operator(self._aws.client("cognito-idp"), self._pool)

    def _create_tenant(self, demo: _DemoTenant, cognito: Any) -> StackTenant:
        postgres = self._servers[demo.server_id]
        credentials = provision_tenant(
            TenantRequest(demo.tenant_id, usage_key=self._usage_plans.ensure(demo.tenant_id, Limits().plan)),
            server=self._server(demo.server_id),
            admin=ServerAdmin(lambda database: _connect_as_admin(postgres, database)),
            secret_store=self._secrets,
            registry=self._registry,
        )
        self._secrets.schedule_rotation(demo.tenant_id, self._rotation, rotation_schedule(demo.tenant_id))
        with closing(postgres.connect(credentials.dbname)) as connection:
            sample_data.load_candidates(connection, owner_role(demo.tenant_id), demo.people)
            sample_data.make_tables(connection, owner_role(demo.tenant_id))
        self._allow_all_examples(demo.tenant_id)
        tenant = demo.tenant_id.value
        users = accounts.create_users(cognito, self._pool, tenant)
        return StackTenant(tenant_id=tenant, isolation="database", server_id=demo.server_id, users=users)

    def _allow_all_examples(self, tenant_id: TenantId) -> None:
        """Allow what docs/data-api.md shows and is off by default, as an operator may."""
        if tenant := self._registry.tenant(tenant_id):
            settings = replace(tenant.data_api, aggregates=True, plans=True)
            self._registry.put_tenant(replace(tenant, data_api=settings))

    def _server(self, server_id: str) -> Server:
        # The embedded PostgreSQL is built without TLS, and no packet leaves this machine.
        return Server(server_id, server_id, self._address, self._servers[server_id].port, sslmode="disable")


def _administrator(server: Server, postgres: PostgresServer) -> Credentials:
    return Credentials(
        host=server.host,
        port=server.port,
        dbname="postgres",
        username=postgres.admin_user,
        password=postgres.admin_password,
        sslmode=server.sslmode,
    )


def _connect_as_admin(server: PostgresServer, database: str) -> psycopg2.extensions.connection:
    connection = server.connect(database)
    connection.autocommit = True
    return connection
