"""`/admin/v1/rollouts`: revisions for the whole fleet; and the report on who is at which."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from handlers.routes.exchange import (
    new_routes,
    operator,
    parameters_of,
    read_body,
    record,
    reply,
    reply_with_page,
    reply_with_text,
)
from handlers.routes.parameters import PAGING, takes
from handlers.routes.rollout_bodies import (
    RolloutBody,
    SkipBody,
    as_csv,
    count_states,
    show_home,
    show_rollout,
)
from handlers.wiring.services import services
from tenantry.domain.errors import BadRequest
from tenantry.domain.ulid import is_ulid
from tenantry.rollouts.ledger import homes_of
from tenantry.rollouts.rollout import EntryState, Rollout

routes = new_routes()


@routes.get("/admin/v1/rollouts")
@takes(*PAGING)
def list_rollouts() -> Response[str]:
    """List rollouts, newest first, page by page."""
    asked = parameters_of(routes, list_rollouts)
    return reply_with_page(asked, services().rollouts.page(asked.page(is_ulid)), show_rollout)


@routes.post("/admin/v1/rollouts")
def start_rollout() -> Response[str]:
    """Start a rollout, or a dry run of one."""
    with record(routes, "start_rollout", "fleet/rollouts"):
        order = read_body(routes, RolloutBody).order()
        rollout = services().rollouts.start(order, operator(routes))
    return reply(202, show_rollout(rollout))


@routes.get("/admin/v1/rollouts/<rollout_id>")
def show_one_rollout(rollout_id: str) -> Response[str]:
    """Show a rollout: what it runs, and how far it is in each wave."""
    rollout = services().rollouts.get(rollout_id)
    steps = services().rollouts.steps(rollout_id)
    safety = services().safety
    shown = [step.to_json() | {"findings": [_finding(finding) for finding in safety.findings(step)]} for step in steps]
    counted = count_states(services().rollouts.entries(rollout_id), rollout)
    return reply(200, show_rollout(rollout) | counted | {"steps": shown})


@routes.get("/admin/v1/rollouts/<rollout_id>/tenants")
@takes("state", "format", *PAGING)
def list_homes(rollout_id: str) -> Response[str]:
    """Show the ledger by home, page by page: `state` narrows it, `format=csv` writes all."""
    asked = parameters_of(routes, list_homes)
    rollout = services().rollouts.get(rollout_id)
    state = _state(asked.text("state"))
    match asked.text("format", "json"):
        case "csv":
            entries = [e for e in services().rollouts.entries(rollout_id) if state in (None, e.state)]
            return reply_with_text(200, as_csv(entries, rollout), "text/csv; charset=utf-8")
        case "json":
            page = services().rollouts.entries_page(rollout_id, state, asked.page(homes_of(rollout_id).has))
            return reply_with_page(asked, page, lambda entry: show_home(entry, rollout))
        case _:
            raise BadRequest("There is no such format.", code="invalid_format", hint="json or csv.")


@routes.post("/admin/v1/rollouts/<rollout_id>/pause")
def pause_rollout(rollout_id: str) -> Response[str]:
    """Begin nothing more; what a worker has begun is ended."""
    with record(routes, "pause_rollout", f"rollout/{rollout_id}"):
        return _answer(services().steering.pause(rollout_id))


@routes.post("/admin/v1/rollouts/<rollout_id>/resume")
def resume_rollout(rollout_id: str) -> Response[str]:
    """Go on; what has failed or was blocked is tried anew."""
    with record(routes, "resume_rollout", f"rollout/{rollout_id}"):
        return _answer(services().steering.resume(rollout_id))


@routes.post("/admin/v1/rollouts/<rollout_id>/promote")
def promote_rollout(rollout_id: str) -> Response[str]:
    """Open the gate of the present wave."""
    with record(routes, "promote_rollout", f"rollout/{rollout_id}"):
        return _answer(services().steering.promote(rollout_id))


@routes.post("/admin/v1/rollouts/<rollout_id>/cancel")
def cancel_rollout(rollout_id: str) -> Response[str]:
    """End a rollout for good: what was not begun is left as it is."""
    with record(routes, "cancel_rollout", f"rollout/{rollout_id}"):
        return _answer(services().steering.cancel(rollout_id))


@routes.post("/admin/v1/rollouts/<rollout_id>/revert")
def revert_rollout(rollout_id: str) -> Response[str]:
    """Start a rollout that takes back what this one did, in the homes that it changed."""
    with record(routes, "revert_rollout", f"rollout/{rollout_id}"):
        return _answer(services().rollouts.revert(rollout_id, operator(routes)))


@routes.post("/admin/v1/rollouts/<rollout_id>/skip")
def skip_home(rollout_id: str) -> Response[str]:
    """Leave a home out of a rollout, with a reason."""
    with record(routes, "skip_home", f"rollout/{rollout_id}"):
        body = read_body(routes, SkipBody)
        entry = services().steering.skip(rollout_id, body.tenant, body.reason)
    return reply(200, show_home(entry, services().rollouts.get(rollout_id)))


@routes.get("/admin/v1/reports/migrations")
def read_migration_report() -> Response[str]:
    """Show the report on migrations: who is at which revision, and who is behind and why."""
    return reply(200, services().migrations.run())


def _answer(rollout: Rollout) -> Response[str]:
    return reply(202, show_rollout(rollout))


def _state(text: str) -> EntryState | None:
    try:
        return EntryState(text) if text else None
    except ValueError as exc:
        told = ", ".join(state.value for state in EntryState)
        raise BadRequest("There is no such state.", code="invalid_state", hint=f"One of {told}.") from exc


def _finding(finding: Any) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "level": finding.level.value,
        "message": finding.message,
        "tables": list(finding.tables),
        "by_size": finding.by_size,
        "accepted": finding.accepted,
    }
