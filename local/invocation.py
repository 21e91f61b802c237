"""Prepares `sam local invoke`, to run a function in a container against this stack."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.aws_server import REGION, AwsServer, clean_environment
from local.deployment import STACK_NAME
from local.ports import LOOPBACK

_LAYER_DIRECTORY = "/opt/bin"
_SESSION_SECONDS = 12 * 3600


def function_environments(aws: AwsServer, *, address: str, pg_client: Path) -> dict[str, dict[str, str]]:
    """Read each function's deployed environment, by logical id as `sam local invoke --env-vars` takes it.

    :param address: the address at which a container reaches this stack.
    :param pg_client: the folder of this stack's pg_dump, which a container has in the layer instead.
    """
    functions, iam, sts = aws.client("lambda"), aws.client("iam"), aws.client("sts")
    environments = {}
    for logical_id, name in _functions(aws).items():
        configuration = functions.get_function_configuration(FunctionName=name)
        deployed = configuration.get("Environment", {}).get("Variables", {})
        environments[logical_id] = {
            **{key: _seen_from_container(value, address, pg_client) for key, value in deployed.items()},
            "AWS_ENDPOINT_URL": _seen_from_container(aws.endpoint_url, address, pg_client),
            "AWS_REGION": REGION,
            **_role_session(iam, sts, configuration["Role"]),
        }
    return environments


def command_line(function: str, *, event: Path, environments: Path, endpoint_url: str) -> list[str]:
    """Return the command `sam local invoke` for a function, by its logical id.

    SAM passes a container only those variables of the file that the template declares; the template declares
    AWS_ENDPOINT_URL if IdentityEndpoint is set.
    """
    sam = str(Path(sys.executable).with_name("sam"))
    command = [sam, "local", "invoke", function, "--event", str(event), "--env-vars", str(environments)]
    parameters = f"ParameterKey=IdentityEndpoint,ParameterValue={endpoint_url}"
    return [*command, "--skip-pull-image", "--region", REGION, "--parameter-overrides", parameters]


def caller_environment(directory: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of `sam local invoke` itself: a container gets the AWS keys that SAM finds in it."""
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    docker = {key: value for key, value in os.environ.items() if key.startswith("DOCKER_")}
    session = {key: variables[key] for key in keys}
    return {**clean_environment(directory), **docker, **session, "SAM_CLI_TELEMETRY": "0"}


def _functions(aws: AwsServer) -> dict[str, str]:
    resources = aws.client("cloudformation").describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    return {
        item["LogicalResourceId"]: item["PhysicalResourceId"]
        for item in resources
        if item["ResourceType"] == "AWS::Lambda::Function"
    }


def _seen_from_container(value: str, address: str, pg_client: Path) -> str:
    return _LAYER_DIRECTORY if value == str(pg_client) else value.replace(LOOPBACK, address)


def _role_session(iam: Any, sts: Any, role_arn: str) -> dict[str, str]:
    """Open a session of the function's own role, so that a container has exactly the function's rights."""
    iam.update_role(RoleName=role_arn.rpartition("/")[2], MaxSessionDuration=_SESSION_SECONDS)
    session = sts.assume_role(RoleArn=role_arn, RoleSessionName="sam-local-invoke", DurationSeconds=_SESSION_SECONDS)[
        "Credentials"
    ]
    return {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }
