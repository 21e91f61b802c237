"""What S3 answers to an upload, in our words."""

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
    """Turn what botocore raises into ours: S3 has such an object, or did not take ours."""
    return AlreadyPublished() if has_status(exc, 412) else store_unavailable()
