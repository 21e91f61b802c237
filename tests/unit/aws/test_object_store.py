import pytest
from botocore.stub import Stubber

from tenantry.aws.clients import aws_client
from tenantry.aws.multipart_upload import part_size
from tenantry.aws.object_store import ObjectStore
from tenantry.domain.errors import DependencyFailed

MIB = 1 << 20


@pytest.mark.parametrize(
    ("database", "part"), [(0, 8 * MIB), (50 << 30, 8 * MIB), (1 << 40, 117 * MIB), (5 << 40, 583 * MIB)]
)
def test_the_parts_fit_the_database(database: int, part: int) -> None:
    assert part_size(database) == part
    # S3 takes ten thousand of up to 5 GiB each.
    assert 9_000 * part >= database
    assert 8 * part <= 5 << 30


@pytest.mark.parametrize("status", [403, 404])
def test_an_object_that_is_not_there_may_be_answered_as_forbidden(status: int) -> None:
    """S3 says 403 of what is not there to whoever may not list its bucket, as a tenant's session may not."""
    s3 = aws_client("s3", "eu-west-1")
    with Stubber(s3) as stubber:
        stubber.add_client_error("head_object", str(status), http_status_code=status)

        assert ObjectStore(s3, "bucket").exists("tenants/acme/backups/x/manifest.json") is False


def test_a_store_that_fails_is_no_missing_object() -> None:
    s3 = aws_client("s3", "eu-west-1")
    with Stubber(s3) as stubber:
        stubber.add_client_error("head_object", "500", http_status_code=500)

        with pytest.raises(DependencyFailed):
            ObjectStore(s3, "bucket").exists("key")
