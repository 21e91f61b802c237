from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.domain.backup import BackupId, Manifest, backup_prefix, dump_key, manifest_key, new_backup_id
from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import TenantId

AT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_time(one: datetime, other: datetime) -> None:
    if abs(one - other) >= timedelta(milliseconds=2):
        assert (new_backup_id(one) < new_backup_id(other)) == (one < other)


def test_an_id_is_made_anew_unless_it_has_a_seed() -> None:
    assert new_backup_id(AT) != new_backup_id(AT)
    assert new_backup_id(AT, "run/acme") == new_backup_id(AT, "run/acme")
    assert new_backup_id(AT, "run/acme") != new_backup_id(AT, "run/acme-prod")


def test_an_id_has_the_form_of_a_ulid() -> None:
    # The specification's own example of a time: 1469918176385 is 01ARYZ6S41.
    assert new_backup_id(datetime.fromtimestamp(1469918176.385, UTC)).value.startswith("01ARYZ6S41")


@pytest.mark.parametrize("text", ["", "x", "../../other", "01ARYZ6S41TSV4RRFFQ69G5FAI", "81ARYZ6S41TSV4RRFFQ69G5FAV"])
def test_a_malformed_id_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        BackupId(text)


def test_one_tenants_prefix_is_never_the_beginning_of_anothers() -> None:
    backup_id = new_backup_id(AT)
    acme = dump_key(TenantId("acme"), backup_id)
    assert not dump_key(TenantId("acme-prod"), backup_id).startswith(acme.split("backups/")[0])
    assert acme == f"{backup_prefix(TenantId('acme'), backup_id)}dump.zst"
    assert manifest_key(TenantId("acme"), backup_id) == f"tenants/acme/backups/{backup_id}/manifest.json"


def test_a_manifest_survives_its_json() -> None:
    manifest = Manifest.model_validate(
        {
            "tenant_id": "acme",
            "backup_id": new_backup_id(AT).value,
            "stage": "prod",
            "trigger": "schedule",
            "isolation": "database",
            "started_at": AT,
            "finished_at": AT,
            "database": {"name": "acme", "server_version": "18.6", "size_bytes": 1, "encoding": "UTF8"},
            "dump": {
                "key": "k",
                "version_id": None,
                "stored_bytes": 1,
                "dump_bytes": 2,
                "sha256": "0" * 64,
                "pg_dump_version": "18.6",
            },
            "tables": [{"schema": "public", "table": "candidates", "rows": 10}],
        }
    )
    assert Manifest.model_validate_json(manifest.model_dump_json(by_alias=True)) == manifest
