"""Wires restores, which `perform_operation` performs."""

from handlers.backup_adapters import backup_catalogue
from handlers.relocation_recipe import Deadline, new_equipment
from tenantry.adapters.archive_source import ArchiveSource
from tenantry.adapters.aws import aws_client
from tenantry.adapters.connecting import ConnectSettings
from tenantry.adapters.registry import Registry
from tenantry.adapters.schema_copy import CopyTools
from tenantry.adapters.secret_store import SecretStore
from tenantry.services.operations import Recipes, Remedies
from tenantry.services.restoration_recipes import restoration_recipes
from tenantry.services.restoration_scratch import ScratchRestorer
from tenantry.services.restoration_steps import RestoreAdapters
from tenantry.services.servers import Servers
from tenantry.settings import OperationSettings


def wire_restores(
    settings: OperationSettings, registry: Registry, servers: Servers, deadline: Deadline
) -> tuple[Recipes, Remedies]:
    """List the steps of restores, and of what becomes of them."""
    clients = {bucket.name: aws_client("s3", bucket.region) for bucket in settings.buckets.all()}
    tools = CopyTools(settings.pg_client_directory, settings.connect_timeout, settings.lock_timeout_ms)
    adapters = RestoreAdapters(
        registry=registry,
        servers=servers,
        secrets=SecretStore(aws_client("secretsmanager", settings.region), settings.stage),
        catalogue=backup_catalogue(settings.buckets),
        scratches=ScratchRestorer(servers, ArchiveSource(clients), tools, deadline),
        tools=tools,
        connect=ConnectSettings(settings.connect_timeout, application_name="tenantry-restore"),
        deadline=deadline,
    )
    return restoration_recipes(adapters, new_equipment(settings))
