"""What an operator's reports say. Names of tenants, servers, databases, roles and tables: no host, no password."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    CRITICAL = "critical"  # a tenant reaches what is another's, or the server
    HIGH = "high"  # one wall of several is missing
    MEDIUM = "medium"  # a wall is weaker than it should be
    LOW = "low"  # nothing is open, and it is not as it should be


class Hole(StrEnum):
    """What was found. The first group was tried as the tenant, the second read as the server's administrator."""

    LOGIN_ACCEPTED = "login_accepted"
    MAY_CONNECT = "may_connect"
    ROWS_READABLE = "rows_readable"
    ROWS_WRITABLE = "rows_writable"
    ROLE_ASSUMED = "role_assumed"
    PASSWORDS_READABLE = "passwords_readable"
    FILES_READABLE = "files_readable"
    FILES_WRITABLE = "files_writable"
    PROGRAMS_RUN = "programs_run"
    ROLES_MADE = "roles_made"
    WRONG_IDENTITY = "wrong_identity"

    ROLE_ATTRIBUTE = "role_attribute"
    FOREIGN_MEMBERSHIP = "foreign_membership"
    INHERITED_RIGHTS = "inherited_rights"
    PUBLIC_CONNECT = "public_connect"
    FOREIGN_CONNECT = "foreign_connect"
    DATABASE_IDENTITY = "database_identity"
    READABLE_SETTING = "readable_setting"
    PUBLIC_GRANT = "public_grant"
    FOREIGN_GRANT = "foreign_grant"
    SUPERUSER_FUNCTION = "superuser_function"
    NO_ROW_SECURITY = "no_row_security"
    INDEX_ORDER = "index_order"
    ROTATION_OVERDUE = "rotation_overdue"


@dataclass(frozen=True, slots=True)
class Finding:
    """One hole: whose wall it is in, or who got through it.

    `tenant` is empty where it is nobody's in particular; `other` is the tenant, database or role on the far side;
    `where` is the table, role or attribute. Of many alike there is one, with their `number` and some `examples`: of
    `where` or, if it is many tenants', of `tenant`.
    """

    what: Hole
    severity: Severity
    server: str
    tenant: str = ""
    other: str = ""
    where: str = ""
    number: int = 1
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Unchecked:
    """What could not be checked, and why: the code of an error of ours, or an SQLSTATE.

    `tenant` is whose doing it is: of a neighbour that lets nobody finish, the neighbour.
    """

    server: str
    tenant: str
    other: str
    code: str


@dataclass(frozen=True, slots=True)
class IsolationReport:
    """What an audit tried and found; `started_at` as ISO 8601, in UTC.

    `attempts` counts what was tried as a tenant, in all and by server and tenant. The catalogues were read about all
    `pairs` of tenants; `pairs_tried` were tried for real: those that the catalogues leave open, and a sample, which the
    `seed` has chosen. It passed when everything could be checked and nothing was found.
    """

    started_at: str
    seconds: float
    tenants: int
    attempts: int
    attempts_by_server: dict[str, int]
    attempts_by_tenant: dict[str, int]
    pairs: int
    pairs_tried: int
    seed: str
    findings: list[Finding]
    unchecked: list[Unchecked]

    @property
    def passed(self) -> bool:
        """Whether the walls are proved to stand."""
        return not self.findings and not self.unchecked

    def to_json(self) -> dict[str, Any]:
        """Build what an operator is answered."""
        return {"passed": self.passed, **asdict(self)}


# As many examples as tell what kind of thing it is, and as many findings of one kind as somebody would read.
EXAMPLES = 5
_MOST_OF_A_TENANT = 20
_MOST_TENANTS = 100

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def sort_findings(findings: set[Finding]) -> list[Finding]:
    """Put the worst first, then by server and tenant."""
    return sorted(findings, key=lambda f: (_RANK[f.severity], f.server, f.tenant, f.other, f.what, f.where))


def fold(findings: Iterable[Finding]) -> set[Finding]:
    """Leave one of many alike, with their number, so that no tenant can make a report as long as it likes."""
    of_each = _groups(findings, lambda f: (f.what, f.severity, f.server, f.tenant, f.other))
    short = [one for group in of_each for one in (group if len(group) <= _MOST_OF_A_TENANT else [_one_of(group)])]
    of_all = _groups(short, lambda f: (f.what, f.severity, f.server, f.other))
    return {one for group in of_all for one in (group if len(group) <= _MOST_TENANTS else [_one_of_tenants(group)])}


def _groups(findings: Iterable[Finding], alike: Callable[[Finding], object]) -> Iterable[list[Finding]]:
    groups = defaultdict[object, list[Finding]](list)
    for finding in findings:
        groups[alike(finding)].append(finding)
    return groups.values()


def _one_of(group: list[Finding]) -> Finding:
    """Stand for one tenant's findings that differ in nothing but where."""
    group = sorted(group, key=lambda f: f.where)
    examples = tuple(f.where for f in group[:EXAMPLES])
    return replace(group[0], number=sum(f.number for f in group), examples=examples)


def _one_of_tenants(group: list[Finding]) -> Finding:
    """Stand for findings of many tenants that have the same on their far side."""
    names = tuple(sorted({f.tenant for f in group})[:EXAMPLES])
    return replace(group[0], tenant="", where="", number=sum(f.number for f in group), examples=names)
