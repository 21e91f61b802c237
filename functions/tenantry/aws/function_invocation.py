"""Starts a Lambda function without waiting for it."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import DependencyFailed

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class FunctionInvoker:
    """Invokes one function asynchronously: Lambda queues the event and retries it."""

    def __init__(self, client: "LambdaClient", function: str) -> None:
        """Take the function's name or ARN."""
        self._client = client
        self._function = function

    def start(self, event: dict[str, str]) -> None:
        """Queue one event.

        :raises DependencyFailed: Lambda did not take it.
        """
        try:
            self._client.invoke(FunctionName=self._function, InvocationType="Event", Payload=json.dumps(event).encode())
        except (ClientError, BotoCoreError) as exc:
            raise DependencyFailed("The function could not be started.", code="invocation_refused") from exc
