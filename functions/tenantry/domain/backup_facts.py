"""What a manifest says of a tenant's database besides its rows."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tenantry.domain.tenant import Home, Isolation


class Frozen(BaseModel):
    """A part of a manifest or of a verification: it does not change, and has no fields but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseFacts(Frozen):
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


class HomeFacts(Frozen):
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


class SettingFacts(Frozen):
    """A setting of the database (`role` is empty), of a role, or of a role in this database only."""

    role: str = ""
    in_database: bool
    name: str
    value: str


class ExtensionFacts(Frozen):
    """An extension of the database, which a dump names without its version."""

    name: str
    version: str
    schema_name: str = Field(alias="schema")


class RoleFacts(Frozen):
    """One of the tenant's roles, without its password."""

    name: str
    login: bool
    inherits: bool
    connection_limit: int
    member_of: list[str]


class GrantFacts(Frozen):
    """A right to the database itself; the dump has the rights to its objects. `grantee` is empty for PUBLIC."""

    grantee: str
    privilege: str
    grantable: bool


class RightsFacts(Frozen):
    """Rights that several things have alike, in the words of `domain.rights`, which do not name the tenant.

    An entry is a grantee, a privilege, whether it may be given away, and the grantor; a thing its kind, its schema, its
    names and its arguments.
    """

    owner: str
    granted: list[tuple[str, str, bool, str]]
    revoked: list[tuple[str, str, bool, str]]
    things: list[tuple[str, str | None, list[str], list[str]]]


class LargeObjects(Frozen):
    """The number of large objects, and the digest of their contents."""

    count: int = Field(ge=0)
    digest: str


class KindFacts(Frozen):
    """All objects of one kind; see `domain.fingerprint.KindDigest`. An object's digests are joined by a dot."""

    kind: str
    count: int = Field(ge=0)
    plain: str
    written: str
    objects: dict[str, str] | None


class FingerprintFacts(Frozen):
    """How everything was defined; `major` is the server's major version. See `domain.fingerprint`."""

    major: int
    kinds: list[KindFacts]


class CastFacts(Frozen):
    """A cast of a type in a tenant's schema; a name comes after that of its schema, None being the tenant's own."""

    source: tuple[str | None, str]
    target: tuple[str | None, str]
    method: str
    context: str
    function: tuple[str | None, str] | None = None
    arguments: list[tuple[str | None, str]] = Field(default_factory=list)
    comment: str | None = None


class InheritedFacts(Frozen):
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
    # Its columns come back behind those that it inherits.
    COLUMN_ORDER = "column_order"


# What a restore leaves out, and does not compare.
LEFT_OUT = frozenset({OmissionReason.NEEDS_SUPERUSER, OmissionReason.NOT_RESTORABLE})


class Omission(Frozen):
    """Something that a restore does not bring back; its name is that of `domain.fingerprint`.

    `catalogue` and `object` are the oids that the archive has it under; 0 where it has not.
    """

    kind: str
    name: str
    reason: str
    catalogue: int = 0
    object: int = 0
