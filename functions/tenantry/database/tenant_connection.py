"""One tenant's connection: what is checked when it is opened, and the one message of a request."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from tenantry.database.client_library import DroppedNotices
from tenantry.database.connecting import ConnectSettings, connect, is_pooled
from tenantry.database.identity import introduce, is_of_another
from tenantry.database.plain_statements import PlainStatements
from tenantry.database.pooled_session import TakingOver, ask_whether_only_reads
from tenantry.database.preambles import ANEW, NO_CALL, CallSettings, Preambles
from tenantry.database.prepared_statements import PreparedStatements
from tenantry.database.schema_notices import SchemaNotices
from tenantry.database.sql_errors import is_raised, is_within_function
from tenantry.database.statement_watch import StatementWatch, end_session
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import IdentityMismatch, StatementFailed
from tenantry.domain.tenant import Isolation, TenantId

_MAX_WIDE = 64
# A value that can't be read as its parameter's type, or a statement that can't be planned with it: of a statement that
# was prepared before, perhaps only because the type was another then. All else is found by the statement itself.
_ODD = frozenset({"22P02", "22P03", "22007", "22008", "22003", "42804", "42883", "42846", "0A000", "XX000"})
# Characters: the session's buffer is as long as the longest message that it has read.
_LONG_ERROR = 1_000_000
_OTHER_ENCODING = "22P05"
_SENT_OTHERWISE = "The statement ran, but a trigger has set another client_encoding, so its answer can't be read."
_READ_AGAIN = "What it has changed is changed: do not repeat it. Have the trigger leave client_encoding as it is."
# A statement was cancelled, or its time was over; of so many in a row one is told.
_ENDED, _MOST_CUT_SHORT = "57014", 4
# A function may have prepared another statement by the name of ours: EXECUTE finds a wrong number of parameters.
_OTHER_PARAMETERS = "42601"
_NOT_OURS = "A function of the database has replaced a statement of the session, so this was not served."
_SEND_AGAIN = "Send the request again; mend the function that did so."
_UNKNOWN_STATEMENT = "26000"
# What a transaction begins with, before anything of ours can take it back: as when the session was opened.
_READ_ONLY = "default_transaction_read_only"


class TenantConnection:
    """A connection that belongs to one tenant, with the statements that were prepared on it."""

    _watch: Final = StatementWatch()

    def __init__(self, tenant_id: TenantId, credentials: Credentials, settings: ConnectSettings) -> None:
        """Open it and check that the database is this tenant's.

        :raises DatabaseUnavailable: it can't be opened.
        :raises IdentityMismatch: the database says that it is another's, or nobody's.
        """
        self.tenant_id = tenant_id
        self.opened_at = time.monotonic()
        # Each call sets its own search_path; what is asked before and between finds no function that a tenant made.
        plain = replace(credentials, schema="pg_catalog")
        self._connection = connect(plain, settings)
        self._began_read_only = self._connection.get_parameter_status(_READ_ONLY)
        self._notices = SchemaNotices(self._connection, DroppedNotices(self._connection).told)
        # Whether each message may be another session's: nothing is kept in any, and none is listened to.
        self.is_pooled = is_pooled(credentials, settings)
        self._statements = PlainStatements() if self.is_pooled else PreparedStatements()
        pid = self._connection.get_backend_pid()
        # A pooler's client knows of no process; the pooler ends the session that it served when the client hangs up.
        self._end_session = _end_nothing if self.is_pooled else partial(end_session, plain, settings, pid)
        self.schema = credentials.schema
        self.shares_database = credentials.isolation is not Isolation.DATABASE
        # Of tables that are shared: what each of their keys begins with. The database fills it in.
        self.partition = "tenant_id" if credentials.isolation is Isolation.POOLED else ""
        # Statements whose answers are too large to be bounded by the row.
        self.wide: set[str] = set()
        # Whether even a plain request may be shown or read in a way that only the catalogue tells.
        self.has_own_forms = True
        self._state, self._is_as_new = "", True
        # How often a clock of somebody else's ran out on a message of ours.
        self._cut_short = 0
        # The last statement did not end when its time was over, and was left.
        self.is_out_of_time = False
        try:
            self._introduce(settings, _slots(credentials) if self.shares_database else None)
        except BaseException:
            self.close()
            raise

    def _introduce(self, settings: ConnectSettings, slots: int | None) -> None:
        limit, ahead, asking = settings.statement_timeout_ms or 0, None, ""
        if self.is_pooled:
            ahead = TakingOver(self.tenant_id, settings, self._connection)
            asking = f"{ahead.take_back()}{ahead.for_transaction()}"
        found = introduce(self._connection, self.tenant_id, limit, taking_over=asking)
        timeout_ms, self._state, self.has_own_forms = found
        self._preambles = Preambles(self.tenant_id, self.schema, slots, ahead.for_transaction() if ahead else ANEW)
        self._preambles.timeout_ms = timeout_ms
        # What comes first, by whether a statement looks by itself whose database it is in.
        self._ahead, self._begin = {False: b"", True: b""}, "BEGIN;"
        self._asking = f"RESET ROLE;RESET ALL;SET statement_timeout={timeout_ms:d};"
        if ahead:
            ahead.timeout_ms = timeout_ms
            self._ahead = {gated: ahead.take_back(is_gated=gated).encode() for gated in (False, True)}
            self._begin = f"BEGIN;SET LOCAL idle_in_transaction_session_timeout={ahead.idle_timeout_ms:d};"
            path = "SET LOCAL search_path=pg_catalog,pg_temp;"
            self._asking = f"{ahead.take_back()}{ahead.for_transaction()}{path}"

    @property
    def is_alive(self) -> bool:
        """Whether it can be used, without a round trip; one that reads what we send otherwise than we mean it can't."""
        if self._connection.closed or not self._is_as_new or self._notices.has_ended():
            return False
        status = self._connection.get_parameter_status
        return bool(
            status(_READ_ONLY) == self._began_read_only
            and status("standard_conforming_strings") == "on"
            and status("client_encoding") == "UTF8"
        )

    @property
    def only_reads(self) -> bool:
        """Whether no statement of this session may write, whatever it is: perhaps because its tenant is being moved.

        :raises psycopg2.Error: a pooler's session had to be asked, and can't be.
        """
        if self.is_pooled:
            return ask_whether_only_reads(self._connection)
        status = self._connection.get_parameter_status
        return bool(self._began_read_only != "off" or status("in_hot_standby") == "on")

    def take_notice(self) -> bool:
        """Tell, once, whether this database has said since that its schema changed; it costs no round trip."""
        return self._notices.take()

    def note_wide(self, text: str) -> None:
        """Remember that a statement's rows are too large to be bounded one by one."""
        if len(self.wide) >= _MAX_WIDE:
            self.wide.clear()
        self.wide.add(text)

    def note_state(self, state: str | None) -> None:
        """Take note of a statement's `SESSION_STATE`: where it is another by now, the session is not used again."""
        self._is_as_new = self._is_as_new and state == self._state

    @property
    def is_lost(self) -> bool:
        """Whether the last statement broke the connection."""
        return bool(self._connection.closed)

    def close(self) -> None:
        """Close it; closing twice is fine."""
        self._connection.close()

    def run(
        self,
        role: str,
        claims: str,
        text: str,
        values: tuple[str | None, ...],
        *,
        reads_only: bool,
        columns: int = 0,
        call: CallSettings = NO_CALL,
        rolls_back: bool = False,
    ) -> tuple[Any, ...]:
        """Run one statement as `role` in one round trip, in a transaction of its own, and return its one row.

        PostgreSQL takes the settings and the statement as one message, which is one implicit transaction; `SET LOCAL`
        ends with it. The statement is prepared once for each shape: parsing and planning it costs more than running it.

        :param text: one statement with placeholders `$1`…, that returns one row.
        :param columns: how many the row has, by which it is told from a row of another statement; 0 is any number.
        :param rolls_back: take back what it did, in a second round trip, after every constraint was checked.
        :raises StatementFailed: a function has put another statement in the place of this one.
        :raises psycopg2.Error: as PostgreSQL gave it.
        """
        if not rolls_back:
            return self._only(self._send("", role, claims, call, text, values, reads_only=reads_only), columns)
        with self._ending(rolls_back) as begin:
            return self._only(self._send(begin, role, claims, call, text, values, reads_only=reads_only), columns)

    def _only(self, rows: list[tuple[Any, ...]], columns: int) -> tuple[Any, ...]:
        """Return the one row of a statement of ours; a function may have prepared another one by its name."""
        if len(rows) == 1 and len(rows[0]) == (columns or len(rows[0])):
            return rows[0]
        self.note_state(None)
        raise StatementFailed(_NOT_OURS, code=_UNKNOWN_STATEMENT, hint=_SEND_AGAIN)

    def explain(
        self,
        role: str,
        claims: str,
        text: str,
        values: tuple[str | None, ...],
        words: tuple[str, ...],
        *,
        reads_only: bool,
        call: CallSettings = NO_CALL,
        rolls_back: bool = False,
    ) -> list[Any]:
        """Explain one statement in the same way; `words` are EXPLAIN's options, of which ANALYZE runs it.

        :return: lines of text or, of FORMAT JSON, the plans.
        :raises psycopg2.Error: as PostgreSQL gave it.
        """
        if "ANALYZE" in words:
            # It runs, and does not say what it has left of the session.
            self._is_as_new = False
        with self._ending(rolls_back) as begin:
            rows = self._send(begin, role, claims, call, text, values, reads_only=reads_only, words=words)
        return [row[0] for row in rows]

    @contextmanager
    def _ending(self, rolls_back: bool) -> Iterator[str]:
        """Give what begins a transaction that is taken back, and take it back; nothing, where it just ends."""
        if not rolls_back:
            yield ""
            return
        try:
            yield self._begin
            self._execute(b"SET CONSTRAINTS ALL IMMEDIATE")
        finally:
            if not self._connection.closed:
                self._execute(b"ROLLBACK")

    def read_json(self, statement: str, values: Any) -> Any:
        """Read the one value of a query as the login, which holds no rights but sees the catalogue's names.

        :raises psycopg2.Error: as PostgreSQL gave it.
        """
        with self._connection.cursor() as cursor:
            self._execute_in_time(
                cursor, cursor.mogrify(f"{self._asking}{statement}", values), self._preambles.seconds(NO_CALL)
            )
            return cursor.fetchone()[0]

    def _send(
        self,
        begin: str,
        role: str,
        claims: str,
        call: CallSettings,
        text: str,
        values: tuple[str | None, ...],
        *,
        reads_only: bool,
        words: tuple[str, ...] = (),
    ) -> list[tuple[Any, ...]]:
        started = time.monotonic()
        execution, known = self._statements.execution(text, len(values), words, call.schema)
        with self._connection.cursor() as cursor:
            preamble = self._preambles.write(cursor, role, claims, call, reads_only=reads_only)
            given = self._statements.arguments(values)
            filled = cursor.mogrify(execution, given) if values else execution.replace("%%", "%").encode()
            try:
                message = self._ahead[call.is_gated] + begin.encode() + preamble + filled
                self._execute_in_time(cursor, message, self._preambles.seconds(call))
            except psycopg2.Error as exc:
                # What an error took up is kept for the next one's sake.
                self._is_as_new = self._is_as_new and len(exc.pgerror or "") < _LONG_ERROR
                if is_of_another(exc):
                    raise IdentityMismatch() from exc
                odd = known and _is_odd(exc)
                if odd or not known:
                    self._statements.abandon(text, call.schema)
                if self._connection.closed or not (odd or self._was_cut_short(exc, started, call)):
                    raise
            else:
                self._preambles.note_success(call)
                return self._fetch(cursor)
        # Nothing has happened: the same once more, with types as they are now.
        if begin:
            self._execute(b"ROLLBACK")
        return self._send(begin, role, claims, call, text, values, reads_only=reads_only, words=words)

    def _was_cut_short(self, exc: psycopg2.Error, started: float, call: CallSettings) -> bool:
        """Whether a pooler's session still had a clock that somebody else had set, which ran out before it was stopped.

        The next message finds that session first, and is short enough to stop the clock in time.
        """
        if not self.is_pooled or exc.pgcode != _ENDED or is_raised(exc):
            return False
        least = self._preambles.least_ms(call)
        if least and (time.monotonic() - started) * 1000 >= least:
            return False
        self._cut_short += 1
        if self._cut_short % _MOST_CUT_SHORT == 0:
            return False
        if self._connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            self._execute(b"RESET statement_timeout")
        return True

    def _execute_in_time(self, cursor: Any, message: bytes, seconds: float) -> None:
        """Execute a message, whatever the tenant's functions do about its limit in time; 0 seconds are no limit."""
        if not seconds:
            cursor.execute(message)
            return
        limit = self._watch.begin(self._connection, seconds, self._end_session)
        try:
            cursor.execute(message)
        finally:
            self._watch.end(limit)
            if limit.is_cancelled:
                self._is_as_new, self.is_out_of_time = False, limit.is_hung_up

    def _fetch(self, cursor: Any) -> list[tuple[Any, ...]]:
        try:
            # Only what is none of our statements has no rows to give.
            rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        except UnicodeDecodeError as exc:
            self._is_as_new = False
            raise StatementFailed(_SENT_OTHERWISE, code=_OTHER_ENCODING, hint=_READ_AGAIN) from exc
        self._notices.hear()
        return rows

    def _execute(self, command: bytes) -> None:
        with self._connection.cursor() as cursor:
            self._execute_in_time(cursor, command, self._preambles.seconds(NO_CALL))

    def forget_prepared(self) -> None:
        """Forget every prepared statement, as when the server says that it does not know one."""
        self._statements.forget()

    def prepare_anew(self) -> None:
        """Prepare every statement anew: PostgreSQL keeps a domain's default in one, whatever becomes of it."""
        self._statements.renew()


def _end_nothing() -> None:
    """Leave it to whoever knows the session."""


def _is_odd(exc: psycopg2.Error) -> bool:
    """Whether a statement that was prepared may have failed only because it is not what it should be by now."""
    if exc.pgcode == _OTHER_PARAMETERS:
        return not is_within_function(exc)
    return exc.pgcode in _ODD and not is_raised(exc)


def _slots(credentials: Credentials) -> int:
    """Choose the first key of the advisory locks that are the tenant's places.

    Where tenants share a database they share its locks: who does not know the password can't hold another's places.
    """
    if credentials.isolation is Isolation.DATABASE:
        return 0
    digest = hashlib.sha256(f"tenantry slots {credentials.username} {credentials.password}".encode()).digest()
    return int.from_bytes(digest[:4], "big", signed=True)
