"""The catalogue lists the backups in the bucket, and no other objects."""

from dataclasses import replace
from typing import Any

import pytest
from moto.s3.models import S3Backend

from tenantry.backups.catalogue import BackupCatalogue
from tenantry.backups.hold_tags import BackupHolds
from tenantry.domain.backup import BackupId, Manifest, dump_key, manifest_key
from tenantry.domain.catalogue import CataloguedBackup, Fault
from tenantry.domain.errors import DependencyFailed
from tenantry.domain.paging import PageRequest
from tenantry.domain.tenant import TenantId
from tests.integration.backups.retention.conftest import ACME, ACME_PROD, Stand, make_bucket


def test_backups_are_listed_oldest_first_with_manifest_and_verification(stand: Stand) -> None:
    newer, older = stand.publish(1, verified=False), stand.publish(2)
    found = stand.catalogue.of(ACME)
    assert [(one.backup_id, one.verified, one.fault) for one in found] == [(older, True, None), (newer, False, None)]
    first = found[0]
    assert first.manifest is not None
    assert first.manifest.backup_id == older.value
    assert first.bytes == sum(version.size for version in first.versions)
    assert len(first.versions) == 3


def test_a_neighbour_whose_id_begins_alike_is_somebody_else(stand: Stand) -> None:
    stand.publish(1, ACME_PROD)
    assert stand.catalogue.of(ACME) == []
    assert len(stand.catalogue.of(ACME_PROD)) == 1


def test_backups_of_a_former_id_and_of_another_region_are_the_tenants_too(stand: Stand) -> None:
    elsewhere = make_bucket("elsewhere")
    ids = [stand.publish(3, TenantId("acme-old")), elsewhere.publish(2), stand.publish(1)]
    catalogue = BackupCatalogue(stand.s3, stand.bucket, [elsewhere.catalogue])
    found = catalogue.of(ACME, TenantId("acme-old"))
    assert [one.backup_id for one in found] == ids
    assert [one.bucket for one in found] == ["plain", "elsewhere", "plain"]
    for backup_id in ids:
        assert catalogue.find(backup_id, ACME, TenantId("acme-old")) is not None
    assert catalogue.find(ids[0], ACME) is None


