"""Logs in as a tenant, and compares what its home says and has with the registry and with its revision."""

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable, IdentityMismatch
from tenantry.domain.tenant import Isolation, Tenant
from tenantry.reports.drift.findings import Drift, DriftFinding
from tenantry.reports.drift.fleet import ServerContent
from tenantry.reports.drift.references import Place
from tenantry.reports.drift.server_inventory import open_as_tenant, read_revision
from tenantry.reports.drift.structures import Structures, is_managed

# SQLSTATE classes of refused logins that concern the tenant: not a server that is full, starting or unreachable.
_REFUSAL_CLASSES = ("28", "42", "3D", "55")


class ReadServer(NamedTuple):
    """A server that could be read, and what is on it."""

    place: Place
    content: ServerContent


def judge_home(
    tenant: Tenant, credentials: Credentials, server: ReadServer | None, structures: Structures
) -> Iterator[DriftFinding]:
    """Log in as a tenant, compare its schema's revision with the registry, and its structure with the revision's.

    :param server: the tenant's; None: it could not be read, and nothing is known to compare a structure with.
    :raises TenantryError: no answer, or the structure could not be read.
    """
    is_pooled = credentials.isolation is Isolation.POOLED
    try:
        session = open_as_tenant(tenant.tenant_id, credentials)
    except IdentityMismatch:
        yield tenant_finding(Drift.DATABASE_IDENTITY, tenant, credentials.dbname)
        return
    except DatabaseUnavailable as error:
        if not error.code.startswith(_REFUSAL_CLASSES):
            raise
        yield tenant_finding(Drift.LOGIN_REFUSED, tenant, error.code)
        return
    with closing(session) as connection:
        if is_pooled:
            revision = server.content.pool_revision if server else tenant.schema_revision
        else:
            revision = read_revision(connection, tenant.tenant_id, credentials.schema)
        if tenant.schema_revision and revision != tenant.schema_revision:
            where = f"{revision or 'none'}, in the registry {tenant.schema_revision}"
            yield tenant_finding(Drift.SCHEMA_REVISION, tenant, where)
        if server and revision and not is_pooled and is_managed(tenant):
            yield from structures.judge_home(server.place, connection, tenant, credentials, revision)


def tenant_finding(kind: Drift, tenant: Tenant, where: str) -> DriftFinding:
    """Make a finding about a tenant where it lives."""
    return DriftFinding(kind, tenant.tenant_id.value, tenant.server_id, where)
