"""Two tenants on a real PostgreSQL server, with AWS in process, served by the real handler."""

import functools
import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from psycopg2 import sql

from handlers import query_tenant
from handlers.settings.backups import backup_settings, plan_settings
from handlers.settings.query import query_settings
from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.database.patience import LOCK_TIMEOUT_MS
from tenantry.domain.credentials import Credentials
from tenantry.domain.limits import PLANS
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId, owner_role
from tenantry.servers.server_admin import ServerAdmin
from tenantry.tenants.provisioning import TenantRequest, provision_tenant
from tests.postgres import superuser_session
from tests.registry_table import create_registry_table

IMPATIENT = f"-c lock_timeout={LOCK_TIMEOUT_MS}"
REGION, STAGE, TABLE, ERROR_COUNTS = "ap-south-1", "test", "registry", "errors"
ENVIRONMENT = {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "STAGE": STAGE,
    "REGISTRY_TABLE": TABLE,
    "ERROR_COUNTS_TABLE": ERROR_COUNTS,
    "TENANT_ROLE_ARN": "arn:aws:iam::123456789012:role/tenant-data",
    "CORS_ORIGIN": "https://app.example.com",
    "STATEMENT_TIMEOUT_MS": "2000",
    "CONNECT_TIMEOUT_SECONDS": "2",
    "MAX_BODY_BYTES": "10000",
    "MAX_ANSWER_BYTES": "100000",
    "POWERTOOLS_SERVICE_NAME": "tenantry",
    "POWERTOOLS_METRICS_NAMESPACE": "Tenantry/test",
}
EVENT: dict[str, Any] = json.loads(Path("events/query_tenant.json").read_text())
PROJECT = Path(__file__).parents[2]
REVISIONS = PROJECT / "tests/revisions"


@dataclass(frozen=True)
class Reply:
    """The handler's answer."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class World:
    """The server, the tenants, and their objects in AWS."""

    server: PostgresServer
    registry: Registry
    secrets: SecretStore
    credentials: dict[TenantId, Credentials] = field(default_factory=dict)

    @property
    def tenants(self) -> list[TenantId]:
        assert self.credentials, "no tenant was added: the fixture `world` adds two"
        return list(self.credentials)

    @functools.cached_property
    def dynamodb(self) -> Any:
        """The client that all tests of a module share: to make one takes ten milliseconds."""
        return aws_client("dynamodb", REGION)

    @functools.cached_property
    def secrets_manager(self) -> Any:
        return aws_client("secretsmanager", REGION)

    def admin(self, database: str = "postgres") -> Any:
        """Connect as the server's administrator, as the code does: its sessions limit their waits from the start."""
        return superuser_session(self.server, database, options=IMPATIENT)

    def execute(self, statement: str, database: str = "postgres", role: str | None = None) -> list[Any]:
        with closing(superuser_session(self.server, database)) as connection, connection.cursor() as cursor:
            if role:
                cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def add_tenant(self, rows: int) -> TenantId:
        tenant_id = TenantId(f"t{uuid.uuid4().hex[:12]}")
        server = Server("local", REGION, self.server.host, self.server.port, sslmode="disable")
        self.credentials[tenant_id] = provision_tenant(
            TenantRequest(tenant_id, connection_limit=10),
            server=server,
            admin=ServerAdmin(self.admin),
            secret_store=self.secrets,
            registry=self.registry,
        )
        names = f"""INSERT INTO candidates (name, email)
                    SELECT '{tenant_id} ' || i, '{tenant_id}-' || i || '@example.com'
                    FROM generate_series(1, {rows}) i"""
        self.execute(names, tenant_id.value, owner_role(tenant_id))
        return tenant_id

    def drop(self) -> None:
        query_tenant._data_requests()._connections.close()
        for tenant_id in self.credentials:
            self.execute(f'DROP DATABASE IF EXISTS "{tenant_id}" WITH (FORCE)')
            for suffix in ("dump", "count", "login_a", "login_b", "viewer", "editor", "owner"):
                self.execute(f'DROP ROLE IF EXISTS "{tenant_id}_{suffix}"')

    def call(
        self,
        tenant_id: TenantId,
        method: str = "GET",
        table: str = "candidates",
        *,
        role: str = "editor",
        body: Any = None,
        prefer: str = "",
        context: Any = None,
        **query: str,
    ) -> Reply:
        event = request_event(tenant_id, method, table, role=role, body=body, prefer=prefer, query=query)
        answer = query_tenant.handler(event, context)
        return Reply(answer["statusCode"], answer["body"], answer["headers"])


def request_event(
    tenant_id: TenantId, method: str, table: str, *, role: str, body: Any, prefer: str, query: dict[str, str]
) -> dict[str, Any]:
    """Build an event as API Gateway makes it."""
    claims = json.dumps({"sub": "someone", "custom:tenant_id": tenant_id.value, "custom:role": role})
    authorizer = {"tenantId": tenant_id.value, "role": role, "claims": claims, "userId": "someone"}
    return EVENT | {
        "httpMethod": method,
        "pathParameters": {"table": table},
        "multiValueQueryStringParameters": {key: [value] for key, value in query.items()} or None,
        "multiValueHeaders": {"Prefer": [prefer]} if prefer else {},
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "requestContext": {"authorizer": authorizer | {"tenantStatus": "active"}},
    }


def clear_caches() -> None:
    """Make the handlers read their settings and wire their adapters again."""
    for cached in (query_settings, backup_settings, plan_settings):
        cached.cache_clear()
    query_tenant._data_requests.cache_clear()
    query_tenant._error_counters.clear()


def create_usage_plans() -> None:
    """Make the usage plans of the template."""
    client = aws_client("apigateway", REGION)
    for plan in PLANS:
        client.create_usage_plan(name=f"tenantry-{STAGE}-{plan}")


def create_registry() -> Registry:
    """Make the tables of the template."""
    dynamodb = aws_client("dynamodb", REGION)
    create_registry_table(dynamodb, TABLE)
    keys = {"bucket": "HASH", "tenant_id": "RANGE"}
    dynamodb.create_table(
        TableName=ERROR_COUNTS,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
    )
    return Registry(dynamodb, TABLE)


@pytest.fixture(autouse=True, scope="module")
def _revisions() -> Iterator[None]:
    """Give tenants the tables of tests/revisions: the project's own belong to its application, and will change."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REVISIONS_DIRECTORY", str(REVISIONS))
        yield


@pytest.fixture(scope="module")
def empty_world(postgres: PostgresServer) -> Iterator[World]:
    """A world for tests that make tenants of their own; `world` adds two to it."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        clear_caches()
        create_usage_plans()
        made = World(postgres, create_registry(), SecretStore(aws_client("secretsmanager", REGION), STAGE))
        try:
            yield made
        finally:
            made.drop()
            clear_caches()


@pytest.fixture(scope="module")
def world(empty_world: World) -> World:
    """Two tenants, with ten and with seven candidates."""
    empty_world.add_tenant(10)
    empty_world.add_tenant(7)
    return empty_world
