"""Rotations that are refused, before anything is changed."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from handlers import rotate_credentials
from tenantry.access import rotation
from tenantry.database.logins import login_names
from tenantry.domain.credentials import Credentials, parse_credentials, secret_name
from tenantry.domain.errors import (
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    IdentityMismatch,
    InvalidSetting,
    NotFound,
    TenantryError,
    TenantUnknown,
)
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus
from tests.integration.access.rotation.conftest import STEPS, Rotating, State
from tests.integration.conftest import REGION, STAGE


@pytest.mark.parametrize("step", STEPS)
def test_an_unknown_version_is_refused(rotating: Rotating, unchanged: TenantId, step: str) -> None:
    rotating.begin(unchanged)
    before = State.of(rotating, unchanged)
    with pytest.raises(Conflict) as refusal:
        rotating.step(unchanged, str(uuid.uuid4()), step)
    assert refusal.value.code == "version_not_pending"
    assert State.of(rotating, unchanged) == before


def test_the_previous_version_is_not_put_back(rotating: Rotating, tenant: TenantId) -> None:
    (previous,) = rotating.labels(tenant)
    rotating.rotate(tenant)
    with pytest.raises(Conflict) as refusal:
        rotating.step(tenant, previous, "finishSecret")
    assert refusal.value.code == "version_not_pending"


@pytest.mark.parametrize("step", STEPS[1:])
def test_a_step_before_the_first_is_refused(rotating: Rotating, unchanged: TenantId, step: str) -> None:
    token = rotating.begin(unchanged)
    before = State.of(rotating, unchanged)
    with pytest.raises(Conflict) as refusal:
        rotating.step(unchanged, token, step)
    assert refusal.value.code == "step_out_of_order"
    assert State.of(rotating, unchanged) == before


def test_a_version_that_does_not_log_in_is_not_put_in_use(rotating: Rotating, tenant: TenantId) -> None:
    token = rotating.begin(tenant)
    rotating.step(tenant, token, "createSecret")
    before = State.of(rotating, tenant)
    for step in ("testSecret", "finishSecret"):
        with pytest.raises(DatabaseUnavailable) as refusal:
            rotating.step(tenant, token, step)
        assert refusal.value.code == "28P01"
    assert State.of(rotating, tenant) == before


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({}, "invalid_event"),
        ({"SecretId": "x", "ClientRequestToken": "y"}, "invalid_event"),
        ({"SecretId": "x", "ClientRequestToken": 1, "Step": "createSecret"}, "invalid_event"),
        ({"SecretId": "x", "ClientRequestToken": "y", "Step": "dropSecret"}, "unknown_step"),
    ],
)
def test_an_event_that_is_none_is_refused(rotating: Rotating, event: dict[str, Any], code: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        rotate_credentials.handler(event, None)
    assert refusal.value.code == code


def test_a_secret_that_is_not_there_is_told(rotating: Rotating) -> None:
    with pytest.raises(NotFound):
        rotating.step(TenantId("nobody"), str(uuid.uuid4()), "createSecret")


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_version_made_before_the_secret_was_replaced_is_given_up(
    rotating: Rotating, tenant: TenantId, done: int
) -> None:
    token = rotating.begin(tenant)
    for step in STEPS[:done]:
        rotating.step(tenant, token, step)
    moved = replace(rotating.current(tenant), schema="elsewhere")
    rotating.secrets.write(tenant, moved)
    for step in (STEPS[3], STEPS[0]):  # what was begun does not finish; repeated from the start, it gives way
        with pytest.raises(Conflict) as refusal:
            rotating.step(tenant, token, step)
        assert refusal.value.code == "pending_version_stale"
    assert rotating.current(tenant) == moved
    assert "AWSPENDING" not in set().union(*rotating.labels(tenant).values())
    assert rotating.rotate(tenant).schema == "elsewhere"


def test_a_broken_current_password_changes_nothing(rotating: Rotating, tenant: TenantId) -> None:
    rotating.execute(f"ALTER ROLE \"{tenant}_login_a\" PASSWORD 'another'")
    token = rotating.begin(tenant)
    rotating.step(tenant, token, "createSecret")
    before = State.of(rotating, tenant)
    with pytest.raises(DatabaseUnavailable) as refusal:
        rotating.step(tenant, token, "setSecret")
    assert refusal.value.code == "28P01"
    assert State.of(rotating, tenant) == before


def test_a_tenant_whose_logins_were_shut_is_not_opened_again(rotating: Rotating, tenant: TenantId) -> None:
    token = rotating.begin(tenant)
    rotating.step(tenant, token, "createSecret")
    for login in login_names(tenant):
        rotating.execute(f'ALTER ROLE "{login}" NOLOGIN')
    with pytest.raises(DatabaseUnavailable) as refusal:
        rotating.step(tenant, token, "setSecret")
    assert refusal.value.code == "28000"


type Change = Callable[[Credentials, TenantId], Credentials]

FALSE_PENDING: dict[str, Change] = {
    "another tenant's login": lambda c, other: replace(c, username=f"{other}_login_b"),
    "the administrator": lambda c, _: replace(c, username="postgres"),
    "the login in use": lambda c, _: replace(c, username=c.username.replace("_login_b", "_login_a")),
    "another host": lambda c, _: replace(c, host="database.example.net"),
    "another port": lambda c, _: replace(c, port=c.port + 1),
    "another tenant's database": lambda c, other: replace(c, dbname=other.value),
    "weaker TLS": lambda c, _: replace(c, sslmode="prefer"),
}


@pytest.mark.parametrize("false", FALSE_PENDING)
@pytest.mark.parametrize("step", STEPS[1:])
def test_a_pending_version_that_differs_in_more_than_the_login_is_refused(
    rotating: Rotating, unchanged: TenantId, false: str, step: str
) -> None:
    token = rotating.begin(unchanged)
    honest = replace(rotating.current(unchanged), username=f"{unchanged}_login_b", password="new")
    rotating.write_pending(unchanged, token, FALSE_PENDING[false](honest, TenantId("another")))
    before = State.of(rotating, unchanged)
    with pytest.raises(Conflict) as refusal:
        rotating.step(unchanged, token, step)
    assert refusal.value.code == "pending_version_stale"
    assert State.of(rotating, unchanged) == before


def refuse_current(rotating: Rotating, tenant: TenantId, false: Credentials) -> TenantryError:
    """Put false credentials in use, and return the error that ends the rotation before anything is changed."""
    rotating.secrets.write(tenant, false)
    token = rotating.begin(tenant)
    passwords = rotating.stored_passwords(tenant)
    with pytest.raises(TenantryError) as refusal:
        rotating.rotate(tenant, token)
    assert rotating.stored_passwords(tenant) == passwords
    assert rotating.current(tenant) == false
    return refusal.value


def test_a_current_version_with_anothers_login_is_refused(rotating: Rotating, tenant: TenantId) -> None:
    other = rotating.add_tenant(1)
    before = State.of(rotating, other)
    error = refuse_current(rotating, tenant, rotating.current(other))
    assert (type(error), error.code) == (IdentityMismatch, "login_unknown")
    assert State.of(rotating, other) == before


def test_a_current_version_with_anothers_database_is_refused(rotating: Rotating, tenant: TenantId) -> None:
    other = rotating.add_tenant(1)
    rotating.execute(f'GRANT CONNECT ON DATABASE "{other}" TO "{tenant}_login_a"')
    error = refuse_current(rotating, tenant, replace(rotating.current(tenant), dbname=other.value))
    assert (type(error), error.code) == (IdentityMismatch, "identity_mismatch")


@pytest.mark.parametrize("field", ["host", "port"])
def test_a_current_version_on_another_server_is_refused(rotating: Rotating, tenant: TenantId, field: str) -> None:
    changed: dict[str, Any] = {"host": "localhost", "port": 1}
    error = refuse_current(rotating, tenant, replace(rotating.current(tenant), **{field: changed[field]}))
    assert (type(error), error.code) == (IdentityMismatch, "server_mismatch")


@pytest.mark.parametrize("mode", ["allow", "prefer"])
def test_a_mode_that_falls_back_to_plain_text_is_refused(rotating: Rotating, tenant: TenantId, mode: str) -> None:
    error = refuse_current(rotating, tenant, replace(rotating.current(tenant), sslmode=mode))
    assert (type(error), error.code) == (InvalidSetting, "insecure_sslmode")


def test_a_secret_without_a_mode_means_tls_and_nothing_less(rotating: Rotating, tenant: TenantId) -> None:
    content = json.loads(rotating.current(tenant).to_json())
    del content["sslmode"]
    rotating.client.put_secret_value(SecretId=secret_name(STAGE, tenant), SecretString=json.dumps(content))
    passwords = rotating.stored_passwords(tenant)
    token = rotating.begin(tenant)
    rotating.step(tenant, token, "createSecret")
    pending = rotating.client.get_secret_value(SecretId=secret_name(STAGE, tenant), VersionId=token)
    assert parse_credentials(pending["SecretString"]).sslmode == "require"
    with pytest.raises(DatabaseUnavailable) as refusal:  # this server has no TLS
        rotating.step(tenant, token, "setSecret")
    assert refusal.value.code == "08001"
    assert rotating.stored_passwords(tenant) == passwords


@pytest.mark.parametrize("tags", [{"TenantId": "another"}, {"Stage": "prod"}])
def test_a_secret_with_anothers_tags_is_refused(rotating: Rotating, tenant: TenantId, tags: dict[str, str]) -> None:
    token = rotating.begin(tenant)
    wanted = [{"Key": key, "Value": value} for key, value in tags.items()]
    rotating.client.tag_resource(SecretId=secret_name(STAGE, tenant), Tags=wanted)
    before = State.of(rotating, tenant)
    with pytest.raises(IdentityMismatch) as refusal:
        rotating.step(tenant, token, "createSecret")
    assert refusal.value.code == "identity_mismatch"
    assert State.of(rotating, tenant) == before


def test_a_secret_without_tags_is_refused(rotating: Rotating, tenant: TenantId) -> None:
    token = rotating.begin(tenant)
    rotating.client.untag_resource(SecretId=secret_name(STAGE, tenant), TagKeys=["TenantId"])
    with pytest.raises(IdentityMismatch):
        rotating.step(tenant, token, "createSecret")


def test_a_server_that_nobody_administers_is_told(rotating: Rotating, tenant: TenantId) -> None:
    def put(server_id: str) -> None:
        rotating.registry.put_tenant(Tenant(tenant, TenantStatus.ACTIVE, Isolation.DATABASE, server_id))

    token = rotating.begin(tenant)
    rotating.step(tenant, token, "createSecret")
    put("nowhere")
    with pytest.raises(TenantUnknown):
        rotating.step(tenant, token, "setSecret")
    rotating.registry.put_server(Server("orphan", REGION, rotating.server.host, rotating.server.port))
    put("orphan")
    with pytest.raises(NotFound) as refusal:
        rotating.step(tenant, token, "setSecret")
    assert refusal.value.code == "administrator_missing"
    put("local")
    assert rotating.rotate(tenant, token).username == f"{tenant}_login_b"


def test_nothing_secret_is_logged_or_raised(
    rotating: Rotating, tenant: TenantId, capsys: pytest.CaptureFixture[str]
) -> None:
    first = rotating.current(tenant)
    token = rotating.begin(tenant)
    rotating.step(tenant, token, "createSecret")
    pending = rotating.client.get_secret_value(SecretId=secret_name(STAGE, tenant), VersionId=token)["SecretString"]
    rotating.execute(f"ALTER ROLE \"{tenant}_login_a\" PASSWORD 'another'")
    with pytest.raises(DatabaseUnavailable) as refusal:
        rotating.step(tenant, token, "setSecret")
    assert refusal.value.__cause__ is None
    rotating.execute(f"ALTER ROLE \"{tenant}_login_a\" PASSWORD '{first.password}'")
    rotating.rotate(tenant, token)
    said = "".join(capsys.readouterr()) + repr(refusal.value)
    assert '"code":"28P01"' in said.replace(" ", "")
    assert "CredentialsRotated" in said
    for secret in (first.password, parse_credentials(pending).password, rotating.server.admin_password, first.host):
        assert secret not in said


def test_a_defect_of_ours_is_raised_without_its_text(
    rotating: Rotating, tenant: TenantId, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(rotation, "replace_password", fail)
    with pytest.raises(TenantryError) as failure:
        rotating.rotate(tenant)
    assert failure.value.code == "internal_error"
    logged = "".join(capsys.readouterr())
    assert "RuntimeError" in logged
    assert "hunter2" not in logged + str(failure.value)


@pytest.mark.parametrize("step", STEPS)
def test_a_tenant_that_is_being_moved_is_not_rotated(rotating: Rotating, tenant: TenantId, step: str) -> None:
    token = rotating.begin(tenant)
    known = rotating.registry.tenant(tenant)
    assert known
    rotating.registry.put_tenant(replace(known, relocation="an operation"))
    before = State.of(rotating, tenant)
    with pytest.raises(Conflict) as refusal:
        rotating.step(tenant, token, step)
    assert refusal.value.code == "tenant_moving"
    assert State.of(rotating, tenant) == before
    rotating.registry.put_tenant(known)
    rotating.rotate(tenant, token)
