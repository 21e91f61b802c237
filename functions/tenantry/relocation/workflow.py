"""The workflow of every relocation: its steps, and its compensation if a step fails."""

from collections.abc import Callable

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.contents.home_copier import HomeCopier
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.relocation import ABANDON, CLONE, CONFIRM, MOVE, PROMOTE, UNDO
from tenantry.operations.operations import Compensations, Workflows
from tenantry.relocation.clone_steps import Cloning
from tenantry.relocation.steps import Relocation
from tenantry.relocation.undo import Abandonment, Confirmation, Return
from tenantry.servers.servers import Servers
from tenantry.tenants.onboarding import Onboarding


def relocation_workflows(
    registry: Registry,
    servers: Servers,
    secrets: SecretStore,
    tools: CopyTools,
    connect: ConnectSettings,
    deadline: Callable[[], float],
    onboarding: Onboarding,
) -> tuple[Workflows, Compensations]:
    """Build the workflows and their compensations, by kind of operation.

    :param connect: the settings with which a tenant's login is tried.
    :param deadline: returns the moment (of `time.monotonic()`) by which a copy has to end.
    :param onboarding: gives a clone what every tenant has besides its home.
    """
    copier = HomeCopier(servers, tools, deadline, secrets.find_dump_password)
    relocation = Relocation(registry, servers, secrets, copier, connect)
    returning = Return(relocation)
    confirmation = Confirmation(relocation)
    workflows: Workflows = {
        MOVE: relocation.steps(),
        PROMOTE: relocation.steps(),
        ABANDON: Abandonment(relocation).steps(),
        UNDO: returning.steps(),
        CONFIRM: confirmation.steps(),
        CLONE: Cloning(registry, servers, secrets, copier, connect, onboarding).steps(),
    }
    compensations = {
        MOVE: relocation.give_up,
        PROMOTE: relocation.give_up,
        UNDO: returning.give_up,
        CONFIRM: confirmation.give_up,
    }
    return workflows, compensations
