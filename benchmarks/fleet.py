"""Backs up a hundred small tenants with the state machine: the overhead of a run, compared with the bare dumps."""

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import psycopg2
from psycopg2 import sql

from benchmarks.deployed import Caller
from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import Stage
from benchmarks.timing import take_turns
from local.deployment import STAGE
from local.postgres_server import program
from local.stack_file import StackFile, StackServer
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId, owner_role
from tenantry.servers.server_admin import ServerAdmin
from tenantry.tenants.provisioning import TenantRequest, provision_tenant

_TENANTS, _FEW = 100, 10
# Some 5 MB.
_ROWS = 10_000
_ROUNDS, _RUNS_OF_FEW = 3, 3
_WITHIN = 600
_MACHINE, _PARAMETER = "BackupFleet", "BackupsAtOnce"
_SQL = Path(__file__).with_name("applications.sql")


def run(stage: Stage) -> list[Result]:
    """Seconds of the wall for each tenant: 100 tenants of 5 MB on one server through the deployed state machine, over
    10 of them (linear: 1), medians of 3 and 9 in turns; and what that is beyond a bare pg_dump of each to /dev/null,
    as many at once, in the same run.
    """
    stack = stage.deployed.stack()
    caller, server = Caller(stack), stack.servers[0]
    logins = _make_tenants(caller, stack, server)
    names = list(logins)
    at_once = _at_once(caller)
    _run_over(caller, names[:_FEW])  # so that every worker is warm
    seconds = take_turns(
        lambda: [_run_over(caller, names) / _TENANTS],
        lambda: [_run_over(caller, names[:_FEW]) / _FEW for _ in range(_RUNS_OF_FEW)],
        _ROUNDS,
    )
    many, few = map(median, seconds)
    started = perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(_dump, logins.values()))
    dumped = (perf_counter() - started) / _TENANTS
    print(f"    {at_once} at once; beyond its own dump each tenant takes {(many - dumped) * 1e3:.0f} ms of the wall")
    return [
        Result("fleet", "s/tenant", many, few, at_most=1.2),
        Result("fleet.overhead", "s/tenant", many - dumped, dumped),
    ]


def _make_tenants(caller: Caller, stack: StackFile, found: StackServer) -> dict[str, Credentials]:
    secrets = SecretStore(caller.aws("secretsmanager"), STAGE)
    registry = Registry(caller.aws("dynamodb"), stack.registry_table)
    server = Server(found.id, found.region, found.host, found.port, sslmode="disable")
    admin = ServerAdmin(lambda database: _connect(found, database))
    made: dict[str, Credentials] = {}
    for number in range(_TENANTS):
        tenant_id = TenantId(f"fleet-{number:03}")
        made[tenant_id.value] = provision_tenant(
            TenantRequest(tenant_id), server=server, admin=admin, secret_store=secrets, registry=registry
        )
        with closing(_connect(found, tenant_id.value)) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner_role(tenant_id))))
            cursor.execute(sql.SQL(_SQL.read_text()).format(rows=sql.Literal(_ROWS)))
    with closing(_connect(found, "postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("CHECKPOINT; SELECT pg_database_size(%s)", (next(iter(made)),))
        (size,) = cursor.fetchone()
    print(f"    {_TENANTS} databases of {size / 1e6:.1f} MB", flush=True)
    return made


def _connect(server: StackServer, database: str) -> Any:
    connection = psycopg2.connect(
        host=server.host, port=server.port, user=server.admin_user, password=server.admin_password, dbname=database
    )
    connection.autocommit = True
    return connection


def _at_once(caller: Caller) -> int:
    answer = caller.aws("cloudformation").describe_stacks(StackName=caller.stack.stack_name)
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in answer["Stacks"][0]["Parameters"]}
    return int(parameters.get(_PARAMETER, "4"))


def _run_over(caller: Caller, tenants: list[str]) -> float:
    """Back these tenants up; returns the seconds of the execution. :raises BenchmarkFailed: some backups failed."""
    steps = caller.aws("stepfunctions")
    machine = caller.aws("cloudformation").describe_stack_resource(
        StackName=caller.stack.stack_name, LogicalResourceId=_MACHINE
    )["StackResourceDetail"]["PhysicalResourceId"]
    started = perf_counter()
    execution = steps.start_execution(stateMachineArn=machine, input=json.dumps({"tenants": tenants}))["executionArn"]
    while (found := steps.describe_execution(executionArn=execution))["status"] == "RUNNING":
        if perf_counter() - started > _WITHIN:
            raise BenchmarkFailed("the run over the fleet does not end")
        time.sleep(0.05)
    seconds = perf_counter() - started
    if found["status"] != "SUCCEEDED" or json.loads(found["output"])["done"] != len(tenants):
        raise BenchmarkFailed(f"the run over the fleet ended as {found['status']}")
    return seconds


def _dump(credentials: Credentials) -> None:
    login = {
        "PGHOST": credentials.host,
        "PGPORT": str(credentials.port),
        "PGDATABASE": credentials.dbname,
        "PGUSER": credentials.username,
        "PGPASSWORD": credentials.password,
        "PGSSLMODE": credentials.sslmode,
    }
    role = owner_role(TenantId(credentials.dbname))
    command = [program("pg_dump"), "-Fc", "-Z0", f"--role={role}", "--no-password"]
    with Path(os.devnull).open("wb") as nowhere:
        subprocess.run(command, env={"PATH": os.defpath, **login}, stdout=nowhere, check=True, timeout=_WITHIN)
