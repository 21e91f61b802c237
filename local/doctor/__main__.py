"""`make doctor STACK=name` examines a stack on AWS, `make doctor` the one that `make up` started.

Ends with status 1 where something is wrong, and with 2 where there is nothing to examine.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.accounts import sign_in
from local.aws_server import local_client
from local.doctor.deployed_stack import DeployedStack, read_stack, why_not_examined
from local.doctor.examination import NOT_SIGNED_IN, SIGN_IN, THROTTLED, examine
from local.doctor.report import as_json, as_table, has_errors
from local.errors import LocalStackError
from local.stack import DIRECTORY
from local.stack_file import StackFile


def stack_on_aws(name: str, region: str | None, token: str) -> DeployedStack:
    """Read a stack with the caller's own AWS credentials, which boto3 finds. :raises BotoCoreError, ClientError."""
    make_client: Any = boto3.Session(region_name=region or os.environ.get("AWS_REGION")).client
    return read_stack(name, cache(make_client), token=token)


def local_stack(file: StackFile) -> DeployedStack:
    """Read the running local stack, as its operator."""
    make_client = cache(lambda service: local_client(service, file.aws_endpoint_url, region=file.region))
    token = sign_in(file, file.operator.username)
    return read_stack(file.stack_name, make_client, token=token, api_url=file.api_url, is_local=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine a stack and print the results; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make doctor", description=__doc__)
    parser.add_argument("--stack", default="", help="the stack's name in CloudFormation; without one, the local stack")
    parser.add_argument("--region", help="the stack's region; without one, AWS_REGION or your profile's")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args(arguments)
    try:
        # From the environment: what stands in a command line, everybody on the machine can read.
        token = os.environ.get("TOKEN", "").strip()
        stack = stack_on_aws(asked.stack, asked.region, token) if asked.stack else local_stack(_running())
    except LocalStackError as exc:
        return _nothing_to_examine(str(exc))
    except ClientError as exc:
        return _nothing_to_examine(_why_no_stack(asked.stack, exc.response["Error"]["Code"]))
    # botocore raises a ValueError where AWS_ENDPOINT_URL is no address.
    except (BotoCoreError, ValueError) as exc:
        here = "The local stack does not answer. Start it with: make up"
        return _nothing_to_examine(_why_no_aws(exc) if asked.stack else here)
    if missing := why_not_examined(stack):
        return _nothing_to_examine(missing)
    results = list(examine(stack))
    width = shutil.get_terminal_size((120, 24)).columns
    print(as_json(stack.name, results) if asked.json else as_table(results, width))
    return int(has_errors(results))


def _running() -> StackFile:
    return StackFile.read(DIRECTORY / "stack.json")


def _why_no_stack(name: str, code: str) -> str:
    if code == "ValidationError":
        return f"There is no stack {name} in this region. Is it another region (--region), or another account?"
    if code in NOT_SIGNED_IN:
        return f"AWS answered {code}. {SIGN_IN}"
    if code in THROTTLED:
        return f"AWS answered {code}: it was asked too often. Look again in a minute."
    return f"AWS answered {code}. Your credentials have to allow cloudformation:DescribeStacks."


def _why_no_aws(exc: Exception) -> str:
    why = f"AWS could not be asked ({type(exc).__name__}). Sign in to AWS, and name a region (--region)."
    # The guide has commands for the local stack that set it.
    return f"{why} AWS_ENDPOINT_URL is set: unset it." if os.environ.get("AWS_ENDPOINT_URL") else why


def _nothing_to_examine(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
