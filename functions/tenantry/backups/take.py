"""Backs one tenant up: snapshot, dump, compress, upload. The manifest is written last, after pg_dump has succeeded."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from tenantry.aws.object_store import ObjectStore
from tenantry.aws.upload_errors import AlreadyPublished
from tenantry.backups.count import Counted
from tenantry.backups.dump_stream import APPLICATION_NAME, BackupTools, DumpStream
from tenantry.backups.logins import choose_logins
from tenantry.backups.progress import Meter
from tenantry.backups.snapshot import Snapshot
from tenantry.contents.steadiness import repeat_while_rewritten
from tenantry.domain.backup import BackupId, DumpObject, Manifest, dump_key, manifest_key, new_backup_id
from tenantry.domain.backup_facts import CastFacts, HomeFacts, InheritedFacts
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import BackupFailed, Conflict
from tenantry.domain.tenant import Tenant, TenantId

_FORMAT = 3


@dataclass(frozen=True, slots=True)
class BackupOrder:
    """Which tenant to back up, under which backup id, and what triggered it."""

    tenant_id: TenantId
    backup_id: BackupId
    trigger: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an order: the manifest's key, and whether an earlier delivery had already published it."""

    backup_id: BackupId
    manifest_key: str
    already_published: bool
    stored_bytes: int = 0
    rows: int = 0
    # The code of what kept rows from being counted, if they were not.
    uncounted: str | None = None


def back_up_tenant(
    order: BackupOrder,
    tenant: Tenant,
    *,
    read_credentials: Callable[[TenantId], Credentials],
    read_dump_password: Callable[[TenantId], str | None] = lambda _: None,
    store: ObjectStore,
    tools: BackupTools,
    deadline: float,
    meter: Meter | None = None,
) -> Outcome:
    """Publish one backup, or nothing.

    :param tenant: the tenant's entry in the registry.
    :param read_dump_password: of the logins for backups; None: the tenant has none.
    :param deadline: the `time.monotonic()` at which the dump, its session on the server and its upload are aborted.
    :param meter: counts the progress, for others to watch.
    :raises BackupFailed: the dump failed, or did not end in time.
    :raises Conflict: tables were rewritten during each attempt, or locked all the time.
    :raises TenantryError: credentials, database or bucket were not available.
    """
    if store.exists(manifest_key(order.tenant_id, order.backup_id)):
        return _published_before(order)
    if store.exists(dump_key(order.tenant_id, order.backup_id)):
        # A worker died between the dump and its manifest. Its remains are no backup; this one gets a new id.
        order = BackupOrder(order.tenant_id, new_backup_id(datetime.now(UTC)), order.trigger)
    credentials = read_credentials(order.tenant_id)
    key = dump_key(order.tenant_id, order.backup_id)
    logins = choose_logins(order.tenant_id, credentials, read_dump_password(order.tenant_id), tools.connect)
    stream = DumpStream(order.tenant_id, key, f"{APPLICATION_NAME}-{order.backup_id}", logins, tools, deadline)

    def take() -> Manifest:
        started_at = datetime.now(UTC)
        patience = min(tools.lock_timeout_ms / 1000, deadline - time.monotonic())
        with closing(Snapshot(order.tenant_id, logins, tools.connect, patience)) as snapshot:
            dump, counted = stream.run(snapshot, store, meter or Meter())
            return _describe(order, tenant, tools.stage, credentials, snapshot, dump, counted, started_at)

    try:
        manifest = repeat_while_rewritten(take, deadline)
    except AlreadyPublished:
        return _settle_race(order, store)
    except Conflict as error:
        if time.monotonic() < deadline:
            raise
        raise BackupFailed("The backup did not end in time.", code="backup_deadline", hint=error.hint) from error
    finally:
        logins.give_back()
    return _publish(order, store, manifest)


def _describe(
    order: BackupOrder,
    tenant: Tenant,
    stage: str,
    credentials: Credentials,
    snapshot: Snapshot,
    dump: DumpObject,
    counted: Counted,
    started_at: datetime,
) -> Manifest:
    facts = snapshot.facts
    return Manifest(
        format=_FORMAT,
        tenant_id=order.tenant_id.value,
        backup_id=order.backup_id.value,
        stage=stage,
        trigger=order.trigger,
        isolation=credentials.isolation,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        database=facts.database,
        dump=dump,
        tables=counted.tables,
        sequences=counted.sequences,
        large_objects=counted.large_objects,
        home=HomeFacts(
            server_id=tenant.server_id,
            isolation=credentials.isolation,
            database=credentials.dbname,
            schema=credentials.schema,
            region=tenant.region,
            connections=tenant.limits.connections,
            statement_timeout_ms=tenant.limits.statement_timeout_ms,
            plan=tenant.limits.plan,
        ),
        # A pooled tenant may not read the revision of the shared tables: the registry has it.
        schema_revision=facts.revision or tenant.schema_revision,
        settings=facts.settings,
        extensions=facts.extensions,
        roles=facts.roles,
        grants=facts.grants,
        rights=snapshot.rights,
        fingerprint=counted.fingerprint,
        omissions=snapshot.omissions,
        uncounted=counted.failure.code if counted.failure else None,
        comment=snapshot.surroundings.comment,
        casts=[CastFacts.model_validate(asdict(cast)) for cast in snapshot.surroundings.casts],
        childless=snapshot.childless,
        inherited=[InheritedFacts.model_validate(detail._asdict()) for detail in snapshot.surroundings.inherited],
    )


def _publish(order: BackupOrder, store: ObjectStore, manifest: Manifest) -> Outcome:
    key = manifest_key(order.tenant_id, order.backup_id)
    try:
        store.put_once(key, manifest.model_dump_json(by_alias=True, indent=2).encode(), "application/json")
    except AlreadyPublished:
        return _published_before(order)
    return Outcome(order.backup_id, key, False, manifest.dump.stored_bytes, manifest.rows, manifest.uncounted)


def _published_before(order: BackupOrder) -> Outcome:
    return Outcome(order.backup_id, manifest_key(order.tenant_id, order.backup_id), True)


def _settle_race(order: BackupOrder, store: ObjectStore) -> Outcome:
    """Return the outcome of a quicker worker with this order: its manifest follows its dump in moments, or never."""
    if store.exists(manifest_key(order.tenant_id, order.backup_id)):
        return _published_before(order)
    raise BackupFailed("Another worker is publishing this backup.", code="backup_in_progress")
