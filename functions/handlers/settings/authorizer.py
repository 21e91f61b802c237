"""The settings of authorize_request."""

from dataclasses import dataclass

from handlers.settings.environment import computed, read_text, reader, text


def _issuer() -> str:
    return read_text("ISSUER").rstrip("/")


@dataclass(frozen=True, slots=True)
class AuthorizerSettings:
    """The settings of authorize_request. `jwks_url` is empty if the issuer's discovery document names it."""

    issuer: str = computed(_issuer)
    audience: str = text("AUDIENCE")
    jwks_url: str = text("JWKS_URL", "")
    token_use: str = text("TOKEN_USE", "")
    tenant_claim: str = text("TENANT_CLAIM", "custom:tenant_id")
    role_claim: str = text("ROLE_CLAIM", "custom:role")
    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    required_revision: str = text("REQUIRED_REVISION", "")


authorizer_settings = reader(AuthorizerSettings)
