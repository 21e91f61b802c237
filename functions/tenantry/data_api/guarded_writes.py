"""What a statement's own guard refused, told from all else that PostgreSQL refuses."""

import re

import psycopg2

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.answers import guarded
from tenantry.postgrest.request import Plan
from tenantry.postgrest.sql.envelope import REFUSAL_SQLSTATE

_number = re.compile(r"\d+").search


def refusal_of_guard(exc: psycopg2.Error, planned: Plan) -> RequestRefused | None:
    """Say what a guard refused: by its SQLSTATE, which only a plan with guards provokes. The text has the number."""
    if not planned.guards or exc.pgcode != REFUSAL_SQLSTATE:
        return None
    found = _number(exc.diag.message_primary or "")
    return guarded(planned, int(found[0]) if found else None)
