"""Chooses the login that reads a tenant's home: one of its own for that, which none of the tenant's limits bind."""

from contextlib import closing
from dataclasses import replace

from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.identity import check_identity
from tenantry.database.logins import count_login
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable, IdentityMismatch
from tenantry.domain.tenant import Isolation, TenantId

# A login that is not there, has another password, or may not connect: SQLSTATE class 28, and 42501.
_REFUSED_CLASS, _MAY_NOT_CONNECT = "28", "42501"


def choose_reader(
    tenant_id: TenantId, own: Credentials, password: str | None, settings: ConnectSettings
) -> Credentials:
    """Return the login that counts for the tenant's backups, or the tenant's own, where that is not let in.

    Either may become the tenant's owner.

    :param own: the tenant's own login, and where it lives.
    :param password: of the logins for backups; None: there are none.
    :raises TenantryError: the server can't be reached, or has no session left.
    """
    if password is None or own.isolation is Isolation.POOLED:
        return own
    count = replace(own, username=count_login(tenant_id), password=password)
    return count if is_let_in(tenant_id, count, settings) else own


def is_let_in(tenant_id: TenantId, login: Credentials, settings: ConnectSettings) -> bool:
    """Try a login, and ask the database whose it is.

    :raises TenantryError: the server can't be reached, or has no session left.
    """
    try:
        with closing(connect(replace(login, schema="pg_catalog"), settings)) as connection:
            check_identity(connection, tenant_id)
    except IdentityMismatch:
        # That the database itself is another tenant's is found again.
        return False
    except DatabaseUnavailable as error:
        if error.code.startswith(_REFUSED_CLASS) or error.code == _MAY_NOT_CONNECT:
            return False
        raise
    return True
