"""Settings of the sessions that we open, which override those that others have made for us.

A database's owner, and a login for itself, can set almost anything for later sessions (ALTER DATABASE and ALTER ROLE …
SET): a transaction_timeout of 1 ms, a role, a missing library. The options that a client sends at the start of a
session take precedence. Only settings that every user may change are here; an owner can't change the others either.
"""

from tenantry.domain.credentials import Credentials

# For every session: without these it might not begin, might end with its first error, might have another role, or might
# read what we send, and write what we read, otherwise than we mean it.
_ALWAYS = (
    "-c role=none -c local_preload_libraries= -c client_encoding=UTF8 -c exit_on_error=off "
    "-c standard_conforming_strings=on -c quote_all_identifiers=off -c array_nulls=on"
)
# For sessions that administer, also as a login that may take a tenant's owner role. A tenant's own login keeps its
# database's values of these settings, because the fence uses them.
_ADMINISTERING = (
    "-c default_transaction_read_only=off -c default_transaction_isolation=read\\ committed "
    "-c default_transaction_deferrable=off -c default_tablespace= -c temp_tablespaces= "
    "-c default_table_access_method=heap -c row_security=on -c check_function_bodies=on"
)
# Servers before 17 do not know this setting, and refuse a session that names it.
_TRANSACTION_TIMEOUT = "-c transaction_timeout=0"
_KNOWS_IT_SINCE = 170000

# Whether the server at a host and port knows transaction_timeout, as found by sessions of this process.
_knows: dict[tuple[str, int], bool] = {}


def session_options(credentials: Credentials, *, administers: bool, unless_known: bool = True, rest_ms: int = 0) -> str:
    """Write libpq's `options` for a session.

    :param administers: whether the session has to work whatever the settings of the database and its login are.
    :param rest_ms: after how long the server ends the session if nothing is asked of it; 0 is never.
    :param unless_known: whether to assume transaction_timeout on a server that no session of this process has met.
    """
    parts = [_ALWAYS, f"-c idle_session_timeout={rest_ms}"]
    if _knows.get((credentials.host, credentials.port), unless_known):
        parts.append(_TRANSACTION_TIMEOUT)
    if administers:
        parts.append(_ADMINISTERING)
    return " ".join(parts)


def note_server_version(credentials: Credentials, version: int) -> None:
    """Remember whether a server of this version knows transaction_timeout; 0 means that it refused the setting."""
    _knows[credentials.host, credentials.port] = version >= _KNOWS_IT_SINCE


def is_believed_new(credentials: Credentials) -> bool:
    """Tell whether sessions there name what only newer servers know: nobody has met an older one at that address."""
    return _knows.get((credentials.host, credentials.port), True)
