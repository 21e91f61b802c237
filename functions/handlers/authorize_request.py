"""API Gateway's authorizer: verifies who the caller is, of which tenant, and in which role."""

from functools import cache
from typing import Any

from handlers.settings.authorizer import authorizer_settings
from tenantry.access.authorization import Authorization, ClaimNames
from tenantry.access.tokens import TokenVerifier
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.domain.errors import TenantryError, Unauthenticated
from tenantry.observability import logger
from tenantry.revisions.history import head_revision


@cache
def _authorization() -> Authorization:
    settings = authorizer_settings()
    return Authorization(
        TokenVerifier(settings.issuer, settings.audience, settings.jwks_url, settings.token_use),
        Registry(aws_client("dynamodb", settings.region), settings.registry_table),
        ClaimNames(settings.tenant_claim, settings.role_claim),
        required_revision(settings.required_revision),
    )


def required_revision(wanted: str) -> str:
    """Return the revision that is required to be served, or an empty text.

    One that the deployed code does not have is nobody's yet: it is required of nobody, or nobody would be served.
    """
    if not wanted or wanted <= head_revision():
        return wanted
    logger().error("the required revision is not deployed", extra={"required": wanted, "newest": head_revision()})
    return ""


class Refused(Exception):
    """API Gateway answers 401 to an authorizer that fails with the message `Unauthorized`, and 500 to any other."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with an IAM policy and the caller's context.

    :raises Refused: the token does not verify, or could not be verified. No cause is chained: it may name a host.
    """
    scheme, _, token = event["authorizationToken"].partition(" ")
    if scheme.lower() != "bearer":
        raise Refused("Unauthorized")
    try:
        return _authorization().authorize(token.strip(), event["methodArn"])
    except Unauthenticated:
        raise Refused("Unauthorized") from None
    except TenantryError as error:
        logger().error("authorization failed", extra={"code": error.code})
        raise Refused(error.code) from None
