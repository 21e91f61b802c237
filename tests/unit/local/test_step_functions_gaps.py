"""The state machine in the local stack: the same limits, by other means."""

import json
from pathlib import Path
from typing import Any

import pytest

from handlers.routes.bodies import ServerBody
from local.step_functions_gaps import bounded

DEFINITION = json.loads(Path("statemachines/fleet.asl.json").read_text())


def servers_map(machine: dict[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = machine["States"]["Servers"]["ItemProcessor"]["States"]
    return inner


def test_a_choice_takes_the_map_with_the_number_that_the_path_names() -> None:
    original, states = servers_map(DEFINITION)["Tenants"], servers_map(bounded(DEFINITION))
    for choice in states["Tenants"]["Choices"]:
        assert choice["Variable"] == "$.at_once"
        chosen = states[choice["Next"]]
        assert chosen["MaxConcurrency"] == choice["NumericEquals"]
        rest = {name: value for name, value in chosen.items() if name != "MaxConcurrency"}
        assert rest | {"MaxConcurrencyPath": "$.at_once"} == original


def test_there_is_a_map_for_every_number_that_a_server_may_have() -> None:
    numbers = {choice["NumericEquals"] for choice in servers_map(bounded(DEFINITION))["Tenants"]["Choices"]}
    admin = {"username": "a", "password": "password"}
    body = {"region": "eu-west-1", "host": "db", "admin": admin}
    for number in (min(numbers), max(numbers)):
        assert ServerBody.model_validate(body | {"backup_concurrency": number}).to_server("s-1").backup_concurrency
    for number in (min(numbers) - 1, max(numbers) + 1):
        with pytest.raises(ValueError, match="backup_concurrency"):
            ServerBody.model_validate(body | {"backup_concurrency": number})


def test_nothing_else_is_changed_and_twice_is_once() -> None:
    once = bounded(DEFINITION)
    assert bounded(once) == once
    assert {name: state for name, state in once["States"].items() if name != "Servers"} == {
        name: state for name, state in DEFINITION["States"].items() if name != "Servers"
    }
