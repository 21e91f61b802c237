"""Retention deletes what its plan says and nothing else, wherever it is cut off, and records it."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tenantry.backups.retention.removal import BackupRemoval
from tenantry.backups.retention.run import KIND, PLAN_KIND
from tenantry.domain.backup import BackupId, dump_key, manifest_key, verification_key
from tenantry.domain.errors import Conflict, DependencyFailed, NotFound, TenantUnknown
from tenantry.domain.operation import Operation
from tenantry.domain.retention_policy import RetentionPolicy
from tenantry.domain.tenant import TenantId, TenantStatus
from tenantry.operations.leases import RETENTION_LEASE
from tenantry.operations.operations import Performer
from tests.integration.backups.retention.conftest import ACME, ACME_PROD, Stand, make_bucket


def apply(stand: Stand, kind: str = KIND, tenant_id: TenantId = ACME) -> Operation:
    operation = Operation(
        f"01JB{uuid.uuid4().hex[:22].upper()}", kind, f"tenant/{tenant_id}", "op-1", datetime.now(UTC)
    )
    stand.operations.put(operation)
    workflows = {KIND: stand.run.steps(), PLAN_KIND: stand.run.dry_steps()}
    return Performer(stand.operations, stand.leases, workflows).perform(operation.operation_id)


def record(stand: Stand, operation: Operation) -> Any:
    return json.loads(stand.s3.get_object(Bucket=stand.bucket, Key=operation.facts["record"])["Body"].read())


def test_acme_never_prunes_acme_prod(stand: Stand) -> None:
    """docker-postgres-backup-local: a prefix without its end matches the neighbours."""
    kept, gone = stand.publish(1), stand.publish(5)
    theirs = [stand.publish(day, ACME_PROD).value for day in (7, 6, 5)]
    operation = apply(stand)
    assert stand.ids() == [kept.value]
    assert stand.ids(ACME_PROD) == theirs
    assert operation.facts["deleted"] == 1
    outcome = record(stand, operation)
    assert [(one["backup_id"], one["reasons"], one["refused"]) for one in outcome["outcome"]] == [
        (gone.value, ["not_in_policy"], None)
    ]
    assert outcome["outcome"][0]["deleted_bytes"] == outcome["outcome"][0]["bytes"] == outcome["delete_bytes"]
    assert (outcome["requested_by"], outcome["operation_id"]) == ("op-1", operation.operation_id)


def test_every_version_goes_and_no_marker_is_left(stand: Stand) -> None:
    stand.publish(1)
    gone = stand.publish(5)
    stand.put(f"tenants/acme/backups/{gone}/stray", "x")
    stand.put(
        verification_key(ACME, gone),
        stand.s3.get_object(Bucket=stand.bucket, Key=verification_key(ACME, gone))["Body"].read().decode(),
    )
    apply(stand)
    assert not [key for key in stand.all_keys() if gone.value in key]


def test_what_no_drill_has_verified_pushes_no_good_one_out(stand: Stand) -> None:
    """pgbackweb: all expire by age; pgdump-aws-lambda: a bad one looks newest."""
    good = stand.publish(300)
    later = [stand.publish(day, verified=False) for day in (200, 100)]
    cut = stand.publish(50, manifest=None)
    assert apply(stand).facts["deleted"] == 0
    assert stand.ids() == [one.value for one in (good, *later, cut)]


def test_a_dry_run_says_what_a_run_then_does(stand: Stand) -> None:
    for day in (1, 2, 3):
        stand.publish(day)
    before = stand.all_keys()
    planned = stand.retention.show(ACME)
    dry = apply(stand, PLAN_KIND)
    assert stand.all_keys() == before
    assert record(stand, dry)["dry_run"]
    assert record(stand, dry)["decisions"] == planned["decisions"]
    assert (planned["keep"], planned["delete"]) == (1, 2)
    done = apply(stand)
    outcome = record(stand, done)["outcome"]
    assert [one["backup_id"] for one in outcome] == [
        one["backup_id"] for one in planned["decisions"] if one["action"] == "delete"
    ]
    assert done.facts["deleted_bytes"] == planned["delete_bytes"]


def test_a_tenants_own_policy_comes_before_the_stacks(stand: Stand) -> None:
    for day in (1, 2, 3):
        stand.publish(day)
    stand.retention.set_policy(ACME, RetentionPolicy(daily=2))
    assert stand.retention.show(ACME)["delete"] == 1
    tenant = stand.registry.tenant(ACME)
    assert tenant is not None
    assert tenant.retention == RetentionPolicy(daily=2)
    stand.retention.set_policy(ACME, None)
    assert stand.retention.show(ACME)["delete"] == 2


def test_former_ids_are_the_same_tenant(stand: Stand) -> None:
    former = TenantId("acme-old")
    tenant = stand.registry.tenant(ACME)
    assert tenant is not None
    old, new = stand.publish(5, former), stand.publish(1)
    assert stand.retention.show(ACME)["delete"] == 0
    stand.registry.put_tenant(replace(tenant, former_ids=(former,)))
    apply(stand)
    assert (stand.ids(former), stand.ids()) == ([], [new.value])
    assert old.value not in "".join(stand.all_keys())


@pytest.mark.parametrize("deletions", [1, 2])
def test_a_worker_that_dies_leaves_nothing_that_looks_like_a_backup(
    stand: Stand, deletions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.publish(1)
    gone = stand.publish(5)
    delete, done = stand.s3.delete_objects, list[Any]()

    def cut(**arguments: Any) -> Any:
        if len(done) == deletions:
            raise DependencyFailed(code="cut")
        done.append(arguments)
        return delete(**arguments)

    monkeypatch.setattr(stand.s3, "delete_objects", cut)
    with pytest.raises(DependencyFailed):
        apply(stand)
    monkeypatch.undo()
    assert manifest_key(ACME, gone) not in stand.all_keys()
    assert dump_key(ACME, gone) in stand.all_keys()
    (left, _) = stand.catalogue.of(ACME)
    assert (left.backup_id, left.broken) == (gone, True)
    # A day later than the objects of this test, which S3 has dated today.
    later = datetime.now(UTC).replace(year=datetime.now(UTC).year + 1)
    plan = stand.retention.plan(ACME, later)
    assert [(one.delete, one.reasons) for one in plan] == [(True, ("leftover",)), (False, ("last_good", "daily"))]
    assert stand.removal.delete_one(plan[0].backup).refused is None
    assert len(stand.ids()) == 1


def test_a_held_backup_stays_until_it_is_freed(either: Stand) -> None:
    either.publish(1)
    held = either.publish(5)
    shown = either.backups.hold(ACME, held, "case 2026/7")
    assert shown.hold == "case 2026/7"
    assert either.retention.show(ACME)["decisions"][0]["reasons"] == ["legal_hold"]
    apply(either)
    assert held.value in either.ids()
    assert either.backups.lift(ACME, held).hold is None
    apply(either)
    assert held.value not in either.ids()


def test_with_object_lock_a_hold_binds_everybody(locked: Stand) -> None:
    held = locked.publish(5)
    locked.backups.hold(ACME, held, "case 7")
    for version in locked.catalogue.of(ACME)[0].versions:
        found = locked.s3.get_object_legal_hold(Bucket=locked.bucket, Key=version.key, VersionId=version.version_id)
        assert found["LegalHold"]["Status"] == "ON"


def test_a_hold_that_S3_alone_has_is_seen(locked: Stand) -> None:  # noqa: N802
    held = locked.publish(5)
    locked.s3.put_object_legal_hold(Bucket=locked.bucket, Key=manifest_key(ACME, held), LegalHold={"Status": "ON"})
    assert locked.backups.get(ACME, held).hold == "S3"


def test_what_object_lock_keeps_is_skipped_and_what_it_refuses_is_told(locked: Stand) -> None:
    locked.publish(1)
    early, late = locked.publish(5), locked.publish(6)
    until = datetime(2999, 1, 1, tzinfo=UTC)
    for backup_id, key in ((early, manifest_key), (late, dump_key)):
        locked.s3.put_object_retention(
            Bucket=locked.bucket, Key=key(ACME, backup_id), Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until}
        )
    decisions = {one["backup_id"]: one["reasons"] for one in locked.retention.show(ACME)["decisions"]}
    assert decisions[early.value] == ["object_lock"]
    operation = apply(locked)
    assert operation.facts["refused"] == {late.value: "object_lock"}
    assert operation.facts["deleted"] == 0
    # Whole: a dump that must be kept is worth nothing without its manifest.
    assert not locked.backups.get(ACME, late).broken


def test_what_S3_refuses_for_another_reason_is_told_with_its_code(  # noqa: N802
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.publish(1)
    gone = stand.publish(5)

    def refuse(**arguments: Any) -> Any:
        return {"Errors": [one | {"Code": "AccessDenied"} for one in arguments["Delete"]["Objects"]]}

    monkeypatch.setattr(stand.s3, "delete_objects", refuse)
    assert apply(stand).facts["refused"] == {gone.value: "AccessDenied"}
    assert not stand.backups.get(ACME, gone).broken


@pytest.mark.parametrize("key", [manifest_key, dump_key, verification_key])
def test_a_hold_on_a_single_object_that_S3_alone_has_keeps_all_of_it(locked: Stand, key: Any) -> None:  # noqa: N802
    locked.publish(1)
    held = locked.publish(5)
    locked.s3.put_object_legal_hold(Bucket=locked.bucket, Key=key(ACME, held), LegalHold={"Status": "ON"})
    apply(locked)
    assert locked.backups.get(ACME, held).verified


def test_a_hold_that_comes_between_plan_and_deletion_counts(stand: Stand) -> None:
    stand.publish(1)
    backup_id = stand.publish(5)
    (decision,) = [one for one in stand.retention.plan(ACME) if one.delete]
    stand.backups.hold(ACME, backup_id, "case 7")
    assert stand.removal.delete_one(decision.backup).refused == "legal_hold"
    assert backup_id.value in stand.ids()


def test_nobody_holds_a_backup_while_backups_are_deleted(stand: Stand) -> None:
    backup_id = stand.publish(1)
    with stand.leases.hold(RETENTION_LEASE, ACME.value), pytest.raises(Conflict):
        stand.backups.hold(ACME, backup_id, "case 7")


def test_an_erasure_leaves_what_is_held_and_says_so(either: Stand) -> None:
    held, other = either.publish(5), either.publish(6)
    either.backups.hold(ACME, held, "case 7")
    remains = BackupRemoval(either.s3, either.bucket).delete(ACME)
    assert sorted(remains.kept) == sorted(
        [dump_key(ACME, held), manifest_key(ACME, held), verification_key(ACME, held)]
    )
    assert either.ids() == [held.value]
    assert (remains.versions, other.value in "".join(either.all_keys())) == (3, False)


def test_backups_elsewhere_are_deleted_where_they_are(stand: Stand) -> None:
    elsewhere = make_bucket("elsewhere")
    elsewhere.publish(5)
    (backup,) = elsewhere.catalogue.of(ACME)
    assert BackupRemoval(stand.s3, stand.bucket, [elsewhere.removal]).delete_one(backup).refused is None
    assert elsewhere.all_keys() == []


def test_who_is_unknown_or_to_be_erased_has_no_retention(stand: Stand) -> None:
    with pytest.raises(TenantUnknown):
        stand.retention.plan(TenantId("nobody"))
    tenant = stand.registry.tenant(ACME)
    assert tenant is not None
    stand.registry.put_tenant(replace(tenant, status=TenantStatus.ERASING))
    with pytest.raises(Conflict):
        stand.retention.plan(ACME)


def test_a_backup_of_somebody_else_cannot_be_held(stand: Stand) -> None:
    theirs: BackupId = stand.publish(1, ACME_PROD)
    with pytest.raises(NotFound):
        stand.backups.hold(ACME, theirs, "case 7")
