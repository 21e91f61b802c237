"""One request of the data API: planned, run in the caller's own database in one round trip, and answered."""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import psycopg2

from tenantry.aws.gateway_answers import MOST_BODY_BYTES, MOST_BYTES, sent_bytes
from tenantry.aws.tenant_secrets import TenantSecrets
from tenantry.data_api.catalogues import Catalogues
from tenantry.data_api.connection_cache import ConnectionCache
from tenantry.data_api.connection_opener import ConnectionOpener
from tenantry.data_api.raised_answers import OUT_OF_MEMORY, raised, too_costly
from tenantry.data_api.required_revision import require_revision
from tenantry.data_api.statement_refusals import READ_ONLY, refusal_of, refused, too_large
from tenantry.data_api.statement_runs import run_plan, within_quota, without_unknown_zone
from tenantry.database.connecting import ConnectSettings
from tenantry.database.preambles import NO_CALL, CallSettings
from tenantry.database.sql_errors import is_raised, is_within_function
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.errors import (
    DatabaseTimeout,
    DatabaseUnavailable,
    IdentityMismatch,
    OutcomeUnknown,
    TenantMoving,
    TooManyAtOnce,
)
from tenantry.domain.tenant import Caller, database_role
from tenantry.postgrest import Answer, Plan, Request, RequestLimits, answer_of
from tenantry.postgrest.names import quote
from tenantry.postgrest.plan.planning import schema_of
from tenantry.postgrest.sql.refusing import Refusal

_UNKNOWN_STATEMENT = "26000"
# A function has prepared statements of its own by the names that ours get next.
_TAKEN_STATEMENT = "42P05"
# How long a statement waits for another of the same tenant's to end, each time: seconds, of which at least half. A page
# that sends six slow requests at once gets all of its answers.
_PAUSES = (0.03, 0.06, 0.12, 0.25, *[0.5] * 8)
# Of six bytes that Lambda sends, four and a half are the answer's: quotes are escaped there.
_SENT = 4 / 3
# A setting's value that can't be: a time zone that is none, perhaps.
_INVALID_PARAMETER = "22023"
# A name that PostgreSQL does not know, or no key for ON CONFLICT: the catalogue may be older than the database.
_STALE_CATALOGUE = frozenset({"42P01", "42703", "42883", "42704", "42P10", "3F000"})


class Call(NamedTuple):
    """A request of one caller's, and what their database is told of it."""

    caller: Caller
    request: Request
    settings: CallSettings = NO_CALL


