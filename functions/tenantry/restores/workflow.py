"""The steps of every operation that restores a tenant, and what is done when one fails."""

from tenantry.domain.restore import ABANDON_RESTORE, RESTORE, RESTORE_TABLES, UNDO_RESTORE
from tenantry.operations.operations import Recipes, Remedies
from tenantry.restores.cutover import Arrival, Equip
from tenantry.restores.single_tables import TableRestoration
from tenantry.restores.steps import Restoration, RestoreAdapters
from tenantry.restores.undo import RestoreAbandonment, RestoreReturn


def restoration_recipes(adapters: RestoreAdapters, equip: Equip) -> tuple[Recipes, Remedies]:
    """Wire them.

    :param equip: gives a new tenant what every tenant has beside its home.
    """
    arrival = Arrival(adapters.registry, adapters.servers, adapters.secrets, equip)
    restoration = Restoration(adapters, arrival)
    returning = RestoreReturn(restoration, arrival, adapters.servers)
    tables = TableRestoration(restoration, adapters)
    recipes: Recipes = {
        RESTORE: restoration.steps(),
        RESTORE_TABLES: tables.steps(),
        UNDO_RESTORE: returning.steps(),
        ABANDON_RESTORE: RestoreAbandonment(restoration, arrival).steps(),
    }
    remedies = {
        RESTORE: restoration.give_up,
        RESTORE_TABLES: tables.give_up,
        UNDO_RESTORE: returning.give_up,
    }
    return recipes, remedies
