"""Stands in for the AWS CLI, which the project does not install: botocore checks the same arguments, and sends them.

`parse` tells whether AWS has a command of the documents; as a program this is `aws` for the tests that run them.
"""

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jmespath  # type: ignore[import-untyped]
from botocore import xform_name
from botocore.model import OperationModel, Shape, StructureShape
from botocore.session import Session

# Options that every command has. Not `--cli-input-json`, whose file the CLI reads twice: no pipe can be one.
_OF_ALL = {"query", "output", "cli-binary-format", "region", "max-items"}
# Commands of the CLI's own, made of several calls.
_OF_THE_CLI = {"s3": {"cp", "ls"}}


class UnknownCommandError(ValueError):
    """AWS has no such command, or it has no such option."""


@dataclass
class Command:
    """A command: the client's method, its parameters and the options that every command has."""

    service: str
    method: str
    parameters: dict[str, Any] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    waits: bool = False


@cache
def _session() -> Session:
    return Session()


def parse(arguments: Sequence[str]) -> Command:
    """Read `SERVICE OPERATION --option value …`. A last word without an option is a file for the answer's stream.

    :raises UnknownCommandError: there is no such service, operation or option, or a required one is missing.
    """
    service, name, *rest = arguments
    command = Command({"s3api": "s3"}.get(service, service), name)
    if name in _OF_THE_CLI.get(service, ()):
        return command
    if name == "wait":
        command.waits, command.method = True, rest.pop(0).replace("-", "_")
        operation = _waited_for(command.service, command.method)
    else:
        operation = _operation(command.service, name)
        command.method = xform_name(operation.name)
    if operation.has_streaming_output and rest and not rest[-1].startswith("--"):
        command.options["outfile"] = rest.pop()
    members = operation.input_shape.members if operation.input_shape else {}
    known = {xform_name(member, "-"): member for member in members}
    while rest:
        word = rest.pop(0)
        option = word.removeprefix("--")
        values = [rest.pop(0) for _ in range(_values(rest))]
        if option in _OF_ALL and values:
            command.options[option] = values[0]
        elif option.removeprefix("no-") in known and not values:
            command.parameters[known[option.removeprefix("no-")]] = not option.startswith("no-")
        elif word != option and option in known and values:
            member = known[option]
            command.parameters[member] = _value(members[member], values)
        else:
            raise UnknownCommandError(f"aws {service} {name}: {word}")
    _require(operation, command)
    return command


def _waited_for(service: str, waiter: str) -> OperationModel:
    """The operation that a waiter repeats, whose options it has."""
    model = _session().get_waiter_model(service)
    for name in model.waiter_names:
        if xform_name(name) == waiter:
            return _session().get_service_model(service).operation_model(model.get_waiter(name).operation)
    raise UnknownCommandError(f"aws {service} wait {waiter}")


def _operation(service: str, name: str) -> OperationModel:
    if service not in _session().get_available_services():
        raise UnknownCommandError(f"aws {service}")
    model = _session().get_service_model(service)
    for operation in model.operation_names:
        if xform_name(operation, "-") == name:
            return model.operation_model(operation)
    raise UnknownCommandError(f"aws {service} {name}")


def _values(rest: Sequence[str]) -> int:
    return next((index for index, word in enumerate(rest) if word.startswith("--")), len(rest))


def _value(shape: Shape, words: list[str]) -> Any:
    """Read an option's value: JSON, the short form `Name=a,Value=b`, or plain words."""
    if shape.type_name not in ("structure", "list", "map"):
        (word,) = words
        return int(word) if shape.type_name in ("integer", "long") and word.isdigit() else word
    if words[0].startswith("file://"):
        return Path(words[0].removeprefix("file://"))
    if words[0].startswith(("{", "[")):
        return json.loads(words[0])
    pairs = [_pairs(word) if "=" in word else word for word in words]
    if shape.type_name == "list":
        return pairs
    return {
        name: _listed(shape, name, value) for pair in pairs if isinstance(pair, dict) for name, value in pair.items()
    }


def _pairs(word: str) -> dict[str, Any]:
    found = dict(part.split("=", 1) for part in re.split(r",(?=\w+=)", word))
    return {name: value.split(",") if name == "Values" else value for name, value in found.items()}


def _listed(shape: Shape, name: str, value: Any) -> Any:
    """What is a list in the structure is one, also of a single word."""
    member = shape.members.get(name) if isinstance(shape, StructureShape) else None
    return [value] if member is not None and member.type_name == "list" and isinstance(value, str) else value


def _require(operation: OperationModel, command: Command) -> None:
    required = operation.input_shape.required_members if operation.input_shape else []
    missing = [name for name in required if name not in command.parameters]
    if missing:
        raise UnknownCommandError(f"aws {command.service} {command.method} lacks {missing}")


def install(directory: Path) -> None:
    """Make a folder for a test's path in which `aws` is this program. It needs the checkout in PYTHONPATH."""
    directory.mkdir()
    program = directory / "aws"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.aws_cli "$@"\n')
    program.chmod(0o755)


def main(arguments: Sequence[str]) -> None:
    """Run a command and print its answer, as JSON or as text."""
    command = parse(arguments)
    parameters = {
        name: json.loads(value.read_text()) if isinstance(value, Path) else value
        for name, value in command.parameters.items()
    }
    client = _session().create_client(command.service)
    if command.waits:
        client.get_waiter(command.method).wait(**parameters)
        return
    if client.can_paginate(command.method):
        parameters["PaginationConfig"] = {"MaxItems": command.options.get("max-items")}
        answer = client.get_paginator(command.method).paginate(**parameters).build_full_result()
    else:
        answer = getattr(client, command.method)(**parameters)
    answer.pop("ResponseMetadata", None)
    found = jmespath.search(command.options.get("query", "@"), answer)
    text = _text(found) if command.options.get("output") == "text" else json.dumps(found, default=str, indent=2)
    sys.stdout.write(text + "\n")


def _text(found: Any) -> str:
    return "\t".join(map(str, found)) if isinstance(found, list) else str(found)


if __name__ == "__main__":
    main(sys.argv[1:])
