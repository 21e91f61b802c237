"""Reads one tenant's credentials from Secrets Manager, cached with Powertools.

Powertools' cache is one dict per provider, keyed by the secret's name only. So each tenant has its own provider, made
with a session that can read that tenant's secret and no other.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.tenant_session import TenantSession, TenantSessions
from tenantry.domain.credentials import (
    Credentials,
    dump_secret_name,
    parse_credentials,
    parse_dump_password,
    secret_name,
)
from tenantry.domain.errors import AccessDenied, DependencyFailed, IdentityMismatch, NotFound, TenantryError
from tenantry.domain.tenant import TenantId

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_DOUBT_SECONDS = 10.0

type ClientFactory = Callable[[TenantSession], "SecretsManagerClient"]


@dataclass(slots=True)
class _Entry:
    session: TenantSession
    client: "SecretsManagerClient"
    provider: SecretsProvider
    # The secret's text when its tags were last checked: a replaced secret is checked again.
    checked: str = field(default="", repr=False)
    # When it was fetched for a doubt (`time.monotonic()`).
    doubted_at: float = -math.inf


class TenantSecrets:
    """Reads tenants' credentials through a bounded cache in which each tenant is separate."""

    def __init__(
        self,
        sessions: TenantSessions,
        new_client: ClientFactory,
        stage: str,
        *,
        max_age: int = 300,
        capacity: int = 64,
    ) -> None:
        """Take what opens sessions and what makes clients with them; `max_age` in seconds, `capacity` in tenants."""
        self._sessions = sessions
        self._new_client = new_client
        self._stage = stage
        self._max_age = max_age
        self._capacity = capacity
        self._entries: OrderedDict[TenantId, _Entry] = OrderedDict()

    def read(self, tenant_id: TenantId, *, refresh: bool = False) -> Credentials:
        """Fetch a tenant's credentials; `refresh` bypasses the cache.

        :raises NotFound: the tenant has no secret.
        :raises AccessDenied: the tenant's session may not read the secret.
        :raises IdentityMismatch: the secret's tags name another tenant or stage.
        :raises InvalidSetting: the secret is malformed.
        :raises DependencyFailed: Secrets Manager or STS did not answer.
        """
        entry = self._entry(tenant_id)
        name = secret_name(self._stage, tenant_id)
        try:
            text = str(entry.provider.get(name, max_age=self._max_age, force_fetch=refresh))
            if text != entry.checked:
                self._check_tags(entry.client, name, tenant_id)
                entry.checked = text
        except (GetParameterError, ClientError, BotoCoreError) as exc:
            self.forget(tenant_id)
            raise _translate(exc) from exc
        except IdentityMismatch:
            self.forget(tenant_id)
            raise
        return parse_credentials(text)

    def read_dump_password(self, tenant_id: TenantId) -> str | None:
        """Fetch the password of a tenant's logins for backups, past the cache; None: the tenant has none, or hides it.

        A secret that is not there has no tags that IAM could compare, so it is refused like one that may not be read.

        :raises IdentityMismatch, InvalidSetting, DependencyFailed: as `read`.
        """
        client, name = self._entry(tenant_id).client, dump_secret_name(self._stage, tenant_id)
        try:
            text = client.get_secret_value(SecretId=name)["SecretString"]
            self._check_tags(client, name, tenant_id)
        except (ClientError, BotoCoreError) as exc:
            error = _translate(exc)
            if isinstance(error, (NotFound, AccessDenied)):
                return None
            raise error from exc
        return parse_dump_password(text)

    def read_in_doubt(self, tenant_id: TenantId) -> Credentials:
        """Fetch a tenant's credentials anew, where they led to what is not the tenant's: somebody may have mended them.

        However often it is asked, Secrets Manager is so once in some seconds.

        :raises TenantryError: as `read`.
        """
        entry, now = self._entry(tenant_id), time.monotonic()
        refresh = now - entry.doubted_at >= _DOUBT_SECONDS
        if refresh:
            entry.doubted_at = now
        return self.read(tenant_id, refresh=refresh)

    def forget(self, tenant_id: TenantId) -> None:
        """Drop one tenant's cache."""
        self._entries.pop(tenant_id, None)

    def _entry(self, tenant_id: TenantId) -> _Entry:
        entry = self._entries.get(tenant_id)
        if entry is None or not entry.session.is_fresh:
            session = self._sessions.open(tenant_id)
            client = self._new_client(session)
            entry = self._entries[tenant_id] = _Entry(session, client, SecretsProvider(boto3_client=client))
        self._entries.move_to_end(tenant_id)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
        return entry

    def _check_tags(self, client: "SecretsManagerClient", name: str, tenant_id: TenantId) -> None:
        tags = {tag["Key"]: tag["Value"] for tag in client.describe_secret(SecretId=name).get("Tags", [])}
        if tags.get("TenantId") != tenant_id.value or tags.get("Stage") != self._stage:
            raise IdentityMismatch()


def _translate(exc: BaseException) -> TenantryError:
    """Translate a failed fetch. Powertools raises one type for every failure; the AWS error is in its context."""
    cause: BaseException | None = exc
    while cause is not None and not isinstance(cause, ClientError):
        cause = cause.__cause__ or cause.__context__
    code = cause.response["Error"]["Code"] if cause is not None else ""
    if code == "ResourceNotFoundException":
        return NotFound(
            "This tenant has no database credentials.",
            code="credentials_missing",
            hint="Ask the operator of this service: the tenant's secret is missing.",
        )
    if code in {"AccessDeniedException", "AccessDenied"}:
        return AccessDenied(
            "This tenant's database credentials may not be read.",
            code="credentials_denied",
            hint="Ask the operator of this service: the secret's tags or a policy refuse it.",
        )
    return DependencyFailed("The tenant's credentials could not be fetched.", code="secrets_unavailable")
