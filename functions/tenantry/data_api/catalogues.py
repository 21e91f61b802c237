"""The catalogues of the tenants that an execution environment serves, read when a request needs one."""

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
# A longer URL is none that a page sends again and again.
_MAX_PARAMETERS = 30

# How long what was read counts at least where tenants share a database: any of them can announce changes to all.
_QUIET_SECONDS = 1.0

type _Asked = tuple[TenantId, RequestLimits, tuple[object, ...]]


@dataclass(slots=True)
class _Known:
    catalogue: Catalogue
    read_at: float
    expires_at: float


class Catalogues:
    """Keyed by tenant, bounded in number and age; what a tenant's database announces is forgotten at once.

    Where tenants share a database it is read once a second at most for what is announced, so that none of them can
    make the others' requests slow.
    """

    def __init__(self, capacity: int, max_age: int) -> None:
        """Keep at most `capacity`, each for at most `max_age` seconds."""
        self._capacity = capacity
        self._max_age = max_age
        self._known: OrderedDict[TenantId, _Known] = OrderedDict()
        # With the catalogue that each was planned with.
        self._planned: OrderedDict[_Asked, tuple[Catalogue | None, Plan]] = OrderedDict()

    def plan(self, request: Request, limits: RequestLimits, connection: TenantConnection) -> tuple[Plan, bool]:
        """Plan a request with what is known, and read the catalogue only where that is not enough.

        A read that was planned before with the same catalogue is not planned again: front ends repeat themselves.

        :return: the plan, and whether the catalogue was just read.
        :raises BadRequest: as `tenantry.postgrest.plan` does.
        :raises psycopg2.Error: the catalogue could not be read.
        """
        known = self._get(connection, request.schemas)
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
        """Plan a request with the catalogue as it is now.

        :raises BadRequest, psycopg2.Error: as `plan` does.
        """
        return plan(request, limits, self.read(connection, request.schemas))

    def get(self, connection: TenantConnection, schemas: tuple[str, ...]) -> Catalogue:
        """Give the catalogue, which is read if it is not known.

        :raises psycopg2.Error: it could not be read.
        """
        return self._get(connection, schemas) or self.read(connection, schemas)

    def read(self, connection: TenantConnection, schemas: tuple[str, ...]) -> Catalogue:
        """Read the catalogue of the connection's tenant, and keep it.

        :raises psycopg2.Error: it could not be read.
        """
        started = time.monotonic()
        catalogue = read_catalogue(connection, schemas)
        # With the plans that were made with the one before: they would keep it in memory.
        self.forget(connection.tenant_id)
        self._known[connection.tenant_id] = _Known(catalogue, started, started + self._max_age)
        while len(self._known) > self._capacity:
            self.forget(next(iter(self._known)))
        return catalogue

    def forget(self, tenant_id: TenantId) -> None:
        """Forget one tenant's."""
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
        """Give what is known and can still be true: of this connection, not too old, and not announced as changed."""
        known = self._known.get(connection.tenant_id)
        changed = connection.take_notice()
        if known is None:
            return None
        if changed:
            quiet = _QUIET_SECONDS if connection.shares_database else 0.0
            known.expires_at = min(known.expires_at, known.read_at + quiet)
        # What was announced while there was no connection, nobody has heard.
        is_older = known.read_at < connection.opened_at
        if is_older or known.catalogue.schemas != schemas or time.monotonic() >= known.expires_at:
            self.forget(connection.tenant_id)
            return None
        self._known.move_to_end(connection.tenant_id)
        return known.catalogue


def _asked(tenant_id: TenantId, request: Request, limits: RequestLimits) -> _Asked | None:
    """Say what a plan of a read depends on, besides the catalogue; None where it is not kept."""
    if request.method not in ("GET", "HEAD") or len(request.query) > _MAX_PARAMETERS:
        return None
    query = tuple([(name, tuple(texts)) for name, texts in request.query.items()])
    heads = (request.profile, request.prefer, request.accept, request.range)
    return tenant_id, limits, (request.method, request.kind, request.name, request.schemas, heads, query)
