"""Settings of the sessions that we open: nobody else's bind them.

Who owns a database, or logs in, can set almost anything for all who come later (ALTER DATABASE and ALTER ROLE … SET):
a transaction_timeout of 1 ms, a role, a library that is not there. What a client says when it begins a session beats
that. Only what every user may set is here; the rest an owner can't set either.
"""

from tenantry.domain.credentials import Credentials

# Of every session: without these it does not begin, is somebody else, or speaks another encoding.
_ALWAYS = "-c role=none -c local_preload_libraries= -c idle_session_timeout=0 -c client_encoding=UTF8"
# Of sessions that administer, also as somebody who may become a tenant's owner. A tenant's own login goes on by what
# its database says here: that is how it is fenced.
_ADMINISTERING = (
    "-c default_transaction_read_only=off -c default_transaction_isolation=read\\ committed "
    "-c default_transaction_deferrable=off -c default_tablespace= -c temp_tablespaces= "
    "-c default_table_access_method=heap -c row_security=on -c check_function_bodies=on "
    "-c standard_conforming_strings=on -c quote_all_identifiers=off -c exit_on_error=off"
)
# Servers before 17 do not know it, and refuse a session that names it.
_TRANSACTION_TIMEOUT = "-c transaction_timeout=0"
_KNOWS_IT_SINCE = 170000

# By host and port, as sessions of this process have found: whether the server knows it.
_knows: dict[tuple[str, int], bool] = {}


def session_options(credentials: Credentials, *, administers: bool, unless_known: bool = True) -> str:
    """Write libpq's `options` for a session.

    :param administers: it goes on whatever the database and its login are set to.
    :param unless_known: what to believe of a server that no session of this process has met: that it is a new one.
    """
    parts = [_ALWAYS]
    if _knows.get((credentials.host, credentials.port), unless_known):
        parts.append(_TRANSACTION_TIMEOUT)
    if administers:
        parts.append(_ADMINISTERING)
    return " ".join(parts)


def note_server_version(credentials: Credentials, version: int) -> None:
    """Remember what a server of this version knows; 0: one that has refused what it does not know."""
    _knows[credentials.host, credentials.port] = version >= _KNOWS_IT_SINCE


def is_known(credentials: Credentials) -> bool:
    """Tell whether a session of this process has met that server."""
    return (credentials.host, credentials.port) in _knows
