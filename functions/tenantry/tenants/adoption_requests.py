"""What an operator asks to adopt, in the call or in a hand-made secret."""

from dataclasses import dataclass

from tenantry.aws.secret_store import SecretStore
from tenantry.domain.errors import BadRequest, InvalidSetting
from tenantry.domain.tenant import TenantId
from tenantry.tenants.adoption import AdoptionRequest


@dataclass(frozen=True, slots=True)
class Adoption:
    """What an operator asks for; `request` is None where the hand-made secret is stored under the tenant's name."""

    tenant_id: TenantId
    server_id: str
    request: AdoptionRequest | None = None
    connection_limit: int = 50
    region: str = ""


def stored_request(secrets: SecretStore, adoption: Adoption) -> AdoptionRequest:
    """Read what is to be adopted from the hand-made secret under the tenant's own name.

    :raises BadRequest: there is none (`secret_missing`), or it is malformed.
    """
    try:
        stored = secrets.find(adoption.tenant_id)
    except InvalidSetting as exc:
        raise BadRequest(
            exc.message,
            code=exc.code,
            hint="Send host, port, database, user and password, or mend the stored secret.",
        ) from exc
    if stored is None:
        raise BadRequest(
            "There is no secret of this tenant.",
            code="secret_missing",
            hint="Send host, port, database, user and password, or store them under the tenant's name first.",
        )
    return AdoptionRequest(
        adoption.tenant_id,
        stored.dbname,
        stored.username,
        stored.password,
        stored.host,
        stored.port,
        stored.schema,
        adoption.connection_limit,
        adoption.region,
    )
