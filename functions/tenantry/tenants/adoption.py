"""Takes a database that is in use under management; its application goes on. Every step may be repeated.

Nothing in the database is dropped or renamed. Until every check has passed, nothing at all is changed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.logins import login_names
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import BadRequest, Conflict, DatabaseUnavailable
from tenantry.domain.passwords import new_password
from tenantry.domain.server import Server
from tenantry.domain.tenant import Home, Isolation, Limits, Tenant, TenantId, TenantStatus
from tenantry.servers.dump_logins import give_dump_logins
from tenantry.servers.server_admin import AdoptionFacts, ServerAdmin

_CONNECT = ConnectSettings(application_name="tenantry-adopt")
_NO_SUCH_DATABASE = "3D000"
# A session that speaks UTF-8 is refused: the server can't convert the database's encoding (MULE_INTERNAL).
_NO_CONVERSION = "0A000"
# SQLSTATE classes of a login that is refused, and of one that may not connect to that database.
_REFUSED_CLASSES = frozenset({"28", "42"})


@dataclass(frozen=True, slots=True)
class AdoptionRequest:
    """What is to be adopted: the database, and the login with which its application uses it.

    `host` and `port` are what a hand-made secret says, or None; they have to be the registered server's.
    """

    tenant_id: TenantId
    database: str
    user: str
    password: str = field(repr=False)
    host: str | None = None
    port: int | None = None
    schema: str = "public"
    connection_limit: int = 50
    # The only region that its data may lie in; empty: any.
    region: str = ""


def adopt_database(
    request: AdoptionRequest,
    *,
    server: Server,
    admin: ServerAdmin,
    secret_store: SecretStore,
    registry: Registry,
    meter: Callable[[], str] = str,
) -> None:
    """Make a tenant of a database on `server`; active only after a login as the tenant worked.

    :param meter: makes what the tenant's requests are counted under; called when every check has passed.
    :raises BadRequest: the login, the database or the server is not what the request says; nothing is changed.
    :raises Conflict: tenant or database is taken, or a role on the server has one of the tenant's names and is not ours
        (`name_taken`): nothing is changed; or the database is too busy now.
    :raises TenantryError: a step failed; the same call finishes the work.
    """
    known = _find_begun(request, server, registry)
    if known and known.status is TenantStatus.ACTIVE:
        _note_user(request, known, server, registry)
        # Of one that was adopted before there were logins for backups.
        _prepare_backups(request, server, admin, secret_store)
        return
    _require_server(request, server)
    facts = _examine(request, server, admin)
    if known and not known.adopted_database and facts.tenant_id:
        # The call that creates a tenant has made this database, and is the one to finish it.
        raise _exists()
    since = known.known_since if known else None
    tenant = replace(_tenant(request, server), usage_key=meter(), known_since=since or datetime.now(UTC))
    registry.put_tenant(tenant)
    credentials = _credentials(request, server, secret_store.find(request.tenant_id))
    admin.make_roles(request.tenant_id, credentials.username, credentials.password, request.connection_limit)
    if request.user not in login_names(request.tenant_id):
        take_objects = not facts.user_is_shared
        admin.adopt_database(
            request.tenant_id, request.database, request.user, request.schema, take_objects=take_objects
        )
    _prepare_backups(request, server, admin, secret_store)
    secret_store.write(request.tenant_id, credentials)
    TenantConnection(request.tenant_id, credentials, _CONNECT).close()
    registry.put_tenant(replace(tenant, status=TenantStatus.ACTIVE))


def _note_user(request: AdoptionRequest, tenant: Tenant, server: Server, registry: Registry) -> None:
    """Write down who the application is, of a tenant that was adopted before that was kept; it has to log in."""
    if not tenant.adopted_user and request.user not in login_names(request.tenant_id):
        _require_server(request, server)
        _log_in(request, server)
        registry.put_tenant(replace(tenant, adopted_user=request.user))


def _prepare_backups(request: AdoptionRequest, server: Server, admin: ServerAdmin, secret_store: SecretStore) -> None:
    """Make the logins for backups, and let them into the database."""
    give_dump_logins(admin.dump_logins, secret_store, request.tenant_id, Isolation.DATABASE)
    admin.home(request.tenant_id, Home(server.server_id, Isolation.DATABASE, request.database, request.schema)).open()


def _find_begun(request: AdoptionRequest, server: Server, registry: Registry) -> Tenant | None:
    """Look for what an earlier call of this adoption has left.

    :raises Conflict: the tenant is there in another way, or another tenant is made of this database.
    """
    place = (server.server_id, request.database)
    for tenant in registry.tenants():
        if tenant.tenant_id != request.tenant_id and (tenant.server_id, tenant.adopted_database) == place:
            raise _taken()
    known = registry.tenant(request.tenant_id)
    if known is None:
        return None
    is_same = (known.server_id, known.adopted_database) == place
    is_open = known.status is TenantStatus.PROVISIONING and (is_same or _was_refused(known, request, server))
    if not is_open and not (is_same and known.status is TenantStatus.ACTIVE):
        raise _exists()
    return known


def _was_refused(tenant: Tenant, request: AdoptionRequest, server: Server) -> bool:
    """Whether somebody tried to create the tenant anew, which stopped at the database that is to be adopted now."""
    return (tenant.server_id, tenant.adopted_database, request.database) == (
        server.server_id,
        "",
        request.tenant_id.value,
    )


def _require_server(request: AdoptionRequest, server: Server) -> None:
    if (request.host or server.host, request.port or server.port) != (server.host, server.port):
        raise BadRequest(
            "The secret is for another server.",
            code="other_server",
            hint="Name the server as it is registered, or leave host and port out.",
        )
    if request.region not in ("", server.region):
        raise BadRequest(
            "The server lies in another region.",
            code="other_region",
            hint="Name the server's own region, or leave it out.",
        )


def _examine(request: AdoptionRequest, server: Server, admin: ServerAdmin) -> AdoptionFacts:
    """Log in as the application does, then look at the database as the administrator."""
    _log_in(request, server)
    facts = admin.adoption_facts(request.tenant_id, request.database, request.user, request.schema)
    if facts is None or facts.is_the_servers:
        raise BadRequest(
            "That database is the server's own.", code="database_reserved", hint="Name the application's own database."
        )
    if not facts.has_schema:
        raise BadRequest(
            "The database has no such schema.",
            code="schema_unknown",
            hint="Name the schema that has the application's tables.",
        )
    if facts.tenant_id not in ("", request.tenant_id.value):
        raise _taken()
    if not facts.user_has_part:
        raise BadRequest(
            "That user has no part in the database: it can log in because anybody can.",
            code="user_unrelated",
            hint="Name the login with which its application uses it.",
        )
    if not facts.names_are_utf8:
        raise _without_utf8("Tables or columns of the database have names that are no UTF-8.")
    if facts.event_triggers:
        raise BadRequest(
            "An event trigger runs a function that is not a superuser's, with the rights of whoever administers.",
            code="event_trigger_unsafe",
            details=", ".join(facts.event_triggers),
            hint="Drop it, disable it, or give its function to a superuser.",
        )
    _require_restorable(facts)
    # Also its application may log in with a name that a role of the tenant's would have.
    admin.require_names(request.tenant_id, None)
    if request.user in login_names(request.tenant_id) and not facts.tenant_id:
        raise BadRequest(
            "That user is the tenant's, and the database is not.",
            code="login_refused",
            hint="Name the login and the password with which the application connects.",
        )
    return facts


def _require_restorable(facts: AdoptionFacts) -> None:
    """Refuse what would be backed up in vain, or never."""
    if facts.unrestorable and not facts.tenant_id:
        raise BadRequest(
            "The database has things that no backup could bring back: only a superuser may make them.",
            code="unrestorable",
            details=", ".join(facts.unrestorable),
            hint="Drop them, or replace them by what the database's owner may make.",
        )
    if facts.others and not facts.tenant_id:
        raise BadRequest(
            "Others than its user own things in the database, and this server's administrator can't let them be read.",
            code="owners_unreadable",
            details=", ".join(facts.others),
            hint="Give them to the database's user, or register the server with a superuser.",
        )


def _log_in(request: AdoptionRequest, server: Server) -> None:
    credentials = _at(server, request, request.user, request.password)
    try:
        connect(credentials, _CONNECT).close()
    except DatabaseUnavailable as exc:
        if exc.code == _NO_SUCH_DATABASE:
            raise BadRequest(
                "The server has no such database.",
                code="database_unknown",
                hint="Look at the name: it is case-sensitive.",
            ) from exc
        if exc.code == _NO_CONVERSION:
            raise _without_utf8("Text of the database's encoding can't be written as UTF-8.") from exc
        if exc.code[:2] in _REFUSED_CLASSES:
            raise BadRequest(
                "The server refuses this user and password for that database.",
                code="login_refused",
                details=f"SQLSTATE {exc.code}",
                hint="Name the login and the password with which the application connects.",
            ) from exc
        raise


def _credentials(request: AdoptionRequest, server: Server, stored: Credentials | None) -> Credentials:
    """Keep a login and a password of ours that are stored already; whatever else is stored is the hand-made secret."""
    logins = login_names(request.tenant_id)
    if stored and stored.username in logins:
        return _at(server, request, stored.username, stored.password)
    return _at(server, request, logins[0], new_password())


def _at(server: Server, request: AdoptionRequest, username: str, password: str) -> Credentials:
    return Credentials(
        host=server.host,
        port=server.port,
        dbname=request.database,
        username=username,
        password=password,
        sslmode=server.sslmode,
        sslrootcert=server.sslrootcert,
        schema=request.schema,
        pooler=server.pooler,
    )


def _tenant(request: AdoptionRequest, server: Server) -> Tenant:
    return Tenant(
        request.tenant_id,
        TenantStatus.PROVISIONING,
        Isolation.DATABASE,
        server.server_id,
        request.region,
        adopted_database=request.database,
        adopted_user="" if request.user in login_names(request.tenant_id) else request.user,
        # It may be larger than any plan allows, and its application is not to stop for that.
        limits=Limits(connections=request.connection_limit, max_bytes=0),
    )


def _without_utf8(message: str) -> BadRequest:
    return BadRequest(
        message,
        code="encoding_unsupported",
        hint="Dump it and restore it into a database of another encoding, and adopt that.",
    )


def _exists() -> Conflict:
    return Conflict("There is such a tenant already.", code="tenant_exists", hint="Choose another tenant id.")


def _taken() -> Conflict:
    return Conflict(
        "That database is another tenant's.",
        code="database_taken",
        hint="Adopt another database, or use the tenant that has this one.",
    )
