import json
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tenantry.aws.tenant_session import TenantSession, TenantSessions
from tenantry.backups.reader import ReaderSessions
from tenantry.domain.errors import DependencyFailed
from tenantry.domain.residency import BackupBucket, parse_buckets
from tenantry.domain.tenant import TenantId

ROLE = "arn:aws-cn:iam::123456789012:role/tenant-data"


class Sts:
    """Records the calls; end-to-end tests use the local AWS, which evaluates them."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def assume_role(self, **arguments: Any) -> dict[str, Any]:
        self.asked = arguments
        if arguments["RoleSessionName"] == "tenant-refused":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")
        expiry = datetime.now(UTC) + timedelta(hours=1)
        return {"Credentials": {"AccessKeyId": "k", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": expiry}}


def policy(tenant: str, bucket: str | None = None) -> list[dict[str, Any]]:
    sts = Sts()
    TenantSessions(sts, ROLE, "prod", "cn-north-1", bucket).open(TenantId(tenant))  # type: ignore[arg-type]
    assert sts.asked["Tags"] == [{"Key": "TenantId", "Value": tenant}]
    statements: list[dict[str, Any]] = json.loads(sts.asked["Policy"])["Statement"]
    return statements


def test_a_session_names_one_tenants_secret_and_nothing_more() -> None:
    (statement,) = policy("acme")
    assert statement["Resource"] == (
        "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:tenantry/prod/tenants/acme-??????"
    )


@pytest.mark.parametrize("other", ["acme-prod", "acme-abcdef", "acm", "acmee", "acme-a"])
def test_a_name_that_begins_alike_does_not_match(other: str) -> None:
    (statement,) = policy("acme")
    prefix = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:tenantry/prod/tenants/"
    assert fnmatchcase(f"{prefix}acme-AbC123", statement["Resource"])
    assert not fnmatchcase(f"{prefix}{other}-AbC123", statement["Resource"])


def test_a_backup_reaches_its_own_prefix_only() -> None:
    secrets, objects, key = policy("acme", "backups")
    assert secrets["Resource"] == [
        f"arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:tenantry/prod/{kind}/acme-??????"
        for kind in ("tenants", "dumps")
    ]
    assert objects["Resource"] == "arn:aws-cn:s3:::backups/tenants/acme/backups/*"
    assert not {"s3:DeleteObject", "s3:*"} & set(objects["Action"])
    # The role names the key, if there is one.
    assert key["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]


def test_a_reader_of_backups_writes_nothing_and_sees_no_secret() -> None:
    sts = Sts()
    buckets = parse_buckets(BackupBucket("ap-south-1", "own"), "us-east-1=tenantry-prod-backups-us", "prod")
    ReaderSessions(sts, ROLE, "prod", "ap-south-1", buckets).open(TenantId("acme"))  # type: ignore[arg-type]
    read, listing, key = json.loads(sts.asked["Policy"])["Statement"]
    assert read["Resource"] == [
        "arn:aws-cn:s3:::own/tenants/acme/backups/*",
        "arn:aws-cn:s3:::tenantry-prod-backups-*/tenants/acme/backups/*",
    ]
    assert all(action.startswith("s3:GetObject") for action in read["Action"])
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "tenants/acme/backups/*"}}
    assert key["Action"] == "kms:Decrypt"


def test_any_number_of_regions_fits_into_a_session_of_a_reader() -> None:
    """STS takes 2,048 characters."""
    sts = Sts()
    listed = ",".join(
        f"eu-{word}-{number}=tenantry-prod-backups-{word}{number}" for word in "abcd" for number in range(9)
    )
    buckets = parse_buckets(BackupBucket("ap-south-1", "own"), listed, "prod")

    ReaderSessions(sts, ROLE, "prod", "ap-south-1", buckets).open(TenantId("a" * 30))  # type: ignore[arg-type]

    assert len(buckets.all()) == 37
    assert len(sts.asked["Policy"]) < 1000


def test_a_refusal_is_told_without_names() -> None:
    with pytest.raises(DependencyFailed) as failure:
        policy("refused")
    assert failure.value.code == "session_refused"


def test_a_session_is_given_up_before_it_ends() -> None:
    def fresh(minutes: float) -> bool:
        return TenantSession(TenantId("acme"), datetime.now(UTC) + timedelta(minutes=minutes), {}).is_fresh

    assert fresh(6)
    assert not fresh(4)
