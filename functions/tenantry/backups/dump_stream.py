"""Streams one dump: compresses and uploads pg_dump's output while the rows are counted; publishes all or nothing."""

import re
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import dataclass

import zstandard

from tenantry.aws.multipart_upload import Upload
from tenantry.aws.object_store import ObjectStore
from tenantry.backups.count import Counted
from tenantry.backups.deadline import Deadline
from tenantry.backups.logins import BackupLogins
from tenantry.backups.oversize import explain_oversize
from tenantry.backups.progress import Meter
from tenantry.backups.snapshot import Snapshot, terminate_backends
from tenantry.database.connecting import ConnectSettings
from tenantry.database.pg_dump import Dump, pg_dump_version
from tenantry.domain.backup import DumpObject
from tenantry.domain.backup_facts import DatabaseFacts
from tenantry.domain.errors import BackupFailed, TenantryError
from tenantry.domain.tenant import TenantId

# Level 1 keeps up with the dump. The stored size depends on the rows: a third of pg_dump's own gzip for pgbench's
# rows, 7 % more than gzip for rows full of random tokens, where levels that store less take several times as long.
_ZSTD_LEVEL = 1
_READ_BYTES = 1 << 20
# How long a count may go on for its own error, once pg_dump has failed.
_EXPLAINED_SECONDS = 5
APPLICATION_NAME = "tenantry-backup"


@dataclass(frozen=True, slots=True)
class BackupTools:
    """The directory of pg_dump and its timeouts: for locks in milliseconds, for connecting in seconds."""

    pg_client_directory: str
    lock_timeout_ms: int
    connect_timeout: int
    stage: str

    @property
    def connect(self) -> ConnectSettings:
        """The settings of the connection that holds the snapshot; only the deadline limits it."""
        return ConnectSettings(self.connect_timeout, 0, 0, APPLICATION_NAME, administers=True)


@dataclass(frozen=True, slots=True)
class DumpStream:
    """One dump and its key; `label` is the application name of pg_dump's session.

    `deadline` is a `time.monotonic()`.
    """

    tenant_id: TenantId
    key: str
    label: str
    logins: BackupLogins
    tools: BackupTools
    deadline: float

    def run(self, snapshot: Snapshot, store: ObjectStore, meter: Meter) -> tuple[DumpObject, Counted]:
        """Upload the dump of a snapshot and count its rows. A failure leaves neither object nor session behind.

        :raises BackupFailed: the dump failed, or did not end in time.
        :raises Conflict: tables were rewritten or locked meanwhile; try again with a newer snapshot.
        :raises AlreadyPublished: an object of this key exists already.
        :raises TenantryError: the database or the bucket was not available.
        """
        version = pg_dump_version(self.tools.pg_client_directory)
        _require_new_enough(version, snapshot.facts.database)
        meter.begin(snapshot.tables)
        upload = store.upload(self.key, snapshot.facts.database.size_bytes)
        try:
            dump_bytes, counted = self._dump(snapshot, upload, meter)
            stored = DumpObject(
                key=self.key,
                version_id=upload.complete(),
                stored_bytes=upload.bytes,
                dump_bytes=dump_bytes,
                sha256=upload.sha256,
                pg_dump_version=version,
                parts=upload.parts,
                part_bytes=upload.part_bytes,
            )
        except BaseException:
            # A failure of the clean-up must not hide the first error.
            with suppress(TenantryError):
                upload.abort()
            terminate_backends(self.logins.dump, self.label, self.tools.connect)
            raise
        return stored, counted

    def _dump(self, snapshot: Snapshot, upload: Upload, meter: Meter) -> tuple[int, Counted]:
        with (
            closing(self._start(snapshot)) as dump,
            Deadline(self.deadline, dump, snapshot) as limit,
            ThreadPoolExecutor(1, thread_name_prefix="count") as counter,
        ):
            try:
                # It writes when it has locked every table: until then one could be emptied, and it would not notice.
                if first := dump.read(_READ_BYTES):
                    snapshot.hold()
                elif dump.wait():
                    limit.explain()
                    snapshot.explain()
                counting = counter.submit(snapshot.count_rows, meter.count_table)
                # What it raises and does not only tell, nothing is published with: there is no sense in the rest then.
                counting.add_done_callback(lambda counted: dump.kill() if counted.exception() else None)
                dump_bytes = _stream(first, dump, upload, meter)
                if status := dump.wait():
                    limit.explain()
                    _explain(counting)
                    explain_oversize(self.logins, self.tools.connect)
                limit.end_dump(status)
                return dump_bytes, counting.result()
            except BaseException:
                snapshot.stop_counting()
                limit.explain()
                raise

    def _start(self, snapshot: Snapshot) -> Dump:
        return Dump(
            self.tools.pg_client_directory,
            self.logins.dump,
            snapshot=snapshot.name,
            role="" if self.logins.reads_all else self.logins.role,
            application_name=self.label,
            lock_timeout_ms=self.tools.lock_timeout_ms,
            connect_timeout=self.tools.connect_timeout,
            encoding=snapshot.facts.database.encoding,
            rehashes=snapshot.rehashes,
        )


def _explain(counting: Future[Counted]) -> None:
    """Raise the count's own error, if what made pg_dump fail makes the count fail too: it has a code, pg_dump has none.

    :raises TenantryError: the database refused, or went away.
    """
    done, _ = wait([counting], timeout=_EXPLAINED_SECONDS)
    if done and (failure := counting.result().failure):
        raise failure


def _require_new_enough(program: str, database: DatabaseFacts) -> None:
    """Refuse a server that is newer than pg_dump. pg_dump refuses it too, but its exit status does not say why."""
    major = re.search(r" (\d+)[.\w]*", program)
    if major and database.version and int(major[1]) < database.version // 10_000:
        raise BackupFailed(
            "The server is newer than pg_dump, which can't dump it.",
            code="pg_dump_too_old",
            details=f"{program}, server {database.server_version}",
            hint="Build the pg_client layer with a newer PostgreSQL and deploy it.",
        )


def _stream(chunk: bytes, dump: Dump, upload: Upload, meter: Meter) -> int:
    """Compress pg_dump's output, of which `chunk` was read already, and add it to the upload.

    :returns: the number of bytes before compression.
    """
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj()
    while chunk:
        meter.dump_bytes += len(chunk)
        if compressed := compressor.compress(chunk):
            upload.write(compressed)
            meter.stored_bytes = upload.bytes
        chunk = dump.read(_READ_BYTES)
    upload.write(compressor.flush())
    meter.stored_bytes = upload.bytes
    return meter.dump_bytes
