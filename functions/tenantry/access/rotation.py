"""Rotates one tenant's credentials: the four steps of Secrets Manager, with two logins that take turns.

Both logins are members of the same roles, which own everything. So sessions of the old login go on, and no object in
the database changes its owner. Each step may be repeated, also after a crash at any point.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import NamedTuple

import psycopg2

from tenantry.access.secret_versions import CURRENT, PENDING, RotatingSecret, SecretVersions
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore, ServerSecrets
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.logins import dump_login, login_names, replace_password
from tenantry.database.sql_errors import translate
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.changeable import require_still
from tenantry.domain.credentials import Credentials, parse_credentials
from tenantry.domain.errors import (
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    IdentityMismatch,
    InvalidSetting,
    NotFound,
    TenantUnknown,
)
from tenantry.domain.passwords import new_password
from tenantry.domain.tenant import Role, TenantId, database_role
from tenantry.servers.dump_logins import DumpLogins

# With these modes libpq goes on without TLS if the server, or something in front of it, declines.
_FALLS_BACK_TO_PLAIN_TEXT = frozenset({"allow", "prefer"})
# The errors if the other login has another password, or none yet, which the step is about to change.
_NOT_SET_YET = frozenset({"28P01", "28000"})
# Other names of fields, which would contradict the fields of the new version.
_ALIASES = frozenset({"user", "database"})
# Fields that are ours, and that a version may be without.
_OPTIONAL = frozenset({"pooler"})
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Only divisors of 12, so that all intervals in a year are equal: `1/5` would be months 1, 6, 11 and then 1 again.
_MONTHS = (12, 6, 4, 3, 2, 1)


@dataclass(frozen=True, slots=True)
class RotationOrder:
    """One call by Secrets Manager; `token` is the id of the version that the rotation makes."""

    secret_id: str
    token: str
    step: str


@dataclass(frozen=True, slots=True)
class RotationTools:
    """The adapters of a rotation."""

    versions: SecretVersions
    registry: Registry
    administrators: ServerSecrets
    connect: ConnectSettings
    # Where the passwords of the logins for backups are; None: they are not rotated.
    dumps: SecretStore | None = None


class Rotated(NamedTuple):
    """The secret's tenant, and whether the version was current already, so that nothing was left to do."""

    tenant_id: TenantId
    already_current: bool


@dataclass(frozen=True, slots=True)
class _Rotation:
    secret: RotatingSecret
    token: str
    tools: RotationTools

    @property
    def tenant_id(self) -> TenantId:
        return self.secret.tenant_id

    def current_text(self) -> str:
        text = self.tools.versions.read(self.secret, self.secret.current, CURRENT)
        if text is None:
            raise NotFound(
                "The secret has no current version.",
                code="credentials_missing",
                hint="Repeat the call that makes the tenant, which writes its secret anew.",
            )
        return text

    def pending_text(self) -> str | None:
        return self.tools.versions.read(self.secret, self.token, PENDING)

    def pair(self, *, may_be_same: bool = False) -> tuple[Credentials, Credentials]:
        """Read the current and the pending credentials, which may differ in login and password only."""
        text = self.pending_text()
        if text is None:
            raise Conflict(
                "The pending version has no content: createSecret comes first.",
                code="step_out_of_order",
                hint="Start the rotation again (RotateSecret).",
            )
        current, pending = parse_credentials(self.current_text()), parse_credentials(text)
        _check_current(current, self.tenant_id)
        if not _succeeds(pending, current, self.tenant_id) and not (may_be_same and pending == current):
            raise _stale()
        return current, pending


def rotate(order: RotationOrder, tools: RotationTools) -> Rotated:
    """Run one step of a rotation.

    :raises BadRequest: there is no such step.
    :raises Conflict: the version is not pending, or was made for credentials that have been replaced.
    :raises IdentityMismatch: names, logins or servers do not agree; nothing was changed.
    :raises TenantryError: the step failed and may be repeated.
    """
    step = _STEPS.get(order.step)
    if step is None:
        raise BadRequest(
            "A rotation has no such step.",
            code="unknown_step",
            hint="Let Secrets Manager call it: RotateSecret starts a rotation.",
        )
    secret = tools.versions.describe(order.secret_id)
    pending = order.token in secret.labelled(PENDING)
    if order.token == secret.current:
        if pending:
            tools.versions.drop_pending(secret, order.token)
        return Rotated(secret.tenant_id, already_current=True)
    if not pending:
        raise Conflict(
            "That version of the secret is not pending.",
            code="version_not_pending",
            hint="Start the rotation again (RotateSecret).",
        )
    _require_settled(secret.tenant_id, tools.registry)
    step(_Rotation(secret, order.token, tools))
    return Rotated(secret.tenant_id, already_current=False)


