"""Wires restores, which `perform_operation` performs."""

from handlers.settings.operation import OperationSettings
from handlers.wiring.backups import backup_catalogue
from handlers.wiring.relocations import Deadline, new_onboarding
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings
from tenantry.operations.operations import Compensations, Workflows
from tenantry.restores.archive.source import ArchiveSource
from tenantry.restores.scratch import ScratchRestorer
from tenantry.restores.steps import RestoreAdapters
from tenantry.restores.workflow import restoration_workflows
from tenantry.servers.servers import Servers


def wire_restores(
    settings: OperationSettings, registry: Registry, servers: Servers, deadline: Deadline
) -> tuple[Workflows, Compensations]:
    """Wire the workflows of restores, of undoing and of abandoning them."""
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
    return restoration_workflows(adapters, new_onboarding(settings))
