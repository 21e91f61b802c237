"""Inspectors: logins that read one tenant's database for some hours, and their files for pgAdmin 4 and libpq."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from tenantry.domain.tenant import TenantId

MAX_TENANTS = 50
MAX_HOURS = 24
_MARK = "_inspect_"


def new_inspector_name(tenant_id: TenantId) -> str:
    """Make a unique name for an inspector, of at most 47 bytes. It is no other tenant's: ids contain no `_`."""
    return f"{tenant_id.value}{_MARK}{secrets.token_hex(4)}"


def inspector_pattern(tenant_id: TenantId) -> str:
    """Return a PostgreSQL regular expression that matches one tenant's inspectors and no other role."""
    return f"^{tenant_id.value}{_MARK}[0-9a-f]{{8}}$"


def is_inspector(role: str) -> bool:
    """Tell whether a role is an inspector, by its name."""
    return re.fullmatch(rf"[a-z0-9-]+{_MARK}[0-9a-f]{{8}}", role) is not None


def inspected_tenant(role: str) -> TenantId:
    """Say into whose database a login of this name looks. :raises BadRequest: it is no inspector's name."""
    return TenantId(role.partition(_MARK)[0])


@dataclass(frozen=True, slots=True)
class Inspector:
    """A login that becomes one tenant's viewer, with its server and database."""

    tenant: str
    server_id: str
    database: str
    login: str

    def to_facts(self) -> dict[str, str]:
        """Return the facts that an operation keeps: enough to remove the inspector, and no secret."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How an operator's machine reaches an inspector's server, and the group under which pgAdmin lists it."""

    group: str
    host: str
    port: int
    sslmode: str
    sslrootcert: str | None


@dataclass(frozen=True, slots=True)
class DeskFiles:
    """Absolute paths of files on an operator's machine; an empty path means libpq's default.

    The defaults are `~/.pgpass` for the passwords and `~/.postgresql/root.crt` for the authorities.
    """

    passfile: str = ""
    sslrootcert: str = ""


def servers_json(listed: Iterable[tuple[Inspector, Endpoint]], files: DeskFiles, comment: str) -> dict[str, Any]:
    """Build the `servers.json` that pgAdmin 4 imports."""
    entries = {str(number): _entry(*one, files, comment) for number, one in enumerate(listed, start=1)}
    return {"Servers": entries}


def _entry(inspector: Inspector, endpoint: Endpoint, files: DeskFiles, comment: str) -> dict[str, Any]:
    # An empty passfile is written on purpose: without this key, pgAdmin asks for a password instead of letting libpq
    # look.
    parameters: dict[str, Any] = {"sslmode": endpoint.sslmode, "connect_timeout": 10, "passfile": files.passfile}
    if endpoint.sslrootcert:
        parameters |= {"sslrootcert": files.sslrootcert} if files.sslrootcert else {}
    elif endpoint.sslmode == "verify-full":
        parameters["sslrootcert"] = "system"
    entry = {
        "Name": inspector.tenant,
        "Group": endpoint.group,
        "Host": endpoint.host,
        "Port": endpoint.port,
        "MaintenanceDB": inspector.database,
        "Username": inspector.login,
        "Comment": comment,
        "ConnectionParameters": parameters,
    }
    # pgAdmin reads a comma-separated list without quotes, so a name with a comma can't be written.
    return entry if "," in inspector.database else entry | {"DBRestriction": inspector.database}


def pgpass_line(inspector: Inspector, endpoint: Endpoint, password: str) -> str:
    """Write a login's line of a password file, as libpq reads it.

    A database whose name has an end of line in it can't be named there: its line, of a login that lets nobody in
    elsewhere, is for any database.
    """
    database = inspector.database if inspector.database.isprintable() else "*"
    fields = (endpoint.host, str(endpoint.port), database, inspector.login, password)
    return ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields)


def pass_file_secret_name(stage: str, name: str) -> str:
    """Name the secret that holds the password file of one request."""
    return f"tenantry/{stage}/pgadmin/{name}"
