"""Backups: their ids, their keys in the bucket, and the manifest, without which an object is no backup."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tenantry.domain.content import Sample
from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import Home, Isolation, TenantId
from tenantry.domain.ulid import ALPHABET, new_ulid

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


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableRows(_Frozen):
    """The number of a table's rows in the dump's own snapshot, and their digest (`domain.content.TableContent`).

    If `one_in` is more than 1, the digest covers that share of the rows, chosen by a hash of the columns in `key`.
    `copied`: it is of the lines that COPY writes (`contents.copied_rows`). Format 1 has no digests.
    """

    schema_name: str = Field(alias="schema")
    table: str
    rows: int = Field(ge=0)
    digest: str | None = None
    one_in: int = Field(default=1, ge=1)
    key: list[str] = Field(default_factory=list)
    copied: bool = False
    # The partitioned tables that it is a partition of, by schema and name; backups from before this field name none.
    partition_of: list[tuple[str, str]] = Field(default_factory=list)
    # The one of these among whose partitions a restore may distribute the rows otherwise.
    rehashed_in: tuple[str, str] | None = None


class DumpObject(_Frozen):
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


class DatabaseFacts(_Frozen):
    """The database as it was dumped; size in bytes. Format 1 has no facts on the collation.

    `locale_provider` is libc, icu or builtin; `locale` belongs to the last two, `icu_rules` to ICU. `version` is
    PostgreSQL's own number. `tablespace`, `comment` and `connection_limit` are of a tenant's own database; the first is
    empty if it is the server's default, the last is -1 without a limit.
    """

    name: str
    server_version: str
    size_bytes: int = Field(ge=0)
    encoding: str
    version: int | None = None
    collation: str | None = None
    character_type: str | None = None
    locale_provider: str | None = None
    locale: str | None = None
    icu_rules: str | None = None
    tablespace: str | None = None
    comment: str | None = None
    connection_limit: int | None = None


class HomeFacts(_Frozen):
    """The tenant's home and its entry in the registry: enough to make the tenant again if the registry is lost."""

    server_id: str
    isolation: Isolation
    database: str
    schema_name: str = Field(alias="schema")
    # The only region that may hold its data; empty means any.
    region: str = ""
    connections: int
    statement_timeout_ms: int
    plan: str

    @property
    def home(self) -> Home:
        """The home as the registry has it."""
        return Home(self.server_id, self.isolation, self.database, self.schema_name)


class SettingFacts(_Frozen):
    """A setting of the database (`role` is empty), of a role, or of a role in this database only."""

    role: str = ""
    in_database: bool
    name: str
    value: str


class ExtensionFacts(_Frozen):
    """An extension of the database, which a dump names without its version."""

    name: str
    version: str
    schema_name: str = Field(alias="schema")


class RoleFacts(_Frozen):
    """One of the tenant's roles, without its password."""

    name: str
    login: bool
    inherits: bool
    connection_limit: int
    member_of: list[str]


class GrantFacts(_Frozen):
    """A right to the database itself; the dump has the rights to its objects. `grantee` is empty for PUBLIC."""

    grantee: str
    privilege: str
    grantable: bool


class RightsFacts(_Frozen):
    """Rights that several things have alike, in the words of `domain.rights`, which do not name the tenant.

    An entry is a grantee, a privilege, whether it may be given away, and the grantor; a thing its kind, its schema, its
    names and its arguments.
    """

    owner: str
    granted: list[tuple[str, str, bool, str]]
    revoked: list[tuple[str, str, bool, str]]
    things: list[tuple[str, str | None, list[str], list[str]]]


class LargeObjects(_Frozen):
    """The number of large objects, and the digest of their contents."""

    count: int = Field(ge=0)
    digest: str


class KindFacts(_Frozen):
    """All objects of one kind; see `domain.fingerprint.KindDigest`. An object's digests are joined by a dot."""

    kind: str
    count: int = Field(ge=0)
    plain: str
    written: str
    objects: dict[str, str] | None


