"""The watcher and the report, on the real contents of the bucket."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handlers import watch_backups
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.backups.history import BackupHistories
from tenantry.backups.inventory import Bucket
from tenantry.backups.judging import BackupFault, BackupReport
from tenantry.domain.tenant import TenantId
from tenantry.reports.backups import BackupAudit, as_csv
from tests.integration.fleet.conftest import BUCKET, Context, Fleet


@pytest.fixture(scope="module")
def audit(fleet: Fleet) -> BackupAudit:
    fleet.work(fleet.plan())
    histories = BackupHistories(BackupCatalogue(fleet.s3, BUCKET), [Bucket(fleet.s3, BUCKET)])
    return BackupAudit(fleet.world.registry, histories)


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    watch_backups._audit.cache_clear()
    watch_backups.handler({}, Context())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return {name: line[name] for line in lines if "_aws" in line for name in line if name[0].isupper()}


def faults(report: BackupReport) -> dict[str, tuple[BackupFault, ...]]:
    return {line.tenant_id: line.faults for line in report.tenants}


def test_who_is_backed_up_is_fine(fleet: Fleet, audit: BackupAudit, capsys: pytest.CaptureFixture[str]) -> None:
    report = audit.run()
    assert set(faults(report).values()) == {()}
    newest = {line.tenant_id: line.newest_backup for line in report.tenants}
    assert newest == {t.value: fleet.manifests(t.value)[-1].backup_id for t in fleet.world.tenants}
    said = metrics(capsys)
    assert said["TenantsWithoutRecentBackup"] == said["TenantsWithoutRecentVerification"] == [0.0]
    assert said.keys() >= {"TenantsNearBackupDeadline", "OldestBackupHours", "OldestVerificationHours"}


def test_it_is_an_alarm_though_nothing_ran_and_nothing_failed(audit: BackupAudit) -> None:
    report = audit.run(datetime.now(UTC) + timedelta(hours=31))
    assert set(faults(report).values()) == {(BackupFault.LATE,)}
    assert report.to_json()["passed"] is False


def test_backups_of_an_id_that_the_tenant_had_are_its_own(fleet: Fleet, audit: BackupAudit) -> None:
    former = fleet.world.tenants[0]
    new = TenantId(f"{former}-new")
    histories = BackupHistories(BackupCatalogue(fleet.s3, BUCKET), [Bucket(fleet.s3, BUCKET)])
    renamed, other = histories.read([[new, former], [new]])
    newest = fleet.manifests(former.value)[-1].backup_id
    assert [backup.backup_id.value for backup in renamed.backups] == [newest]
    assert (other.backups, other.oldest) == ([], None)


def test_what_is_no_backup_any_more_does_not_count(
    fleet: Fleet, audit: BackupAudit, capsys: pytest.CaptureFixture[str]
) -> None:
    """The manifests exist, but the dumps that they name are gone: the tenant has no backup, whatever the keys say."""
    tenant = fleet.world.tenants[0].value
    for manifest in fleet.manifests(tenant):
        fleet.s3.delete_object(Bucket=BUCKET, Key=manifest.dump.key, VersionId=manifest.dump.version_id)
    # It is new: so that this alone would be no reason.
    later = audit.run(datetime.now(UTC) + timedelta(hours=31))
    assert faults(later)[tenant] == (BackupFault.NEVER,)
    line = next(line for line in later.tenants if line.tenant_id == tenant)
    assert (line.newest_backup, line.newest_hours) == (None, None)


def test_an_auditor_gets_a_table(audit: BackupAudit) -> None:
    report = audit.run().to_json()
    rows = list(csv.DictReader(io.StringIO(as_csv(report))))
    assert [row["tenant_id"] for row in rows] == [line["tenant_id"] for line in report["tenants"]]
    assert rows[0]["made_at"] == report["made_at"]
    assert rows[0].keys() >= {"newest_at", "verified_at", "restore_seconds", "verified_rows", "faults"}
