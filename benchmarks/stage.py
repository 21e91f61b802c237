"""The benchmarks' environment: an embedded PostgreSQL server and the local AWS, in a temporary directory."""

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2.extensions

from benchmarks.deployed import Deployed
from benchmarks.results import BenchmarkFailed
from handlers import query_tenant
from local.aws_server import REGION, AwsServer, clean_environment
from local.ports import LOOPBACK, free_ports
from local.postgres_server import PostgresServer
from local.processes import MARK
from local.sample_data import Candidate, load_candidates
from tenantry.aws.registry import Registry
from tenantry.aws.registry_pages import BY_TARGET
from tenantry.aws.secret_store import SecretStore
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.domain.tenant import Role, TenantId, owner_role
from tenantry.servers.server_admin import ServerAdmin
from tenantry.tenants.provisioning import TenantRequest, provision_tenant

PROJECT = Path(__file__).resolve().parent.parent
STAGE = "bench"
BUCKET = "tenantry-bench-backups"
TABLE = "tenantry-bench-registry"
ERROR_COUNTS = "tenantry-bench-errors"
_ROLE = "tenantry-bench-tenant"
_PEOPLE = 200
_OF_THE_SYSTEM = frozenset({"PATH", "HOME", "TMPDIR", "LANG", "PYTHONPATH"})


class LambdaContext:
    """The part of Lambda's context that the handlers read; the remaining time never shrinks here."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return the longest timeout of a function."""
        return 900_000


_CONTEXT = LambdaContext()


@dataclass(frozen=True, slots=True)
class Stage:
    """The running parts, and the environment variables with which a handler finds them."""

    directory: Path
    postgres: PostgresServer
    aws: AwsServer
    environment: dict[str, str]
    deployed: Deployed

    def make_tenant(self, tenant_id: TenantId, port: int | None = None) -> Credentials:
        """Provision a tenant; its secret names `port` (by default the server's own)."""
        server = Server("bench", REGION, LOOPBACK, port or self.postgres.port, sslmode="disable")
        return provision_tenant(
            TenantRequest(tenant_id),
            server=server,
            admin=ServerAdmin(self.connect),
            secret_store=SecretStore(self.aws.client("secretsmanager"), STAGE),
            registry=Registry(self.aws.client("dynamodb"), TABLE),
        )

    def make_tenant_with_people(self, tenant_id: TenantId, port: int | None = None) -> Credentials:
        """Provision a tenant with the sample application's table and two hundred rows."""
        credentials = self.make_tenant(tenant_id, port)
        people = tuple(
            Candidate(f"Person {n}", "Engineer", f"person.{n}@example.com", f"+91 55501 {n:05}", "Pune")
            for n in range(_PEOPLE)
        )
        with closing(self.postgres.connect(credentials.dbname)) as connection:
            load_candidates(connection, owner_role(tenant_id), people)
        return credentials

    def connect(self, dbname: str) -> psycopg2.extensions.connection:
        """Connect as the server's administrator, in autocommit mode."""
        return connect_to(self.postgres, dbname)


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Start the parts, configure this process's handlers for them, and remove everything afterwards."""
    with tempfile.TemporaryDirectory(prefix="tenantry-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)  # for root, PostgreSQL may run as another user, who has to traverse the directory
        aws_port, postgres_port = free_ports(2)
        postgres = PostgresServer(
            directory / "postgres", name="for benchmarks", port=postgres_port, durable=False, mark=directory
        )
        aws = AwsServer(directory, port=aws_port, addresses=(LOOPBACK,), mark=directory)
        deployed = Deployed(directory / "stack")
        try:
            postgres.start()
            aws.start()
            environment = _environment(directory, aws)
            _forget_aws_settings()
            # The other variables are for child processes: this process keeps its home, which has the package settings.
            os.environ.update({name: environment[name] for name in environment if name not in _OF_THE_SYSTEM})
            yield Stage(directory, postgres, aws, environment, deployed)
        finally:
            deployed.stop()
            aws.stop()
            postgres.stop()


def connect_to(postgres: PostgresServer, dbname: str) -> psycopg2.extensions.connection:
    """Connect to a server as its administrator, in autocommit mode."""
    connection = postgres.connect(dbname)
    connection.autocommit = True
    return connection


def _environment(directory: Path, aws: AwsServer) -> dict[str, str]:
    """Make a deployment's resources, and return the environment variables that the template would set."""
    aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    make_registry(aws.client("dynamodb"), TABLE)
    _make_table(aws.client("dynamodb"), ERROR_COUNTS, {"bucket": "HASH", "tenant_id": "RANGE"})
    return {
        **clean_environment(directory),
        "PYTHONPATH": os.pathsep.join((str(PROJECT / "functions"), str(PROJECT))),
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_REGION": REGION,
        "STAGE": STAGE,
        "TENANT_ROLE_ARN": _make_tenant_role(aws),
        "BACKUP_BUCKET": BUCKET,
        "REGISTRY_TABLE": TABLE,
        "ERROR_COUNTS_TABLE": ERROR_COUNTS,
        "POWERTOOLS_SERVICE_NAME": "tenantry",
        "POWERTOOLS_METRICS_NAMESPACE": "Tenantry/bench",
        MARK: str(directory),
    }


def _make_tenant_role(aws: AwsServer) -> str:
    """Make the role that is assumed for one tenant at a time; the session's policy restricts it."""
    trust = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"AWS": "*"}}
    secrets = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
    backups = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    iam = aws.client("iam")
    role = iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=_policy(trust))["Role"]
    iam.put_role_policy(RoleName=_ROLE, PolicyName="tenant", PolicyDocument=_policy(secrets, backups))
    return str(role["Arn"])


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _forget_aws_settings() -> None:
    """Remove the developer's AWS account from this process's environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]


def read_event(tenant_id: TenantId) -> dict[str, Any]:
    """Return the sample event of a viewer of `tenant_id`: a read of 20 rows of 6 columns, ordered."""
    event: dict[str, Any] = json.loads((PROJECT / "events" / "query_tenant.json").read_text())
    return _sent_by(event, tenant_id, Role.VIEWER)


def write_event(tenant_id: TenantId, email: str) -> dict[str, Any]:
    """Turn the sample event into an editor's insert of one row that returns the row."""
    event = _sent_by(read_event(tenant_id), tenant_id, Role.EDITOR)
    row = {"name": "New Person", "job_role": "Engineer", "email": email}
    return event | {
        "httpMethod": "POST",
        "multiValueQueryStringParameters": None,
        "multiValueHeaders": {"Prefer": ["return=representation"]},
        "body": json.dumps(row),
    }


