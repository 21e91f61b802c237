import pytest

from tenantry.domain.errors import InvalidSetting
from tenantry.domain.residency import BackupBucket, parse_buckets

OWN = BackupBucket("ap-south-1", "own")
US = "us-east-1=tenantry-dev-backups-us-east-1"


def test_a_tenant_of_any_region_is_backed_up_to_the_stacks_own_bucket() -> None:
    assert parse_buckets(OWN, "", "dev").find("") == OWN
    assert parse_buckets(OWN, US, "dev").find("") == OWN


def test_a_tenant_of_a_region_is_backed_up_in_it_or_not_at_all() -> None:
    buckets = parse_buckets(OWN, f"{US}, eu-west-1=tenantry-dev-backups-eu-west-1", "dev")
    assert buckets.find("ap-south-1") == OWN
    assert buckets.find("us-east-1") == BackupBucket("us-east-1", "tenantry-dev-backups-us-east-1")
    assert buckets.find("eu-central-1") is None
    assert [bucket.region for bucket in buckets.all()] == ["ap-south-1", "us-east-1", "eu-west-1"]


@pytest.mark.parametrize(
    "text",
    ["us-east-1", "us-east-1=", "=x", "us-east-1=other-bucket", "us-east-1=tenantry-prod-backups-x", f"{US};{US}"],
)
def test_what_is_malformed_or_not_covered_by_the_policies_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting):
        parse_buckets(OWN, text, "dev")
