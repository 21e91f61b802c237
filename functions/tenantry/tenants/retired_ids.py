"""Ids that a tenant had: nobody else gets them. Whoever asks for one from before a rename is told where it went."""

from tenantry.aws.registry import Registry
from tenantry.domain.errors import Conflict, TenantUnknown
from tenantry.domain.tenant import Tenant, TenantId


def require_not_retired(registry: Registry, tenant_id: TenantId) -> None:
    """Keep an id for the tenant that had it: its backups and its audit trail lie under it, its users' tokens say it.

    One that a tenant has now is that one's, though an earlier one may have been erased before erased ids were kept.

    :raises Conflict: a tenant had this id before it was renamed, or until it was erased.
    """
    if registry.former_id(tenant_id):
        raise Conflict(
            "A tenant had that id before it was renamed.", code="tenant_id_retired", hint="Choose another tenant id."
        )
    if registry.tenant(tenant_id) is None and registry.was_erased(tenant_id):
        raise Conflict("A tenant of that id was erased.", code="tenant_id_retired", hint="Choose another tenant id.")


def find_by_any_id(registry: Registry, tenant_id: TenantId) -> Tenant | None:
    """Look a tenant up by the id that it has, or had when somebody wrote it down: for work that was begun then.

    :raises DependencyFailed: DynamoDB did not answer.
    """
    tenant = registry.tenant(tenant_id)
    if tenant:
        return tenant
    former = registry.former_id(tenant_id)
    successor = registry.tenant(former.successor) if former else None
    return successor if successor and tenant_id in successor.former_ids else None


def known_tenant(registry: Registry, tenant_id: TenantId) -> Tenant:
    """Look up the tenant that an operator names.

    :raises TenantUnknown: there is none; where it was renamed, the error says to what.
    :raises DependencyFailed: DynamoDB did not answer.
    """
    tenant = registry.tenant(tenant_id)
    if tenant is None:
        raise no_such_tenant(registry, tenant_id)
    return tenant


def no_such_tenant(registry: Registry, tenant_id: TenantId) -> TenantUnknown:
    """Say that there is no tenant of this id; where it has another now, say which. For operators only."""
    successor = find_by_any_id(registry, tenant_id)
    if successor:
        return TenantUnknown(
            "The tenant was renamed.",
            code="tenant_renamed",
            details=f"It is {successor.tenant_id} now.",
            hint="Repeat the call with that id.",
        )
    return TenantUnknown("There is no such tenant.", hint="GET /admin/v1/tenants lists them.")