class FingerprintFacts(_Frozen):
    """How everything was defined; `major` is the server's major version. See `domain.fingerprint`."""

    major: int
    kinds: list[KindFacts]


class CastFacts(_Frozen):
    """A cast of a type in a tenant's schema; a name comes after that of its schema, None being the tenant's own."""

    source: tuple[str | None, str]
    target: tuple[str | None, str]
    method: str
    context: str
    function: tuple[str | None, str] | None = None
    arguments: list[tuple[str | None, str]] = Field(default_factory=list)
    comment: str | None = None


class InheritedFacts(_Frozen):
    """What a child table has otherwise than its parents, as in `domain.surroundings`."""

    kind: Literal["valid", "storage", "compression"]
    schema_name: str | None = Field(alias="schema")
    table: str
    part: str
    value: str = Field("", pattern=r"^[pemx]?$")


class OmissionReason(StrEnum):
    """Why a restore does not bring something back as it was."""

    # Only a superuser may make it, and a restore is the tenant's owner's: it is left out.
    NEEDS_SUPERUSER = "needs_superuser"
    # It belongs to the very database that was backed up, or to other servers' streams from and to it.
    TIED = "tied_to_database"
    # pg_dump leaves it out: an index that was not completed; that a foreign key is not checked any more.
    NOT_DUMPED = "not_dumped"
    # It comes back in the default tablespace.
    DEFAULT_TABLESPACE = "default_tablespace"
    # pg_restore can't make it as pg_dump has written it: it is left out.
    NOT_RESTORABLE = "not_restorable"
    # As pg_dump writes it, a rule or policy means something else, or nothing. Rows depend on it: it is not left out.
    MISREAD = "misread"
    # Filled anew with the rows that policies show to its owner, whom they bind too: it may have had others.
    POLICIES_APPLY = "policies_apply"


# What a restore leaves out, and does not compare.
LEFT_OUT = frozenset({OmissionReason.NEEDS_SUPERUSER, OmissionReason.NOT_RESTORABLE})


class Omission(_Frozen):
    """Something that a restore does not bring back; its name is that of `domain.fingerprint`.

    `catalogue` and `object` are the oids that the archive has it under; 0 where it has not.
    """

    kind: str
    name: str
    reason: str
    catalogue: int = 0
    object: int = 0


class Manifest(_Frozen):
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
    # What a restore does not bring back. None: not looked for.
    omissions: list[Omission] | None = None

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
    def samples(self) -> dict[tuple[str, str], Sample]:
        """The samples of tables whose digest covers only some of the rows, by schema and name, for `ContentReader`."""
        return {(t.schema_name, t.table): Sample(t.one_in, tuple(t.key)) for t in self.tables if t.one_in > 1}

    @property
    def copied(self) -> frozenset[tuple[str, str]]:
        """The tables whose digests are of the lines that COPY writes, by schema and name."""
        return frozenset((t.schema_name, t.table) for t in self.tables if t.copied)


class VerifiedTable(_Frozen):
    """A table as a drill restored it; `matches` says whether its rows and content agree with the manifest."""

    schema_name: str = Field(alias="schema")
    table: str
    rows: int = Field(ge=0)
    matches: bool


class Verification(_Frozen):
    """The result of a drill. Seconds and bytes are of the restore; times are UTC."""

    backup_id: str
    tenant_id: str
    drilled_at: datetime
    seconds: float = Field(ge=0)
    restored_bytes: int = Field(ge=0)
    tables: list[VerifiedTable]
    digest_matches: bool
    server_id: str
    server_version: str
    operation_id: str
    # The scratch database on that server that could not be dropped; a later drill drops it. Empty: none is left.
    left_behind: str = ""
    # What differs from what was backed up, by name, at most ten.
    differing: list[str] = Field(default_factory=list)
    # Whether a restore does not bring back everything that there was; the manifest says what it leaves out.
    limited: bool = False
    # Roles that are not the tenant's, and not on the drill's server: what they owned was the tenant's owner's there.
    left_out: list[str] = Field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the restored data is what was backed up."""
        return self.digest_matches and all(table.matches for table in self.tables)