@pytest.fixture
def exact_markers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto begin behind a key that is not there: it leaves the next one out. S3 and the local AWS do not."""
    listed = S3Backend.list_object_versions

    def behind(self: Any, bucket: str, *, key_marker: str | None = None, **options: Any) -> Any:
        if key_marker is None or options.get("version_id_marker"):
            return listed(self, bucket, key_marker=key_marker, **options)
        versions, prefixes, gone, *more = listed(self, bucket, **options)
        return ([v for v in versions if v.name > key_marker], prefixes, [g for g in gone if g.name > key_marker], *more)

    monkeypatch.setattr(S3Backend, "list_object_versions", behind)


@pytest.mark.usefixtures("exact_markers")
def test_backups_are_paged_over_all_ids_and_regions(stand: Stand) -> None:
    """Only what is on the page is read, and a deleted backup is a backup as long as S3 has its versions."""
    elsewhere, old = make_bucket("elsewhere"), TenantId("acme-old")
    ids = [stand.publish(9, old), elsewhere.publish(8), stand.publish(7, verified=False), elsewhere.publish(6, old)]
    ids += [stand.publish(days) for days in (5, 4, 3)]
    stand.publish(2, ACME_PROD)
    stand.s3.delete_object(Bucket=stand.bucket, Key=manifest_key(ACME, ids[4]))
    catalogue = BackupCatalogue(stand.s3, stand.bucket, [elsewhere.catalogue])
    whole = catalogue.of(ACME, old)
    for limit in (1, 2, 3, 7, 100):
        page = catalogue.page(PageRequest(limit), ACME, old)
        found: list[CataloguedBackup] = []
        while True:
            assert len(page.items) <= limit
            found += page.items
            if not page.after:
                break
            page = catalogue.page(PageRequest(limit, page.after), ACME, old)
        assert found == whole
        assert [one.backup_id for one in found] == ids
    reads: list[str] = []
    stand.s3.meta.events.register("before-call.s3.GetObject", lambda **_: reads.append("one"))
    assert len(catalogue.page(PageRequest(2), ACME, old).items) == 2
    assert len(reads) == 4  # the manifests and drills of two


def test_a_fleet_is_listed_tenant_by_tenant(stand: Stand) -> None:
    mine, theirs = stand.publish(1), stand.publish(1, ACME_PROD)
    found = list(stand.catalogue.fleet([[ACME], [TenantId("nobody")], [ACME_PROD]]))
    assert [[one.backup_id for one in group] for group in found] == [[mine], [], [theirs]]


def _of_somebody_else(made: Manifest) -> str:
    return made.model_copy(update={"tenant_id": "acme-prod"}).model_dump_json(by_alias=True)


def _longer(made: Manifest) -> str:
    dump = made.dump.model_copy(update={"stored_bytes": made.dump.stored_bytes + 1})
    return made.model_copy(update={"dump": dump}).model_dump_json(by_alias=True)


def _of_another_version(made: Manifest) -> str:
    dump = made.dump.model_copy(update={"version_id": "gone"})
    return made.model_copy(update={"dump": dump}).model_dump_json(by_alias=True)


@pytest.mark.parametrize(
    ("manifest", "fault"),
    [
        (None, Fault.MANIFEST_MISSING),
        (lambda _: "{", Fault.MANIFEST_UNREADABLE),
        (_of_somebody_else, Fault.MANIFEST_UNREADABLE),
        (_longer, Fault.DUMP_SIZE),
        (_of_another_version, Fault.DUMP_MISSING),
    ],
    ids=["none", "unreadable", "of somebody else", "another size", "another version"],
)
def test_what_cannot_be_restored_is_no_backup(stand: Stand, manifest: Any, fault: Fault) -> None:
    stand.publish(1, manifest=manifest)
    (found,) = stand.catalogue.of(ACME)
    assert (found.fault, found.broken, found.verified) == (fault, True, False)


def test_a_dump_that_was_written_over_is_not_the_one_that_was_verified(stand: Stand) -> None:
    backup_id = stand.publish(1)
    stand.put(dump_key(ACME, backup_id), "something else")
    assert [one.fault for one in stand.catalogue.of(ACME)] == [Fault.HIDDEN]


@pytest.mark.parametrize("key", [dump_key, manifest_key])
def test_what_somebody_deleted_is_hidden_until_the_lifecycle_ends_it(stand: Stand, key: Any) -> None:
    backup_id = stand.publish(9)
    stand.s3.delete_object(Bucket=stand.bucket, Key=key(ACME, backup_id))
    (found,) = stand.catalogue.of(ACME)
    assert (found.fault, found.verified) == (Fault.HIDDEN, False)


def test_what_is_nobodys_backup_is_left_out(stand: Stand) -> None:
    stand.put("tenants/acme/backups/notes.txt", "x")
    stand.put("tenants/acme/backups/not-a-ulid/dump.zst", "x")
    stand.put("tenants/acme/other", "x")
    assert stand.catalogue.of(ACME) == []


def test_many_backups_are_read_in_one_listing_and_few_calls_each(stand: Stand) -> None:
    for day in range(12):
        stand.publish(day + 1)
    calls: list[str] = []
    stand.s3.meta.events.register("before-call.s3", lambda model, **_: calls.append(model.name))
    assert len(stand.catalogue.of(ACME)) == 12
    assert calls.count("ListObjectVersions") == 1
    assert len(calls) == 1 + 3 * 12


def test_a_store_that_does_not_answer_is_no_empty_catalogue(stand: Stand) -> None:
    with pytest.raises(DependencyFailed):
        BackupCatalogue(stand.s3, "there-is-none").of(ACME)


def test_tags_that_cannot_be_read_are_no_tags_that_are_not_there(stand: Stand) -> None:
    stand.publish(1)
    version = stand.catalogue.of(ACME)[0].versions[0]
    with pytest.raises(DependencyFailed):
        BackupHolds(stand.s3, stand.bucket).find([replace(version, version_id="none")])


def test_ids_are_ulids(stand: Stand) -> None:
    assert stand.catalogue.find(BackupId("01JBXKQ5S0000000000000000A"), ACME) is None
