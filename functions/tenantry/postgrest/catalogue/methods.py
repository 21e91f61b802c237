"""Lists the methods that a table or a function supports, for OPTIONS."""

from tenantry.postgrest.catalogue.finding import find_routine
from tenantry.postgrest.catalogue.hints import no_table
from tenantry.postgrest.catalogue.model import Catalogue, Name, Table, Volatility
from tenantry.postgrest.request import Kind


def allowed_methods(catalogue: Catalogue, kind: Kind, name: Name) -> str:
    """List the methods in the form of the header Allow.

    :raises RequestRefused: there is no such table (PGRST205) or function (PGRST202).
    """
    if kind is Kind.ROUTINE:
        overloads = catalogue.routines.get(name) or (find_routine(catalogue, name, ()),)
        reads = any(each.volatility is not Volatility.VOLATILE for each in overloads)
        return "OPTIONS,GET,HEAD,POST" if reads else "OPTIONS,POST"
    table = catalogue.tables.get(name)
    if table is None:
        raise no_table(catalogue, name)
    return ",".join(_methods(table))


def _methods(table: Table) -> list[str]:
    puts = table.insertable and table.updatable and bool(table.primary_key)
    possible = (
        ("POST", table.insertable),
        ("PUT", puts),
        ("PATCH", table.updatable),
        ("DELETE", table.deletable),
    )
    return ["OPTIONS", "GET", "HEAD", *(method for method, can in possible if can)]
