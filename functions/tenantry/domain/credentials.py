"""The credentials of one tenant's database, as its secret holds them."""

import json
from dataclasses import dataclass, field
from typing import Any

from tenantry.domain.errors import InvalidSetting
from tenantry.domain.pooler import Pooler, parse_pooler
from tenantry.domain.tenant import Isolation, TenantId

_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})


def secret_name(stage: str, tenant_id: TenantId) -> str:
    """Name the secret that holds a tenant's credentials."""
    return f"tenantry/{stage}/tenants/{tenant_id.value}"


def dump_secret_name(stage: str, tenant_id: TenantId) -> str:
    """Name the secret with the password of a tenant's logins for backups.

    It is not among the tenants' own secrets: those are what serves requests may read.
    """
    return f"tenantry/{stage}/dumps/{tenant_id.value}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in to one tenant's database. `sslrootcert` is PEM text, or None for the system's authorities.

    `host` and `port` are the server's own. The data API goes through the `pooler`, if there is one; all else, past it.
    """

    host: str
    port: int
    dbname: str
    username: str
    password: str = field(repr=False)
    sslmode: str = "require"
    sslrootcert: str | None = None
    isolation: Isolation = Isolation.DATABASE
    schema: str = "public"
    pooler: Pooler | None = None

    def to_json(self) -> str:
        """Write the secret in the form that AWS's rotation functions use."""
        content: dict[str, Any] = {
            "engine": "postgres",
            "host": self.host,
            "port": self.port,
            "dbname": self.dbname,
            "username": self.username,
            "password": self.password,
            "sslmode": self.sslmode,
            "isolation": self.isolation.value,
            "schema": self.schema,
        }
        if self.sslrootcert:
            content["sslrootcert"] = self.sslrootcert
        if self.pooler:
            content["pooler"] = self.pooler.to_json()
        return json.dumps(content)


def parse_credentials(text: str) -> Credentials:
    """Read a secret; `database` and `user` are other spellings of `dbname` and `username`.

    :raises InvalidSetting: the secret is not JSON, or a field is missing or malformed. The message names fields, never
    values.
    """
    try:
        content = json.loads(text)
    except ValueError:
        # `from None`, because the JSON error contains the document, and the document is the secret.
        raise InvalidSetting("The tenant's secret is not JSON.", code="invalid_secret") from None
    if not isinstance(content, dict):
        raise InvalidSetting("The tenant's secret is not a JSON object.", code="invalid_secret")
    return Credentials(
        host=_text(content, "host"),
        port=_port(content.get("port", 5432)),
        dbname=_text(content, "dbname", "database"),
        username=_text(content, "username", "user"),
        password=_text(content, "password"),
        sslmode=_ssl_mode(content),
        sslrootcert=content.get("sslrootcert") or None,
        isolation=_isolation(content.get("isolation", "database")),
        schema=str(content.get("schema") or "public"),
        pooler=parse_pooler(content.get("pooler")),
    )


def dump_password_json(username: str, password: str) -> str:
    """Write the secret of the logins for backups."""
    return json.dumps({"username": username, "password": password})


def parse_dump_password(text: str) -> str:
    """Read the password of the logins for backups. :raises InvalidSetting: the secret is malformed."""
    try:
        content = json.loads(text)
    except ValueError:
        raise InvalidSetting("The secret for dumps is not JSON.", code="invalid_secret") from None
    if not isinstance(content, dict):
        raise InvalidSetting("The secret for dumps is not a JSON object.", code="invalid_secret")
    return _text(content, "password")


def _text(content: dict[str, Any], *names: str) -> str:
    for name in names:
        value = content.get(name)
        if isinstance(value, str) and value and "\x00" not in value:
            return value
    raise InvalidSetting(f"The tenant's secret has no usable '{names[0]}'.", code="invalid_secret")


def _port(value: Any) -> int:
    try:
        port = int(value)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        raise InvalidSetting("The tenant's secret has no usable 'port'.", code="invalid_secret")
    return port


def _ssl_mode(content: dict[str, Any]) -> str:
    mode = content.get("sslmode") or ("verify-full" if content.get("sslrootcert") else "require")
    if mode not in _SSL_MODES:
        raise InvalidSetting("The tenant's secret has an unknown 'sslmode'.", code="invalid_secret")
    return str(mode)


def _isolation(value: Any) -> Isolation:
    try:
        return Isolation(value)
    except ValueError:
        raise InvalidSetting("The tenant's secret has an unknown 'isolation'.", code="invalid_secret") from None
