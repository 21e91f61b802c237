import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tenantry.backups.judging import BackupFault, BackupReport, TenantHistory, digest, judge, predict_seconds
from tenantry.domain.backup import DumpObject, Manifest, new_backup_id
from tenantry.domain.backup_facts import DatabaseFacts
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.tenant import BackupFrequency, Isolation, Tenant, TenantId, TenantStatus
from tenantry.domain.verification import Verification, VerifiedTable

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACME = Tenant(TenantId("acme"), TenantStatus.ACTIVE, Isolation.DATABASE, "s1")


def backup(at: datetime, seconds: float = 10, drill: Verification | None = None) -> CataloguedBackup:
    backup_id = new_backup_id(at)
    manifest = Manifest(
        tenant_id="acme",
        backup_id=backup_id.value,
        stage="test",
        trigger="test",
        isolation=Isolation.DATABASE,
        started_at=at,
        finished_at=at + timedelta(seconds=seconds),
        database=DatabaseFacts(name="acme", server_version="18.6", size_bytes=5_000, encoding="UTF8"),
        dump=DumpObject(
            key="k", version_id="v", stored_bytes=100, dump_bytes=200, sha256="0" * 64, pg_dump_version="pg_dump 18.6"
        ),
        tables=[],
    )
    return CataloguedBackup(ACME.tenant_id, backup_id, "bucket", (), manifest, drill)


def drill(at: datetime, *, matches: bool = True) -> Verification:
    return Verification(
        backup_id=new_backup_id(at).value,
        tenant_id="acme",
        drilled_at=at,
        seconds=3,
        restored_bytes=200,
        tables=[VerifiedTable(schema="public", table="candidates", rows=7, matches=matches)],
        digest_matches=matches,
        server_id="s1",
        server_version="18.6",
        operation_id="01K8YEVWG0ZZZZZZZZZZZZZZZZ",
    )


def history(newest: timedelta, drilled: timedelta = timedelta(days=3)) -> TenantHistory:
    proof = drill(NOW - drilled)
    verified = backup(NOW - drilled, drill=proof)
    return TenantHistory([backup(NOW - newest)], verified, proof, NOW - timedelta(days=40))


@pytest.mark.parametrize(
    ("policy", "in_time", "late"),
    [
        (BackupFrequency.HOURLY, timedelta(hours=2), timedelta(hours=4)),
        (BackupFrequency.DAILY, timedelta(hours=29), timedelta(hours=31)),
        (BackupFrequency.WEEKLY, timedelta(days=7), timedelta(days=9)),
    ],
)
def test_a_backup_is_late_by_the_tenants_own_policy(
    policy: BackupFrequency, in_time: timedelta, late: timedelta
) -> None:
    tenant = replace(ACME, backups=policy)
    assert judge(tenant, history(in_time), NOW).faults == ()
    line = judge(tenant, history(late), NOW)
    assert line.faults == (BackupFault.LATE,)
    assert line.newest_hours == late.total_seconds() / 3600


def test_who_never_had_one_is_named_unless_it_is_new() -> None:
    assert BackupFault.NEVER in judge(ACME, TenantHistory(), NOW).faults
    new = replace(ACME, known_since=NOW - timedelta(hours=20))
    assert judge(new, TenantHistory(), NOW).faults == ()
    old = replace(ACME, known_since=NOW - timedelta(days=2))
    assert judge(old, TenantHistory(), NOW).faults == (BackupFault.NEVER,)


def test_a_month_without_a_drill_is_found() -> None:
    assert judge(ACME, history(timedelta(hours=1), timedelta(days=32)), NOW).faults == ()
    assert judge(ACME, history(timedelta(hours=1), timedelta(days=34)), NOW).faults == (BackupFault.UNVERIFIED,)
    undrilled = TenantHistory([backup(NOW)], oldest=NOW - timedelta(days=20))
    assert judge(ACME, undrilled, NOW).faults == ()
    assert judge(ACME, replace(undrilled, oldest=NOW - timedelta(days=34)), NOW).faults == (BackupFault.UNVERIFIED,)


def test_a_drill_that_failed_is_found_though_an_earlier_one_passed() -> None:
    found = replace(history(timedelta(hours=1)), drilled=drill(NOW, matches=False))
    assert judge(ACME, found, NOW).faults == (BackupFault.DRILL_FAILED,)


def test_growth_is_found_before_the_deadline() -> None:
    growing = [backup(NOW - timedelta(days=back), 800 - 20 * back) for back in range(7, -1, -1)]
    line = judge(ACME, replace(history(timedelta(hours=1)), backups=growing), NOW)
    assert line.faults == (BackupFault.NEAR_DEADLINE,)
    assert line.newest_seconds == 800
    assert line.predicted_seconds == pytest.approx(940, abs=1)


def test_what_a_few_minutes_show_is_not_drawn_out_to_weeks() -> None:
    close = [backup(NOW - timedelta(minutes=back), 12 - back) for back in (2, 1, 0)]
    manifests = [one.manifest for one in close if one.manifest]
    assert predict_seconds(manifests, NOW) == pytest.approx(14)
    assert predict_seconds(manifests[:2], NOW) == 11
    assert predict_seconds([], NOW) is None
    shrinking = [one.manifest for one in (backup(NOW - timedelta(days=d), 10 + d) for d in (3, 2, 1)) if one.manifest]
    assert predict_seconds(shrinking, NOW) == 11


def test_the_report_names_the_worst_first_and_bears_its_digest() -> None:
    beta = replace(ACME, tenant_id=TenantId("beta"))
    lines = [judge(ACME, history(timedelta(days=3)), NOW), judge(beta, TenantHistory(), NOW)]
    report = BackupReport(NOW.isoformat(), lines)
    content = json.loads(json.dumps(report.to_json()))
    assert (content["passed"], report.with_fault(BackupFault.LATE)) == (False, ["acme"])
    assert [(finding["kind"], finding["tenant"]) for finding in content["findings"]] == [
        ("backup_late", "acme"),
        ("backup_never", "beta"),
        ("verification_late", "beta"),
    ]
    assert content.pop("digest") == digest(content)
    content["tenants"][0]["newest_hours"] = 1.0
    assert digest(content) != report.to_json()["digest"]
