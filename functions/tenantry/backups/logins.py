"""Chooses the logins of a backup: those made for backups, or the tenant's own, if it has no others yet."""

from contextlib import closing
from dataclasses import dataclass, replace

from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.logins import count_login, dump_login
from tenantry.database.tenant_connection import check_identity
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable, IdentityMismatch
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.observability import logger

# A login that is not there, has another password, or may not connect: SQLSTATE class 28, and 42501.
_REFUSED_CLASS, _MAY_NOT_CONNECT = "28", "42501"


@dataclass(frozen=True, slots=True)
class BackupLogins:
    """As whom a tenant is dumped and counted.

    `dump` reads what anybody owns, if `reads_all`; otherwise it becomes `role`, as `count` always does. Nothing of the
    tenant's may be evaluated in a session of `dump` then: see `servers.dump_logins`.
    """

    tenant_id: TenantId
    dump: Credentials
    count: Credentials
    reads_all: bool

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
    :raises TenantryError: the server can't be reached, or has no session left.
    """
    if password is None or own.isolation is Isolation.POOLED:
        return BackupLogins(tenant_id, own, own, reads_all=False)
    dump = replace(own, username=dump_login(tenant_id), password=password)
    count = replace(own, username=count_login(tenant_id), password=password)
    try:
        for login in (dump, count):
            with closing(connect(replace(login, schema="pg_catalog"), settings)) as connection:
                check_identity(connection, tenant_id)
    except (DatabaseUnavailable, IdentityMismatch) as error:
        if not _is_refused(error):
            raise
        logger().warning("logins for backups refused", extra={"tenant_id": tenant_id.value, "code": error.code})
        return BackupLogins(tenant_id, own, own, reads_all=False)
    return BackupLogins(tenant_id, dump, count, reads_all=own.isolation is Isolation.DATABASE)


def _is_refused(error: DatabaseUnavailable | IdentityMismatch) -> bool:
    """Whether a login is not as it should be; that the database itself is another tenant's is found again."""
    if isinstance(error, IdentityMismatch):
        return True
    return error.code.startswith(_REFUSED_CLASS) or error.code == _MAY_NOT_CONNECT
