"""Runs the isolation report over fifty tenants on one server, with every pair."""

from benchmarks.audited_fleet import audited_fleet
from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import Stage

_SERVER = "isolation"
_TENANTS = 50
_TARGET_SECONDS = 60.0


def run(stage: Stage) -> list[Result]:
    """Seconds of the isolation report: 50 tenants on one server, every pair, logins and all else that is tried."""
    with audited_fleet(stage, "tenantry-bench-isolation", _SERVER) as fleet:
        for number in range(_TENANTS):
            fleet.make_tenant(f"isolated-{number:02}", _SERVER)
        report = fleet.audit()
    if not report.passed or report.pairs_tried != _TENANTS * (_TENANTS - 1):
        raise BenchmarkFailed(f"the audit found {report.findings[:3]} and could not check {report.unchecked[:3]}")
    print(f"    {report.attempts} attempts")
    return [Result("isolation_probe", "s", report.seconds, _TARGET_SECONDS, at_most=1.0)]
