"""What the tests' moto is spared changes none of its answers."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tests.quick_moto import own_clients

REGION, BUCKET = "ap-south-1", "backups"


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


def test_objects_keep_their_content_when_they_were_listed() -> None:
    s3 = aws_client("s3", REGION)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    made = [s3.put_object(Bucket=BUCKET, Key="a", Body=body)["VersionId"] for body in (b"first", b"second one")]
    s3.delete_object(Bucket=BUCKET, Key="a")
    for _ in range(2):
        page = s3.list_object_versions(Bucket=BUCKET)
        found = {version["VersionId"]: (version["Size"], version["IsLatest"]) for version in page["Versions"]}
        assert found == {made[0]: (5, False), made[1]: (10, False)}
        assert [marker["IsLatest"] for marker in page["DeleteMarkers"]] == [True]
        gc.collect()
        bodies = [s3.get_object(Bucket=BUCKET, Key="a", VersionId=version)["Body"].read() for version in made]
        assert bodies == [b"first", b"second one"]


def test_who_asks_and_where_is_known() -> None:
    """The registry of one region is not another's, and a secret is in the account of who made it."""
    made: dict[str, Any] = {}
    for region in (REGION, "us-east-1"):
        secrets = aws_client("secretsmanager", region)
        made[region] = secrets.create_secret(Name="x", SecretString=f"é of {region}")["ARN"]
        assert secrets.get_secret_value(SecretId="x")["SecretString"] == f"é of {region}"
    assert [arn.split(":")[3:5] for arn in made.values()] == [[r, "123456789012"] for r in made]
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.get_secret_value(SecretId=made[REGION])


def test_a_client_is_shared_by_those_who_want_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    first = aws_client("dynamodb", REGION)
    assert aws_client("dynamodb", REGION) is first
    assert aws_client("dynamodb", "eu-west-1") is not first
    assert aws_client("dynamodb", REGION, config=Config(read_timeout=1)) is not first
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    assert aws_client("dynamodb", REGION).meta.endpoint_url == "http://localhost:1"
    with own_clients():
        assert aws_client("dynamodb", REGION) is not first
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert aws_client("dynamodb", REGION) is first
