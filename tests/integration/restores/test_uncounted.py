"""What is dumped and can't be counted is kept, says so, and is restored; no drill verifies it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tenantry.backups.deadline import Deadline
from tenantry.backups.judging import BackupFault, TenantHistory, judge
from tenantry.contents import withheld
from tenantry.domain.backup import Manifest
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.operation import OperationStatus
from tenantry.domain.tenant import Isolation
from tenantry.domain.verification import Verification
from tenantry.restores import by_hand
from tenantry.restores.compare import Findings
from tenantry.restores.drills.drill import DrillOrder, _verification
from tests.integration.backups.conftest import wait_until
from tests.integration.restores.conftest import Vault

# PostgreSQL evaluates the condition of an index when it plans a query, and not when it copies a table.
ODD = """CREATE FUNCTION due() RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
             IF current_setting('application_name') = 'tenantry-backup' THEN {act}; END IF; RETURN true;
         END $$;
         CREATE TABLE odd (a int, b int GENERATED ALWAYS AS IDENTITY); INSERT INTO odd SELECT generate_series(1, 9);
         CREATE INDEX ON odd (a) WHERE due(); CREATE TABLE plain (a text); INSERT INTO plain VALUES ('x')"""
FAILS, WAITS = "RAISE division_by_zero", "PERFORM pg_sleep(30)"


def counted(manifest: Manifest | None) -> dict[str, int | None]:
    assert manifest
    assert all(bool(table.digest) == (table.rows is not None) for table in manifest.tables)
    return {table.table: table.rows for table in manifest.tables}


def drilled(vault: Vault, backup: CataloguedBackup) -> tuple[Verification, Findings]:
    found = vault.scratches().drill(vault.order(backup))
    order = DrillOrder(backup.tenant_id, backup.backup_id, "0" * 26)
    return _verification(order, backup, "here", found), found.findings


def test_what_cant_be_counted_is_kept_and_not_verified(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(tenant, ODD.format(act=FAILS))
    backup = vault.back_up(tenant)
    assert counted(backup.manifest) == {"alembic_version": 1, "candidates": 200, "odd": None, "plain": 1}
    assert (backup.uncounted, backup.to_json()["uncounted"], backup.to_json()["rows"]) == ("22012", "22012", 202)
    verification, findings = drilled(vault, backup)
    assert (verification.restored, verification.passed, verification.uncounted) == (True, False, "22012")
    assert [table.table for table in findings.tables if table.matches is None] == ["odd"]
    line = judge(vault.tenant(tenant), TenantHistory([backup], drilled=verification), datetime.now(UTC))
    assert (line.faults, line.uncounted) == ((BackupFault.UNCOUNTED,), "22012")


def test_such_a_backup_is_restored_and_the_operator_told(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(tenant, ODD.format(act=FAILS))
    backup = vault.back_up(tenant)
    vault.run_as(tenant, "DELETE FROM odd; DELETE FROM plain")
    done = vault.perform(vault.start(backup))
    assert done.status is OperationStatus.SUCCEEDED
    assert (done.facts["compared"], done.facts["uncounted"]) == ("part", "22012")
    assert vault.run_as(tenant, "SELECT (SELECT count(*) FROM odd), (SELECT count(*) FROM plain)") == [(9, 1)]


def test_what_was_counted_is_compared_all_the_same(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(tenant, ODD.format(act=FAILS))
    backup = vault.back_up(tenant)
    assert backup.manifest
    tables = [t.model_copy(update={"rows": 2}) if t.table == "plain" else t for t in backup.manifest.tables]
    order = vault.order(backup)
    forged = order.manifest.model_copy(update={"tables": tables})
    findings = vault.scratches().drill(replace(order, manifest=forged)).findings
    assert findings.differing == ["public.plain"]


def test_a_count_that_takes_too_long_is_ended_and_the_dump_kept(vault: Vault) -> None:
    """The deadline comes while the rows are counted, after pg_dump has ended."""
    tenant = vault.add()
    vault.run_as(tenant, ODD.format(act=WAITS))
    waiting = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{tenant}' AND wait_event = 'PgSleep'"
    with deadline(lambda: bool(vault.execute("here", waiting))):
        backup = vault.back_up(tenant)
    assert backup.uncounted == "count_deadline"
    assert counted(backup.manifest) == {"alembic_version": 1, "candidates": 200, "odd": None, "plain": None}
    assert vault.run_as(tenant, "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'tenantry-backup%'") == []


@contextmanager
def deadline(condition: Callable[[], bool]) -> Iterator[None]:
    """Let a backup's deadline come when its dump has ended and this is so."""
    end_dump = Deadline.end_dump

    def expire(limit: Any, status: int) -> None:
        end_dump(limit, status)
        wait_until(condition)
        limit._expire()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Deadline, "end_dump", expire)
        yield


def test_what_is_too_long_to_be_fetched_is_not_counted(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what its owner may not read, rows come to the worker."""
    monkeypatch.setattr(withheld, "MOST_STORED_BYTES", 50_000)
    tenant = vault.add()
    for name, length in {"long": 60_000, "short": 10_000}.items():
        vault.run_as(
            tenant,
            f"""CREATE TABLE {name} (a text); ALTER TABLE {name} ALTER a SET STORAGE EXTERNAL;
                INSERT INTO {name} SELECT repeat('x', {length}) FROM generate_series(1, 20);
                ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY""",
        )
    backup = vault.back_up(tenant)
    assert backup.uncounted == "rows_too_long"
    assert counted(backup.manifest) == {"alembic_version": 1, "candidates": 200, "long": None, "short": 20}
    assert drilled(vault, backup)[0].restored


def test_a_schema_that_cant_be_counted_is_kept_too(vault: Vault) -> None:
    tenant = vault.add(Isolation.SCHEMA)
    vault.run_as(tenant, ODD.format(act=FAILS))
    backup = vault.back_up(tenant)
    assert (backup.uncounted, counted(backup.manifest)["odd"]) == ("22012", None)
    assert drilled(vault, backup)[0].restored


def test_a_comparison_by_hand_says_what_it_could_not_compare(
    vault: Vault, tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = vault.add()
    vault.run_as(tenant, ODD.format(act=FAILS))
    backup = vault.back_up(tenant)
    assert backup.manifest
    (tmp_path / "manifest.json").write_text(backup.manifest.model_dump_json(by_alias=True))
    server = vault.postgres["here"]
    for name, value in {"PGHOST": server.host, "PGPORT": server.port, "PGUSER": server.admin_user}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("PGPASSWORD", server.admin_password)
    monkeypatch.setenv("PGSSLMODE", "disable")
    assert by_hand.main(["compare", str(tmp_path / "manifest.json"), tenant.value]) == by_hand.SAME
    shown = capsys.readouterr().out
    assert "unknown              -           -  public.odd" in shown
    assert "(22012)" in shown
