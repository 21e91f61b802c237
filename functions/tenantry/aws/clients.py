"""Makes AWS clients with botocore: boto3's resources and sessions would only add to the cold start."""

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.session import Session

if TYPE_CHECKING:
    from botocore.config import Config

    from tenantry.aws.tenant_session import TenantSession


@cache
def _botocore() -> Session:
    """Return the process's only session, which caches the service descriptions that it reads from disk."""
    return Session()


def aws_client(
    service: str, region: str, session: "TenantSession | None" = None, config: "Config | None" = None
) -> Any:
    """Make a client with the function's own identity or, with a `session`, with one tenant's."""
    arguments = session.client_arguments if session else {}
    return _botocore().create_client(service, region, config=config, **arguments)
