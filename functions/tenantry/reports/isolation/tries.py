"""What is tried as one tenant: all that the catalogues leave open to it, and a sample of what they rule out.

PostgreSQL itself says what a login may connect to, become, use and make. So whatever of that is another's is tried for
real; of the rest a sample is, because what PostgreSQL says of itself and what it does are two things.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import replace

from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DatabaseTimeout, TenantryError
from tenantry.domain.tenant import pool_groups
from tenantry.reports.isolation.findings import Finding, Hole, Severity, Unchecked
from tenantry.reports.isolation.ground import Ground
from tenantry.reports.isolation.outcome import Outcome
from tenantry.reports.isolation.probe import LET_IN, LOGIN, NO_ANSWER, TenantProbe, is_refusal, try_login
from tenantry.reports.isolation.residents import LocatedTenant
from tenantry.reports.isolation.sampling import Sample
from tenantry.reports.isolation.walls import UNREAD, Relation


class Fleet:
    """All servers, and every place on them that a tenant might log in to."""

    def __init__(self, grounds: dict[str, Ground], sample: Sample, deadline: float | None) -> None:
        """Take the servers by their ids, and the deadline by `time.monotonic()`; no attempt begins after it."""
        self.grounds = grounds
        self.sample = sample
        self._deadline = deadline
        # Where a server is not registered, only those who live there know how to reach it.
        self.registered = [ground for ground in grounds.values() if ground.server]
        self.places = [f"{ground.server_id}/{database}" for ground in self.registered for database in ground.databases]

    def check_time(self) -> None:
        """Make sure that there is time left. :raises DatabaseTimeout: there is none."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise DatabaseTimeout(code="out_of_time")


