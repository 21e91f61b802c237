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


class _NoManagedPolicies:
    """The template names none, so nothing has to be asked of IAM."""

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
    os.environ.setdefault("AWS_DEFAULT_REGION", "ap-south-1")
    defaults = {name: str(spec["Default"]) for name, spec in source["Parameters"].items()}
    result: Template = transform(source, defaults | parameters, _NoManagedPolicies())
    return _choose(result, defaults | parameters)


def _choose(template: Template, values: dict[str, str]) -> Template:
    """Decide every condition and every Fn::If, as CloudFormation will."""

    def holds(condition: Any) -> bool:
        if isinstance(condition, str):
            return holds(template["Conditions"][condition])
        ((function, operands),) = condition.items()
        if function == "Condition":
            return holds(operands)
        if function == "Fn::Equals":
            left, right = (values[o["Ref"]] if isinstance(o, dict) else str(o) for o in operands)
            return left == right
        results = [holds(operand) for operand in operands]
        return {"Fn::Not": not results[0], "Fn::And": all(results), "Fn::Or": any(results)}[function]

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [item for item in map(resolve, node) if item != {"Ref": "AWS::NoValue"}]
        if not isinstance(node, dict):
            return node
        if "Fn::If" in node:
            condition, yes, no = node["Fn::If"]
            return resolve(yes if holds(condition) else no)
        resolved = {key: resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value != {"Ref": "AWS::NoValue"}}

    resources = {
        name: resolve(resource)
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or holds(resource["Condition"])
    }
    return {**template, "Resources": resources}


@pytest.fixture(scope="session")
def source() -> Template:
    """The template as it is written."""
    return _source()


@pytest.fixture(scope="session")
def transformed() -> Callable[..., Template]:
    """Transform it with some parameters: `transformed(TenantIsolation="PER_TENANT")`."""
    made: dict[tuple[tuple[str, str], ...], Template] = {}

    def with_parameters(**parameters: str) -> Template:
        key = tuple(sorted(parameters.items()))
        if key not in made:
            made[key] = _transformed(parameters)
        return made[key]

    return with_parameters
