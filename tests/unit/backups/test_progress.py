from datetime import UTC, datetime, timedelta

import pytest

from tenantry.backups.progress import BackupState, Meter, Progress

NOW = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


def progress(state: BackupState, seconds_ago: int) -> Progress:
    return Progress("acme", "01ARYZ6S41TSV4RRFFQ69G5FAV", state, "operator", NOW - timedelta(seconds=seconds_ago))


@pytest.mark.parametrize(
    ("state", "silence", "shown"),
    [
        (BackupState.QUEUED, 21_599, "queued"),
        (BackupState.QUEUED, 21_601, "lost"),
        (BackupState.RUNNING, 89, "running"),
        (BackupState.RUNNING, 91, "lost"),
        (BackupState.PUBLISHED, 86_400, "published"),
        (BackupState.FAILED, 86_400, "failed"),
    ],
)
def test_silence_means_that_a_worker_is_lost(state: BackupState, silence: int, shown: str) -> None:
    found = progress(state, silence)
    assert found.to_json(NOW)["state"] == shown
    assert found.is_under_way(NOW) is (shown in {"queued", "running"})


def test_a_meter_counts() -> None:
    meter = Meter(tables_total=2)
    meter.count_table()
    assert (meter.tables_done, meter.tables_total) == (1, 2)