class DataRequests:
    """Runs data requests. Holds what an execution environment keeps between them, each part keyed by tenant."""

    def __init__(
        self,
        secrets: TenantSecrets,
        connections: ConnectionCache,
        connect: ConnectSettings,
        limits: RequestLimits,
        catalogues: Catalogues,
    ) -> None:
        """Take the adapters; an answer of more than `limits.max_answer_bytes` is refused."""
        self._connections = connections
        self._opener = ConnectionOpener(secrets, connect)
        # By whether tenants share the database, and whether a pooler is in between.
        self._limits = {
            (shared, pooled): replace(limits, own_database=not shared, prepared=not pooled)
            for shared in (False, True)
            for pooled in (False, True)
        }
        self._catalogues = catalogues
        self._max_answer_bytes = limits.max_answer_bytes

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def run(self, call: Call) -> Answer:
        """Run a request as its caller.

        :raises TenantryError: and nothing was changed, but for OutcomeUnknown.
        """
        reads = call.request.method in ("GET", "HEAD")
        return self._with_connection(call.caller, partial(self._answer, call), reads=reads)

    def require_revision(self, caller: Caller, required: str) -> None:
        """Make sure that a tenant whose schema was behind has caught up.

        :raises SchemaBehind: it has not.
        :raises TenantryError: as `run` does.
        """
        self._with_connection(caller, lambda connection: require_revision(connection, caller.tenant_id, required))

    def with_catalogue(self, caller: Caller, use: Callable[[TenantConnection, Catalogues], Answer]) -> Answer:
        """Answer something about the caller's database that is no row of it.

        :raises TenantryError: as `run` does.
        """
        return self._with_connection(caller, lambda connection: use(connection, self._catalogues))

    def _answer(self, call: Call, connection: TenantConnection) -> Answer:
        call = _placed(call, connection)
        limits = self._limits_of(call.caller, connection)
        planned, fresh = self._catalogues.plan(call.request, limits, connection)
        if planned.text in connection.wide:
            limits = replace(limits, exact=True)
            planned, fresh = self._catalogues.plan(call.request, limits, connection)
        answer = None
        while answer is None:
            # Each other plan is one that the last was not: with a fresh catalogue, with an exact bound, without a zone.
            try:
                answer = self._run_in_turn(connection, call, planned)
            except psycopg2.Error as exc:
                otherwise = self._planned_otherwise(exc, call, limits, connection, planned, fresh=fresh)
                fresh = fresh or refusal_of(exc) is None
                planned = otherwise
        if self._is_too_large(planned, answer.body):
            raise too_large(planned, self._max_answer_bytes, is_done=True)
        return answer

    def _is_too_large(self, planned: Plan, body: str) -> bool:
        """Whether Lambda could not send it, or a read has more bytes than may be; a change has bounded its answer."""
        most, most_sent = self._max_answer_bytes, self._max_answer_bytes * _SENT
        if planned.is_binary:
            # Base64 is sent as it is: four bytes for three, which is no more than quotes may take.
            most = int(most_sent)
        if not planned.reads_only:
            most = most_sent = MOST_BODY_BYTES
        if len(body) * MOST_BYTES <= most:
            return False
        return len(body.encode()) > most or sent_bytes(body) > most_sent

    def _run_in_turn(self, connection: TenantConnection, call: Call, planned: Plan) -> Answer:
        """Run a plan, and wait shortly where as many statements of the tenant's are running as may.

        :raises TooManyAtOnce: none of them ended meanwhile.
        """
        for pause in _PAUSES:
            try:
                return self._run(connection, call, planned)
            except psycopg2.Error as exc:
                if refusal_of(exc) is not Refusal.BUSY:
                    raise
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - so that those who wait do not come together
        try:
            return self._run(connection, call, planned)
        except psycopg2.Error as exc:
            if refusal_of(exc) is not Refusal.BUSY:
                raise
            raise TooManyAtOnce() from exc

    def _planned_otherwise(
        self,
        exc: psycopg2.Error,
        call: Call,
        limits: RequestLimits,
        connection: TenantConnection,
        planned: Plan,
        *,
        fresh: bool,
    ) -> Plan:
        """Plan a request anew whose statement failed for what may not be its caller's doing; nothing was changed.

        :raises psycopg2.Error: there is no other plan.
        """
        again, refusal = planned, refusal_of(exc)
        if refusal is Refusal.WIDE:
            connection.note_wide(planned.text)
            again, _ = self._catalogues.plan(call.request, replace(limits, exact=True), connection)
        elif is_raised(exc):
            raise exc
        elif exc.pgcode == _INVALID_PARAMETER and planned.preferences.timezone:
            again = without_unknown_zone(connection, planned)
        elif _may_be_stale(exc, call, planned) and not fresh and not connection.is_lost:
            again = self._catalogues.plan_anew(call.request, limits, connection)
        if again == planned:
            raise exc
        return again

    def _limits_of(self, caller: Caller, connection: TenantConnection) -> RequestLimits:
        limits = self._limits[connection.shares_database, connection.is_pooled]
        settings = caller.data_api
        if settings.max_rows == 0 and not settings.aggregates and not settings.plans and not settings.at_once:
            return limits
        return replace(
            limits,
            max_rows=settings.row_limit(limits.max_rows),
            aggregates=settings.aggregates,
            plans=settings.plans,
            at_once=settings.at_once or limits.at_once,
        )

    def _run(self, connection: TenantConnection, call: Call, planned: Plan) -> Answer:
        role = database_role(call.caller.tenant_id, call.caller.role)
        runs = within_quota(call.caller, planned)
        try:
            row = run_plan(connection, role, call.caller.claims, call.settings, runs)
        except psycopg2.Error as exc:
            if connection.is_lost and not (runs.reads_only or runs.is_taken_back):
                raise OutcomeUnknown() from exc
            if refusal := refused(exc, connection, planned, runs, self._max_answer_bytes):
                raise refusal from exc
            raise
        return answer_of(planned, row)

    def _with_connection[T](self, caller: Caller, use: Callable[[TenantConnection], T], *, reads: bool = True) -> T:
        """Use the caller's connection; what it sends may be more than the process can hold."""
        try:
            return self._repeatedly(caller, use)
        except MemoryError as exc:
            # The session may be in the midst of an answer.
            self._connections.forget(caller.tenant_id)
            failed = isinstance(exc.__context__, psycopg2.Error) and exc.__context__.pgcode is not None
            raise (too_costly() if failed or reads else OutcomeUnknown()) from exc

    def _repeatedly[T](self, caller: Caller, use: Callable[[TenantConnection], T]) -> T:
        """Use it once more with another, where the first was lost before anything changed."""
        connection, is_new = self._connections.get(caller.tenant_id, self._opener.open)
        try:
            return use(connection)
        except (OutcomeUnknown, TenantMoving):
            if connection.is_lost or connection.is_pooled:
                # A pooler's client is not told when its sessions end, and would learn it in the midst of a change.
                self._connections.forget(caller.tenant_id)
            raise
        except IdentityMismatch:
            # A pooler has led to another database than before: nothing was read, and the secret may be another by now.
            self._connections.forget(caller.tenant_id)
        except psycopg2.Error as exc:
            self._require_another_try(exc, caller, connection, is_new=is_new)
        return self._once_more(caller, use)

    def _require_another_try(
        self, exc: psycopg2.Error, caller: Caller, connection: TenantConnection, *, is_new: bool
    ) -> None:
        """Get ready to send a message once more of which nothing was done. :raises TenantryError: it is the answer."""
        if exc.pgcode == OUT_OF_MEMORY and not is_new and not is_raised(exc):
            # What the session has kept for former requests counts as well; nothing was changed.
            self._connections.forget(caller.tenant_id)
        elif exc.pgcode == _UNKNOWN_STATEMENT and not is_within_function(exc):
            # Somebody reset the session: nothing ran, so the same message is prepared and sent once more.
            connection.forget_prepared()
        elif refusal_of(exc) is Refusal.STALE:
            # Types have changed since: nothing ran, so it is planned and prepared with those that there are.
            connection.forget_prepared()
            self._catalogues.forget(caller.tenant_id)
        elif connection.is_lost or (exc.pgcode == _TAKEN_STATEMENT and not is_within_function(exc)):
            self._connections.forget(caller.tenant_id)
            if connection.is_out_of_time:
                raise DatabaseTimeout() from exc
        else:
            raise raised(exc) from exc

    def _once_more[T](self, caller: Caller, use: Callable[[TenantConnection], T]) -> T:
        connection, _ = self._connections.get(caller.tenant_id, self._opener.open)
        try:
            return use(connection)
        except psycopg2.Error as exc:
            if not connection.is_lost:
                raise raised(exc) from exc
            self._connections.forget(caller.tenant_id)
            raise DatabaseUnavailable() from exc
        except OutcomeUnknown:
            self._connections.forget(caller.tenant_id)
            raise


def _may_be_stale(exc: psycopg2.Error, call: Call, planned: Plan) -> bool:
    """Tell whether the catalogue may be older than the database; by it, a function that writes only reads."""
    if exc.pgcode == READ_ONLY:
        return planned.reads_only and call.request.method == "POST"
    return exc.pgcode in _STALE_CATALOGUE


def _placed(call: Call, connection: TenantConnection) -> Call:
    """Say what only the connection knows: the schemas by the names that they have there, and which of them is meant."""
    schemas = call.caller.data_api.exposed(connection.schema)
    if schemas != call.request.schemas or connection.partition:
        request = call.request._replace(schemas=schemas, partition=connection.partition)
        call = call._replace(request=request)
    schema = schema_of(call.request)
    first = first_call(call.caller, connection) if call.caller.data_api.pre_request else ""
    if schema == connection.schema and not first:
        return call
    other = "" if schema == connection.schema else schema
    return call._replace(settings=call.settings._replace(schema=other, first=first))


def first_call(caller: Caller, connection: TenantConnection) -> str:
    """Write the call of the function that an operator has set to come before each request; empty is none."""
    named = caller.data_api.pre_request_in(connection.schema)
    return f"{quote(named[0])}.{quote(named[1])}()" if named else ""
