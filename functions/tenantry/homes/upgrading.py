"""Runs revisions where a tenant may have made functions, triggers and operators of its own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2

from tenantry.database.admin_sql import AdminConnect
from tenantry.database.connection_refusal import refusal_sqlstate
from tenantry.database.patience import Ending, ending_in, patience_of, patiently
from tenantry.domain.errors import unavailable
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tenantry.homes.copy_login import CopyLogin, copy_login
from tenantry.revisions.history import History, head_revision
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.running import NOBODY, Migration, Watch, alone_with
from tenantry.revisions.version import schema_revision

_REFUSAL_SECONDS = 2.0


def upgrade_own_home(connect: AdminConnect, tenant_id: TenantId, home: Home) -> str:
    """Bring a tenant's own schema to the newest revision; one that is there already needs no login.

    :returns: the revision that it is at then.
    :raises Conflict, TenantryError: as `upgrade_home`; the server refused the login.
    """
    newest = head_revision()
    if own_home_revision(connect, home) == newest:
        return newest
    return migrate_own_home(connect, tenant_id, home, newest, RenderedHistory(History()))


def own_home_revision(connect: AdminConnect, home: Home) -> str | None:
    """Tell which revision a tenant's own schema is at. :raises TenantryError: the server refused."""
    with closing(connect(home.database)) as connection:
        return patiently(lambda: schema_revision(connection, home.schema), patience_of(connect), _ending(connect, home))


def migrate_own_home(
    connect: AdminConnect,
    tenant_id: TenantId,
    home: Home,
    target: str,
    scripts: RenderedHistory,
    watch: Watch = NOBODY,
) -> str:
    """Bring a tenant's own schema to a revision, forward or back.

    What a revision sets off, a trigger of the tenant's say, runs with the rights of the session. An administrator's
    session that has become the owner can become the administrator again: so it is that of a login that may be the
    owner and nothing else.

    :param target: the id of a revision; empty before the first.
    :returns: the revision that it is at then.
    :raises Conflict, TenantryError: as `Migration.run`; the server refused the login.
    """
    with (
        alone_with(connect, home.database, home.schema) as administrators,
        copy_login(connect, tenant_id, home.database, must_go=True) as login,
        _session(administrators, home.database, login) as session,
    ):
        migration = Migration(
            scripts,
            session,
            owner_role(tenant_id),
            home.schema,
            patience=patience_of(connect),
            ending=_ending(connect, home),
            watch=watch,
        )
        return migration.run(target)


def _ending(connect: AdminConnect, home: Home) -> Ending | None:
    """In a database of its own a tenant is in its own way only; in one that others share it may not be for long."""
    return None if home.isolation is Isolation.DATABASE else ending_in(connect, home.database)


@contextmanager
def _session(administrators: Any, database: str, login: CopyLogin) -> Iterator[Any]:
    """Connect to a database where an administrator's session is, by the same settings, as somebody else."""
    place = administrators.info.dsn_parameters
    # Kept sessions end when they rest for long, and this one may between two batches.
    options = f"{place.get('options', '')} -c idle_session_timeout=0"
    whose = {"dbname": database, "user": login.username, "password": login.password, "options": options}
    try:
        connection = psycopg2.connect(**place | whose)
    except psycopg2.OperationalError as exc:
        # The driver does not say why.
        raise unavailable(refusal_sqlstate(place | whose, _REFUSAL_SECONDS) or "08006") from exc
    connection.autocommit = True
    with closing(connection):
        yield connection
