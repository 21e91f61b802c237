from datetime import UTC, datetime, timedelta

import pytest

from tenantry.domain.errors import BadRequest
from tenantry.fleet.run import NO_WORD, Result, RunId, RunKind, TenantOutcome, new_run, outcome_from, run_of, summarise

AT = datetime(2026, 11, 1, 2, tzinfo=UTC)
RUN = new_run(RunKind.BACKUPS, AT, "execution")


def test_a_run_that_is_delivered_twice_has_one_name() -> None:
    assert new_run(RunKind.BACKUPS, AT, "execution") == RUN
    assert new_run(RunKind.BACKUPS, AT, "another") != RUN
    assert new_run(RunKind.DRILLS, AT, "execution") != RUN
    assert [new_run(kind, AT, "execution").kind for kind in RunKind] == list(RunKind)


@pytest.mark.parametrize(
    "prefix", ["", "runs/", "tenants/acme/", "runs/backups/../../tenants/acme/", f"{RUN}plan/", str(RUN)[:-1]]
)
def test_nothing_else_is_a_run(prefix: str) -> None:
    with pytest.raises(BadRequest):
        RunId(prefix)


def test_a_worker_takes_no_run_of_another_kind() -> None:
    """It would write its outcome over that of the run's own worker."""
    assert run_of({"run": str(RUN)}, RunKind.BACKUPS) == RUN
    assert run_of({"tenant_id": "acme"}, RunKind.BACKUPS) is None
    for kind in {*RunKind} - {RunKind.BACKUPS}:
        with pytest.raises(BadRequest) as refused:
            run_of({"run": str(RUN)}, kind)
        assert refused.value.code == "invalid_run"
    with pytest.raises(BadRequest):
        run_of({"run": None}, RunKind.BACKUPS)


def test_the_sum_counts_every_tenant_that_was_planned_once() -> None:
    outcomes = {
        "acme": TenantOutcome("acme", Result.DONE, "", "ID", 100, 2.0),
        "beta": TenantOutcome("beta", Result.FAILED, "55P03"),
        "cosmo": TenantOutcome("cosmo", Result.SKIPPED, "backup_in_progress"),
        "stray": TenantOutcome("stray", Result.DONE, "", "ID", 1_000, 2.0),
    }
    summary = summarise(RUN, ["acme", "beta", "cosmo", "dead"], outcomes, AT, AT + timedelta(seconds=90))
    assert (summary.tenants, summary.done, summary.skipped, summary.failed) == (4, 1, 1, 2)
    assert summary.codes == {"55P03": 1, NO_WORD: 1}
    assert [failure.tenant_id for failure in summary.failures] == ["beta", "dead"]
    assert (summary.bytes, summary.seconds) == (100, 90.0)
    assert (summary.is_within(49), summary.is_within(50)) == (False, True)


def test_a_run_of_nobody_is_a_good_one() -> None:
    assert summarise(RUN, [], {}, AT, AT).is_within(0)


def test_an_outcome_is_read_as_it_was_written() -> None:
    outcome = TenantOutcome("acme", Result.FAILED, "55P03", "", 0, 1.5)
    assert outcome_from(outcome.to_json()) == outcome
