"""Backups that come first, the report on migrations, and the ledger as a table for a spreadsheet."""

import csv
import io
from dataclasses import replace

from handlers.routes.rollout_bodies import as_csv
from tenantry.backups.progress import BackupState
from tenantry.domain.tenant import TenantId, TenantStatus
from tenantry.rollouts.report import MigrationReport
from tenantry.rollouts.rollout import EntryState, Match, RolloutState, Wave
from tests.integration.revisions.conftest import Versions
from tests.integration.rollouts.conftest import ADD_NOTE, DROP_NOTE, Fleet

POOL = "pool/local"


def end_backups(fleet: Fleet, state: BackupState, error: str = "") -> None:
    for asked in fleet.backups.asked:
        (newest, *_) = fleet.progress.newest(TenantId(asked["tenant_id"]))
        fleet.progress.put(replace(newest, state=state, error=error))
    fleet.backups.asked.clear()


def test_everybody_is_backed_up_before_a_change(fleet: Fleet, versions: Versions) -> None:
    """A slow backup is waited for, one that fails stops the rollout, and one of everybody in the pool is asked for."""
    versions.add("0002", "0001", ADD_NOTE)
    # Who is to be erased needs none, and keeps nobody waiting.
    pooled = fleet.registry.tenant(fleet.made[2])
    assert pooled
    fleet.registry.put_tenant(replace(pooled, tenant_id=TenantId("leaving"), status=TenantStatus.ERASING))
    rollout = fleet.start(backup_hours=0)
    fleet.run(wait=False)
    assert {asked["tenant_id"] for asked in fleet.backups.asked} == {one.value for one in fleet.made}
    assert {(e.state, e.code) for e in fleet.entries(rollout).values()} == {(EntryState.PENDING, "backup_in_progress")}
    assert "and 1 more" in fleet.entries(rollout)[POOL].details
    fleet.let_time_pass(rollout.rollout_id)
    fleet.run(wait=False)
    assert set(fleet.revisions().values()) == {"0001"}

    end_backups(fleet, BackupState.FAILED, "database_unavailable")
    stopped = fleet.run()
    assert (stopped.state, stopped.reason) == (RolloutState.STOPPED, "too_many_failed")
    failed = [entry for entry in fleet.entries(rollout).values() if entry.state is EntryState.FAILED]
    assert {(entry.code, entry.changed_to) for entry in failed} == {("backup_failed", None)}
    assert "database_unavailable" in failed[0].details

    for tenant_id in fleet.made:
        for newest in fleet.progress.newest(tenant_id):
            fleet.progress.put(replace(newest, state=BackupState.PUBLISHED, error=""))
    fleet.steering.resume(rollout.rollout_id)
    assert fleet.run().state is RolloutState.DONE
    assert not fleet.backups.asked


def test_the_report_says_who_is_behind_why_and_which_file_has_changed(fleet: Fleet, versions: Versions) -> None:
    report = MigrationReport(fleet.registry, fleet.store, fleet.ledger)
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    database = fleet.made[0].value
    fleet.world.execute("ALTER TABLE candidates ADD COLUMN note int", database)
    fleet.start(Wave("all", max_failed=1))
    fleet.run()
    found = report.run()
    assert (found["head"], found["by_revision"], found["changed_files"]) == ("0002", {"0001": 1, "0002": 4}, [])
    (behind,) = found["behind"]
    assert (behind["tenant_id"], behind["revisions_behind"], behind["code"]) == (database, 1, "42701")

    versions.add("0003", "0002", "op.execute('SELECT 1')")
    fleet.world.execute("ALTER TABLE candidates DROP COLUMN note", database)
    again = fleet.start(target="0002")
    waiting = next(line for line in report.run()["behind"] if line["tenant_id"] == database)
    assert (waiting["rollout"], waiting["state"], waiting["code"]) == (again.rollout_id, "pending", None)
    fleet.run()
    mended = {(line["rollout"], line["code"]) for line in report.run()["behind"]}
    assert mended == {(None, None)}
    back = fleet.rollouts.revert(again.rollout_id, "somebody")
    fleet.run()
    taken_back = next(line for line in report.run()["behind"] if line["tenant_id"] == database)
    told = (taken_back["rollout"], taken_back["state"], taken_back["reason"])
    assert told == (back.rollout_id, "done", f"reverts {again.rollout_id}")
    (versions.path / "0003_made.py").unlink()

    versions.add("0002", "0001", ADD_NOTE.replace("note", "note2"))
    (changed,) = report.run()["changed_files"]
    assert (changed["revision"], changed["rollout"]) == ("0002", again.rollout_id)
    (versions.path / "0002_made.py").unlink()
    (gone,) = report.run()["changed_files"]
    assert gone == changed


def test_the_ledger_is_a_table_that_no_spreadsheet_runs(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE)
    name = fleet.made[1].value
    rollout = fleet.start(Wave("=cmd()", Match(tenants=(name, fleet.made[0].value))))
    fleet.steering.skip(rollout.rollout_id, name, "@SUM(1)\nsecond line")
    fleet.run()
    lines = list(csv.DictReader(io.StringIO(as_csv(fleet.ledger.all(rollout.rollout_id), rollout))))
    table = {line["tenant"]: line for line in lines}
    done, left = table[fleet.made[0].value], table[name]
    assert (done["state"], done["from"], done["to"], done["revision"], done["direction"]) == (
        *("done", "0001", "0002"),
        *("0002", "upgrade"),
    )
    assert len(done["digest"]) == 64
    assert (left["state"], left["revision"], left["to"]) == ("skipped", "", "")
    assert not {cell[:1] for line in lines for cell in line.values()} & {"=", "@", "+"}
