"""What comes before every statement of a tenant's: who asks, what policies are told, what a function has set."""

import re
from typing import Any, Final, NamedTuple

from tenantry.domain.tenant import TenantId

_MAX_KEPT = 64
# A function of the tenant's may have set anything for the session. RESET ALL takes back all that is not part of how the
# connection was opened; the time that a statement may take is set twice, for its clock may be running already: 0 stops
# it, and what comes last starts it anew.
_STOP: Final = "SET LOCAL statement_timeout=0;"
ANEW: Final = f"RESET ALL;{_STOP}"
# Who asks; and, where tenants share a database, which advisory locks are the tenant's places.
_IDENTITY = "SET LOCAL role=%s;SET LOCAL request.jwt.claims=%s;SET LOCAL app.tenant_id=%s;"
_SLOTS = "SET LOCAL tenantry.slots={:d};"
# SET takes much that is no name of a time zone (-5, EST5, asia/kolkata) for one. This takes names only, and fails as
# SET does for all else. It reads every file of the server's time zones, so it is asked once for each name.
_NAMED_ZONE = (
    "SELECT pg_catalog.set_config('timezone', coalesce((SELECT name FROM pg_catalog.pg_timezone_names"
    " WHERE name OPERATOR(pg_catalog.=) %s), '/'), true);"
)
_ZONE = "SET LOCAL timezone=%s;"
_is_filter = re.compile(r"plan_filter\.[a-z_]+").fullmatch
_duration = re.compile(r"([0-9]+)(ms|s|min|h|d)?").fullmatch
_MILLISECONDS = {None: 1, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


class CallSettings(NamedTuple):
    """What a policy or a function may want to know of the request; empty is not told. `headers` is a JSON object.

    Names without a schema are looked up in `schema`, where there is one, and then in the tenant's own. `first` is a
    call of a function of the tenant's, as SQL: it comes before the statement, and may refuse it. `hoisted` are settings
    of a function that have no effect once its statement has begun: each a name and a value, as PostgreSQL shows them.
    `is_gated` says that the statement looks by itself whose database a pooler's session is in.
    """

    method: str = ""
    path: str = ""
    headers: str = ""
    timezone: str = ""
    schema: str = ""
    first: str = ""
    hoisted: tuple[tuple[str, str], ...] = ()
    is_gated: bool = False


NO_CALL = CallSettings()


class Preambles:
    """Writes them for one connection; one user's calls of one place have a preamble in common, which is kept."""

    def __init__(self, tenant_id: TenantId, schema: str, slots: int | None, anew: str = ANEW) -> None:
        """Take the tenant, its own schema, and the first key of its places, where tenants share a database.

        `anew` is what a transaction begins with, and takes back what was set in the session before. Where it is not the
        usual, the clock has been started with `timeout_ms` by what came before.
        """
        self._anew, self._runs = anew, anew is not ANEW
        self._tenant_id, self._schema = tenant_id, schema
        self._slots = "" if slots is None else _SLOTS.format(slots)
        # How long a statement may take; 0 is no limit.
        self.timeout_ms = 0
        self._kept: dict[tuple[str, str, CallSettings, bool], bytes] = {}
        self._zones: set[str] = set()

    def write(self, cursor: Any, role: str, claims: str, call: CallSettings, *, reads_only: bool) -> bytes:
        """Write what comes before a statement, with a cursor to quote the values with."""
        key = (role, claims, call, reads_only)
        known = self._kept.get(key)
        if known is not None:
            return known
        parts, given = self._settings(call, reads_only=reads_only)
        text = "".join([self._anew, _IDENTITY, self._slots, *parts, self._clock(call), self._first(call)])
        written: bytes = cursor.mogrify(text, (role, claims, self._tenant_id.value, *given))
        if not call.timezone or call.timezone in self._zones:
            if len(self._kept) >= _MAX_KEPT:
                self._kept.clear()
            self._kept[key] = written
        return written

    def note_success(self, call: CallSettings) -> None:
        """Take note that a statement with these settings ran: its time zone has a name that the server knows."""
        if call.timezone and call.timezone not in self._zones:
            if len(self._zones) >= _MAX_KEPT:
                self._zones.clear()
            self._zones.add(call.timezone)

    def _first(self, call: CallSettings) -> str:
        """Call the tenant's own function, whose rows stay in the database.

        What it has done to the clock and to the tenant's places counts no more.
        """
        if not call.first:
            return ""
        called = call.first.replace("%", "%%")
        counted = f'SELECT pg_catalog.count("_first"."_value") FROM (SELECT {called} AS "_value") "_first";'  # noqa: S608 - quoted
        return f"{counted}{self._slots}{_STOP}{self._clock(call)}"

    def _settings(self, call: CallSettings, *, reads_only: bool) -> tuple[list[str], list[str]]:
        """Write what is set for this transaction besides who asks; the values are the caller's own words."""
        # The path too is set each time, for a function of the tenant's may have set it.
        given = [call.schema, self._schema] if call.schema else [self._schema]
        parts = ["SET LOCAL search_path=%s,%s;" if call.schema else "SET LOCAL search_path=%s;"]
        if reads_only:
            parts.append("SET LOCAL transaction_read_only=on;")
        # First the isolation, which can't be set after a query.
        for name, value in call.hoisted:
            if name == "default_transaction_isolation":
                parts.append("SET LOCAL transaction_isolation=%s;")
                given.append(value)
        if call.timezone:
            parts.append(_ZONE if call.timezone in self._zones else _NAMED_ZONE)
            given.append(call.timezone)
        filters = [(name, value) for name, value in call.hoisted if _is_filter(name)]
        told = [("request.method", call.method), ("request.path", call.path), ("request.headers", call.headers)]
        for name, value in [*told, *filters]:
            if value:
                parts.append(f"SET LOCAL {name}=%s;")
                given.append(value)
        return parts, given

    def seconds(self, call: CallSettings) -> float:
        """Say how long a call may take, and what comes before it as long again; 0 is no limit."""
        if not (call.hoisted or call.first):
            return self.timeout_ms / 1000
        return self.least_ms(call) * (2 if call.first else 1) / 1000

    def _clock(self, call: CallSettings) -> str:
        """Start the clock, if it does not run as it should."""
        least = self.least_ms(call)
        if self._runs and not call.first:
            return "" if least == self.timeout_ms else f"{_STOP}SET LOCAL statement_timeout={least:d};"
        return f"SET LOCAL statement_timeout={least:d};" if least else ""

    def least_ms(self, call: CallSettings) -> int:
        """Say how long a statement may take: a function may have less time than all, and never more; 0 is no limit."""
        limits = [
            self.timeout_ms,
            *(_milliseconds(value) for name, value in call.hoisted if name == "statement_timeout"),
        ]
        return min([limit for limit in limits if limit], default=0)


def _milliseconds(text: str) -> int:
    """Read a duration as PostgreSQL writes it, when it is asked for a setting; 0 for none."""
    found = _duration(text)
    return int(found[1]) * _MILLISECONDS[found[2]] if found else 0