def _require_settled(tenant_id: TenantId, registry: Registry) -> None:
    tenant = registry.tenant(tenant_id)
    if tenant:
        require_still(tenant, hint="The rotation is repeated when that has ended.")


def _create(rotation: _Rotation) -> None:
    """Write the pending version: the other login with a new password, all else unchanged."""
    versions, secret = rotation.tools.versions, rotation.secret
    for left_behind in secret.labelled(PENDING) - {rotation.token}:
        versions.drop_pending(secret, left_behind)
    text = rotation.current_text()
    current = parse_credentials(text)
    _check_current(current, rotation.tenant_id)
    stored = rotation.pending_text()
    if stored is None:
        versions.put_pending(secret, rotation.token, _successor(text, current, rotation))
    elif not _succeeds(parse_credentials(stored), current, rotation.tenant_id):
        # The tenant was moved meanwhile, say. A version can't be rewritten; without its label, a new rotation starts.
        versions.drop_pending(secret, rotation.token)
        raise _stale()


def _set(rotation: _Rotation) -> None:
    """Set the pending login's password on the server, after making sure of the server and the tenant."""
    current, pending = rotation.pair()
    administrator = _administrator(rotation, current)
    if _logs_in(rotation, pending):
        return
    # Proves the current password, and that the database names this tenant.
    TenantConnection(rotation.tenant_id, current, rotation.tools.connect).close()
    # First, so that a call that is repeated because of this does not find its work done.
    _renew_dump_logins(rotation, administrator)
    replace_password(
        administrator,
        rotation.tools.connect,
        login=pending.username,
        password=pending.password,
        like=current.username,
    )


def _renew_dump_logins(rotation: _Rotation, administrator: Credentials) -> None:
    """Give the logins for backups another password, if the tenant has them.

    A backup that begins meanwhile is refused by the server with the former one, and goes on as the tenant itself.
    """
    dumps, tenant_id = rotation.tools.dumps, rotation.tenant_id
    if dumps is None or dumps.find_dump_password(tenant_id) is None:
        return
    settings = replace(rotation.tools.connect, administers=True)
    login, password = replace(administrator, schema="pg_catalog"), new_password()
    logins = DumpLogins(lambda database: connect(replace(login, dbname=database), settings))
    if logins.set_password(tenant_id, password):
        dumps.replace_dump_password(tenant_id, dump_login(tenant_id), password)


def _test(rotation: _Rotation) -> None:
    """Log in with the pending version, and take each role under which requests run."""
    # For a new schedule without immediate rotation, Secrets Manager calls this with a copy of the current version.
    _, pending = rotation.pair(may_be_same=True)
    with closing(TenantConnection(rotation.tenant_id, pending, rotation.tools.connect)) as connection:
        for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN):
            name = database_role(rotation.tenant_id, role)
            try:
                connection.run(name, "{}", "SELECT 1, NULL", (), reads_only=True)
            except psycopg2.Error as exc:
                raise translate(exc) from exc
    _require_pooler(rotation, pending)


def _require_pooler(rotation: _Rotation, pending: Credentials) -> None:
    """Make sure that requests will get through the pooler, which has a list of logins and passwords of its own.

    :raises Conflict: it does not answer, or does not let the login in: requests go on with the former one.
    """
    if pending.pooler is None:
        return
    through = replace(rotation.tools.connect, through_pooler=True)
    try:
        TenantConnection(rotation.tenant_id, pending, through).close()
    except DatabaseUnavailable as exc:
        raise Conflict(
            "The tenant's pooler does not let the new login in.",
            code="pooler_login_refused",
            details=f"SQLSTATE {exc.code}",
            hint="Write the pooler's list of users anew, as docs/operations.md says; then rotate once more.",
        ) from exc


def _finish(rotation: _Rotation) -> None:
    """Make the pending version current, unless the current one was replaced meanwhile."""
    _, pending = rotation.pair()
    # Requests depend on this version from now on, so it is tried again, whatever the earlier steps found.
    TenantConnection(rotation.tenant_id, pending, rotation.tools.connect).close()
    _require_pooler(rotation, pending)
    rotation.tools.versions.make_current(rotation.secret, rotation.token)
    rotation.tools.versions.drop_pending(rotation.secret, rotation.token)


