"""Tells the refusal of a statement's own guard from all other errors of PostgreSQL."""

import re

import psycopg2

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.answers import guarded
from tenantry.postgrest.request import Plan
from tenantry.postgrest.sql.envelope import REFUSAL_SQLSTATE

_number = re.compile(r"\d+").search


def refusal_of_guard(exc: psycopg2.Error, planned: Plan) -> RequestRefused | None:
    """Build the refusal of a guard; None for other errors. Only a plan with guards causes this SQLSTATE.

    The number of rows is in the error's text.
    """
    if not planned.guards or exc.pgcode != REFUSAL_SQLSTATE:
        return None
    found = _number(exc.diag.message_primary or "")
    return guarded(planned, int(found[0]) if found else None)
