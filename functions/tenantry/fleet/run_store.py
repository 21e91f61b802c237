"""Stores a run over the fleet in the stack's bucket: its plan, each tenant's outcome, and its summary."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import DependencyFailed
from tenantry.fleet.run import RunId, RunSummary, TenantOutcome, outcome_from

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_READS_AT_ONCE = 16
_EXISTS = {"PreconditionFailed", "412"}


class RunStore:
    """Reads and writes the objects below `runs/`."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Take a client that may read or write below `runs/`."""
        self._s3 = s3
        self.bucket = bucket

    def put_plan(self, run: RunId, server_id: str, events: Sequence[dict[str, str]]) -> str:
        """Store the events of one server's tenants; returns the key from which Step Functions reads them.

        :raises DependencyFailed: S3 did not take it.
        """
        key = f"{run}plan/{server_id}.json"
        self._put(key, list(events))
        return key

    def planned(self, run: RunId) -> list[str]:
        """Name the planned tenants of all servers.

        :raises DependencyFailed: S3 did not answer.
        """
        return sorted(event["tenant_id"] for plan in self._read_all(f"{run}plan/") for event in plan)

    def put_outcome(self, run: RunId, outcome: TenantOutcome, *, keep_earlier: bool = False) -> None:
        """Store a tenant's outcome, over that of an earlier attempt.

        :param keep_earlier: store nothing if there is an outcome already.
        :raises DependencyFailed: S3 did not take it.
        """
        only_new: dict[str, Any] = {"IfNoneMatch": "*"} if keep_earlier else {}
        self._put(f"{run}outcomes/{outcome.tenant_id}.json", outcome.to_json(), **only_new)

    def outcomes(self, run: RunId) -> dict[str, TenantOutcome]:
        """Read all outcomes that workers have stored, by tenant id.

        :raises DependencyFailed: S3 did not answer.
        """
        found = map(outcome_from, self._read_all(f"{run}outcomes/"))
        return {outcome.tenant_id: outcome for outcome in found}

    def put_summary(self, run: RunId, summary: RunSummary) -> str:
        """Store the summary; returns its key.

        :raises DependencyFailed: S3 did not take it.
        """
        key = f"{run}summary.json"
        self._put(key, summary.to_json())
        return key

    def _put(self, key: str, content: Any, **options: Any) -> None:
        body = json.dumps(content).encode()
        try:
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="application/json", **options)
        except ClientError as exc:
            if exc.response["Error"]["Code"] not in _EXISTS:
                raise _unavailable() from exc
        except BotoCoreError as exc:
            raise _unavailable() from exc

    def _read_all(self, prefix: str) -> list[Any]:
        with _translated(), ThreadPoolExecutor(_READS_AT_ONCE, thread_name_prefix="read") as pool:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
            return list(pool.map(self._read, keys))

    def _read(self, key: str) -> Any:
        return json.loads(self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as exc:
        raise _unavailable() from exc


def _unavailable() -> DependencyFailed:
    return DependencyFailed("The run's records could not be read or written.", code="object_store_unavailable")
