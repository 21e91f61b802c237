"""What a statement of ours refused by itself, told from all else that PostgreSQL refuses."""

import re

import psycopg2

from tenantry.database.sql_errors import is_raised, is_within_function
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.errors import (
    IdentityMismatch,
    PayloadTooLarge,
    RequestRefused,
    StorageFull,
    TenantMoving,
    TenantryError,
)
from tenantry.postgrest.answers import guarded
from tenantry.postgrest.own_headers import malformed_headers, malformed_status
from tenantry.postgrest.request import Plan
from tenantry.postgrest.sql.refusing import REFUSAL_SQLSTATE, Refusal, guard_in, refusal_in

_number = re.compile(r"\d+").search
# A write in a session or a transaction that may only read.
READ_ONLY = "25006"


def refusal_of(exc: psycopg2.Error) -> Refusal | None:
    """Say what refused before anything was done: by SQLSTATE and the number that the text has, in any language."""
    number = _number_in(exc)
    return None if number is None else refusal_in(number)


def refused(
    exc: psycopg2.Error, connection: TenantConnection, planned: Plan, runs: Plan, max_bytes: int
) -> TenantryError | None:
    """Say what a plan's error means if our own statement or session provoked it; None if anything else did.

    :param runs: the plan as it was run, which may only read where `planned` would write.
    :param max_bytes: how large an answer may be.
    """
    if exc.pgcode == READ_ONLY and not planned.reads_only and not is_raised(exc):
        if runs.reads_only:
            return StorageFull()
        return TenantMoving() if connection.only_reads else None
    refusal = refusal_of(exc)
    if refusal is Refusal.ANOTHERS:
        return IdentityMismatch()
    return _refused_by_guard(exc, planned) if refusal is None else _told(refusal, planned, max_bytes)


def too_large(planned: Plan, max_bytes: int, *, is_done: bool = False) -> PayloadTooLarge:
    """Refuse an answer; `is_done`: the change that it tells of was made."""
    limit = f"The answer has more than {max_bytes} bytes."
    if planned.reads_only or (is_done and planned.is_taken_back):
        return PayloadTooLarge(limit, hint="Ask for fewer rows with 'limit', or fewer columns with 'select'.")
    if not is_done:
        return PayloadTooLarge(f"Nothing was changed. {limit}", hint="Send 'Prefer: return=minimal'.")
    # Whoever repeats a change that was made makes it twice.
    return PayloadTooLarge(
        f"The change was made. {limit}", hint="Do not repeat it. Send 'Prefer: return=minimal' for large changes."
    )


def _told(refusal: Refusal, planned: Plan, max_bytes: int) -> TenantryError | None:
    """Put a refusal into words; None for those after which the statement is sent in another way."""
    match refusal:
        case Refusal.TOO_LARGE:
            return too_large(planned, max_bytes)
        case Refusal.LOCATION:
            told = "Nothing was changed. The row's key, with what a function has set, is too long for the headers."
            return PayloadTooLarge(told, hint="Send 'Prefer: return=representation' to get it in the body.")
        case Refusal.HIDDEN_TYPE:
            return RequestRefused("values cannot be cast to that type", code="PGRST100")
        case Refusal.HEADERS:
            return malformed_headers()
        case Refusal.STATUS:
            return malformed_status()
    return None


def _refused_by_guard(exc: psycopg2.Error, planned: Plan) -> RequestRefused | None:
    """Say what a guard of the plan refused: by its number, which says how many rows there were as well."""
    number = _number_in(exc)
    found = None if number is None else guard_in(number)
    return guarded(*found) if found and found[0] in dict(planned.guards) else None


def _number_in(exc: psycopg2.Error) -> int | None:
    """Read the number of a refusal; what is raised within a function is none of ours."""
    if exc.pgcode != REFUSAL_SQLSTATE or is_within_function(exc):
        return None
    found = _number(exc.diag.message_primary or "")
    return int(found[0]) if found else None
