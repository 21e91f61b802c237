"""What a transaction sets for itself where a pooler lends it a session that others had before it, and will have after.

A pooler in transaction mode gives each message any of the server's sessions of the same login and database. Another
user of the tenant's, with another role, may have had it: so nothing that is found there is trusted, and all that
matters is set in the message itself. No reset query of the pooler's is relied on.
"""

import json
from typing import Any, Final

import psycopg2

from tenantry.database.connecting import FRUGAL, ConnectSettings
from tenantry.database.identity import identity_guard, told_of
from tenantry.domain.tenant import TenantId

# A transaction of its own: what a transaction begins with (isolation, whether it only reads) counts for those after it.
# It is a plain one whatever the session was set to.
#
# RESET ALL takes back settings and not the role. Then comes all else that outlives a transaction: temporary tables,
# which are found before all others; cursors, prepared statements, and notices that are waited for. Sequences are left
# alone: to forget what was fetched of them in advance would use them up.
#
# What counts from the next message's beginning on is set for the session: how long it may take, to be read as well, and
# what the pooler believes to be set.
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED,NOT DEFERRABLE;RESET ROLE;RESET ALL;"
_FORGET: Final = "CLOSE ALL;DEALLOCATE ALL;UNLISTEN *;DISCARD TEMP;"
_LOOK: Final = "SET LOCAL search_path=pg_catalog,pg_temp;SELECT pg_advisory_unlock_all(),{guard};"
# How a message is read, which has to be so before it is there.
_FOR_READING: Final = (("client_encoding", "UTF8"), ("standard_conforming_strings", "on"))
# As `session_settings` and `connecting` have them for a session's beginning, as pg_settings shows them.
_FOR_ITSELF: Final = (
    ("exit_on_error", "off"),
    ("quote_all_identifiers", "off"),
    ("array_nulls", "on"),
    ("transaction_timeout", "0"),
)
_OTHERS = """SET LOCAL search_path=pg_catalog,pg_temp;
SELECT coalesce(array_agg(name), '{}') FROM json_each_text(%s) wanted(name, value) JOIN pg_settings USING (name)
WHERE setting IS DISTINCT FROM value"""


class TakingOver:
    """What comes first in a message to a pooler: what makes the session as new, and what its transaction sets.

    None has placeholders. Before any statement can find a table, `search_path` has to be set as well.
    """

    def __init__(self, tenant_id: TenantId, settings: ConnectSettings, connection: Any) -> None:
        """Ask which settings are not what they have to be: each costs a request a hundredth of its time.

        A server's operator may have set them, and a database's owner may have set others.

        :raises TenantryError: it could not be asked, or is not the tenant's.
        """
        self._tenant_id, self._name = tenant_id, settings.application_name
        self.idle_timeout_ms = settings.idle_timeout_ms
        # How long a message may take in which nothing else is set; 0 is no limit.
        self.timeout_ms = settings.statement_timeout_ms or 0
        wanted = dict([*_FOR_READING, *_FOR_ITSELF, *_frugal(settings)])
        self._for_reading = self._for_transaction = ""
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"{self.take_back()}{_OTHERS}", (json.dumps(wanted),))
                others = cursor.fetchone()[0]
        except psycopg2.Error as exc:
            raise told_of(exc) from exc
        for name in sorted(others):
            if name in dict(_FOR_READING):
                self._for_reading += f"SET {name}='{wanted[name]}';"
            else:
                self._for_transaction += f"SET LOCAL {name}='{wanted[name]}';"

    def take_back(self, *, is_gated: bool = False) -> str:
        """Write what makes the session as new.

        It lets go of locks as well, and fails where the database is not the tenant's, unless the statement that follows
        does so by itself (`is_gated`).
        """
        own = f"{self._for_reading}SET statement_timeout={self.timeout_ms:d};SET application_name='{self._name}';"
        looks = "" if is_gated else _LOOK.format(guard=identity_guard(self._tenant_id))
        return f"{_BEGIN}{own}{_FORGET}{looks}COMMIT;"

    def for_transaction(self) -> str:
        """Write what the transaction sets for itself."""
        return self._for_transaction


def _frugal(settings: ConnectSettings) -> list[tuple[str, str]]:
    found = [("client_connection_check_interval", str(settings.client_check_ms))]
    found += [(name, value) for name, _, value in (each.partition("=") for each in FRUGAL)]
    if settings.lock_timeout_ms:
        found.append(("lock_timeout", str(settings.lock_timeout_ms)))
    if settings.work_mem_kb:
        found.append(("work_mem", str(settings.work_mem_kb)))
    return found


def ask_whether_only_reads(connection: Any) -> bool:
    """Ask whether a tenant's database takes no writes at present: perhaps because the tenant is being moved.

    The pooler told its client of a session that it had then, and the database may have been closed since.

    :raises psycopg2.Error: it could not be asked.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "RESET default_transaction_read_only;"
            "SELECT pg_catalog.current_setting('default_transaction_read_only')::pg_catalog.bool"
            " OR pg_catalog.pg_is_in_recovery()"
        )
        return bool(cursor.fetchone()[0])
