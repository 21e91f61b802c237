"""What a session is asked when it is opened: whose database it is in, and how it has to be served."""

import secrets
from typing import Any, Final

import psycopg2

from tenantry.database.sql_errors import is_within_function, translate
from tenantry.domain.errors import IdentityMismatch, TenantryError
from tenantry.domain.session_state import SESSION_STATE, TRANSACTION_STATE
from tenantry.domain.tenant import TenantId

# Custom setting of the database (or, where tenants share one, of the login) that says whose it is.
IDENTITY_SETTING = "tenantry.tenant_id"

# With a number of ours as the index, PostgreSQL says that it is out of range: below those of the data API's statements.
_OUT_OF_RANGE: Final = "2202E"
_NOT_THIS_TENANT: Final = 2**60 + secrets.randbelow(2**59)

# Whose database this is; how long a statement may take; and whether it may show values in forms of its own. A statement
# may take what the caller allows or, where that is less, what the login was given; less than a tenth of a second is no
# limit, for nothing could be served in it. The session has a limit of ours from its beginning, because one that an
# owner has set for the database may be too short to ask in; so the login's is looked up, and PostgreSQL reads it: by a
# setting of the same kind, which has no effect here. Not in a file: reading one costs a start more than this query.
_LISTEN = "LISTEN pgrst;"
_INTRODUCE = """
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
    )), 0)::text, %s)::interval) * 1000)::bigint,
    {state},
    EXISTS (
        SELECT FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_type t ON t.oid IN (c.castsource, c.casttarget)
        WHERE c.castcontext = 'i' AND c.castmethod = 'f' AND c.oid >= 16384 AND t.typtype = 'd'
    ) OR EXISTS (SELECT FROM pg_catalog.pg_type WHERE typtype = 'd' AND strpos(typname, '/') > 0)
"""


def identity_guard(tenant_id: TenantId) -> str:
    """Write an expression that fails where the database is not this tenant's; only `pg_catalog` may be searched."""
    return (
        f"CASE WHEN current_setting('{IDENTITY_SETTING}',true) IS DISTINCT FROM '{tenant_id.value}'"
        f" THEN get_bit(''::bytea,{_NOT_THIS_TENANT:d}-0*pg_backend_pid()) END"
    )


def is_of_another(exc: psycopg2.Error) -> bool:
    """Whether `identity_guard` has failed: by a number that is this process's alone, and in no function."""
    told = exc.diag.message_primary or ""
    return exc.pgcode == _OUT_OF_RANGE and str(_NOT_THIS_TENANT) in told and not is_within_function(exc)


def told_of(exc: psycopg2.Error) -> TenantryError:
    """Turn the error of a question that looks whose database it is in into ours."""
    return IdentityMismatch() if is_of_another(exc) else translate(exc)


def check_identity(connection: Any, tenant_id: TenantId) -> None:
    """Ask the database whose it is.

    :raises IdentityMismatch: it is another tenant's, or nobody's.
    :raises TenantryError: it could not be asked.
    """
    _ask_name(connection, tenant_id, "SELECT pg_catalog.current_setting(%s, true)", (IDENTITY_SETTING,))


def introduce(
    connection: Any, tenant_id: TenantId, statement_timeout_ms: int, *, taking_over: str = ""
) -> tuple[int, str, bool]:
    """Ask the database whose it is, and bound the statements by the login's own limit, in one round trip.

    :param statement_timeout_ms: what the tenant's limit can only lower; 0 is none.
    :param taking_over: what makes the session of a pooler's as new: none is to be bounded, or to listen, for longer
        than a transaction.
    :return: the milliseconds that a statement may take, 0 is no limit; the session's `SESSION_STATE`; and whether the
        database has casts of domains, or domains with the names of media types.
    :raises TenantryError: as above.
    """
    begin = f"{taking_over}SET LOCAL search_path=pg_catalog,pg_temp;" if taking_over else _LISTEN
    query = begin + _INTRODUCE.replace("{state}", TRANSACTION_STATE if taking_over else SESSION_STATE)
    row = _ask_name(connection, tenant_id, query, (IDENTITY_SETTING, statement_timeout_ms, bool(taking_over)))
    return int(row[1]), row[2], row[3]


def _ask_name(connection: Any, tenant_id: TenantId, query: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            row: tuple[Any, ...] = cursor.fetchone()
    except psycopg2.Error as exc:
        raise told_of(exc) from exc
    if row[0] != tenant_id.value:
        raise IdentityMismatch()
    return row