_STEPS: Mapping[str, Callable[[_Rotation], None]] = {
    "createSecret": _create,
    "setSecret": _set,
    "testSecret": _test,
    "finishSecret": _finish,
}


def _check_current(current: Credentials, tenant_id: TenantId) -> None:
    _check_tls(current)
    if current.username not in login_names(tenant_id):
        raise IdentityMismatch("The secret's login is not one of the tenant's two.", code="login_unknown")


def _check_tls(credentials: Credentials) -> None:
    if credentials.sslmode in _FALLS_BACK_TO_PLAIN_TEXT:
        raise InvalidSetting(
            "The secret's 'sslmode' lets a connection go on without TLS.",
            code="insecure_sslmode",
            hint="Set it to 'verify-full' or 'require', or to 'disable' where plain text is meant.",
        )


def _other_login(login: str, tenant_id: TenantId) -> str:
    first, second = login_names(tenant_id)
    return second if login == first else first


def _succeeds(pending: Credentials, current: Credentials, tenant_id: TenantId) -> bool:
    """Whether the pending credentials are the current ones with the other login and its password."""
    login = _other_login(current.username, tenant_id)
    expected = replace(current, username=login, password=pending.password, pooler=pending.pooler)
    return pending == expected


def _successor(text: str, current: Credentials, rotation: _Rotation) -> str:
    """Write the next version; fields that are not ours are kept, and the pooler is the one that the server has now."""
    tenant = rotation.tools.registry.tenant(rotation.tenant_id)
    server = rotation.tools.registry.server(tenant.server_id) if tenant else None
    fresh = replace(
        current,
        username=_other_login(current.username, rotation.tenant_id),
        password=new_password(),
        pooler=server.pooler if server else current.pooler,
    )
    kept = {name: value for name, value in json.loads(text).items() if name not in _ALIASES | _OPTIONAL}
    return json.dumps(kept | json.loads(fresh.to_json()))


def _administrator(rotation: _Rotation, current: Credentials) -> Credentials:
    """Find the administrator of the tenant's server; it has to name the same server as registry and secret."""
    registry = rotation.tools.registry
    tenant = registry.tenant(rotation.tenant_id)
    server = registry.server(tenant.server_id) if tenant else None
    if tenant is None or server is None:
        raise TenantUnknown("The registry does not say which server the tenant is on.", code="server_unknown")
    administrator = rotation.tools.administrators.find(tenant.server_id)
    if administrator is None:
        raise NotFound(
            "The server has no administrator's secret.",
            code="administrator_missing",
            hint="Register the server once more, with its administrator.",
        )
    _check_tls(administrator)
    places = {(place.host.lower(), place.port) for place in (current, server, administrator)}
    if len(places) != 1:
        raise IdentityMismatch("Secret, registry and administrator name different servers.", code="server_mismatch")
    return administrator


def _logs_in(rotation: _Rotation, credentials: Credentials) -> bool:
    try:
        TenantConnection(rotation.tenant_id, credentials, rotation.tools.connect).close()
    except DatabaseUnavailable as exc:
        if exc.code in _NOT_SET_YET:
            return False
        raise
    return True


def _stale() -> Conflict:
    return Conflict(
        "The pending version was made for credentials that have been replaced.",
        code="pending_version_stale",
        hint="Start the rotation again.",
    )


def rotation_schedule(tenant_id: TenantId, days: int = 30) -> dict[str, str]:
    """Build the `RotationRules` of a tenant's secret, with an hour and a day that depend only on its id.

    This spreads a fleet's rotations. With `rate()` all would run at once, because its window opens at midnight.

    :param days: the longest interval, with 30 days to a month: daily, weekly, or every 1, 2, 3, 4, 6, 12 months.
    :raises BadRequest: `days` is less than 1.
    """
    if days < 1:
        raise BadRequest(
            "Credentials are rotated at most once a day.", code="invalid_rotation_days", hint="Choose one day or more."
        )
    number = int.from_bytes(hashlib.sha256(tenant_id.value.encode()).digest()[:8])
    number, hour = divmod(number, 24)
    return {"ScheduleExpression": f"cron(0 {hour} {_days(number, days)} *)", "Duration": "1h"}


def _days(number: int, days: int) -> str:
    """Choose day of month, month and day of week for an AWS cron expression."""
    if days < 7:
        return "* * ?"
    if days < 30:
        return f"? * {_WEEKDAYS[number % 7]}"
    # The 29th to the 31st are never chosen, because February would be left out.
    number, day = divmod(number, 28)
    every = next(months for months in _MONTHS if months <= days // 30)
    return f"{day + 1} {number % every + 1}/{every} ?"
