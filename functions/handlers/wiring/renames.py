"""Wires the rename of a tenant, which `perform_operation` performs."""

from handlers.settings.operation import OperationSettings
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.operations.leases import Leases
from tenantry.operations.operations import Workflows
from tenantry.servers.servers import Servers
from tenantry.tenants.renaming import KIND, RenamingTools, TenantRenamer
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory


def rename_workflows(settings: OperationSettings, registry: Registry, servers: Servers, leases: Leases) -> Workflows:
    """Wire the workflow of a rename."""
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
