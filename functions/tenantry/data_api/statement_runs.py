"""A plan's statement, run: with its estimate where that was asked for, or explained instead."""

import json
from dataclasses import replace
from typing import Any

from tenantry.database.preambles import CallSettings
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.tenant import Caller
from tenantry.postgrest import Plan, Row
from tenantry.postgrest.media import Form
from tenantry.postgrest.preferences import unmet_preferences
from tenantry.postgrest.request import Action

_JSON_PLAN = ("FORMAT JSON",)
_IS_ZONE = "SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = %s)"


def within_quota(caller: Caller, planned: Plan) -> Plan:
    """Let a statement only read where the tenant takes up more than it may, unless it deletes rows of a table.

    PostgreSQL refuses what writes then: also what a function does, which nobody can tell beforehand.
    """
    if not caller.over_quota or planned.action is Action.DELETE:
        return planned
    return planned._replace(reads_only=True)


def run_plan(connection: TenantConnection, role: str, claims: str, call: CallSettings, planned: Plan) -> Row:
    """Run a plan in one round trip; an estimate, and what is taken back, cost one more.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    if planned.preferences.timezone or planned.settings:
        call = call._replace(timezone=planned.preferences.timezone or "", hoisted=planned.settings)
    if planned.media.form is Form.PLAN:
        return _explained(connection, role, claims, call, planned)
    found = connection.run(
        role,
        claims,
        planned.text,
        planned.values,
        reads_only=planned.reads_only,
        columns=len(Row._fields),
        call=call._replace(is_gated=True),
        rolls_back=planned.is_taken_back,
    )
    row = Row(*found)
    connection.note_state(row.session)
    return row if planned.counted is None else _estimated(connection, role, claims, call, planned, row)


def without_unknown_zone(connection: TenantConnection, planned: Plan) -> Plan:
    """Leave out a time zone that PostgreSQL does not know, as any preference that can't be met.

    :return: the same plan, where it does.
    :raises RequestRefused: all preferences have to be met.
    """
    preferences = planned.preferences
    if connection.read_json(_IS_ZONE, (preferences.timezone,)):
        return planned
    if preferences.is_strict:
        raise unmet_preferences([f"timezone={preferences.timezone}"])
    applied = [each for each in planned.applied.split(", ") if not each.startswith("timezone=")]
    return planned._replace(preferences=replace(preferences, timezone=None), applied=", ".join(applied))


def _explained(connection: TenantConnection, role: str, claims: str, call: CallSettings, planned: Plan) -> Row:
    words = planned.media.options
    lines = connection.explain(
        role,
        claims,
        planned.text,
        planned.values,
        words,
        reads_only=planned.reads_only,
        call=call,
        rolls_back=planned.is_taken_back,
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
