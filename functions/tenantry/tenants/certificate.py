"""The certificate of an erasure: evidence that remains when the tenant is gone."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ErasureCertificate:
    """What was found of a tenant, what was deleted, what remains and why; when, and who asked for it.

    `digest` is the SHA-256, in hex, of the other fields as JSON with sorted keys and no spaces.
    """

    tenant_id: str
    operation_id: str
    requested_by: str
    requested_at: str
    erased_at: str
    found: dict[str, Any]
    deleted: dict[str, Any]
    remains: list[dict[str, str]]
    digest: str = ""

    def signed(self) -> "ErasureCertificate":
        """Return the certificate with its digest."""
        content = asdict(self)
        del content["digest"]
        return ErasureCertificate(**content, digest=_digest(content))


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def verify(certificate: dict[str, Any]) -> bool:
    """Whether a certificate's digest matches its content."""
    content = {name: value for name, value in certificate.items() if name != "digest"}
    return bool(certificate.get("digest") == _digest(content))


def make_certificate(
    *, tenant_id: str, operation_id: str, requested_by: str, requested_at: datetime, at: datetime, facts: dict[str, Any]
) -> ErasureCertificate:
    """Make the certificate from the facts that an erasure's steps recorded."""
    return ErasureCertificate(
        tenant_id=tenant_id,
        operation_id=operation_id,
        requested_by=requested_by,
        requested_at=requested_at.isoformat(),
        erased_at=at.isoformat(),
        found=facts["found"],
        deleted=facts["deleted"],
        remains=facts["remains"],
    ).signed()
