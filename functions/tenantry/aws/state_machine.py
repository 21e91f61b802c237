"""Starts executions of a state machine."""

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import DependencyFailed

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_EXISTS = "ExecutionAlreadyExists"


class StateMachine:
    """One state machine of Step Functions."""

    def __init__(self, client: "SFNClient", arn: str) -> None:
        """Take the machine's ARN."""
        self._client = client
        self._arn = arn

    def start(self, name: str, given: dict[str, Any]) -> None:
        """Start an execution; one of that name that was started before counts as started.

        :raises DependencyFailed: Step Functions did not take it.
        """
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=name, input=json.dumps(given))
        except ClientError as exc:
            if exc.response["Error"]["Code"] != _EXISTS:
                raise _refused() from exc
        except BotoCoreError as exc:
            raise _refused() from exc


def _refused() -> DependencyFailed:
    return DependencyFailed("The state machine could not be started.", code="execution_refused")
