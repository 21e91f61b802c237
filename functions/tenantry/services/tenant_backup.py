"""Backs one tenant up: snapshot, dump, compress, upload; complete only when pg_dump says so, manifest last."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import zstandard

from tenantry.adapters.object_store import AlreadyPublished, ObjectStore, Upload
from tenantry.adapters.pg_dump import Dump, pg_dump_version
from tenantry.adapters.postgres import ConnectSettings
from tenantry.adapters.snapshot import Snapshot, terminate_backends
from tenantry.domain.backup import (
    BackupId,
    DumpObject,
    Manifest,
    TableRows,
    dump_key,
    manifest_key,
    new_backup_id,
)
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import BackupFailed, TenantryError
from tenantry.domain.tenant import TenantId, owner_role

# Level 1 keeps up with the dump. What it stores depends on the rows: a third of pg_dump's own gzip on pgbench's,
# 7 % more than it on rows full of random tokens, where levels that store less take several times as long.
_ZSTD_LEVEL = 1
_READ_BYTES = 1 << 20
_APPLICATION_NAME = "tenantry-backup"


@dataclass(frozen=True, slots=True)
class BackupOrder:
    """Which tenant, under which id, and what asked for it."""

    tenant_id: TenantId
    backup_id: BackupId
    trigger: str


@dataclass(frozen=True, slots=True)
class BackupTools:
    """Where pg_dump lies and how long it may wait; the lock timeout in milliseconds, the other in seconds."""

    pg_client_directory: str
    lock_timeout_ms: int
    connect_timeout: int
    stage: str

    @property
    def connect(self) -> ConnectSettings:
        """Settings of the connection that holds the snapshot: no limit but the deadline."""
        return ConnectSettings(self.connect_timeout, 0, 0, _APPLICATION_NAME)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order: the manifest's key, and whether an earlier delivery had already published it."""

    backup_id: BackupId
    manifest_key: str
    already_published: bool
    stored_bytes: int = 0
    rows: int = 0


def back_up_tenant(
    order: BackupOrder,
    *,
    read_credentials: Callable[[TenantId], Credentials],
    store: ObjectStore,
    tools: BackupTools,
    deadline: float,
) -> Outcome:
    """Publish one backup, or nothing.

    :param deadline: `time.monotonic()` at which the dump, its session on the server and its upload are ended.
    :raises BackupFailed: the dump did not end well, or not in time.
    :raises TenantryError: credentials, database or bucket were not there.
    """
    if store.exists(manifest_key(order.tenant_id, order.backup_id)):
        return _published_before(order)
    if store.exists(dump_key(order.tenant_id, order.backup_id)):
        # A worker died between the dump and its manifest. What it left is no backup; this one gets a name of its own.
        order = BackupOrder(order.tenant_id, new_backup_id(datetime.now(UTC)), order.trigger)
    started_at = datetime.now(UTC)
    credentials = read_credentials(order.tenant_id)
    with closing(Snapshot(order.tenant_id, credentials, tools.connect)) as snapshot:
        try:
            dump, tables = _dump(order, credentials, snapshot, store, tools, deadline)
        except AlreadyPublished:
            return _settle_race(order, store)
    manifest = Manifest(
        tenant_id=order.tenant_id.value,
        backup_id=order.backup_id.value,
        stage=tools.stage,
        trigger=order.trigger,
        isolation=credentials.isolation,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        database=snapshot.facts,
        dump=dump,
        tables=tables,
    )
    return _publish(order, store, manifest)


def _publish(order: BackupOrder, store: ObjectStore, manifest: Manifest) -> Outcome:
    key = manifest_key(order.tenant_id, order.backup_id)
    try:
        store.put_once(key, manifest.model_dump_json(by_alias=True, indent=2).encode(), "application/json")
    except AlreadyPublished:
        return _published_before(order)
    rows = sum(table.rows for table in manifest.tables)
    return Outcome(order.backup_id, key, False, manifest.dump.stored_bytes, rows)


def _published_before(order: BackupOrder) -> Outcome:
    return Outcome(order.backup_id, manifest_key(order.tenant_id, order.backup_id), True)


