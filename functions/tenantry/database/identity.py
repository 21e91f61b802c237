"""What a session is asked when it is opened: whose database it is in, and how it has to be served."""

from typing import Any

import psycopg2

from tenantry.database.sql_errors import translate
from tenantry.domain.errors import IdentityMismatch
from tenantry.domain.session_state import SESSION_STATE
from tenantry.domain.tenant import TenantId

# Custom setting of the database (or, where tenants share one, of the login) that says whose it is.
IDENTITY_SETTING = "tenantry.tenant_id"

# Whose database this is; how long a statement may take; and whether it may show values in forms of its own. A statement
# may take what the caller allows or, where that is less, what the login was given; less than a tenth of a second is no
# limit, for nothing could be served in it. The session has a limit of ours from its beginning, because one that an
# owner has set for the database may be too short to ask in; so the login's is looked up, and PostgreSQL reads it: by a
# setting of the same kind, which has no effect here. Not in a file: reading one costs a start more than this query.
_INTRODUCE = """
LISTEN pgrst;
SELECT
    pg_catalog.current_setting(%s, true),
    (extract(epoch FROM pg_catalog.set_config('statement_timeout', coalesce(least(nullif(%s::bigint, 0), (
        SELECT own.ms FROM (
            SELECT (extract(epoch FROM pg_catalog.set_config('idle_in_transaction_session_timeout',
                pg_catalog.substr(setting, 19), true)::interval) * 1000)::bigint
            FROM pg_catalog.pg_db_role_setting, pg_catalog.unnest(setconfig) setting
            WHERE setrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user)
              AND setdatabase = 0
              AND pg_catalog.starts_with(setting, 'statement_timeout=')
        ) own(ms)
        WHERE own.ms >= 100
    )), 0)::text, false)::interval) * 1000)::bigint,
    {state},
    EXISTS (
        SELECT FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_type t ON t.oid IN (c.castsource, c.casttarget)
        WHERE c.castcontext = 'i' AND c.castmethod = 'f' AND c.oid >= 16384 AND t.typtype = 'd'
    ) OR EXISTS (SELECT FROM pg_catalog.pg_type WHERE typtype = 'd' AND strpos(typname, '/') > 0)
""".replace("{state}", SESSION_STATE)


def check_identity(connection: Any, tenant_id: TenantId) -> None:
    """Ask the database whose it is.

    :raises IdentityMismatch: it is another tenant's, or nobody's.
    :raises TenantryError: it could not be asked.
    """
    _ask_name(connection, tenant_id, "SELECT pg_catalog.current_setting(%s, true)", (IDENTITY_SETTING,))


def introduce(connection: Any, tenant_id: TenantId, statement_timeout_ms: int) -> tuple[int, str, bool]:
    """Ask the database whose it is, and bound the statements by the login's own limit, in one round trip.

    :param statement_timeout_ms: what the tenant's limit can only lower; 0 is none.
    :return: the milliseconds that a statement may take, 0 is no limit; the session's `SESSION_STATE`; and whether the
        database has casts of domains, or domains with the names of media types.
    :raises TenantryError: as above.
    """
    row = _ask_name(connection, tenant_id, _INTRODUCE, (IDENTITY_SETTING, statement_timeout_ms))
    return int(row[1]), row[2], row[3]


def _ask_name(connection: Any, tenant_id: TenantId, query: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            row: tuple[Any, ...] = cursor.fetchone()
    except psycopg2.Error as exc:
        raise translate(exc) from exc
    if row[0] != tenant_id.value:
        raise IdentityMismatch()
    return row
