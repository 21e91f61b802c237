"""What a statement of ours refused by itself, told from all else that PostgreSQL refuses."""

import re

import psycopg2

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.answers import guarded
from tenantry.postgrest.request import Plan
from tenantry.postgrest.sql.refusing import REFUSAL_SQLSTATE, Refusal

_number = re.compile(r"-?\d+").search


def refusal_of(exc: psycopg2.Error) -> Refusal | None:
    """Say what refused before anything was done: by SQLSTATE and the number that the text has, in any language."""
    number = _number_in(exc) if exc.pgcode == REFUSAL_SQLSTATE else None
    return next((refusal for refusal in Refusal if refusal == number), None)


def refusal_of_guard(exc: psycopg2.Error, planned: Plan) -> RequestRefused | None:
    """Say what a guard refused: by its SQLSTATE, which only a plan with guards provokes. The text has the number."""
    if not planned.guards or exc.pgcode != REFUSAL_SQLSTATE or refusal_of(exc) is not None:
        return None
    return guarded(planned, _number_in(exc))


def _number_in(exc: psycopg2.Error) -> int | None:
    found = _number(exc.diag.message_primary or "")
    return int(found[0]) if found else None