def _settle_race(order: BackupOrder, store: ObjectStore) -> Outcome:
    """Another worker with the same order was quicker; its manifest follows its dump within moments, or never."""
    if store.exists(manifest_key(order.tenant_id, order.backup_id)):
        return _published_before(order)
    raise BackupFailed("Another worker is publishing this backup.", code="backup_in_progress")


def _dump(
    order: BackupOrder,
    credentials: Credentials,
    snapshot: Snapshot,
    store: ObjectStore,
    tools: BackupTools,
    deadline: float,
) -> tuple[DumpObject, list[TableRows]]:
    """Stream the dump up while the rows of its snapshot are counted, and leave nothing behind on failure."""
    application_name = f"{_APPLICATION_NAME}-{order.backup_id}"
    key = dump_key(order.tenant_id, order.backup_id)
    version = pg_dump_version(tools.pg_client_directory)
    upload = store.upload(key)
    try:
        with (
            closing(_start(order, credentials, snapshot, tools, application_name)) as dump,
            _Deadline(deadline, dump, snapshot) as limit,
            ThreadPoolExecutor(1, thread_name_prefix="count") as counter,
        ):
            counting = counter.submit(snapshot.count_rows)
            try:
                dump_bytes = _stream(dump, upload)
                limit.check(dump.wait())
                tables = counting.result()
            except BaseException:
                snapshot.cancel()
                limit.explain()
                raise
        stored = DumpObject(
            key=key,
            version_id=upload.complete(),
            stored_bytes=upload.bytes,
            dump_bytes=dump_bytes,
            sha256=upload.sha256,
            pg_dump_version=version,
        )
    except BaseException:
        _clean_up(upload, credentials, application_name, tools)
        raise
    return stored, tables


def _start(
    order: BackupOrder,
    credentials: Credentials,
    snapshot: Snapshot,
    tools: BackupTools,
    application_name: str,
) -> Dump:
    return Dump(
        tools.pg_client_directory,
        credentials,
        snapshot=snapshot.name,
        role=owner_role(order.tenant_id),
        application_name=application_name,
        lock_timeout_ms=tools.lock_timeout_ms,
        connect_timeout=tools.connect_timeout,
    )


def _stream(dump: Dump, upload: Upload) -> int:
    """Compress what pg_dump writes and add it to the upload; returns the bytes that pg_dump wrote."""
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj()
    total = 0
    while chunk := dump.read(_READ_BYTES):
        total += len(chunk)
        if compressed := compressor.compress(chunk):
            upload.write(compressed)
    upload.write(compressor.flush())
    return total


def _clean_up(upload: Upload, credentials: Credentials, application_name: str, tools: BackupTools) -> None:
    """Give the upload up and end pg_dump's session; what fails here must not hide what went wrong before."""
    with suppress(TenantryError):
        upload.abort()
    terminate_backends(credentials, application_name, tools.connect)


class _Deadline:
    """Ends the dump when the time is up, so that Lambda does not end us half-way."""

    def __init__(self, at: float, dump: Dump, snapshot: Snapshot) -> None:
        self._dump = dump
        self._snapshot = snapshot
        self._expired = False
        self._timer = threading.Timer(max(at - time.monotonic(), 0), self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _expire(self) -> None:
        self._expired = True
        self._dump.kill()
        self._snapshot.cancel()

    def explain(self) -> None:
        """Say that it was the deadline, if it was.

        :raises BackupFailed: the time was up.
        """
        if self._expired:
            raise BackupFailed(
                "The backup did not end in time.",
                code="backup_deadline",
                hint="The database has outgrown one function's fifteen minutes.",
            )

    def check(self, exit_status: int) -> None:
        """Accept the dump only if pg_dump ended well.

        :raises BackupFailed: it did not.
        """
        self.explain()
        if exit_status != 0:
            raise BackupFailed(
                "pg_dump failed, so nothing was published.",
                code="dump_failed",
                details=f"exit status {exit_status}",
                hint="Check that the tenant's owner may read every object, and the server's log.",
            )
