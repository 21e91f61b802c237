"""The catalogues of the tenants that an execution environment serves; each is read when a request first needs it."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from tenantry.data_api.catalogue_reader import read_catalogue
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.errors import RequestRefused
from tenantry.domain.tenant import TenantId
from tenantry.postgrest import CatalogueNeeded, Plan, Request, RequestLimits, plan
from tenantry.postgrest.catalogue.hints import MISSING
from tenantry.postgrest.catalogue.model import Catalogue

_MAX_PLANS = 256
# Pages do not send longer URLs again and again, so their plans are not kept.
_MAX_PARAMETERS = 30

# In a shared database, any tenant can announce changes to all. There a catalogue is used at least this long.
_QUIET_SECONDS = 1.0

type _Asked = tuple[TenantId, RequestLimits, tuple[object, ...]]


@dataclass(slots=True)
class _Known:
    catalogue: Catalogue
    read_at: float
    expires_at: float
    # A change was announced since.
    has_changed: bool = False


class Catalogues:
    """A cache keyed by tenant, with a limit on number and age; a change announced by the database clears an entry.

    In a shared database, announcements make a catalogue be read once a second at most, so that no tenant can slow down
    the others' requests.
    """

    def __init__(self, capacity: int, max_age: int) -> None:
        """Keep at most `capacity` catalogues, each for at most `max_age` seconds."""
        self._capacity = capacity
        self._max_age = max_age
        self._known: OrderedDict[TenantId, _Known] = OrderedDict()
        # Each plan is stored with the catalogue that it was made with.
        self._planned: OrderedDict[_Asked, tuple[Catalogue | None, Plan]] = OrderedDict()

    def plan(self, request: Request, limits: RequestLimits, connection: TenantConnection) -> tuple[Plan, bool]:
        """Plan a request with what is cached, and read the catalogue only if that is not enough.

        A read that was planned before with the same catalogue is not planned again: front ends repeat their requests.

        :return: the plan, and whether the catalogue has just been read.
        :raises BadRequest: the errors of `tenantry.postgrest.plan`.
        :raises psycopg2.Error: the catalogue could not be read.
        """
        known = self._get(connection, request.schemas)
        if known is None and connection.has_own_forms:
            return self.plan_anew(request, limits, connection), True
        asked = _asked(connection.tenant_id, request, limits)
        if asked and (planned := self._planned.get(asked)) and planned[0] is known:
            return planned[1], False
        try:
            made = plan(request, limits, known)
        except CatalogueNeeded:
            pass
        except RequestRefused as refusal:
            if known is None or refusal.code not in MISSING:
                raise
        else:
            self._keep(asked, known, made)
            return made, False
        return self.plan_anew(request, limits, connection), True

    def plan_anew(self, request: Request, limits: RequestLimits, connection: TenantConnection) -> Plan:
        """Plan a request with a catalogue that is read now.

        :raises BadRequest, psycopg2.Error: the errors of `plan`.
        """
        return plan(request, limits, self.read(connection, request.schemas))

    def get(self, connection: TenantConnection, schemas: tuple[str, ...]) -> Catalogue:
        """Return the catalogue; it is read if it is not cached.

        :raises psycopg2.Error: the catalogue could not be read.
        """
        return self._get(connection, schemas) or self.read(connection, schemas)

    def read(self, connection: TenantConnection, schemas: tuple[str, ...]) -> Catalogue:
        """Read the catalogue of the connection's tenant, and cache it.

        :raises psycopg2.Error: the catalogue could not be read.
        """
        started = time.monotonic()
        catalogue = read_catalogue(connection, schemas)
        connection.has_own_forms = catalogue.has_own_forms
        # Plans made with the former catalogue go too, because they would keep it in memory.
        self.forget(connection.tenant_id)
        self._known[connection.tenant_id] = _Known(catalogue, started, started + self._max_age)
        while len(self._known) > self._capacity:
            self.forget(next(iter(self._known)))
        return catalogue

    def forget(self, tenant_id: TenantId) -> None:
        """Drop one tenant's catalogue and plans."""
        self._known.pop(tenant_id, None)
        for asked in [asked for asked in self._planned if asked[0] == tenant_id]:
            del self._planned[asked]

    def _keep(self, asked: _Asked | None, known: Catalogue | None, made: Plan) -> None:
        if asked is None:
            return
        if len(self._planned) >= _MAX_PLANS:
            self._planned.popitem(last=False)
        self._planned[asked] = (known, made)

    def _get(self, connection: TenantConnection, schemas: tuple[str, ...]) -> Catalogue | None:
        """Return the cached catalogue if it may still be valid: not too old, and no change announced or missed."""
        known = self._known.get(connection.tenant_id)
        changed = connection.take_notice()
        if known is None:
            if changed:
                # What was announced may be a form of the database's own.
                connection.has_own_forms = True
                connection.prepare_anew()
            return None
        if changed:
            known.has_changed = True
            quiet = _QUIET_SECONDS if connection.shares_database else 0.0
            known.expires_at = min(known.expires_at, known.read_at + quiet)
        # Nobody heard the changes that were announced before this connection was opened.
        is_older = known.read_at < connection.opened_at
        if is_older or known.catalogue.schemas != schemas or time.monotonic() >= known.expires_at:
            if known.has_changed:
                connection.has_own_forms = True
                connection.prepare_anew()
            self.forget(connection.tenant_id)
            return None
        self._known.move_to_end(connection.tenant_id)
        return known.catalogue


def _asked(tenant_id: TenantId, request: Request, limits: RequestLimits) -> _Asked | None:
    """Return what a plan of a read depends on, besides the catalogue; None if the plan is not to be kept."""
    if request.method not in ("GET", "HEAD") or len(request.query) > _MAX_PARAMETERS:
        return None
    query = tuple([(name, tuple(texts)) for name, texts in request.query.items()])
    heads = (request.profile, request.prefer, request.accept, request.range)
    return tenant_id, limits, (request.method, request.kind, request.name, request.schemas, heads, query)
