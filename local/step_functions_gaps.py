"""Fills a gap of the local Step Functions through its API.

The local Step Functions ignores `MaxConcurrencyPath`, so a distributed map would have no limit. Here the map is copied
once for each possible number, and a choice takes the copy whose number the path names: the limits are AWS's.
"""

import json
from typing import Any

from local.aws_server import AwsServer

type Json = dict[str, Any]

# The maximum of the template's parameter and of a server's own number.
_MOST = 100


def fill_step_functions_gaps(aws: AwsServer) -> None:
    """Limit the maps of every deployed state machine; an already limited one stays as it is."""
    steps = aws.client("stepfunctions")
    for machine in steps.list_state_machines()["stateMachines"]:
        arn = machine["stateMachineArn"]
        definition = json.loads(steps.describe_state_machine(stateMachineArn=arn)["definition"])
        steps.update_state_machine(stateMachineArn=arn, definition=json.dumps(bounded(definition)))


def bounded(machine: Json) -> Json:
    """Replace each map with `MaxConcurrencyPath`, even a nested one, by a choice among maps with a number."""
    states: Json = {}
    for name, state in machine["States"].items():
        inner = {"ItemProcessor": bounded(state["ItemProcessor"])} if "ItemProcessor" in state else {}
        states |= _numbered(name, state | inner)
    return machine | {"States": states}


def _numbered(name: str, state: Json) -> Json:
    if "MaxConcurrencyPath" not in state:
        return {name: state}
    rest = {key: value for key, value in state.items() if key != "MaxConcurrencyPath"}
    numbers = range(1, _MOST + 1)
    choices = [
        {"Variable": state["MaxConcurrencyPath"], "NumericEquals": number, "Next": f"{name} {number}"}
        for number in numbers
    ]
    maps = {f"{name} {number}": rest | {"MaxConcurrency": number} for number in numbers}
    return {name: {"Type": "Choice", "Choices": choices}} | maps
