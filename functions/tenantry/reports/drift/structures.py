"""Compares the structure of the homes that revisions manage with what their revision makes."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Final

from tenantry.contents.access import Access
from tenantry.contents.structure import read_structure
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict, DatabaseTimeout
from tenantry.domain.tenant import POOL_DATABASE, Home, Isolation, Tenant, owner_role
from tenantry.reports.drift.findings import Drift, DriftFinding, OwnObjects
from tenantry.reports.drift.fleet import Fleet
from tenantry.reports.drift.judging_structure import describe_differences
from tenantry.reports.drift.references import Place, References, Wanted, read_pool
from tenantry.reports.drift.server_inventory import read_revision
from tenantry.revisions.version import schema_revision, translated

# What a home may take at most, in seconds: its tenant may have made any number of objects.
_SECONDS: Final = 30.0
_POOL_SCHEMA: Final = "public"


class Structures:
    """Compares homes, and counts what tenants have made beside what revisions did."""

    def __init__(self, references: References, deadline: float | None) -> None:
        """Take what the homes are compared with, and a `time.monotonic()` after which nothing is read."""
        self._references = references
        self._deadline = deadline
        self._compared: list[str] = []
        self.own_objects: list[OwnObjects] = []

    @property
    def compared(self) -> int:
        """How many homes were compared, shared tables as one."""
        return len(self._compared)

    @property
    def is_late(self) -> bool:
        """Whether nothing is to be read any more."""
        return self._deadline is not None and time.monotonic() > self._deadline

    def require_time(self) -> None:
        """Go on only as long as there is time. :raises DatabaseTimeout: there is none (`out_of_time`)."""
        if self.is_late:
            raise DatabaseTimeout(code="out_of_time")

    def prepare(self, place: Place, fleet: Fleet, pool_revision: str | None) -> None:
        """Read together what a server's homes will be compared with, by the revisions that the registry has."""
        here = [tenant for tenant in fleet.settled if tenant.server_id == place.server_id and is_managed(tenant)]
        revisions = {(one.isolation, _revision(one, pool_revision)) for one in here}
        self._references.read(place, [Wanted(isolation, revision) for isolation, revision in revisions if revision])

    def judge_pool(self, place: Place) -> Iterator[DriftFinding]:
        """Compare a server's shared tables, in which nobody but revisions has anything to make.

        :raises Conflict: they got another revision meanwhile (`schema_changed`), or theirs is not known here.
        :raises TenantryError: the server refused.
        """
        with closing(place.connect(POOL_DATABASE)) as connection:
            revision = schema_revision(connection, _POOL_SCHEMA)
            if not revision:
                return
            reference = self._references.find(place, Wanted(Isolation.POOLED, revision))
            found = read_pool(connection, place.administrator, reference, self._clock())
            added = [named for named in found.objects if named not in reference] + [*found.some_others]
            more = found.others - len(found.some_others)
            text = describe_differences(reference, found.objects, _POOL_SCHEMA, added, more)
            if text and schema_revision(connection, _POOL_SCHEMA) != revision:
                raise _changed()
        self._compared.append(place.server_id)
        if text:
            yield DriftFinding(Drift.STRUCTURE, "", place.server_id, f"{POOL_DATABASE} at {revision}: {text}")

    def judge_home(
        self, place: Place, connection: Any, tenant: Tenant, credentials: Credentials, revision: str
    ) -> Iterator[DriftFinding]:
        """Compare a tenant's own home, as its owner and in a session of its login: nothing in it may more than that.

        :param revision: the one that it is at.
        :raises Conflict: it got another revision meanwhile (`schema_changed`), or its own is not known here.
        :raises TenantryError: the server refused.
        """
        home = Home(tenant.server_id, credentials.isolation, credentials.dbname, credentials.schema)
        reference = self._references.find(place, Wanted(home.isolation, revision))
        access = Access(home, credentials, owner_role(tenant.tenant_id))
        with translated():
            found = read_structure(connection, access, reference, self._clock())
        text = describe_differences(reference, found.objects, home.schema)
        if text and read_revision(connection, tenant.tenant_id, home.schema) != revision:
            raise _changed()
        name = tenant.tenant_id.value
        self._compared.append(name)
        if found.others:
            self.own_objects.append(OwnObjects(found.others, name, tenant.server_id))
        if text:
            yield DriftFinding(Drift.STRUCTURE, name, tenant.server_id, f"at {revision}: {text}")

    def _clock(self) -> Callable[[], bool]:
        until = time.monotonic() + _SECONDS
        if self._deadline is not None:
            until = min(until, self._deadline)
        return lambda: time.monotonic() > until


def is_managed(tenant: Tenant) -> bool:
    """Tell whether revisions have made what a tenant has: an adopted database came with what it has."""
    return not tenant.adopted_database and not tenant.relocation


def _revision(tenant: Tenant, pool_revision: str | None) -> str | None:
    return pool_revision if tenant.isolation is Isolation.POOLED else tenant.schema_revision


def _changed() -> Conflict:
    return Conflict(
        "The schema got another revision while it was compared.", code="schema_changed", hint="Make the report again."
    )
