"""A plan's statement, run: with its estimate where that was asked for, or explained instead."""

import json
from dataclasses import replace
from typing import Any

from tenantry.adapters.postgres import CallSettings, TenantConnection
from tenantry.postgrest import Plan, Row
from tenantry.postgrest.media import Form

_JSON_PLAN = ("FORMAT JSON",)


def run_plan(connection: TenantConnection, role: str, claims: str, call: CallSettings, planned: Plan) -> Row:
    """Run a plan in one round trip; an estimate, and what is taken back, cost one more.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    if planned.preferences.timezone:
        call = replace(call, timezone=planned.preferences.timezone)
    if planned.media.form is Form.PLAN:
        return _explained(connection, role, claims, call, planned)
    row = Row(
        *connection.run(
            role,
            claims,
            planned.text,
            planned.values,
            reads_only=planned.reads_only,
            call=call,
            rolls_back=planned.preferences.tx == "rollback",
        )
    )
    return row if planned.counted is None else _estimated(connection, role, claims, call, planned, row)


def _explained(connection: TenantConnection, role: str, claims: str, call: CallSettings, planned: Plan) -> Row:
    words = planned.media.options
    lines = connection.explain(
        role, claims, planned.text, planned.values, words, reads_only=planned.reads_only, call=call
    )
    body = json.dumps(lines[0]) if words[0] == _JSON_PLAN[0] else "\n".join(lines) + "\n"
    return Row(None, 0, body)


def _estimated(
    connection: TenantConnection, role: str, claims: str, call: CallSettings, planned: Plan, row: Row
) -> Row:
    """Replace the count by PostgreSQL's estimate, where more rows match than were counted."""
    assert planned.counted is not None  # noqa: S101 - the caller looked
    if row.total is not None and row.total <= planned.max_rows:
        return row
    text, values = planned.counted
    plans = connection.explain(role, claims, text, values, _JSON_PLAN, reads_only=True, call=call)
    return row._replace(total=max(_plan_rows(plans[0]), row.total or 0))


def _plan_rows(plans: Any) -> int:
    return int(plans[0]["Plan"]["Plan Rows"])
