"""Says what comes next in a rollout: the state machine of the rollouts asks it after each round."""

from functools import cache
from typing import Any

from handlers.settings.rollouts import conductor_settings
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.state_machine import StateMachine
from tenantry.observability import count, logger
from tenantry.rollouts.conducting import Conductor
from tenantry.rollouts.error_counts import ErrorCounts
from tenantry.rollouts.error_gate import ErrorGate
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.rollout import RolloutState
from tenantry.rollouts.rollout_store import RolloutStore


@cache
def _conductor() -> tuple[Conductor, RolloutStore]:
    settings = conductor_settings()
    dynamodb, table = aws_client("dynamodb", settings.region), settings.registry_table
    rollouts = RolloutStore(dynamodb, table)
    machine = StateMachine(aws_client("stepfunctions", settings.region), settings.rollout_machine_arn)
    registry = Registry(dynamodb, table)
    gate = ErrorGate(registry, ErrorCounts(dynamodb, settings.error_counts_table))
    return Conductor(registry, rollouts, Ledger(dynamodb, table), machine, gate), rollouts


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Say what comes next: `{"action": "work" | "wait" | "end", "slices": […], "seconds"}`.

    :param event: `{"rollout_id", "execution"}`.
    :raises NotFound: there is no such rollout.
    :raises DependencyFailed: the registry did not answer; the state machine asks again.
    """
    conductor, rollouts = _conductor()
    rollout_id = str(event.get("rollout_id"))
    found = conductor.next(rollout_id, int(event.get("execution") or 0))
    if found.action == "end":
        rollout = rollouts.get(rollout_id)
        if rollout.state is RolloutState.STOPPED:
            count("RolloutsStopped")
        facts = {"rollout_id": rollout_id, "state": rollout.state.value, "reason": rollout.reason}
        logger().info("rollout conducted", extra=facts)
    return found.to_json()