def _sent_by(event: dict[str, Any], tenant_id: TenantId, role: Role) -> dict[str, Any]:
    authorizer = event["requestContext"]["authorizer"]
    claims = json.dumps({"sub": authorizer["userId"], "custom:tenant_id": tenant_id.value, "custom:role": role.value})
    authorizer |= {"tenantId": tenant_id.value, "role": role.value, "claims": claims}
    return event


def call_handler(event: dict[str, Any], expected: int) -> None:
    """Call query_tenant's handler in this process. :raises BenchmarkFailed: the status is not `expected`."""
    answer = query_tenant.handler(event, _CONTEXT)
    if answer["statusCode"] != expected:
        raise BenchmarkFailed(f"query_tenant answered {answer['statusCode']}: {answer['body']}")


def python_module(*arguments: str) -> list[str]:
    """Return the command that runs a module with this interpreter."""
    return [sys.executable, "-m", *arguments]


def make_registry(dynamodb: Any, table: str) -> Registry:
    """Make a table for a registry: each benchmark that fills one has its own."""
    by_target = {"target": "HASH", "sk": "RANGE"}
    index = {"IndexName": BY_TARGET, "KeySchema": _schema(by_target), "Projection": {"ProjectionType": "ALL"}}
    _make_table(dynamodb, table, {"pk": "HASH", "sk": "RANGE"}, by_target, GlobalSecondaryIndexes=[index])
    return Registry(dynamodb, table)


def _make_table(dynamodb: Any, table: str, keys: dict[str, str], others: Iterable[str] = (), **options: Any) -> None:
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in dict.fromkeys((*keys, *others))
        ],
        KeySchema=_schema(keys),
        **options,
    )


def _schema(keys: dict[str, str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()]
