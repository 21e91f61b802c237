"""Opens a tenant's connection with the secret that works by now."""

from tenantry.aws.tenant_secrets import TenantSecrets
from tenantry.database.connecting import ConnectSettings
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseUnavailable, IdentityMismatch, TenantMoving, TenantryError
from tenantry.domain.tenant import TenantId

# Wrong password, unknown role, no permission to connect, unknown database: a secret that was replaced mends these. A
# pooler says at most that it has no session (08P01), or hangs up (08006).
_STALE_CREDENTIALS = frozenset({"28P01", "28000", "42501", "3D000", "08001", "08006", "08P01"})
# The login is right and may not connect: the tenant has just left this place, or has not arrived at the next.
_CLOSED = "42501"


class ConnectionOpener:
    """Reads secrets, and once more where one may have been replaced meanwhile."""

    def __init__(self, secrets: TenantSecrets, connect: ConnectSettings) -> None:
        """Take where the secrets are, and how to connect."""
        self._secrets = secrets
        self._connect = connect

    def open(self, tenant_id: TenantId) -> TenantConnection:
        """Log in as the tenant, and make sure that the database is the tenant's.

        :raises TenantryError: no secret works, or the database is not the tenant's.
        """
        credentials = self._secrets.read(tenant_id)
        try:
            return TenantConnection(tenant_id, credentials, self._connect)
        except IdentityMismatch:
            mended = self._secrets.read_in_doubt(tenant_id)
            if mended == credentials:
                raise
            return TenantConnection(tenant_id, mended, self._connect)
        except DatabaseUnavailable as exc:
            if exc.code not in _STALE_CREDENTIALS:
                raise
            return self._open_anew(tenant_id, credentials, exc)

    def _open_anew(self, tenant_id: TenantId, refused: Credentials, exc: DatabaseUnavailable) -> TenantConnection:
        """Fetch the secret once more: after a rotation or a move it holds what works."""
        credentials = self._secrets.read(tenant_id, refresh=True)
        if credentials == refused:
            raise _while_closed(exc) from exc
        try:
            return TenantConnection(tenant_id, credentials, self._connect)
        except DatabaseUnavailable as still:
            raise _while_closed(still) from still


def _while_closed(exc: DatabaseUnavailable) -> TenantryError:
    return TenantMoving() if exc.code == _CLOSED else exc
