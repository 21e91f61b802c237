"""Who a token belongs to and what API Gateway may let them call."""

import json
from dataclasses import dataclass
from typing import Any

from tenantry.access.tokens import TokenVerifier
from tenantry.aws.registry import Registry
from tenantry.domain.data_api import DataApiSettings
from tenantry.domain.errors import BadRequest, Unauthenticated
from tenantry.domain.tenant import RENAMED, UNMETERED, Role, Tenant, TenantId, TenantStatus

_TENANT_ROUTES = ("*/rest/v1", "*/rest/v1/*")
# Of a tenant's own admin.
_ADMIN_ROUTES = (*_TENANT_ROUTES, "*/backups/v1", "*/backups/v1/*")
_OPERATOR_ROUTES = "*/admin/v1/*"
_CLOCK_SKEW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Which claims of a token hold the tenant's id and the role."""

    tenant: str
    role: str


class Authorization:
    """Turns a token into the policy and the context that API Gateway caches."""

    def __init__(
        self, verifier: TokenVerifier, registry: Registry, names: ClaimNames, required_revision: str = ""
    ) -> None:
        """Take the adapters, and the revision that a tenant's schema has to be at to be served; empty: any."""
        self._required_revision = required_revision
        self._verifier = verifier
        self._registry = registry
        self._names = names

    def authorize(self, token: str, method_arn: str) -> dict[str, Any]:
        """Answer a TOKEN authorizer's question.

        The policy covers every route of the caller's kind, because API Gateway applies the cached answer to all of
        them. A tenant that is suspended or unknown is let through with its status, and refused by the handler: there
        the caller gets to read why.

        :raises Unauthenticated: the token is not valid, or was made before its tenant began: for another of that id.
        :raises DependencyFailed: keys or registry can't be reached.
        """
        claims = self._verifier.verify(token)
        subject = str(claims["sub"])
        stage_arn = "/".join(method_arn.split("/")[:2])
        try:
            role = Role(str(claims.get(self._names.role)))
            if role is Role.OPERATOR:
                return _policy(subject, "Allow", f"{stage_arn}/{_OPERATOR_ROUTES}", {"userId": subject, "role": role})
            tenant_id = TenantId(str(claims.get(self._names.tenant)))
        except (ValueError, BadRequest):
            # Verified, but made for something else: no role or no tenant of ours.
            return _policy(subject, "Deny", f"{stage_arn}/*", {})
        tenant = self._registry.tenant(tenant_id)
        if tenant and _is_older(claims, tenant):
            raise Unauthenticated()
        context = {
            "tenantId": tenant_id.value,
            "tenantStatus": self._status(tenant_id, tenant),
            "userId": subject,
            "role": role.value,
            "claims": json.dumps(claims, separators=(",", ":")),
        }
        if tenant and tenant.data_api != DataApiSettings():
            context["dataApi"] = tenant.data_api.to_context()
        if tenant and tenant.over_quota:
            context["overQuota"] = "yes"
        if tenant and self._is_behind(tenant):
            context["schemaBehind"] = "yes"
        routes = _ADMIN_ROUTES if role is Role.ADMIN else _TENANT_ROUTES
        answer = _policy(subject, "Allow", [f"{stage_arn}/{route}" for route in routes], context)
        if tenant and tenant.usage_key:
            # What API Gateway counts the request under, in place of a key that the client would send.
            answer["usageIdentifierKey"] = tenant.usage_key
        return answer

    def _is_behind(self, tenant: Tenant) -> bool:
        """Whether a tenant's tables lack what the application needs; an adopted database has its application's own."""
        return tenant.schema_revision < self._required_revision and not tenant.adopted_database

    def _status(self, tenant_id: TenantId, tenant: Tenant | None) -> str:
        if tenant:
            # Nobody is served unmetered: API Gateway refuses who has no key, and where it does not, the handler does.
            is_unmetered = tenant.status is TenantStatus.ACTIVE and not tenant.usage_key
            return UNMETERED if is_unmetered else tenant.status.value
        # Asked only where no tenant has this id: the usual request costs one read.
        return RENAMED if self._registry.former_id(tenant_id) else "unknown"


def _is_older(claims: dict[str, Any], tenant: Tenant) -> bool:
    """Tell whether a token is from before its tenant began. The issuer's clock may be a little behind ours."""
    if tenant.known_since is None:
        return False
    issued_at = claims.get("iat")
    if not isinstance(issued_at, int | float) or isinstance(issued_at, bool):
        return True
    return issued_at < tenant.known_since.timestamp() - _CLOCK_SKEW_SECONDS


def _policy(principal: str, effect: str, resource: str | list[str], context: dict[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }
