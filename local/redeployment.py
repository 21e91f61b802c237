"""Deploys what has changed into the stack that runs, which keeps its tenants: how a rollout is tried at home."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from local.aws_server import AwsServer
from local.deployment import Sam
from local.errors import LocalStackError
from local.gateway_gaps import fill_gateway_gaps
from local.ports import LOOPBACK
from local.progress import say, step
from local.stack_file import StackFile
from local.step_functions_gaps import fill_step_functions_gaps


def redeploy(stack: StackFile, directory: Path, project: Path, parameters: Sequence[str]) -> None:
    """Build and deploy into the running stack; parameters that are not named stay as they are.

    :param parameters: the template's, such as `RequiredRevision=0002`.
    :raises LocalStackError: one is no `Name=value`, or the template has none of that name.
    :raises PartFailed: the build or the deployment failed; the log has the error.
    """
    port = urlsplit(stack.aws_endpoint_url).port or 0
    aws = AwsServer(directory, port=port, addresses=(LOOPBACK,), mark=directory)
    chosen = read_parameters(parameters)
    require_known(aws, stack.stack_name, chosen)
    sam = Sam(project, directory)
    with step("sam build", say):
        sam.build(keeps_programs=True)
    with step("sam deploy", say):
        deployment = sam.deploy(aws, chosen)
        fill_gateway_gaps(aws, deployment)
        fill_step_functions_gaps(aws)


def read_parameters(words: Sequence[str]) -> dict[str, str]:
    """Read `Name=value`. :raises LocalStackError: one has no name or no equals sign."""
    pairs = [word.partition("=") for word in words]
    wrong = [word for word, (name, equals, _) in zip(words, pairs, strict=True) if not (name and equals)]
    if wrong:
        raise LocalStackError(f"{wrong[0]!r} is no parameter: write it as RequiredRevision=0002")
    return {name: value for name, _, value in pairs}


def require_known(aws: AwsServer, stack_name: str, chosen: dict[str, str]) -> None:
    """Make sure that the deployed template has all of them: a name that is misspelt would change nothing.

    :raises LocalStackError: it lacks one.
    """
    deployed = aws.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    known = {parameter["ParameterKey"] for parameter in deployed.get("Parameters", [])}
    unknown = sorted(chosen.keys() - known)
    if unknown:
        raise LocalStackError(f"The template has no parameter {unknown[0]}. It has: {', '.join(sorted(known))}")
