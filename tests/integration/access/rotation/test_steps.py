"""A rotation from one login to the other: its four steps, repeated and after crashes."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from handlers import query_tenant
from tenantry.access import rotation
from tenantry.access.secret_versions import SecretVersions
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.logins import backup_logins, login_names, replace_password
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.credentials import secret_name
from tenantry.domain.errors import (
    Conflict,
    TenantryError,
)
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId
from tenantry.servers.server_admin import ServerAdmin
from tenantry.tenants.provisioning import TenantRequest, provision_tenant
from tests.integration.access.rotation.conftest import STEPS, Rotating, State, logs_in
from tests.integration.conftest import REGION, STAGE


def test_the_second_login_lets_nobody_in_before_the_first_rotation(rotating: Rotating, tenant: TenantId) -> None:
    (_, used, limit), (_, unused, other_limit) = rotating.stored_passwords(tenant)
    assert (used.startswith("SCRAM-SHA-256$"), unused, limit, other_limit) == (True, None, 10, 10)
    for password in ("", rotating.current(tenant).password):
        credentials = replace(rotating.current(tenant), username=login_names(tenant)[1], password=password)
        assert not logs_in(tenant, credentials)


def test_two_rotations_go_to_the_other_login_and_back(rotating: Rotating, tenant: TenantId) -> None:
    first = rotating.current(tenant)
    second = rotating.rotate(tenant)
    assert second == replace(first, username=f"{tenant}_login_b", password=second.password)
    assert second.password != first.password
    assert logs_in(tenant, first)  # the old one works on until the next rotation
    assert logs_in(tenant, second)
    third = rotating.rotate(tenant)
    assert third == replace(first, password=third.password)
    assert len({first.password, second.password, third.password}) == 3
    assert [logs_in(tenant, one) for one in (first, second, third)] == [False, True, True]


def test_a_rotation_gives_the_logins_for_backups_another_password(rotating: Rotating, tenant: TenantId) -> None:
    def backups_log_in(password: str | None) -> list[bool]:
        own = replace(rotating.current(tenant), password=password or "")
        return [logs_in(tenant, replace(own, username=login)) for login in backup_logins(tenant)]

    before = rotating.secrets.find_dump_password(tenant)
    assert backups_log_in(before) == [True, True]
    token = rotating.begin(tenant)
    rotating.step(tenant, token, "createSecret")
    rotating.step(tenant, token, "setSecret")
    # Done before the step's own work, which a repeated call finds done.
    after = rotating.secrets.find_dump_password(tenant)
    rotating.rotate(tenant, token)
    assert (rotating.secrets.find_dump_password(tenant), after == before) == (after, False)
    assert (backups_log_in(before), backups_log_in(after)) == ([False, False], [True, True])
    # A tenant from before they were made is rotated as ever.
    rotating.secrets.delete_dump_password(tenant)
    rotating.rotate(tenant)
    assert rotating.secrets.find_dump_password(tenant) is None


def test_what_was_made_before_belongs_to_whoever_is_logged_in(rotating: Rotating, tenant: TenantId) -> None:
    for number in range(3):
        assert len(rotating.call(tenant).json) == 3 + number
        assert rotating.call(tenant, "POST", body={"name": f"row {number}"}).status == 201
        alter = f"ALTER TABLE candidates ADD COLUMN extra_{number} int; CREATE TABLE made_{number} (id int)"
        connection = connect(rotating.current(tenant), ConnectSettings())
        try:
            with connection.cursor() as cursor:
                cursor.execute(f'SET ROLE "{tenant}_owner"; {alter}')
        finally:
            connection.close()
        query_tenant._data_requests()._connections.close()
        rotating.rotate(tenant)
    owners = rotating.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'", tenant.value)
    assert owners == [(f"{tenant}_owner",)]
    assert rotating.call(tenant, table="made_0", role="viewer").status == 200


def test_each_step_may_be_repeated(rotating: Rotating, tenant: TenantId) -> None:
    token = rotating.begin(tenant)
    pending = []
    for step in STEPS:
        for _ in range(2):
            rotating.step(tenant, token, step)
            pending.append(rotating.client.get_secret_value(SecretId=secret_name(STAGE, tenant), VersionId=token))
    assert len({answer["SecretString"] for answer in pending}) == 1
    assert logs_in(tenant, rotating.current(tenant))
    (previous,) = rotating.labels(tenant).keys() - {token}
    assert rotating.labels(tenant) == {token: {"AWSCURRENT"}, previous: {"AWSPREVIOUS"}}


def test_a_login_that_has_its_password_is_not_changed_again(rotating: Rotating, tenant: TenantId) -> None:
    token = rotating.begin(tenant)
    for step in STEPS[:2]:
        rotating.step(tenant, token, step)
    before = State.of(rotating, tenant)
    rotating.step(tenant, token, "setSecret")
    assert State.of(rotating, tenant) == before


def test_a_version_that_is_in_use_is_left_alone(rotating: Rotating, tenant: TenantId) -> None:
    token = rotating.begin(tenant)
    rotating.rotate(tenant, token)
    before = State.of(rotating, tenant)
    for step in STEPS:
        assert rotating.step(tenant, token, step)["already_current"] is True
    assert State.of(rotating, tenant) == before


class Crash(Exception):
    """The process ends at some point."""


class Fuse:
    """Counts the calls to AWS and PostgreSQL, and crashes before or after one of them."""

    def __init__(self, blow_at: int, when: str) -> None:
        self.calls = 0
        self._blow_at = blow_at
        self._when = when

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            mine = self.calls == self._blow_at
            if mine and self._when == "before":
                raise Crash
            try:
                result = function(*args, **kwargs)
            finally:
                if mine:
                    raise Crash
            return result

        return guarded

    def lay(self, patch: pytest.MonkeyPatch) -> None:
        for name in ("describe", "read", "put_pending", "drop_pending", "make_current"):
            patch.setattr(SecretVersions, name, self.around(getattr(SecretVersions, name)))
        for name in ("tenant", "server"):
            patch.setattr(Registry, name, self.around(getattr(Registry, name)))
        patch.setattr(ServerSecrets, "find", self.around(ServerSecrets.find))
        patch.setattr(rotation, "replace_password", self.around(replace_password))
        patch.setattr(rotation, "TenantConnection", self.around(TenantConnection))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_rotation_that_crashed_anywhere_is_finished_by_repeating_it(
    rotating: Rotating, tenant: TenantId, when: str
) -> None:
    dry = Fuse(0, when)
    with pytest.MonkeyPatch.context() as patch:
        dry.lay(patch)
        rotating.rotate(tenant)
    assert dry.calls > 20
    for number in range(1, dry.calls + 1):
        before, token = rotating.current(tenant), rotating.begin(tenant)
        with pytest.MonkeyPatch.context() as patch, pytest.raises(TenantryError) as crash:
            Fuse(number, when).lay(patch)
            rotating.rotate(tenant, token)
        assert (crash.value.code, str(crash.value)) == ("internal_error", "The rotation's step failed.")
        assert logs_in(tenant, rotating.current(tenant))  # what is served works at every moment
        after = rotating.rotate(tenant, token)
        assert after.username != before.username
        assert logs_in(tenant, after)
        assert rotating.labels(tenant)[token] == {"AWSCURRENT"}


def test_a_schedule_is_tried_with_a_copy_of_the_current_version(rotating: Rotating, tenant: TenantId) -> None:
    token = rotating.begin(tenant)
    rotating.write_pending(tenant, token, rotating.current(tenant))
    before = State.of(rotating, tenant)
    rotating.step(tenant, token, "testSecret")
    for step in ("setSecret", "finishSecret"):
        with pytest.raises(Conflict):
            rotating.step(tenant, token, step)
    assert State.of(rotating, tenant) == before


def test_a_label_left_behind_is_taken_away(rotating: Rotating, tenant: TenantId) -> None:
    left = rotating.begin(tenant)
    for step in STEPS[:2]:
        rotating.step(tenant, left, step)
    token = rotating.begin(tenant)
    assert rotating.rotate(tenant, token).username == f"{tenant}_login_b"
    assert logs_in(tenant, rotating.current(tenant))
    labels = rotating.labels(tenant)
    assert labels.pop(token) == {"AWSCURRENT"}
    assert list(labels.values()) == [{"AWSPREVIOUS"}]


def test_the_new_login_gets_the_connection_limit_of_the_old(rotating: Rotating, tenant: TenantId) -> None:
    rotating.execute(f'ALTER ROLE "{tenant}_login_a" CONNECTION LIMIT 7')
    rotating.rotate(tenant)
    assert [limit for *_, limit in rotating.stored_passwords(tenant)] == [7, 7]


def test_what_else_a_secret_holds_is_kept(rotating: Rotating, tenant: TenantId) -> None:
    content = json.loads(rotating.current(tenant).to_json()) | {"note": "ours", "masterarn": "arn:x"}
    content |= {"user": content.pop("username"), "database": content.pop("dbname")}
    rotating.client.put_secret_value(SecretId=secret_name(STAGE, tenant), SecretString=json.dumps(content))
    rotating.rotate(tenant)
    text = rotating.client.get_secret_value(SecretId=secret_name(STAGE, tenant))["SecretString"]
    rotated = json.loads(text)
    assert (rotated["note"], rotated["masterarn"]) == ("ours", "arn:x")
    assert (rotated["username"], rotated["dbname"]) == (f"{tenant}_login_b", tenant.value)
    assert not {"user", "database"} & rotated.keys()


def test_provisioning_again_keeps_the_login_that_is_in_use(rotating: Rotating, tenant: TenantId) -> None:
    first = rotating.current(tenant)
    second = rotating.rotate(tenant)
    again = provision_tenant(
        TenantRequest(tenant, connection_limit=10),
        server=Server("local", REGION, rotating.server.host, rotating.server.port, sslmode="disable"),
        admin=ServerAdmin(rotating.admin),
        secret_store=rotating.secrets,
        registry=rotating.registry,
    )
    assert again == second == rotating.current(tenant)
    assert logs_in(tenant, first)
    assert logs_in(tenant, second)
