"""JSON Web Tokens of any OpenID Connect issuer, verified against its published keys."""

import json
import urllib.request
from functools import cached_property
from typing import Any

import jwt

from tenantry.domain.errors import DependencyFailed, Unauthenticated

# Asymmetric algorithms only: with a symmetric one, whoever can verify could also sign. `none` is left out, too.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LEEWAY_SECONDS = 30
_FETCH_SECONDS = 3.0
_KEYS_AGE_SECONDS = 3600
# The keys are fetched again for a token with an unknown key id, at most this often.
_REFETCH_SECONDS = 60


class TokenVerifier:
    """Verifies tokens of one issuer for one audience; caches the issuer's keys for an hour."""

    def __init__(self, issuer: str, audience: str, jwks_url: str = "", token_use: str = "") -> None:
        """Take what a token has to claim. Without `jwks_url`, the issuer's discovery document names the URL.

        :param issuer: without a slash at its end; tokens may claim it with one, as some issuers write themselves.
        :param token_use: the required value of the claim `token_use` (`id` with Cognito); empty for no check.
        """
        self._issuer = issuer
        self._audience = audience
        self._jwks_url = jwks_url
        self._token_use = token_use

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token.

        :raises Unauthenticated: the token is malformed, forged, expired, or of another issuer, audience or use.
        :raises DependencyFailed: the issuer's keys could not be fetched.
        """
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                issuer=(self._issuer, f"{self._issuer}/"),
                audience=self._audience,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as exc:
            raise DependencyFailed("The issuer's keys could not be fetched.", code="issuer_unavailable") from exc
        except jwt.PyJWTError as exc:
            raise Unauthenticated() from exc
        if self._token_use and claims.get("token_use") != self._token_use:
            raise Unauthenticated()
        return claims

    @cached_property
    def _keys(self) -> jwt.PyJWKClient:
        return jwt.PyJWKClient(
            self._jwks_url or self._discover(),
            lifespan=_KEYS_AGE_SECONDS,
            timeout=_FETCH_SECONDS,
            cooldown_duration=_REFETCH_SECONDS,
        )

    def _discover(self) -> str:
        """Ask the issuer for the URL of its keys (OpenID Connect Discovery 1.0, section 4)."""
        url = f"{self._issuer}/.well-known/openid-configuration"
        try:
            # The template's pattern for an issuer allows https only.
            with urllib.request.urlopen(url, timeout=_FETCH_SECONDS) as answer:  # noqa: S310
                document = json.load(answer)
            if document["issuer"].rstrip("/") == self._issuer:
                return str(document["jwks_uri"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise DependencyFailed("The issuer's description could not be read.", code="issuer_unavailable") from exc
        raise DependencyFailed("The issuer's description is another issuer's.", code="issuer_unavailable")
