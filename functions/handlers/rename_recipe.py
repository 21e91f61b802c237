"""Wires the rename of a tenant, which `perform_operation` performs."""

from tenantry.adapters.aws import aws_client
from tenantry.adapters.leases import Leases
from tenantry.adapters.registry import Registry
from tenantry.adapters.secret_store import SecretStore
from tenantry.adapters.usage_plans import UsagePlans
from tenantry.adapters.user_directory import UserDirectory
from tenantry.services.operations import Recipes
from tenantry.services.renaming import KIND, RenamingTools, TenantRenamer
from tenantry.services.servers import Servers
from tenantry.settings import OperationSettings


def rename_recipes(settings: OperationSettings, registry: Registry, servers: Servers, leases: Leases) -> Recipes:
    """List the steps of a rename."""
    tools = RenamingTools(
        registry,
        servers,
        SecretStore(aws_client("secretsmanager", settings.region), settings.stage),
        UserDirectory(aws_client("cognito-idp", settings.region), settings.user_pool_id),
        UsagePlans(aws_client("apigateway", settings.region), settings.stage),
        leases,
        settings.rotation_function_arn,
    )
    return {KIND: TenantRenamer(tools).steps()}
