"""Makes AWS clients with botocore: boto3's resources and sessions would only add to the cold start."""

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError
from botocore.session import Session

from tenantry.aws.unreached_services import note_service
from tenantry.observability import logger

if TYPE_CHECKING:
    from tenantry.aws.tenant_session import TenantSession

# Where a subnet has no way to a service, nothing refuses a connection: the time is all that ends the wait. Four
# attempts are over before API Gateway gives up after 29 seconds.
_CONFIG: Final = Config(connect_timeout=3, retries={"mode": "standard", "total_max_attempts": 4})
# A link that leads to the global endpoint is redirected, with a signature that does not fit there any more.
_S3_CONFIG: Final = _CONFIG.merge(Config(s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}))


@cache
def _botocore() -> Session:
    """Return the process's only session, which caches the service descriptions that it reads from disk."""
    session = Session()
    session.register("after-call-error", _note_unreached)
    return session


def aws_client(service: str, region: str, session: "TenantSession | None" = None, config: Config | None = None) -> Any:
    """Make a client with the function's own identity or, with a `session`, with one tenant's.

    :param config: what is to be otherwise than by default.
    """
    arguments = session.client_arguments if session else {}
    usual = _S3_CONFIG if service == "s3" else _CONFIG
    return _botocore().create_client(service, region, config=usual.merge(config) if config else usual, **arguments)


def _note_unreached(**event: Any) -> None:
    """Tell which service a call did not get through to: `after-call-error.SERVICE.OPERATION`."""
    exception = event["exception"]
    if isinstance(exception, (ConnectTimeoutError, EndpointConnectionError)):
        name = note_service(exception, event["event_name"].split(".")[1])
        logger().error("service unreachable", extra={"unreached": name})
