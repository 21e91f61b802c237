"""The findings of the drift report: where registry, servers, secrets, keys, users and backups disagree."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from tenantry.reports.isolation.findings import Severity


class Drift(StrEnum):
    """The kinds of findings."""

    # The registry names something that does not exist.
    SERVER_UNKNOWN = "server_unknown"
    ADMINISTRATOR_MISSING = "administrator_missing"
    SECRET_MISSING = "secret_missing"  # noqa: S105 - the name of a finding
    DATABASE_MISSING = "database_missing"
    SCHEMA_MISSING = "schema_missing"
    ROLE_MISSING = "role_missing"
    USAGE_KEY_MISSING = "usage_key_missing"
    BACKUP_MISSING = "backup_missing"

    # Something exists whose tenant the registry does not know.
    SECRET_UNKNOWN = "secret_unknown"  # noqa: S105 - the name of a finding
    ADMINISTRATOR_UNKNOWN = "administrator_unknown"
    DATABASE_UNKNOWN = "database_unknown"
    SCHEMA_UNKNOWN = "schema_unknown"
    ROLE_UNKNOWN = "role_unknown"
    USAGE_KEY_UNKNOWN = "usage_key_unknown"
    USER_UNKNOWN = "user_unknown"
    BACKUPS_UNKNOWN = "backups_unknown"

    # Both sides exist, and disagree.
    SERVER_TWICE = "server_twice"
    TAGS_DISAGREE = "tags_disagree"
    SECRET_DISAGREES = "secret_disagrees"  # noqa: S105 - the name of a finding
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - the name of a finding
    LOGIN_REFUSED = "login_refused"
    DATABASE_IDENTITY = "database_identity"
    DATABASE_TEMPLATE = "database_template"
    LOGIN_LIMIT = "login_limit"
    SCHEMA_REVISION = "schema_revision"
    STRUCTURE = "structure"
    ROTATION_OFF = "rotation_off"

    # An operation that died left something behind.
    TENANT_INCOMPLETE = "tenant_incomplete"
    RELOCATION_LEFT = "relocation_left"
    FENCE_LEFT = "fence_left"
    DATABASE_LEFT = "database_left"
    SCHEMA_LEFT = "schema_left"
    ROLE_LEFT = "role_left"
    PENDING_LEFT = "pending_left"


class _Advice(NamedTuple):
    severity: Severity
    hint: str


_HIGH, _MEDIUM, _LOW = Severity.HIGH, Severity.MEDIUM, Severity.LOW
_REPEAT = "Repeat PUT /admin/v1/tenants/{id}: it makes what is missing."
_NOT_OURS = "If it is another application's, rename it: its name is one of Tenantry's."

_ADVICE = {
    Drift.SERVER_UNKNOWN: _Advice(_HIGH, "Register the server anew with PUT /admin/v1/servers/{id}."),
    Drift.SERVER_TWICE: _Advice(
        _HIGH,
        "Two ids lead to one running server. Drop nothing there. Correct the address of one (PUT), or undo the moves "
        "between them and take the other id off: DELETE /admin/v1/servers/{id}.",
    ),
    Drift.ADMINISTRATOR_MISSING: _Advice(
        _HIGH, "Register the server again with its administrator: PUT /admin/v1/servers/{id}."
    ),
    Drift.SECRET_MISSING: _Advice(
        _HIGH,
        "Restore the secret if it was deleted with a recovery window; else repeat PUT /admin/v1/tenants/{id}, which "
        "gives a new password. Restore an adopted tenant's by adopting it again.",
    ),
    Drift.DATABASE_MISSING: _Advice(_HIGH, "Restore the tenant's newest backup; if it is gone on purpose, erase it."),
    Drift.SCHEMA_MISSING: _Advice(_HIGH, "Restore the tenant's newest backup; if it is gone on purpose, erase it."),
    Drift.ROLE_MISSING: _Advice(_HIGH, _REPEAT),
    Drift.USAGE_KEY_MISSING: _Advice(_MEDIUM, _REPEAT),
    Drift.BACKUP_MISSING: _Advice(
        _HIGH, "Look for the reason in the log of back_up_tenant, and back the tenant up now."
    ),
    Drift.SECRET_UNKNOWN: _Advice(
        _MEDIUM, "Delete the secret, or adopt the database that it belongs to: POST /admin/v1/tenants/{id}/adopt."
    ),
    Drift.ADMINISTRATOR_UNKNOWN: _Advice(_MEDIUM, "Delete the secret, or register its server."),
    Drift.DATABASE_UNKNOWN: _Advice(
        _MEDIUM, "Adopt it (POST /admin/v1/tenants/{id}/adopt), or dump it once more and drop it."
    ),
    Drift.SCHEMA_UNKNOWN: _Advice(_MEDIUM, "Dump it once more and drop it."),
    Drift.ROLE_UNKNOWN: _Advice(_MEDIUM, f"Drop the role once it owns nothing. {_NOT_OURS}"),
    Drift.USAGE_KEY_UNKNOWN: _Advice(_LOW, "Delete the API key."),
    Drift.USER_UNKNOWN: _Advice(
        _MEDIUM, "Delete the user, or correct its custom:tenant_id. Its tokens are refused meanwhile."
    ),
    Drift.BACKUPS_UNKNOWN: _Advice(
        _MEDIUM,
        "Find out with the audit trail and the certificates why they were kept. Once no hold and no lock is on them, "
        "DELETE /admin/v1/tenants/{id} deletes those of an erased tenant; delete the others by hand.",
    ),
    Drift.TAGS_DISAGREE: _Advice(
        _HIGH, "Set the tags TenantId and Stage to what the name says; requests of that tenant fail until then."
    ),
    Drift.SECRET_DISAGREES: _Advice(
        _HIGH, "Find out which is true. Repeating PUT /admin/v1/tenants/{id} writes the secret as the registry has it."
    ),
    Drift.SECRET_UNREADABLE: _Advice(_HIGH, "Bring the version AWSPREVIOUS back, or write the secret anew."),
    Drift.LOGIN_REFUSED: _Advice(
        _HIGH, "The code is the server's SQLSTATE. 28P01: rotate the secret; 42501 or 28000: repeat PUT."
    ),
    Drift.DATABASE_IDENTITY: _Advice(
        _HIGH, "ALTER DATABASE … SET tenantry.tenant_id, after you have made sure whose data it holds."
    ),
    Drift.DATABASE_TEMPLATE: _Advice(
        _MEDIUM, "Its owner has made it a template, which nobody can drop: ALTER DATABASE … IS_TEMPLATE false."
    ),
    Drift.LOGIN_LIMIT: _Advice(_MEDIUM, "PUT /admin/v1/tenants/{id}/limits with the limits that you want."),
    Drift.SCHEMA_REVISION: _Advice(_MEDIUM, "Repeat PUT /admin/v1/tenants/{id}: it brings the schema up to date."),
    Drift.STRUCTURE: _Advice(
        _MEDIUM,
        "Somebody has changed what a revision made, or its file was changed afterwards. Roll out a revision that mends "
        "it, or have the tenant's administrator take the change back.",
    ),
    Drift.ROTATION_OFF: _Advice(_MEDIUM, "Repeat PUT /admin/v1/tenants/{id}: it schedules the rotation."),
    Drift.TENANT_INCOMPLETE: _Advice(_MEDIUM, "Repeat the call that makes the tenant, or erase it."),
    Drift.RELOCATION_LEFT: _Advice(
        _HIGH, "Repeat the move or the promotion, or POST /admin/v1/tenants/{id}/undo; rotation waits for it."
    ),
    Drift.FENCE_LEFT: _Advice(
        _HIGH, "The tenant can't write. ALTER ROLE or ALTER DATABASE … RESET default_transaction_read_only."
    ),
    Drift.DATABASE_LEFT: _Advice(_LOW, "Nobody lives in it: drop it, if no restore or move of the tenant runs."),
    Drift.SCHEMA_LEFT: _Advice(_LOW, "Nobody lives in it: drop it, if no restore or move of the tenant runs."),
    Drift.ROLE_LEFT: _Advice(
        _LOW, "Nobody uses it any more: drop the role, if the tenant is not being moved or cloned."
    ),
    Drift.PENDING_LEFT: _Advice(
        _MEDIUM, "Take AWSPENDING off that version (update-secret-version-stage), or the next rotation fails."
    ),
}

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """One disagreement: the tenant and the server (both may be empty), and the thing that disagrees."""

    kind: Drift
    tenant: str = ""
    server: str = ""
    where: str = ""

    @property
    def severity(self) -> Severity:
        """The severity: high if a tenant is not served, is not backed up or may lose data."""
        return _ADVICE[self.kind].severity

    @property
    def hint(self) -> str:
        """What the operator should do."""
        return _ADVICE[self.kind].hint.replace("{id}", self.tenant or self.server or "{id}")

    def to_json(self) -> dict[str, str]:
        """Return the answer to an operator as JSON values."""
        return {
            "kind": self.kind.value,
            "severity": self.severity.value,
            "tenant": self.tenant,
            "server": self.server,
            "where": self.where,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True, order=True)
class Unread:
    """Something that could not be read, with the reason: one of our error codes, or an SQLSTATE."""

    what: str
    server: str
    tenant: str
    code: str


class OwnObjects(NamedTuple):
    """How many objects a tenant has made itself, beside those of the revisions."""

    objects: int
    tenant: str
    server: str


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The result of a comparison; `started_at` is ISO 8601 in UTC. It passed if all was read and nothing found.

    `compared` are the homes whose structure was compared with what their revision makes, shared tables as one.
    """

    started_at: str
    seconds: float
    tenants: int
    servers: int
    findings: list[DriftFinding]
    unchecked: list[Unread]
    compared: int = 0
    own_objects: list[OwnObjects] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything was read and agrees."""
        return not self.findings and not self.unchecked

    def to_json(self) -> dict[str, Any]:
        """Return the answer to an operator as JSON values."""
        return {
            "passed": self.passed,
            "started_at": self.started_at,
            "seconds": self.seconds,
            "tenants": self.tenants,
            "servers": self.servers,
            "compared": self.compared,
            "findings": [finding.to_json() for finding in self.findings],
            "unchecked": [asdict(unread) for unread in self.unchecked],
            "own_objects": [own._asdict() for own in self.own_objects],
        }


def sort_drift(findings: Iterable[DriftFinding]) -> list[DriftFinding]:
    """Sort the findings by severity, then by tenant and server, and drop duplicates."""
    return sorted(set(findings), key=lambda f: (_RANK[f.severity], f.tenant, f.server, f.kind, f.where))
