"""Wires what operators ask of rollouts."""

from typing import TypedDict

from handlers.settings.administration import AdministrationSettings
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.state_machine import StateMachine
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.report import MigrationReport
from tenantry.rollouts.requests import Rollouts
from tenantry.rollouts.rollout_store import RolloutStore
from tenantry.rollouts.safety import Safety
from tenantry.rollouts.steering import Steering


class RolloutServices(TypedDict):
    """The services behind the routes of rollouts."""

    rollouts: Rollouts
    steering: Steering
    migrations: MigrationReport
    safety: Safety


def wire_rollouts(settings: AdministrationSettings, registry: Registry) -> RolloutServices:
    """Wire them; the findings of the linter are read once."""
    dynamodb, table = aws_client("dynamodb", settings.region), settings.registry_table
    rollouts, ledger = RolloutStore(dynamodb, table), Ledger(dynamodb, table)
    machine = StateMachine(aws_client("stepfunctions", settings.region), settings.rollout_machine_arn)
    safety = Safety.of_this_code()
    return RolloutServices(
        rollouts=Rollouts(registry, rollouts, ledger, machine, safety),
        steering=Steering(rollouts, ledger, machine),
        migrations=MigrationReport(registry, rollouts, ledger),
        safety=safety,
    )
