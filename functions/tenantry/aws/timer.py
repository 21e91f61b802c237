"""Starts a function once, at a given time: an EventBridge schedule that deletes itself."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import DependencyFailed

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient


class Timer:
    """One-time schedules for one function."""

    def __init__(self, scheduler: "EventBridgeSchedulerClient", function_arn: str, role_arn: str) -> None:
        """Take the function and the role that EventBridge invokes it with."""
        self._scheduler = scheduler
        self._function_arn = function_arn
        self._role_arn = role_arn

    def start_at(self, moment: datetime, name: str, event: dict[str, str]) -> None:
        """Schedule the function for a time; setting the same name again changes nothing.

        :raises DependencyFailed: EventBridge did not take it.
        """
        try:
            self._scheduler.create_schedule(
                Name=name,
                ScheduleExpression=f"at({moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S})",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={"Arn": self._function_arn, "RoleArn": self._role_arn, "Input": json.dumps(event)},
            )
        except self._scheduler.exceptions.ConflictException:
            return
        except (ClientError, BotoCoreError) as exc:
            raise DependencyFailed("The moment could not be set.", code="scheduler_unavailable") from exc

    def cancel(self, name: str) -> None:
        """Cancel a schedule; it is no error if its time has passed.

        :raises DependencyFailed: EventBridge did not answer.
        """
        try:
            self._scheduler.delete_schedule(Name=name)
        except self._scheduler.exceptions.ResourceNotFoundException:
            return
        except (ClientError, BotoCoreError) as exc:
            raise DependencyFailed("The moment could not be cancelled.", code="scheduler_unavailable") from exc
