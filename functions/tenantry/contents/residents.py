"""A tenant in a home, what was read of it there, and two homes side by side."""

from typing import NamedTuple

from tenantry.domain.content import Content
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import CopyFailed
from tenantry.domain.fingerprint import Fingerprint
from tenantry.domain.tenant import Home, TenantId


class Resident(NamedTuple):
    """A tenant in one home, and the login with which it is read there."""

    tenant_id: TenantId
    home: Home
    credentials: Credentials


class Both(NamedTuple):
    """What the one home has and what the other, as far as they compare; the marks are of all that each has.

    `definitions` marks how everything in the target is defined; `redefined` names what is not as in the source.
    """

    source: Content
    target: Content
    source_mark: str
    mark: str
    definitions: str
    redefined: list[str]

    def require_same(self) -> None:
        """Make sure that the copy is one.

        :raises CopyFailed: it differs; `details` name the tables and other objects.
        """
        differences = self.source.differences(self.target) + self.redefined
        if differences:
            raise CopyFailed(
                "The copy is not the same as the original.", code="copy_differs", details=", ".join(differences)
            )


class HomeRead(NamedTuple):
    """What a source has, how it is defined, and the schemas and names of the tables that its owner may not read."""

    content: Content
    fingerprint: Fingerprint
    withheld: set[tuple[str, str]]
