"""Restores one backup into a scratch database, compares it with its manifest, and drops it.

This is the entry for whoever wants to know whether a backup is one, and stays as it is: `ScratchRestorer.drill`
restores a backup into a database of its own, says what came back, and leaves nothing. Restores use the parts of it.

Hold the lease on the tenant (`tenant`, its id) meanwhile: there is one copy login and one scratch database of a
tenant's at a time. The tenant's roles have to be on the server (`ServerAdmin.make_roles`, where it lives elsewhere).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from tenantry.contents.access import Access
from tenantry.contents.rights_writer import RightsWriter
from tenantry.contents.surroundings_writer import write_casts, write_surroundings
from tenantry.database.admin_sql import execute
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings
from tenantry.database.database_removal import drop_database
from tenantry.database.pg_restore import APPLICATION, RestoreTarget
from tenantry.domain.backup import Manifest
from tenantry.domain.credentials import Credentials
from tenantry.domain.database_options import DatabaseOptions, options_of
from tenantry.domain.errors import Conflict, TenantryError
from tenantry.domain.restore import archived_schema, is_scratch, surroundings_of
from tenantry.domain.rights import AllRights, from_facts, owns_others
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tenantry.homes.copy_login import copy_login, drop_copy_login
from tenantry.homes.database_home import DatabaseHome
from tenantry.homes.ownership import is_tenants_database
from tenantry.observability import logger
from tenantry.restores.archive.source import ArchiveSource
from tenantry.restores.compare import Findings, examine
from tenantry.restores.fill import Archive, CastMaker, Filling
from tenantry.restores.stand_ins import stand_ins
from tenantry.servers.database_settings import needs_contents, set_as_owner
from tenantry.servers.extensions import require_extensions
from tenantry.servers.server_admin import ServerFacts
from tenantry.servers.servers import Servers

_MAJOR = 10_000
# Of shared tables only rows are wanted: keys and policies are the server's own.
_ROWS = ("pre-data", "data")


@dataclass(frozen=True, slots=True)
class ScratchOrder:
    """A backup, and the database that it is restored into: made for it, closed, owned by `owner`'s roles.

    `bucket` is the one that the backup lies in. Without `keep_rights` nobody but the owner gets any. `tables` are the
    only ones wanted; none: all.
    """

    manifest: Manifest
    bucket: str
    owner: TenantId
    server_id: str
    database: str
    keep_rights: bool = True
    tables: tuple[str, ...] = ()

    @property
    def home(self) -> Home:
        """Where in that database lies what the tenant had."""
        return Home(self.server_id, self.manifest.isolation, self.database, archived_schema(self.manifest))

    @property
    def knows_others(self) -> bool:
        """Whether others than the tenant's roles are who they were: for the tenant itself, on the server it was on.

        On another server a role of the same name is somebody else.
        """
        was_on = self.manifest.home.server_id if self.manifest.home else self.server_id
        return self.manifest.tenant_id == self.owner.value and was_on == self.server_id

    @property
    def rows_only(self) -> bool:
        """Whether the rights are those of tables that are there: shared ones, or those that single ones are of."""
        return self.manifest.isolation is Isolation.POOLED or bool(self.tables)

    @property
    def is_whole(self) -> bool:
        """Whether all of a database of its own is restored, with its schemas."""
        return self.manifest.isolation is Isolation.DATABASE and not self.tables

    @property
    def options(self) -> DatabaseOptions | None:
        """Say how the database is made: as the tenant's own was; None: as those that tenants share here."""
        return archived_options(self.manifest)

    @property
    def settings(self) -> list[tuple[str, str]]:
        """List what a database of the tenant's own was set to for everybody, which what is computed may depend on."""
        return [setting for setting in own_settings(self.manifest) if not needs_contents(setting)]

    @property
    def rights(self) -> AllRights | None:
        """Say who has which rights then; None: nobody, or whom the dump says, where the manifest does not."""
        return self.archived_rights if self.keep_rights and not self.rows_only else None

    @property
    def archived_rights(self) -> AllRights | None:
        """Say who had which rights; None: the manifest does not."""
        if self.manifest.rights is None:
            return None
        return from_facts(facts.model_dump() for facts in self.manifest.rights)


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill found; seconds to restore, without the comparison."""

    findings: Findings
    seconds: float
    restored_bytes: int
    server_version: str
    # The database that could not be dropped, which the next sweep does; empty: there is none.
    left_behind: str = ""


class ScratchRestorer:
    """Restores backups into scratch databases."""

    def __init__(
        self, servers: Servers, archives: ArchiveSource, tools: CopyTools, deadline: Callable[[], float]
    ) -> None:
        """Take the adapters, and the moment (of `time.monotonic()`) at which a restore has to have ended."""
        self._servers = servers
        self._archives = archives
        self._tools = tools
        self._deadline = deadline

    def drill(self, order: ScratchOrder) -> Drilled:
        """Restore a backup, compare it with its manifest, and drop it, whatever happens.

        What can't be dropped is told, and is dropped by the next sweep of the tenant's or of the server's drills.

        :raises Conflict: it is of a newer PostgreSQL than the server (`server_too_old`), or of a locale that the server
            lacks (`locale_unavailable`).
        :raises RestoreFailed: it could not be restored.
        :raises TenantryError: a server refused or went away, or S3 did not answer.
        """
        left_behind = ""
        try:
            began = time.monotonic()
            self.restore(order)
            seconds = time.monotonic() - began
            findings = self.examine(order)
            version = self._servers.admin(order.server_id).facts().version
        finally:
            try:
                self.drop(order)
            except TenantryError as error:
                left_behind = order.database
                facts = {"database": order.database, "server_id": order.server_id, "code": error.code}
                logger().error("scratch database left behind", extra=facts)
        return Drilled(findings, round(seconds, 3), order.manifest.dump.dump_bytes, version, left_behind)

    def restore(self, order: ScratchOrder) -> None:
        """Make the database and fill it; what an earlier attempt left is dropped first. Nothing is compared yet.

        :raises TenantryError: as above; the database is of no use then.
        """
        version = require_version(order.manifest, self._servers.admin(order.server_id).facts())
        if order.is_whole:
            require_extensions(self._servers.connector(order.server_id), needed_extensions(order.manifest))
        self.sweep(order.server_id, order.owner)
        scratch = self._home(order)
        scratch.make_empty(order.options)
        connect = self._servers.connector(order.server_id)
        # Before the rows: a column or an index may be computed from them with the database's time zone or language.
        set_as_owner(connect, order.database, owner_role(order.owner), order.settings)
        with stand_ins(connect, order.database, order.archived_rights):
            self._fill(order, version)
            # What is in a dump ran as the database's owner, who may change what it says and who may connect.
            scratch.reserve()
            if order.rights is not None:
                writer = self.rights_writer(order.owner, order.home)
                writer.write(order.rights, strangers=order.knows_others)

    def _fill(self, order: ScratchOrder, version: int) -> None:
        with self.access(order.owner, order.home) as access:
            target = RestoreTarget(
                access.credentials,
                access.role,
                version,
                schema="" if order.manifest.isolation is Isolation.DATABASE else order.home.schema,
                tables=order.tables,
                sections=_ROWS if order.rows_only else (),
                keep_rights=order.keep_rights and not order.rows_only and order.manifest.rights is None,
                # What has no oid goes with something that has one.
                left_out={(o.catalogue, o.object): o.name for o in order.manifest.left_out if o.object},
                owner=owner_role(TenantId(order.manifest.tenant_id)),
            )
            archive = Archive(self._archives, order.manifest, order.bucket)
            surroundings = surroundings_of(order.manifest)
            casts = None
            if surroundings.casts and not order.rows_only:
                casts = CastMaker(
                    surroundings.casts, order.home.schema, lambda some: write_casts(access, some, self.settings())
                )
            Filling(archive, target, self._tools, self._deadline(), casts).run()
            if not order.rows_only:
                write_surroundings(access, surroundings, self.settings(), whole=order.is_whole)
        # What is in a dump ran as the database's owner, who may change what it says and who may connect.

    def rights_writer(self, owner: TenantId, home: Home) -> RightsWriter:
        """Read and write who may do what in a scratch database, or in what it is carried to."""
        return RightsWriter(self._servers.connector(home.server_id), owner, home, to_database=False)

    def examine(self, order: ScratchOrder) -> Findings:
        """Compare what was restored with the manifest.

        :raises TenantryError: the server refused or went away.
        """
        rights, writer = order.rights, self.rights_writer(order.owner, order.home)
        has_others = rights is not None and owns_others(rights)
        if has_others:
            # The tenant's owner reads what is compared: everything is its own for as long as that takes.
            writer.write({}, strangers=False)
        with self.access(order.owner, order.home) as access:
            findings = examine(order.manifest, access, self.settings())
        if rights is None:
            return findings
        if has_others:
            writer.write(rights, strangers=order.knows_others)
        # What did not come back is told by its definition, and what was left out is not told at all.
        is_told = order.manifest.fingerprint is not None
        differing = writer.differences(rights, strangers=order.knows_others, partial=is_told)
        left_out = writer.left_out(rights, strangers=order.knows_others)
        return replace(findings, missing=(*findings.missing, *differing), left_out=tuple(left_out))

    def drop(self, order: ScratchOrder) -> None:
        """Drop the database, with every session in it, and the login that filled it."""
        drop_copy_login(self._servers.connector(order.server_id), order.owner, order.database)
        self._home(order).drop()

    def sweep(self, server_id: str, tenant_id: TenantId) -> list[str]:
        """Drop what workers that died have left of a tenant's: scratch databases and the copy login.

        :returns: their names.
        :raises TenantryError: the server refused.
        """
        connect = self._servers.connector(server_id)
        drop_copy_login(connect, tenant_id)
        with closing(connect("postgres")) as connection, connection.cursor() as cursor:
            execute(cursor, "SELECT datname::text FROM pg_database WHERE starts_with(datname, %s)", (f"{tenant_id}_",))
            named = [name for (name,) in cursor.fetchall() if is_scratch(tenant_id, name)]
            # An adopted database keeps its name, whatever that is.
            named = [name for name in named if not self._servers.is_adopted(tenant_id, name)]
            left = [name for name in named if is_tenants_database(cursor, tenant_id, name)]
            for name in left:
                drop_database(cursor, name)
        return left

    @contextmanager
    def access(self, owner: TenantId, home: Home, *others: str) -> Iterator[Access]:
        """Get at a database that is closed (and at others of its server) with a login that may become its owner.

        :raises TenantryError: the server refused.
        """
        connect = self._servers.connector(home.server_id)
        with copy_login(connect, owner, home.database, *others) as login:
            server = self._servers.get(home.server_id)
            credentials = Credentials(
                server.host,
                server.port,
                home.database,
                login.username,
                login.password,
                server.sslmode,
                server.sslrootcert,
                schema=home.schema,
            )
            yield Access(home, credentials, owner_role(owner))

    def settings(self) -> ConnectSettings:
        """Say how long a statement may take: as long as there is time."""
        left = max(int((self._deadline() - time.monotonic()) * 1000), 1)
        return ConnectSettings(self._tools.connect_timeout, left, left, APPLICATION, administers=True)

    def _home(self, order: ScratchOrder) -> DatabaseHome:
        connect = self._servers.connector(order.server_id)
        home = replace(order.home, isolation=Isolation.DATABASE)
        if order.is_whole:
            # What the archive makes must not be there yet, as the schema of an adopted database, whatever its name.
            home = replace(home, schema="public")
        return DatabaseHome(order.owner, home, connect)


def needed_extensions(manifest: Manifest) -> list[str]:
    """List the extensions that a restore of a database makes; one of a schema or of rows makes none."""
    if manifest.isolation is not Isolation.DATABASE:
        return []
    left_out = {gone.name.strip('"') for gone in manifest.left_out if gone.kind == "extension"}
    return [found.name for found in manifest.extensions if found.name not in left_out]


def archived_options(manifest: Manifest) -> DatabaseOptions | None:
    """Say how the archived database was made, if it was the tenant's own."""
    return options_of(manifest.database) if manifest.isolation is Isolation.DATABASE else None


def own_settings(manifest: Manifest) -> list[tuple[str, str]]:
    """List what the archived database was set to for everybody, by name; of a shared one nothing is the tenant's."""
    return [(fact.name, fact.value) for fact in manifest.settings if fact.in_database and not fact.role]


def require_version(manifest: Manifest, facts: ServerFacts) -> int:
    """Return the number of a server's version, on which a backup can be restored.

    :raises Conflict: the backup is of a newer PostgreSQL (`server_too_old`).
    """
    archived = manifest.database.server_version
    if int(archived.split()[0].split(".")[0]) > facts.version_number // _MAJOR:
        raise Conflict(
            f"The backup is of PostgreSQL {archived}, newer than the server's {facts.version}.",
            code="server_too_old",
            hint="Restore it to a server of that version or a newer one.",
        )
    return facts.version_number
