"""Translates S3's answers to an upload into errors of our own."""

from botocore.exceptions import ClientError

from tenantry.aws.object_versions import store_unavailable
from tenantry.domain.errors import TenantryError


class AlreadyPublished(TenantryError):
    """An object of this name exists already."""

    code = "already_published"


def has_status(exc: Exception, status: int) -> bool:
    """Tell whether S3 answered with this HTTP status."""
    return isinstance(exc, ClientError) and int(exc.response["ResponseMetadata"]["HTTPStatusCode"]) == status


def upload_error(exc: Exception) -> TenantryError:
    """Translate botocore's error: the object exists already, or S3 did not take it."""
    return AlreadyPublished() if has_status(exc, 412) else store_unavailable()
