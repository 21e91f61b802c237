"""What each revision makes, read where nobody has changed it: in a scratch database on the tenants' own server."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from functools import cached_property
from threading import Lock
from typing import Any, NamedTuple

from tenantry.contents.access import Access
from tenantry.contents.structure import Structure, read_structure
from tenantry.database.admin_sql import AdminConnect
from tenantry.database.patience import patience_of
from tenantry.database.sql_files import load_sql
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import TenantryError
from tenantry.domain.fingerprint import Definition, Named, short_digest
from tenantry.domain.revision import schema_unknown
from tenantry.domain.tenant import POOL_DATABASE, Home, Isolation
from tenantry.homes.pool import Pool
from tenantry.homes.pool_shape import POOL_ROLE
from tenantry.observability import log_unexpected
from tenantry.revisions.history import History
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.running import Migration
from tenantry.revisions.scratch import reserve_scratch, scratch_database
from tenantry.revisions.templates import TEMPLATE_ROLE
from tenantry.revisions.version import translated

_SCHEMA = "public"

type Reference = Mapping[Named, Definition]


class Wanted(NamedTuple):
    """Which reference: that of a revision, for homes of one isolation model."""

    isolation: Isolation
    revision: str


class Place(NamedTuple):
    """A server: its id, its administrator, and how to connect as that."""

    server_id: str
    administrator: Credentials
    connect: AdminConnect


class References:
    """The references of all servers, each read once; of one that can't be read it is remembered why."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[tuple[str, Wanted], Reference | TenantryError] = {}
        self._turn = Lock()
        self._turns: dict[str, Lock] = {}

    def find(self, place: Place, wanted: Wanted) -> Reference:
        """Return a reference.

        :raises Conflict: its revision is not known here (`schema_unknown`), or can't be run.
        :raises TenantryError: the server refused.
        """
        self.read(place, [wanted])
        found = self._known[place.server_id, wanted]
        if isinstance(found, TenantryError):
            # Not the same one for several threads, each of which would write its traceback into it.
            raise found.without_cause()
        return found

    def read(self, place: Place, wanted: Collection[Wanted]) -> None:
        """Read those that are not known yet, together, in a scratch database for each model."""
        with self._turn:
            turn = self._turns.setdefault(place.server_id, Lock())
        with turn:
            missing = {one for one in wanted if (place.server_id, one) not in self._known}
            for is_shared in (False, True):
                self._read_group(place, {one for one in missing if (one.isolation is Isolation.POOLED) is is_shared})

    def _read_group(self, place: Place, group: Collection[Wanted]) -> None:
        found: dict[Wanted, Reference] = {}
        error: TenantryError | None = None
        try:
            # Those that were read before an error are kept.
            found.update(self._run_revisions(place, group))
        except TenantryError as exc:
            error = exc
        except Exception as exc:  # noqa: BLE001 - whatever a revision raises: it concerns only who is at it, or further
            log_unexpected(exc)
            error = TenantryError()
        for one in group:
            # Without an error, those are left whose revisions are none.
            self._known[place.server_id, one] = found.get(one) or error or schema_unknown(one.revision)

    def _run_revisions(self, place: Place, group: Collection[Wanted]) -> Iterator[tuple[Wanted, Reference]]:
        """Run the revisions in order, in one database, and look at it after each that somebody is at."""
        ids = [revision.revision_id for revision in self._scripts.history.revisions] if group else []
        due = [revision for revision in ids if any(one.revision == revision for one in group)]
        if not due:
            return
        is_shared = any(one.isolation is Isolation.POOLED for one in group)
        with scratch_database(place.connect) as database:
            migrate = _pool(place, database) if is_shared else _own(place, database)
            for revision in due:
                migrate(revision, self._scripts)
                yield from ((one, _look(place, database, one.isolation)) for one in group if one.revision == revision)

    @cached_property
    def _scripts(self) -> RenderedHistory:
        return RenderedHistory(History())


def _own(place: Place, database: str) -> Callable[[str, RenderedHistory], object]:
    reserve_scratch(place.connect, database, _SCHEMA)

    def migrate(target: str, scripts: RenderedHistory) -> None:
        with closing(place.connect(database)) as connection:
            Migration(scripts, connection, TEMPLATE_ROLE, _SCHEMA, patience=patience_of(place.connect)).run(target)

    return migrate


def _pool(place: Place, database: str) -> Callable[[str, RenderedHistory], object]:
    pool = Pool(place.connect, database, _SCHEMA)
    pool.reserve(database)
    return pool.migrate


def _look(place: Place, database: str, isolation: Isolation) -> Reference:
    with closing(place.connect(database)) as connection:
        if isolation is Isolation.POOLED:
            return read_pool(connection, place.administrator).objects
        home = Home(place.server_id, isolation, database, _SCHEMA)
        with translated():
            return read_structure(connection, Access(home, place.administrator, TEMPLATE_ROLE)).objects


def read_pool(
    connection: Any,
    administrator: Credentials,
    chosen: Collection[Named] | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Structure:
    """Read how shared tables are defined, and for whom their policies are; see `read_structure`.

    :raises TenantryError: the server refused.
    """
    access = Access(Home("", Isolation.POOLED, POOL_DATABASE, _SCHEMA), administrator, POOL_ROLE)
    with translated():
        found = read_structure(connection, access, chosen, is_over)
        with connection.cursor() as cursor:
            cursor.execute(load_sql("reports/drift/policy_roles"), (_SCHEMA,))
            roles = {("policy roles", name): Definition(short_digest(text)) for name, text in cursor.fetchall()}
    return found._replace(objects={**found.objects, **roles})