class TenantTries:
    """What is tried as one tenant, one attempt after the other: it may have few sessions."""

    def __init__(self, resident: LocatedTenant, fleet: Fleet) -> None:
        """Take who it is, and the fleet."""
        self._resident = resident
        self._credentials = resident.credentials
        self._fleet = fleet
        self._home = fleet.grounds[resident.tenant.server_id]
        self._roles = [LOGIN, *self._home.roles_of(resident.name)]
        self._outcome = Outcome()

    def run(self) -> Outcome:
        """Try everything."""
        try:
            self._fleet.check_time()
            with closing(TenantProbe(self._credentials)) as session:
                may_connect = self._try_inside(session)
            self._try_databases(may_connect)
        except TenantryError as error:
            self._give_up("", error.code)
        return self._outcome

    def _try_inside(self, session: TenantProbe) -> set[str]:
        """Try what can be tried from its own database; returns the databases that it may connect to."""
        try:
            identity = session.identity()
            if identity != self._resident.name:
                self._report(Hole.WRONG_IDENTITY, identity or "", self._credentials.dbname)
            for hole in session.open_rights(self._roles):
                self._report(hole)
            self._try_roles(session)
            self._try_neighbours(session)
            return set(session.databases())
        finally:
            self._outcome.attempts += session.attempts

    def _try_roles(self, session: TenantProbe) -> None:
        holder = self._home.residents.holder_of
        # In PostgreSQL 15 a pooled tenant may become the group itself, which has no rights but those it has anyway.
        shared = pool_groups(self._resident.tenant.tenant_id).values() if self._shares_tables() else ()
        names = {*session.roles(), *self._choose("roles", self._home.role_names)}
        foreign = sorted(name for name in names if name not in shared and holder(name) != self._resident.name)
        for role in session.assumable(foreign):
            self._report(Hole.ROLE_ASSUMED, holder(role) or role, role)

    def _try_neighbours(self, session: TenantProbe) -> None:
        """Try to reach those that live in the same database."""
        database = self._credentials.dbname
        here = [neighbour.name for neighbour in self._home.residents.of(database) if neighbour is not self._resident]
        if not here:
            return
        open_schemas = session.schemas(self._roles) - {self._credentials.schema}
        reached = self._home.neighbours_in(database, open_schemas)
        loose = self._loose_tables(session, database)
        with_loose = self._home.neighbours_in(database, {self._credentials.schema}) if loose else set[str]()
        chosen = {*self._choose("neighbours", here)}
        for name in sorted((chosen | reached | with_loose) - {self._resident.name}):
            if name not in self._home.slow:
                self._fleet.check_time()
                self._try_patiently(session, self._home.neighbour(name), None if name in chosen | reached else loose)

    def _loose_tables(self, session: TenantProbe, database: str) -> set[tuple[str, str]]:
        """List the shared tables of which every neighbour's rows are tried: what keeps them apart is not ours alone."""
        if not self._shares_tables():
            return set()
        schema = self._credentials.schema
        tables = [table for table in self._home.tables_of(database, schema) if table.has_tenant_id]
        shown = session.rows_of_others(self._roles, tables, self._resident.name)
        loose = self._home.loose_tables(database, schema) & {(table.schema, table.name) for table in tables}
        return loose | {(table.schema, table.name) for table in shown}

    def _try_patiently(
        self, session: TenantProbe, neighbour: LocatedTenant, tables: Collection[tuple[str, str]] | None
    ) -> None:
        """Try to reach a neighbour; where that takes too long, it is the neighbour who could not be checked."""
        self._outcome.tried.add(neighbour.name)
        try:
            self._try_neighbour(session, neighbour, tables)
        except DatabaseTimeout as error:
            self._home.slow.add(neighbour.name)
            unchecked = Unchecked(self._home.server_id, neighbour.name, self._resident.name, error.code)
            self._outcome.unchecked.add(unchecked)

    def _try_neighbour(
        self, session: TenantProbe, neighbour: LocatedTenant, only: Collection[tuple[str, str]] | None
    ) -> None:
        """Try to reach a tenant that lives in the same database: by its schema or, in a shared one, by its rows.

        :param only: the shared tables to try; None: all.
        """
        schema, roles = neighbour.credentials.schema, self._roles
        tables = self._home.tables_of(neighbour.credentials.dbname, schema)
        if schema != self._credentials.schema:
            if session.can_make_tables(roles, schema):
                self._report(Hole.ROWS_WRITABLE, neighbour.name, schema)
            self._report_tables(Hole.ROWS_READABLE, neighbour.name, session.readable(roles, tables))
            return
        shared = [t for t in tables if t.has_tenant_id and (only is None or (t.schema, t.name) in only)]
        self._report_tables(Hole.ROWS_READABLE, neighbour.name, session.rows_seen(roles, shared, neighbour.name))
        own_rows = [table for table in shared if table.kind in "rp"]
        self._report_tables(Hole.ROWS_WRITABLE, neighbour.name, session.rows_taken(roles, own_rows, neighbour.name))

    def _try_databases(self, may_connect: set[str]) -> None:
        for ground, databases in self._databases_to_try(may_connect):
            for database in databases:
                self._fleet.check_time()
                if self._try_database(ground, database, may_connect) == NO_ANSWER:
                    break

    def _databases_to_try(self, may_connect: set[str]) -> list[tuple[Ground, list[str]]]:
        """Choose databases by server: those that it may connect to, and some that it may not."""
        chosen = defaultdict[str, set[str]](set)
        chosen[self._home.server_id] = {*may_connect, *self._choose("databases", self._home.databases)}
        chosen[self._home.server_id].discard(self._credentials.dbname)
        for place in self._choose("places", self._fleet.places):
            server, _, database = place.partition("/")
            if server != self._home.server_id:
                chosen[server].add(database)
        for ground in self._fleet.registered:
            # A login that a server does not know is refused before it is asked for a database.
            if ground is not self._home and ground.audit and ground.knows(self._credentials.username):
                chosen[ground.server_id].update(self._entrances(ground))
        grounds = ((self._fleet.grounds[server], sorted(names)) for server, names in sorted(chosen.items()))
        return [
            (ground, [name for name in names if not ground.is_own(name, self._resident.name)])
            for ground, names in grounds
        ]

    def _entrances(self, ground: Ground) -> Sequence[str]:
        try:
            return ground.audit.entrances(self._credentials.username) if ground.audit else ()
        except TenantryError as error:
            self._give_up(ground.server_id, error.code)
            return ()

    def _try_database(self, ground: Ground, database: str, may_connect: set[str]) -> str:
        self._outcome.attempts += 1
        at_home = ground is self._home
        credentials = self._credentials_for(ground, database)
        other = ground.residents.owner_of(database) or database
        self._outcome.tried.update(resident.name for resident in ground.residents.of(database))
        outcome = try_login(credentials)
        if outcome == LET_IN:
            self._report(Hole.LOGIN_ACCEPTED, other, f"{ground.server_id}: {database}")
            self._try_tables(ground, database, other, credentials)
        elif at_home and database in may_connect:
            self._report(Hole.MAY_CONNECT, other, database)
        elif not is_refusal(outcome, elsewhere=not at_home):
            self._give_up(other, outcome)
        return outcome

    def _try_tables(self, ground: Ground, database: str, other: str, credentials: Credentials) -> None:
        """Look what it could read where it was let in."""
        roles = self._roles if ground is self._home else [LOGIN]
        tables = ground.contents.get(database, UNREAD).relations
        try:
            with closing(TenantProbe(credentials)) as session:
                self._report_tables(Hole.ROWS_READABLE, other, session.readable(roles, tables))
                self._outcome.attempts += session.attempts
        except TenantryError as error:
            self._give_up(other, error.code)

    def _credentials_for(self, ground: Ground, database: str) -> Credentials:
        mine, server = replace(self._credentials, dbname=database), ground.server
        if ground is self._home or server is None:
            return mine
        return replace(mine, host=server.host, port=server.port, sslmode=server.sslmode, sslrootcert=server.sslrootcert)

    def _choose(self, kind: str, names: Sequence[str]) -> list[str]:
        return self._fleet.sample.of(self._resident.name, kind, names)

    def _shares_tables(self) -> bool:
        return self._home.residents.shares_tables(self._resident.name)

    def _report_tables(self, hole: Hole, other: str, tables: list[Relation]) -> None:
        for table in tables:
            self._report(hole, other, f"{table.schema}.{table.name}")

    def _report(self, hole: Hole, other: str = "", where: str = "") -> None:
        finding = Finding(hole, Severity.CRITICAL, self._home.server_id, self._resident.name, other, where)
        self._outcome.findings.add(finding)

    def _give_up(self, other: str, code: str) -> None:
        self._outcome.unchecked.add(Unchecked(self._home.server_id, self._resident.name, other, code))
