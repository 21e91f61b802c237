"""Stores rollouts in the registry's table: `pk` is `ROLLOUT`, `sk` the rollout's ULID. One is under way at a time."""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.aws.registry_pages import HIGHEST, Span, read_page
from tenantry.domain.errors import Conflict, NotFound
from tenantry.domain.paging import Page, PageRequest
from tenantry.domain.ulid import ALPHABET
from tenantry.rollouts.rollout import Rollout, RolloutState, rollout_from

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KIND: Final = "ROLLOUT"
_ID: Final = re.compile(f"[{ALPHABET}]{{26}}")
# Sorts behind all ULIDs, and is none.
_UNDER_WAY: Final = "~under-way"
ALL_ROLLOUTS: Final = Span(_KIND, high=HIGHEST, newest_first=True)
# How often a change is tried again that another has overtaken.
_TRIES: Final = 8


class RolloutStore:
    """Reads and changes rollouts; a change that another one has overtaken is made on what is there then."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        """Take the registry's table."""
        self._dynamodb = dynamodb
        self._table = table

    def begin(self, rollout: Rollout) -> None:
        """Store a new rollout.

        :raises Conflict: another is under way (`rollout_in_progress`). A dry run changes nothing, and waits for none.
        :raises DependencyFailed: DynamoDB did not take it.
        """
        self._put(rollout, 0)
        if not rollout.rules.dry_run:
            try:
                self._reserve(rollout)
            except Conflict:
                self._delete(rollout.rollout_id)
                raise

    def get(self, rollout_id: str) -> Rollout:
        """Look a rollout up.

        :raises NotFound: there is none of that id.
        :raises DependencyFailed: DynamoDB did not answer.
        """
        return self._read(rollout_id)[0]

    def newest(self, limit: int) -> list[Rollout]:
        """List the newest rollouts, newest first; at most 1,000.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return list(self.page(PageRequest(limit)).items)

    def page(self, request: PageRequest) -> Page[Rollout]:
        """Read a page of rollouts, newest first.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        found = read_page(self._dynamodb, self._table, ALL_ROLLOUTS, request)
        return found.map(lambda item: rollout_from(json.loads(item["record"]["S"])))

    def change(self, rollout_id: str, change: Callable[[Rollout], Rollout]) -> Rollout:
        """Replace a rollout by what `change` makes of it; a rollout that is over lets another one begin.

        :raises NotFound: there is none of that id.
        :raises Conflict: others have changed it all the time (`rollout_changed`); as `change` raises it.
        :raises DependencyFailed: DynamoDB did not answer.
        """
        for _ in range(_TRIES):
            before, version = self._read(rollout_id)
            after = change(before)
            if after == before:
                return after
            try:
                self._put(after, version)
            except self._dynamodb.exceptions.ConditionalCheckFailedException:
                continue
            if after.is_over and not before.is_over:
                self._free(rollout_id)
            return after
        raise Conflict(
            "The rollout is being changed by others.", code="rollout_changed", hint="Look at it, and repeat the call."
        )

    def count_failure(self, rollout_id: str, wave: int) -> int:
        """Count a failure in a wave; returns how many there are.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=self._key(rollout_id),
                UpdateExpression="ADD #wave :one",
                ExpressionAttributeNames={"#wave": f"failed_{wave}"},
                ExpressionAttributeValues={":one": {"N": "1"}},
                ReturnValues="UPDATED_NEW",
            )
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc
        return int(answer["Attributes"][f"failed_{wave}"]["N"])

    def forget_failures(self, rollout_id: str, wave: int) -> None:
        """Count the failures of a wave from nothing. :raises DependencyFailed: DynamoDB did not answer."""
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=self._key(rollout_id),
                UpdateExpression="REMOVE #wave",
                ExpressionAttributeNames={"#wave": f"failed_{wave}"},
            )
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _reserve(self, rollout: Rollout) -> None:
        """Let it be the one that is under way; what one that is over has failed to give back is taken over."""
        if self._claim(rollout, ""):
            return
        holder = self._under_way()
        if not (self._is_over(holder) and self._claim(rollout, holder)):
            other = self._under_way()
            raise Conflict(
                "Another rollout is under way.",
                code="rollout_in_progress",
                details=f"rollout {other}",
                hint=f"GET /admin/v1/rollouts/{other} says what it waits for. Let it end, or cancel it.",
            )

    def _claim(self, rollout: Rollout, holder: str) -> bool:
        """Reserve the way for a rollout; `holder` is who has it, empty for nobody. False: another has it."""
        condition: dict[str, Any] = {
            "ConditionExpression": "#rollout = :holder",
            "ExpressionAttributeNames": {"#rollout": "rollout"},
            "ExpressionAttributeValues": {":holder": {"S": holder}},
        }
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=self._key(_UNDER_WAY) | {"rollout": {"S": rollout.rollout_id}},
                **(condition if holder else {"ConditionExpression": "attribute_not_exists(pk)"}),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc
        return True

    def _is_over(self, rollout_id: str) -> bool:
        try:
            return self.get(rollout_id).is_over
        except NotFound:
            return True

    def _under_way(self) -> str:
        item = self._get(_UNDER_WAY) or {}
        return str(item.get("rollout", {}).get("S", "unknown"))

    def _free(self, rollout_id: str) -> None:
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=self._key(_UNDER_WAY),
                ConditionExpression="#rollout = :this",
                ExpressionAttributeNames={"#rollout": "rollout"},
                ExpressionAttributeValues={":this": {"S": rollout_id}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _read(self, rollout_id: str) -> tuple[Rollout, int]:
        item = self._get(rollout_id) if _ID.fullmatch(rollout_id) else None
        if item is None or "record" not in item:
            raise NotFound(
                "There is no such rollout.", code="rollout_unknown", hint="GET /admin/v1/rollouts lists the newest."
            )
        return rollout_from(json.loads(item["record"]["S"])), int(item["version"]["N"])

    def _get(self, name: str) -> Any:
        try:
            answer = self._dynamodb.get_item(TableName=self._table, Key=self._key(name), ConsistentRead=True)
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc
        return answer.get("Item")

    def _put(self, rollout: Rollout, version: int) -> None:
        """Write it over the version that was read; what counts failures stays. 0: there is none yet."""
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=self._key(rollout.rollout_id),
                UpdateExpression="SET #record = :record, #version = :next",
                ConditionExpression="#version = :read" if version else "attribute_not_exists(#version)",
                ExpressionAttributeNames={"#record": "record", "#version": "version"},
                ExpressionAttributeValues={
                    ":record": {"S": json.dumps(rollout.to_json())},
                    ":next": {"N": str(version + 1)},
                }
                | ({":read": {"N": str(version)}} if version else {}),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            raise
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _delete(self, rollout_id: str) -> None:
        try:
            self._dynamodb.delete_item(TableName=self._table, Key=self._key(rollout_id))
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _key(self, name: str) -> dict[str, Any]:
        return {"pk": {"S": _KIND}, "sk": {"S": name}}


def require_going(rollout: Rollout) -> None:
    """Require that a rollout is not over. :raises Conflict: it is (`rollout_over`)."""
    if rollout.is_over:
        was_dry = rollout.state is RolloutState.PLANNED
        again = "POST /admin/v1/rollouts with the same body without dry_run starts it."
        raise Conflict(
            "It was a dry run." if was_dry else f"The rollout is {rollout.state.value}.",
            code="rollout_over",
            hint=again if was_dry else "Start another: what is done already costs next to nothing.",
        )
