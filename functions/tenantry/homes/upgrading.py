"""Runs revisions where a tenant may have made functions, triggers and operators of its own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2

from tenantry.database.admin_sql import AdminConnect
from tenantry.database.patience import Ending, ending_in, patience_of, patiently
from tenantry.database.revisions import alone_with, head_revision, schema_revision, upgrade_schema
from tenantry.database.sql_errors import translate
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tenantry.homes.copy_login import CopyLogin, copy_login


def upgrade_own_home(connect: AdminConnect, tenant_id: TenantId, home: Home) -> str:
    """Bring a tenant's own schema to the newest revision; one that is there already needs no login.

    What a revision sets off, a trigger of the tenant's say, runs with the rights of the session. An administrator's
    session that has become the owner can become the administrator again: so it is that of a login that may be the
    owner and nothing else.

    :returns: the revision that it is at then.
    :raises Conflict, TenantryError: as `upgrade_home`; the server refused the login.
    """
    newest = head_revision()
    patience, ending = patience_of(connect), _ending(connect, home)
    with closing(connect(home.database)) as connection:
        if patiently(lambda: schema_revision(connection, home.schema), patience, ending) == newest:
            return newest
    with (
        alone_with(connect, home.database, home.schema),
        copy_login(connect, tenant_id, home.database, must_go=True) as login,
        _session(connect, home.database, login) as session,
    ):
        owner = owner_role(tenant_id)
        return patiently(lambda: upgrade_schema(session, owner, home.schema), patience, ending)


def _ending(connect: AdminConnect, home: Home) -> Ending | None:
    """In a database of its own a tenant is in its own way only; in one that others share it may not be for long."""
    return None if home.isolation is Isolation.DATABASE else ending_in(connect, home.database)


@contextmanager
def _session(connect: AdminConnect, database: str, login: CopyLogin) -> Iterator[Any]:
    """Connect where the administrator does, by the same settings, as somebody else."""
    with closing(connect(database)) as administrators:
        place = administrators.info.dsn_parameters
    try:
        connection = psycopg2.connect(**place | {"user": login.username, "password": login.password})
    except psycopg2.Error as exc:
        raise translate(exc) from exc
    connection.autocommit = True
    with closing(connection):
        yield connection
