"""The template, as written and as SAM transforms it."""

import copy
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

type Template = dict[str, Any]

_NO_VALUE = {"Ref": "AWS::NoValue"}


class _NoManagedPolicies:
    """The template names no managed policies, so IAM need not be asked."""

    def load(self) -> dict[str, str]:
        return {}


@cache
def _source() -> Template:
    parsed: Template = yaml_parse(Path("template.yaml").read_text())
    return parsed


def _transformed(parameters: dict[str, str]) -> Template:
    source = copy.deepcopy(_source())
    # What `sam package` does: the translator takes code from S3 only.
    source["Globals"]["Function"]["CodeUri"] = "s3://bucket/code"
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = "s3://bucket/layer"
        if resource["Type"] == "AWS::Serverless::StateMachine":
            resource["Properties"]["DefinitionUri"] = "s3://bucket/machine"
    os.environ.setdefault("AWS_DEFAULT_REGION", "ap-south-1")
    defaults = {name: str(spec["Default"]) for name, spec in source["Parameters"].items()}
    result: Template = transform(source, defaults | parameters, _NoManagedPolicies())
    return _choose(result, defaults | parameters)


def _choose(template: Template, values: dict[str, str]) -> Template:
    """Decide every condition and every Fn::If, as CloudFormation will."""
    holds = {
        name: _holds(condition, template["Conditions"], values) for name, condition in template["Conditions"].items()
    }
    resources = {
        name: _resolve(resource, holds)
        for name, resource in template["Resources"].items()
        if holds.get(resource.get("Condition", ""), True)
    }
    return {**template, "Resources": resources}


def _holds(condition: Any, conditions: dict[str, Any], values: dict[str, str]) -> bool:
    ((function, operands),) = condition.items()
    if function == "Condition":
        return _holds(conditions[operands], conditions, values)
    if function == "Fn::Equals":
        left, right = (values[o["Ref"]] if isinstance(o, dict) else str(o) for o in operands)
        return left == right
    results = [_holds(operand, conditions, values) for operand in operands]
    return {"Fn::Not": not results[0], "Fn::And": all(results), "Fn::Or": any(results)}[function]


def _resolve(node: Any, holds: dict[str, bool]) -> Any:
    if isinstance(node, list):
        return [item for item in (_resolve(item, holds) for item in node) if item != _NO_VALUE]
    if not isinstance(node, dict):
        return node
    if "Fn::If" in node:
        condition, yes, no = node["Fn::If"]
        return _resolve(yes if holds[condition] else no, holds)
    resolved = {key: _resolve(value, holds) for key, value in node.items()}
    return {key: value for key, value in resolved.items() if value != _NO_VALUE}


@pytest.fixture(scope="session")
def source() -> Template:
    """The template as it is written."""
    return _source()


@pytest.fixture(scope="session")
def transformed() -> Callable[..., Template]:
    """Transform the template with some parameters: `transformed(TenantIsolation="PER_TENANT")`."""
    made: dict[tuple[tuple[str, str], ...], Template] = {}

    def with_parameters(**parameters: str) -> Template:
        key = tuple(sorted(parameters.items()))
        if key not in made:
            made[key] = _transformed(parameters)
        return made[key]

    return with_parameters
