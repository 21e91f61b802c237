"""Measures how long an operator waits for a new tenant, and how much of that time PostgreSQL takes."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.aws_clock import AwsClock
from benchmarks.deployed import Caller
from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import STAGE, TABLE, Stage, connect_to
from local.aws_server import REGION
from local.ports import free_ports
from local.postgres_server import PostgresServer
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId
from tenantry.servers.server_admin import ServerAdmin
from tenantry.tenants.provisioning import TenantRequest, provision_tenant

_TENANTS = 50
_SERVER = "ap-south-1"
_CANDIDATES = "/rest/v1/candidates"
_ROW = {"name": "Asha Rao", "job_role": "Analyst", "email": "asha.rao@example.com"}
_TARGET_MS, _DATABASE_TARGET_MS = 1000.0, 300.0


def run(stage: Stage) -> list[Result]:
    """p50 of 50 tenants on one server: from nothing to a first row read through the API; the database's part alone."""
    whole = _through_the_api(stage)
    print(f"    through the API: first {whole[0] * 1e3:.0f} ms, slowest of the others {max(whole[1:]) * 1e3:.0f} ms")
    database = _in_the_database(stage)
    print(
        f"    in the database: first {database[0] * 1e3:.0f} ms, slowest of the others {max(database[1:]) * 1e3:.0f} ms"
    )
    return [
        Result("provision", "ms", median(whole) * 1e3, _TARGET_MS, at_most=1.0),
        Result("provision.database", "ms", median(database) * 1e3, _DATABASE_TARGET_MS, at_most=1.0),
    ]


@dataclass(frozen=True, slots=True)
class _Newcomers:
    """An operator that makes tenants, and the first user of each."""

    caller: Caller
    operator: str
    cognito: Any
    password: str

    def read_a_first_row(self, name: str) -> None:
        """Make a tenant, accept its user's invitation, write a row and read it. :raises BenchmarkFailed: no row."""
        email = f"boss@{name}.example.com"
        body = {"region": _SERVER, "admin_email": email}
        self.caller.call("PUT", f"/admin/v1/tenants/{name}", self.operator, 201, json=body)
        token = self._sign_in(email)
        self.caller.call("POST", _CANDIDATES, token, 201, json=_ROW)
        rows = self.caller.call("GET", _CANDIDATES, token, 200)
        if [row["email"] for row in rows] != [_ROW["email"]]:
            raise BenchmarkFailed(f"the new tenant has {len(rows)} rows")

    def _sign_in(self, email: str) -> str:
        """Choose a password, as an invited user does, and sign in with it."""
        stack = self.caller.stack
        self.cognito.admin_set_user_password(
            UserPoolId=stack.user_pool_id, Username=email, Password=self.password, Permanent=True
        )
        answer = self.cognito.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=stack.client_id,
            AuthParameters={"USERNAME": email, "PASSWORD": self.password},
        )
        return str(answer["AuthenticationResult"]["IdToken"])


def _through_the_api(stage: Stage) -> list[float]:
    """Measure the seconds of each tenant through the whole local stack, whose servers flush commits to disk."""
    caller = Caller(stage.deployed.stack())
    password = secrets.token_urlsafe(15) + "-aA1"
    newcomers = _Newcomers(caller, caller.operator_token(), caller.aws("cognito-idp"), password)
    seconds = []
    for number in range(_TENANTS):
        started = perf_counter()
        newcomers.read_a_first_row(f"newcomer-{number:02}")
        seconds.append(perf_counter() - started)
    return seconds


def _in_the_database(stage: Stage) -> list[float]:
    """Measure the seconds of each provisioning in this process, without the time that AWS takes."""
    clock, seconds = AwsClock(), []
    store = SecretStore(clock.watch(stage.aws.client("secretsmanager")), STAGE)
    registry = Registry(clock.watch(stage.aws.client("dynamodb")), TABLE)
    with _durable_server(stage) as postgres:
        server = Server("durable", REGION, postgres.host, postgres.port, sslmode="disable")
        admin = ServerAdmin(lambda database: connect_to(postgres, database))
        for number in range(_TENANTS):
            request = TenantRequest(TenantId(f"durable-{number:02}"))
            before, started = clock.seconds, perf_counter()
            provision_tenant(request, server=server, admin=admin, secret_store=store, registry=registry)
            seconds.append(perf_counter() - started - (clock.seconds - before))
    return seconds


@contextmanager
def _durable_server(stage: Stage) -> Iterator[PostgresServer]:
    """Start a server that waits for the disk, as a production server does."""
    postgres = PostgresServer(
        stage.directory / "durable", name="that is durable", port=free_ports(1)[0], mark=stage.directory
    )
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.stop()
