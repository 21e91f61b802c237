"""The workflows of all operations that restore a tenant, with their compensations."""

from tenantry.domain.restore import ABANDON_RESTORE, RESTORE, RESTORE_TABLES, UNDO_RESTORE
from tenantry.operations.operations import Compensations, Workflows
from tenantry.restores.cutover import Cutover
from tenantry.restores.single_tables import TableRestoration
from tenantry.restores.steps import Restoration, RestoreAdapters
from tenantry.restores.undo import RestoreAbandonment, RestoreReturn
from tenantry.tenants.onboarding import Onboarding


def restoration_workflows(adapters: RestoreAdapters, onboarding: Onboarding) -> tuple[Workflows, Compensations]:
    """Wire the workflows and their compensations.

    :param onboarding: completes a new tenant: everything that a tenant has besides its home.
    """
    cutover = Cutover(adapters.registry, adapters.servers, adapters.secrets, onboarding)
    restoration = Restoration(adapters, cutover)
    returning = RestoreReturn(restoration, cutover, adapters.servers)
    tables = TableRestoration(restoration, adapters)
    workflows: Workflows = {
        RESTORE: restoration.steps(),
        RESTORE_TABLES: tables.steps(),
        UNDO_RESTORE: returning.steps(),
        ABANDON_RESTORE: RestoreAbandonment(restoration, cutover).steps(),
    }
    compensations = {
        RESTORE: restoration.give_up,
        RESTORE_TABLES: tables.give_up,
        UNDO_RESTORE: returning.give_up,
    }
    return workflows, compensations
