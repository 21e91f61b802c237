"""The logins of a tenant, and how a server's administrator gives one of them a new password."""

from contextlib import closing

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.patience import ending_beside, limit_locks, patiently
from tenantry.database.sql_errors import translate
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import TenantId


def login_names(tenant_id: TenantId) -> tuple[str, str]:
    """Name the two logins of a tenant, which take turns: one is in use, a rotation prepares the other."""
    return f"{tenant_id.value}_login_a", f"{tenant_id.value}_login_b"


def dump_login(tenant_id: TenantId) -> str:
    """Name the login as which a tenant is dumped: in a database of its own it reads everything there."""
    return f"{tenant_id.value}_dump"


def count_login(tenant_id: TenantId) -> str:
    """Name the login that holds a backup's snapshot and counts: it may become the tenant's owner and nothing else."""
    return f"{tenant_id.value}_count"


def backup_logins(tenant_id: TenantId) -> tuple[str, str]:
    """Name the logins of a tenant's backups; they share a password, and a tenant may have neither."""
    return dump_login(tenant_id), count_login(tenant_id)


def replace_password(
    administrator: Credentials, settings: ConnectSettings, *, login: str, password: str, like: str
) -> None:
    """Give a login a new password, and the connection limit of the login `like`.

    The password travels as a SCRAM verifier only. Whether it may log in at all stays as it is: a tenant that is being
    suspended is not opened again by this.

    :param like: a login that is there.
    :raises Conflict: the login is being changed all the time (`database_busy`); it is as it was.
    :raises TenantryError: the server can't be reached, or refused; the login is as it was.
    """
    with closing(connect(administrator, settings)) as connection, connection.cursor() as cursor:
        verifier = encrypt_password(password, login, connection, "scram-sha-256")

        def attempt() -> None:
            try:
                limit_locks(cursor)
                cursor.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = %s", (like,))
                (limit,) = cursor.fetchone()
                change = sql.SQL("ALTER ROLE {} WITH CONNECTION LIMIT {} PASSWORD {}")
                cursor.execute(change.format(sql.Identifier(login), sql.Literal(limit), sql.Literal(verifier)))
            except psycopg2.Error as exc:
                raise translate(exc) from exc

        # A login may have a change of itself uncommitted.
        patiently(attempt, ending=ending_beside(connection))
