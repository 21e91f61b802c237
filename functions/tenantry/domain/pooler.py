"""A pooler between the data API and a server: many clients' connections take turns on few of the server's sessions."""

from dataclasses import dataclass
from typing import Any, Final

from tenantry.domain.errors import InvalidSetting

# The server's session is a client's for one transaction. In PgBouncer's other modes nothing would be gained, or a
# request could not be a transaction.
MODE: Final = "transaction"


@dataclass(frozen=True, slots=True)
class Pooler:
    """Where it listens; `host` None: where its server is. Its certificate is judged as the server's."""

    port: int
    host: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a secret holds it."""
        place = {"mode": MODE, "port": self.port}
        return place | {"host": self.host} if self.host else place


def parse_pooler(content: Any) -> Pooler | None:
    """Read a secret's `pooler`: `{"mode": "transaction", "port": 6432, "host"?: "…"}`; None is none.

    :raises InvalidSetting: it is malformed.
    """
    if content is None:
        return None
    if not isinstance(content, dict) or content.get("mode") != MODE:
        raise _unusable()
    port, host = content.get("port"), content.get("host")
    if type(port) is not int or not 0 < port < 65536:
        raise _unusable()
    if host is not None and (not isinstance(host, str) or not host or "\x00" in host):
        raise _unusable()
    return Pooler(port, host)


def _unusable() -> InvalidSetting:
    return InvalidSetting(
        "The tenant's secret has no usable 'pooler'.",
        code="invalid_secret",
        hint='It is {"mode": "transaction", "port": 6432}, and may have a "host".',
    )
