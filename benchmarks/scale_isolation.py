"""Runs the isolation report over a thousand tenants on two servers, and over their first quarter."""

import os
import random
from contextlib import closing

from benchmarks.audited_fleet import AuditedFleet, audited_fleet
from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import Stage
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Isolation
from tenantry.reports.isolation.findings import Hole, IsolationReport

_SERVERS = ("scale-a", "scale-b")
_TENANTS = int(os.environ.get("SCALE_TENANTS", "1000"))
_TARGET_SECONDS = 180.0
# Of five, three have a database of their own, one a schema, and one rows in shared tables.
_MODELS = (Isolation.DATABASE, Isolation.SCHEMA, Isolation.DATABASE, Isolation.POOLED, Isolation.DATABASE)


def run(stage: Stage) -> list[Result]:
    """Seconds of the isolation report over 1,000 tenants on two servers, in all three models, with one hole at a pair
    chosen at random, which has to be found; and how the time for a tenant grows from 250 tenants to 1,000.
    """
    with audited_fleet(stage, "tenantry-bench-scale-isolation", *_SERVERS) as fleet:
        quarter = _TENANTS // 4
        made = [_make(fleet, number) for number in range(quarter)]
        few = fleet.audit()
        if not few.passed:
            raise BenchmarkFailed(f"the audit found {few.findings[:3]} and could not check {few.unchecked[:3]}")
        made += [_make(fleet, number) for number in range(quarter, _TENANTS)]
        many = _audit_with_a_hole(fleet, made)
    for report in (few, many):
        print(
            f"    {report.tenants} tenants: {report.seconds:.1f} s, {report.attempts} attempts, "
            f"{report.pairs_tried} of {report.pairs} pairs tried"
        )
    return [
        Result("scale_isolation", "s", many.seconds, _TARGET_SECONDS, at_most=1.0),
        Result(
            "scale_isolation.growth", "s/tenant", many.seconds / many.tenants, few.seconds / few.tenants, at_most=1.2
        ),
    ]


def _make(fleet: AuditedFleet, number: int) -> Credentials:
    server_id = _SERVERS[number // len(_MODELS) % len(_SERVERS)]
    return fleet.make_tenant(f"scale-{number:04}", server_id, _MODELS[number % len(_MODELS)])


def _audit_with_a_hole(fleet: AuditedFleet, made: list[Credentials]) -> IsolationReport:
    """Let one tenant connect to another's database, and make the report."""
    alone = [one for one in made if one.isolation is Isolation.DATABASE]
    one = random.choice(alone)
    other = random.choice([each for each in alone if each.port == one.port and each is not one])
    (postgres,) = (server for server in fleet.servers.values() if server.port == one.port)
    with closing(postgres.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f'GRANT CONNECT ON DATABASE "{other.dbname}" TO "{one.username}"')
    report = fleet.audit()
    if {finding.what for finding in report.findings} != {Hole.FOREIGN_CONNECT, Hole.LOGIN_ACCEPTED} or report.unchecked:
        raise BenchmarkFailed(f"the audit found {report.findings[:3]} and could not check {report.unchecked[:3]}")
    return report
