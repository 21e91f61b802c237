"""Copies a restored registry back into the stack's table: `python3 -m tenantry.aws.registry_copy RESTORED TABLE`.

DynamoDB restores to a new table only, and the functions know the stack's. Without `--write` the command counts what it
would do and changes nothing. With it, what is missing is written. What lies in the stack's table stays as it is there,
unless `--overwrite` says otherwise: a tenant that was moved since would be served from where it was. One that was
erased or renamed since does not come back. The command runs in a clone with `PYTHONPATH=functions`, with the AWS
CLI's variables (`AWS_REGION`, `AWS_PROFILE`, …). The exit status is 0 if all is well and 2 if AWS refused.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from tenantry.domain.printable import printable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]
type Key = tuple[str, str]
type Items = dict[Key, Item]

_FAILED = 2
_BATCH = 25
_LONGEST_PAUSE = 5.0
# Kinds whose items are named, and not only counted.
_NAMED = ("TENANT", "SERVER", "FORMER")
# Who was at work then is no more.
_PASSING = "LEASE"


def copy_back(
    dynamodb: "DynamoDBClient", restored: str, table: str, *, write: bool, overwrite: bool = False
) -> dict[str, list[Key]]:
    """Write what the stack's table lacks of the restored one. Returns the items' keys by what was found of them.

    :param write: False changes nothing.
    :param overwrite: write what is different, too, as it was.
    :raises ClientError: DynamoDB refused.
    """
    then, now = _read(dynamodb, restored), _read(dynamodb, table)
    fates: dict[str, list[Key]] = {"missing": [], "different": [], "same": [], "gone since": [], "only here": []}
    for key in then:
        fates[_fate(key, then, now)].append(key)
    fates["only here"] = sorted(now.keys() - then.keys())
    if write:
        wanted = fates["missing"] + (fates["different"] if overwrite else [])
        _write(dynamodb, table, [then[key] for key in wanted])
    return fates


def _fate(key: Key, then: Items, now: Items) -> str:
    if now.get(key) == then[key]:
        return "same"
    if key in now:
        return "different"
    return "gone since" if key[0] == _PASSING or _is_gone(key, now) else "missing"


def _is_gone(key: Key, now: Items) -> bool:
    """Whether it is a tenant's whose id was erased, or renamed away, since."""
    kind, name = key
    return kind == "TENANT" and (
        ("ERASED", name) in now
        or ("FORMER", name) in now
        or any(other == "CERTIFICATE" and of.startswith(f"{name}#") for other, of in now)
    )


def _read(dynamodb: "DynamoDBClient", table: str) -> Items:
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in _scan(dynamodb, table)}


def _scan(dynamodb: "DynamoDBClient", table: str) -> Iterator[Item]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]


def _write(dynamodb: "DynamoDBClient", table: str, items: Sequence[Item]) -> None:
    for batch in batched(items, _BATCH, strict=False):
        waiting: Any = {table: [{"PutRequest": {"Item": item}} for item in batch]}
        pause = 0.1
        while waiting := dynamodb.batch_write_item(RequestItems=waiting).get("UnprocessedItems"):
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tenantry.aws.registry_copy", description=__doc__)
    parser.add_argument("restored", help="the table that DynamoDB has made of the backup")
    parser.add_argument("table", help="the stack's table: its output RegistryTableName")
    parser.add_argument("--write", action="store_true", help="write what is missing; without it nothing is changed")
    parser.add_argument("--overwrite", action="store_true", help="write what is different, too, as it was then")
    options = parser.parse_args(arguments)
    try:
        client: Any = Session().create_client("dynamodb")
        fates = copy_back(client, options.restored, options.table, write=options.write, overwrite=options.overwrite)
    except (ClientError, BotoCoreError) as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return _FAILED
    sys.stdout.writelines(f"{line}\n" for line in _told(fates))
    sys.stdout.write("written\n" if options.write else "nothing is written yet: repeat it with --write\n")
    return 0


def _told(fates: dict[str, list[Key]]) -> Iterator[str]:
    for fate, keys in fates.items():
        yield f"{len(keys):8} {fate}"
        if fate != "same":
            yield from (printable(f"           {kind} {name}") for kind, name in keys if kind in _NAMED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
