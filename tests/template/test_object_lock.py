"""A stack deployed with ObjectLock=ENABLED: what its bucket locks, who may request it, and that nobody lifts a lock."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.template.test_template import of_type, statements

type Transform = Callable[..., dict[str, Any]]

ENABLED = {"ObjectLock": "ENABLED"}
ROLES = ["PerformOperationRole", "AdministerTenantsRole"]


def bucket(template: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = of_type(template, "AWS::S3::Bucket")["BackupBucket"]
    return properties


def test_without_it_the_bucket_has_no_locks(transformed: Transform) -> None:
    assert not {"ObjectLockEnabled", "ObjectLockConfiguration"} & bucket(transformed()).keys()
    # A mode without the lock would be refused by S3: it is for a bucket that has one.
    assert "ObjectLockConfiguration" not in bucket(transformed(ObjectLockMode="COMPLIANCE"))


def test_with_it_locks_can_be_set_and_nothing_is_locked_by_itself(transformed: Transform) -> None:
    made = bucket(transformed(**ENABLED))
    assert made["ObjectLockEnabled"] is True
    assert "ObjectLockConfiguration" not in made
    # S3 wants versions for it.
    assert made["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_with_a_mode_whatever_is_written_is_locked(transformed: Transform, mode: str) -> None:
    configuration = bucket(transformed(**ENABLED, ObjectLockMode=mode, ObjectLockDays="7"))["ObjectLockConfiguration"]
    assert configuration["ObjectLockEnabled"] == "Enabled"
    assert configuration["Rule"] == {
        "DefaultRetention": {"Mode": {"Ref": "ObjectLockMode"}, "Days": {"Ref": "ObjectLockDays"}}
    }


@pytest.mark.parametrize("role", ROLES)
def test_who_deletes_or_holds_may_ask_for_locks(transformed: Transform, role: str) -> None:
    actions = {action for one in statements(transformed(**ENABLED), role) for action in listed(one["Action"])}
    assert actions >= {"s3:GetObjectLegalHold", "s3:GetObjectRetention", "s3:GetBucketObjectLockConfiguration"}


def test_nobody_of_ours_sets_a_lock_aside(transformed: Transform) -> None:
    """A role that may bypass or shorten a lock would make it worthless."""
    allowed = {
        action
        for statement in every_statement(transformed(**ENABLED))
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }
    assert "s3:DeleteObjectVersion" in allowed
    forbidden = {"BypassGovernanceRetention", "PutObjectRetention", "PutBucketObjectLockConfiguration", "*"}
    assert not allowed & {f"s3:{action}" for action in forbidden}


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def every_statement(tree: Any) -> list[dict[str, Any]]:
    """Every statement of every policy in the template."""
    if isinstance(tree, dict):
        own = [tree] if {"Effect", "Action"} <= tree.keys() else []
        return own + [one for part in tree.values() for one in every_statement(part)]
    return [one for part in tree for one in every_statement(part)] if isinstance(tree, list) else []
