"""The registry's table as the template has it."""

from typing import Any

_KEYS = {"pk": "HASH", "sk": "RANGE"}
_BY_TARGET = {"target": "HASH", "sk": "RANGE"}


def create_registry_table(dynamodb: Any, table: str) -> None:
    """Make it, with its index."""
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "target")],
        KeySchema=_schema(_KEYS),
        GlobalSecondaryIndexes=[
            {"IndexName": "by-target", "KeySchema": _schema(_BY_TARGET), "Projection": {"ProjectionType": "ALL"}}
        ],
    )


def _schema(keys: dict[str, str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()]
