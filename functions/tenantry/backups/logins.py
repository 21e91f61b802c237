"""Chooses the logins of a backup: those made for backups, or the tenant's own, if it has no others yet."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from tenantry.contents.counting_login import is_let_in
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.logins import count_login, dump_login
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import BackupFailed
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tenantry.homes.lent_rights import lend, take_back
from tenantry.homes.withheld import find_withheld, is_withheld
from tenantry.observability import logger


@dataclass(frozen=True, slots=True)
class BackupLogins:
    """As whom a tenant is dumped and counted.

    `dump` reads what the tenant's owner may not, too, if `reads_all`; otherwise it becomes `role`, as `count` always
    does. Nothing of the tenant's may be evaluated in a session of `dump` then: see `servers.dump_logins`.
    """

    tenant_id: TenantId
    dump: Credentials
    count: Credentials
    reads_all: bool
    # Takes back what was lent to `dump` for that.
    give_back: Callable[[], None] = lambda: None

    @property
    def role(self) -> str:
        """The role that `count` becomes: it owns what the tenant has."""
        return owner_role(self.tenant_id)


def choose_logins(
    tenant_id: TenantId, own: Credentials, password: str | None, settings: ConnectSettings
) -> BackupLogins:
    """Choose the logins, and try them.

    Those for backups are made by the next call that makes the tenant again (PUT), adopts, moves or restores it.

    :param own: the tenant's own login, and where it lives.
    :param password: of the logins for backups; None: there are none.
    :raises BackupFailed: none can read all that the tenant has in a schema (`rows_withheld`).
    :raises TenantryError: the server can't be reached, or has no session left.
    """
    if password is None or own.isolation is Isolation.POOLED:
        return BackupLogins(tenant_id, own, own, reads_all=False)
    dump = replace(own, username=dump_login(tenant_id), password=password)
    count = replace(own, username=count_login(tenant_id), password=password)
    if not all(is_let_in(tenant_id, login, settings) for login in (dump, count)):
        logger().warning("logins for backups refused", extra={"tenant_id": tenant_id.value})
        return BackupLogins(tenant_id, own, own, reads_all=False)
    if own.isolation is Isolation.DATABASE:
        return BackupLogins(tenant_id, dump, count, reads_all=True)
    return _choose_for_schema(BackupLogins(tenant_id, dump, count, reads_all=False), settings)


def _choose_for_schema(logins: BackupLogins, settings: ConnectSettings) -> BackupLogins:
    """Let the login for dumps read what the owner may not, where there is such a thing.

    :raises BackupFailed: it can't read it either (`rows_withheld`).
    """
    tenant_id, place = logins.tenant_id, logins.count
    home = Home("", place.isolation, place.dbname, place.schema)

    def as_owner(_: str) -> Any:
        return connect(replace(place, schema="pg_catalog"), settings)

    if not is_withheld(as_owner, tenant_id, home):
        return logins
    lend(as_owner, tenant_id, home)
    whole = replace(logins, reads_all=True, give_back=lambda: take_back(as_owner, tenant_id, home))
    with closing(as_owner("")) as connection, connection.cursor() as cursor:
        withheld = find_withheld(cursor, tenant_id, home, logins.dump.username)
    if withheld:
        whole.give_back()
        raise BackupFailed(
            "Neither the tenant's owner nor the login for its dumps may read all that the tenant has.",
            code="rows_withheld",
            details=", ".join(withheld),
            hint="PUT /admin/v1/tenants/{tenant_id} lets that login read past policies, if the server's administrator "
            "may give it BYPASSRLS; what the tenant's editor or viewer owns, give to the owner.",
        )
    return whole
