"""Backups: their ids, their keys in the bucket, and the manifest, without which an object is no backup."""

import re
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from tenantry.domain.backup_facts import (
    LEFT_OUT,
    CastFacts,
    DatabaseFacts,
    ExtensionFacts,
    FingerprintFacts,
    Frozen,
    GrantFacts,
    HomeFacts,
    InheritedFacts,
    LargeObjects,
    Omission,
    RightsFacts,
    RoleFacts,
    SettingFacts,
)
from tenantry.domain.content import Counting, Place, Sample
from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.domain.ulid import ALPHABET, new_ulid

# Since this format long values are digested by themselves, and large objects in pieces.
_BY_VALUE = 3
_BACKUP_ID = re.compile(rf"[0-7][{ALPHABET}]{{25}}")


@dataclass(frozen=True, slots=True, order=True)
class BackupId:
    """A ULID: 26 characters that sort by the time of the backup (github.com/ulid/spec)."""

    value: str

    def __post_init__(self) -> None:
        if not _BACKUP_ID.fullmatch(self.value):
            raise BadRequest("That is no backup id.", code="invalid_backup_id", hint="A backup id is a ULID.")

    def __str__(self) -> str:
        return self.value


def new_backup_id(at: datetime, seed: str | None = None) -> BackupId:
    """Make an id for a backup that begins `at`; the same `seed` makes the same id again."""
    return BackupId(new_ulid(at, seed))


def backup_prefix(tenant_id: TenantId, backup_id: BackupId) -> str:
    """Return the prefix of a backup's objects, with a slash at its end."""
    return f"tenants/{tenant_id.value}/backups/{backup_id.value}/"


def dump_key(tenant_id: TenantId, backup_id: BackupId) -> str:
    """Return the key of a backup's dump: `pg_dump -Fc -Z0`, compressed with zstd."""
    return f"{backup_prefix(tenant_id, backup_id)}dump.zst"


def verification_key(tenant_id: TenantId, backup_id: BackupId) -> str:
    """Return the key of a backup's verification, which a drill writes once."""
    return f"{backup_prefix(tenant_id, backup_id)}verified.json"


def manifest_key(tenant_id: TenantId, backup_id: BackupId) -> str:
    """Return the key of a backup's manifest, which is written last."""
    return f"{backup_prefix(tenant_id, backup_id)}manifest.json"


class TableRows(Frozen):
    """The number of a table's rows in the dump's own snapshot, and their digest (`domain.content.TableContent`).

    Both are None if they could not be counted; then the manifest's `uncounted` says why.

    If `one_in` is more than 1, the digest covers that share of the rows, chosen by a hash of the columns in `key`.
    `copied`: it is of the lines that COPY writes (`contents.copied_rows`). Format 1 has no digests.
    """

    schema_name: str = Field(alias="schema")
    table: str
    rows: int | None = Field(default=None, ge=0)
    digest: str | None = None
    one_in: int = Field(default=1, ge=1)
    key: list[str] = Field(default_factory=list)
    copied: bool = False
    # The partitioned tables that it is a partition of, by schema and name; backups from before this field name none.
    partition_of: list[tuple[str, str]] = Field(default_factory=list)
    # The one of these among whose partitions a restore may distribute the rows otherwise.
    rehashed_in: tuple[str, str] | None = None


class DumpObject(Frozen):
    """The object that holds the dump. Sizes in bytes; `sha256` is of the stored (compressed) stream, in hex."""

    key: str
    version_id: str | None
    stored_bytes: int = Field(ge=0)
    dump_bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    pg_dump_version: str
    # The number of parts of the upload, and the size of each but the last; None in format 1.
    parts: int | None = None
    part_bytes: int | None = None

    @property
    def pg_dump_major(self) -> int | None:
        """The major version of the pg_dump that wrote it, which a pg_restore has to have at least; None: unknown."""
        found = re.search(r" (\d+)", self.pg_dump_version)
        return int(found[1]) if found else None


class Manifest(Frozen):
    """The description of a backup. Times are UTC; a restore compares the restored tables with `tables`.

    Format 1 has none of the optional fields.
    """

    format: int = 1
    tenant_id: str
    backup_id: str
    stage: str
    trigger: str
    isolation: Isolation
    started_at: datetime
    finished_at: datetime
    database: DatabaseFacts
    dump: DumpObject
    tables: list[TableRows]
    home: HomeFacts | None = None
    # The schema's revision; empty if Tenantry's migrations do not manage the schema, or the role could not read it.
    schema_revision: str | None = None
    settings: list[SettingFacts] = Field(default_factory=list)
    extensions: list[ExtensionFacts] = Field(default_factory=list)
    roles: list[RoleFacts] = Field(default_factory=list)
    grants: list[GrantFacts] = Field(default_factory=list)
    # The state of each sequence, by the keys of `domain.content.Content`: the last value, and whether it was handed
    # out.
    # It can't be compared: sequences are not part of a snapshot, so the dump may have read a later state.
    sequences: dict[str, str] = Field(default_factory=dict)
    large_objects: LargeObjects | None = None
    # Who might do what with everything that had other rights than it was born with. None: not written down, so a
    # restore takes what the dump says.
    rights: list[RightsFacts] | None = None
    # How everything was defined. None: not written down, or the tables are shared ones.
    fingerprint: FingerprintFacts | None = None
    # What no dump has: the comment on the database or on the tenant's schema, and the casts of that schema's types.
    comment: str | None = None
    casts: list[CastFacts] = Field(default_factory=list)
    inherited: list[InheritedFacts] = Field(default_factory=list)
    # Partitioned tables without a partition, which `tables` do not name.
    childless: list[tuple[str, str]] = Field(default_factory=list)
    # What a restore does not bring back. None: not looked for.
    omissions: list[Omission] | None = None
    # The code of what kept rows from being counted, or definitions from being read: no drill can verify this backup.
    uncounted: str | None = None

    @property
    def rows(self) -> int:
        """The number of rows, as far as they were counted."""
        return sum(table.rows or 0 for table in self.tables)

    @property
    def left_out(self) -> list[Omission]:
        """What a restore leaves out of the archive, for it would fail with it."""
        return [gone for gone in self.omissions or () if gone.reason in LEFT_OUT]

    @property
    def is_limited(self) -> bool:
        """Whether a restore does not bring back everything that there was."""
        return bool(self.omissions)

    @property
    def names_others(self) -> bool:
        """Whether others than the tenant's roles have rights in its database, as an adopted one's application has."""
        own = re.compile(
            rf"{re.escape(self.tenant_id)}_(owner|editor|viewer|login_[ab]|copy|dump|count|inspect_[0-9a-f]{{8}})"
        )
        return not all(own.fullmatch(role.name) for role in self.roles)

    @property
    def has_digests(self) -> bool:
        """Whether it has digests of rows, and not their number alone."""
        return self.uncounted is not None or any(table.digest for table in self.tables)

    @property
    def counting(self) -> Counting:
        """How its rows were counted and digested, to do it again."""
        places: dict[Place, TableRows] = {(table.schema_name, table.table): table for table in self.tables}
        return Counting(
            samples={place: Sample(t.one_in, tuple(t.key)) for place, t in places.items() if t.one_in > 1},
            skipped=frozenset(place for place, table in places.items() if table.rows is None),
            copied=frozenset(place for place, table in places.items() if table.copied),
            whole=self.format < _BY_VALUE,
        )
