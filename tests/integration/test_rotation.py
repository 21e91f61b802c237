"""A rotation with a real PostgreSQL and a local AWS: four steps, two logins, and what may go wrong between them."""

import json
import re
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from handlers import query_tenant, rotate_credentials
from local.aws_server import ACCESS_KEY, SECRET_KEY, AwsServer
from local.ports import LOOPBACK, free_ports
from local.postgres_server import PostgresServer
from tenantry import settings
from tenantry.adapters import aws
from tenantry.adapters.aws import aws_client
from tenantry.adapters.login_admin import login_names
from tenantry.adapters.postgres import ConnectSettings, TenantConnection, connect
from tenantry.adapters.registry import Registry
from tenantry.adapters.secret_store import SecretStore, ServerSecrets
from tenantry.adapters.secret_versions import SecretVersions
from tenantry.adapters.server_admin import ServerAdmin
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
from tenantry.services import rotation
from tenantry.services.provisioning import TenantRequest, provision_tenant
from tenantry.services.rotation import rotation_schedule
from tests.integration.conftest import ENVIRONMENT, REGION, STAGE, TABLE, World, clear_caches, create_registry

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@dataclass
class Rotating(World):
    """The server and the tenants, whose secrets are in a local AWS that moves labels as AWS does."""

    @property
    def client(self) -> Any:
        return aws_client("secretsmanager", REGION)

    def begin(self, tenant: TenantId) -> str:
        """What Secrets Manager does before the first step: a pending version without content."""
        token = str(uuid.uuid4())
        self.client.put_secret_value(
            SecretId=secret_name(STAGE, tenant), ClientRequestToken=token, VersionStages=["AWSPENDING"]
        )
        return token

    def step(self, tenant: TenantId, token: str, step: str) -> dict[str, Any]:
        event = {"SecretId": secret_name(STAGE, tenant), "ClientRequestToken": token, "Step": step}
        return rotate_credentials.handler(event, None)

    def rotate(self, tenant: TenantId, token: str | None = None) -> Credentials:
        token = token or self.begin(tenant)
        for step in STEPS:
            self.step(tenant, token, step)
        return self.current(tenant)

    def current(self, tenant: TenantId) -> Credentials:
        found = self.secrets.find(tenant)
        assert found
        return found

    def labels(self, tenant: TenantId) -> dict[str, set[str]]:
        answer = self.client.describe_secret(SecretId=secret_name(STAGE, tenant))
        return {version: set(labels) for version, labels in answer["VersionIdsToStages"].items()}

    def write_pending(self, tenant: TenantId, token: str, credentials: Credentials) -> None:
        self.client.put_secret_value(
            SecretId=secret_name(STAGE, tenant),
            ClientRequestToken=token,
            SecretString=credentials.to_json(),
            VersionStages=["AWSPENDING"],
        )

    def stored_passwords(self, tenant: TenantId) -> list[Any]:
        names = ", ".join(f"'{name}'" for name in login_names(tenant))
        return self.execute(
            f"SELECT rolname, rolpassword, rolconnlimit FROM pg_authid WHERE rolname IN ({names}) ORDER BY 1"
        )

    def drop(self) -> None:
        tenants = list(self.credentials)
        super().drop()
        for tenant in tenants:
            for login in login_names(tenant):
                self.execute(f'DROP ROLE IF EXISTS "{login}"')


def forget() -> None:
    clear_caches()
    settings.rotation_settings.cache_clear()
    rotate_credentials._tools.cache_clear()
    # Sessions of botocore keep the keys that they found.
    aws._botocore.cache_clear()


@pytest.fixture(scope="module")
def local_aws() -> Iterator[AwsServer]:
    with tempfile.TemporaryDirectory(prefix="tenantry-rotation-") as name:
        directory = Path(name)
        server = AwsServer(directory, port=free_ports(1)[0], addresses=(LOOPBACK,), mark=directory)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def make_tenant_role(server: AwsServer) -> str:
    trust = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"AWS": "*"}}
    read = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
    policy, allowed = (json.dumps({"Version": "2012-10-17", "Statement": [statement]}) for statement in (trust, read))
    iam = server.client("iam")
    role = iam.create_role(RoleName="tenant-data", AssumeRolePolicyDocument=policy)["Role"]
    iam.put_role_policy(RoleName="tenant-data", PolicyName="read", PolicyDocument=allowed)
    return str(role["Arn"])


@pytest.fixture(scope="module")
def rotating(postgres: PostgresServer, local_aws: AwsServer) -> Iterator[Rotating]:
    with pytest.MonkeyPatch.context() as patch:
        variables = ENVIRONMENT | {
            "AWS_ENDPOINT_URL": local_aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "TENANT_ROLE_ARN": make_tenant_role(local_aws),
            "REGISTRY_TABLE": TABLE,
        }
        for name, value in variables.items():
            patch.setenv(name, value)
        forget()
        made = Rotating(postgres, create_registry(), SecretStore(aws_client("secretsmanager", REGION), STAGE))
        server = Server("local", REGION, postgres.host, postgres.port, sslmode="disable")
        made.registry.put_server(server)
        ServerSecrets(made.client, STAGE).write("local", administrator(postgres))
        yield made
    forget()


def administrator(postgres: PostgresServer) -> Credentials:
    return Credentials(
        postgres.host, postgres.port, "postgres", postgres.admin_user, postgres.admin_password, sslmode="disable"
    )


@pytest.fixture
def tenant(rotating: Rotating) -> Iterator[TenantId]:
    """A tenant with three candidates, of this test alone."""
    made = rotating.add_tenant(3)
    try:
        yield made
    finally:
        rotating.drop()
        rotating.credentials.clear()
        forget()


def logs_in(tenant: TenantId, credentials: Credentials) -> bool:
    try:
        TenantConnection(tenant, credentials, ConnectSettings()).close()
    except DatabaseUnavailable:
        return False
    return True


@dataclass(frozen=True)
class State:
    """All that a refused step must leave as it is."""

    labels: dict[str, set[str]]
    passwords: list[Any]
    current: Credentials

    @classmethod
    def of(cls, rotating: Rotating, tenant: TenantId) -> "State":
        return cls(rotating.labels(tenant), rotating.stored_passwords(tenant), rotating.current(tenant))


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


def test_a_version_that_is_in_use_is_left_alone(rotating: Rotating, tenant: TenantId) -> None:
    token = rotating.begin(tenant)
    rotating.rotate(tenant, token)
    before = State.of(rotating, tenant)
    for step in STEPS:
        assert rotating.step(tenant, token, step)["already_current"] is True
    assert State.of(rotating, tenant) == before


class Crash(Exception):
    """The end of a process at some point."""


class Fuse:
    """Counts what crosses the boundary to AWS and PostgreSQL, and blows before or after one of these calls."""

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
            result = function(*args, **kwargs)
            if mine:
                if isinstance(result, TenantConnection):
                    result.close()
                raise Crash
            return result

        return guarded

    def lay(self, patch: pytest.MonkeyPatch) -> None:
        for name in ("describe", "read", "put_pending", "drop_pending", "make_current"):
            patch.setattr(SecretVersions, name, self.around(getattr(SecretVersions, name)))
        for name in ("tenant", "server"):
            patch.setattr(Registry, name, self.around(getattr(Registry, name)))
        patch.setattr(ServerSecrets, "find", self.around(ServerSecrets.find))
        patch.setattr(rotation, "replace_password", self.around(rotation.replace_password))
        patch.setattr(rotation, "TenantConnection", self.around(TenantConnection))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_rotation_that_crashed_anywhere_is_finished_by_repeating_it(
    rotating: Rotating, tenant: TenantId, when: str
) -> None:
    crashes = 0
    while True:
        before, token = rotating.current(tenant), rotating.begin(tenant)
        fuse = Fuse(crashes + 1, when)
        with pytest.MonkeyPatch.context() as patch:
            fuse.lay(patch)
            try:
                rotating.rotate(tenant, token)
                break
            except TenantryError as error:
                assert (error.code, str(error)) == ("internal_error", "The rotation's step failed.")
        assert logs_in(tenant, rotating.current(tenant))  # what is served works at every moment
        after = rotating.rotate(tenant, token)
        assert after.username != before.username
        assert logs_in(tenant, after)
        assert rotating.labels(tenant)[token] == {"AWSCURRENT"}
        crashes += 1
    assert crashes == fuse.calls > 20


@pytest.mark.parametrize("step", STEPS)
def test_an_unknown_version_is_refused(rotating: Rotating, tenant: TenantId, step: str) -> None:
    rotating.begin(tenant)
    before = State.of(rotating, tenant)
    with pytest.raises(Conflict) as refusal:
        rotating.step(tenant, str(uuid.uuid4()), step)
    assert refusal.value.code == "version_not_pending"
    assert State.of(rotating, tenant) == before


def test_the_previous_version_is_not_put_back(rotating: Rotating, tenant: TenantId) -> None:
    (previous,) = rotating.labels(tenant)
    rotating.rotate(tenant)
    with pytest.raises(Conflict) as refusal:
        rotating.step(tenant, previous, "finishSecret")
    assert refusal.value.code == "version_not_pending"


@pytest.mark.parametrize("step", STEPS[1:])
def test_a_step_before_the_first_is_refused(rotating: Rotating, tenant: TenantId, step: str) -> None:
    token = rotating.begin(tenant)
    before = State.of(rotating, tenant)
    with pytest.raises(Conflict) as refusal:
        rotating.step(tenant, token, step)
    assert refusal.value.code == "step_out_of_order"
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


def test_the_new_login_gets_the_connection_limit_of_the_old(rotating: Rotating, tenant: TenantId) -> None:
    rotating.execute(f'ALTER ROLE "{tenant}_login_a" CONNECTION LIMIT 7')
    rotating.rotate(tenant)
    assert [limit for *_, limit in rotating.stored_passwords(tenant)] == [7, 7]


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
    rotating: Rotating, tenant: TenantId, false: str, step: str
) -> None:
    token = rotating.begin(tenant)
    honest = replace(rotating.current(tenant), username=f"{tenant}_login_b", password="new")
    rotating.write_pending(tenant, token, FALSE_PENDING[false](honest, TenantId("another")))
    before = State.of(rotating, tenant)
    with pytest.raises(Conflict) as refusal:
        rotating.step(tenant, token, step)
    assert refusal.value.code == "pending_version_stale"
    assert State.of(rotating, tenant) == before


def refuse_current(rotating: Rotating, tenant: TenantId, false: Credentials) -> TenantryError:
    """Put false credentials in use, and look which error ends the rotation before anything was changed."""
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


@pytest.mark.parametrize("tags", [{"TenantId": "another"}, {"Stage": "prod"}])
def test_a_secret_with_anothers_tags_is_refused(rotating: Rotating, tenant: TenantId, tags: dict[str, str]) -> None:
    token = rotating.begin(tenant)
    wanted = [{"Key": key, "Value": value} for key, value in tags.items()]
    rotating.client.tag_resource(SecretId=secret_name(STAGE, tenant), Tags=wanted)
    before = State.of(rotating, tenant)
    with pytest.raises(IdentityMismatch):
        rotating.step(tenant, token, "createSecret")
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


class Load:
    """Requests of the data API, one after the other, until it is told to stop."""

    def __init__(self, rotating: Rotating, tenant: TenantId) -> None:
        self.statuses: Counter[int] = Counter()
        self._rotating = rotating
        self._tenant = tenant
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.statuses[self._rotating.call(self._tenant).status] += 1
            self.statuses[self._rotating.call(self._tenant, "POST", body={"name": "under load"}).status] += 1

    def await_more(self, requests: int) -> None:
        """Let so many requests pass, so that each step is met by some."""
        wanted, deadline = self.statuses.total() + requests, time.monotonic() + 30
        while self.statuses.total() < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.005)


@pytest.mark.parametrize("connection_age", ["900", "0"])
def test_under_load_five_rotations_cost_no_request(
    rotating: Rotating, tenant: TenantId, monkeypatch: pytest.MonkeyPatch, connection_age: str
) -> None:
    """Aged 0, each request logs in anew, with credentials from a cache that is older than the rotation."""
    monkeypatch.setenv("CONNECTION_AGE_SECONDS", connection_age)
    forget()
    with Load(rotating, tenant) as load:
        load.await_more(10)
        for _ in range(5):
            token = rotating.begin(tenant)
            for step in STEPS:
                rotating.step(tenant, token, step)
                load.await_more(10)
    assert load.statuses.keys() == {200, 201}
    assert load.statuses.total() > 200


CRON = re.compile(r"cron\(0 (\d+) (\S+) (\S+) (\S+) \*\)")


def parts(tenant: str, days: int) -> tuple[str, ...]:
    rules = rotation_schedule(TenantId(tenant), days)
    match = CRON.fullmatch(rules["ScheduleExpression"])
    assert match
    assert rules["Duration"] == "1h"
    assert 0 <= int(match[1]) <= 23
    return match.groups()


def test_a_fleet_rotates_spread_over_hours_and_days() -> None:
    monthly = [parts(f"tenant-{number}", 30) for number in range(2000)]
    assert {day for _, day, _, _ in monthly} == {str(day) for day in range(1, 29)}
    assert {hour for hour, *_ in monthly} == {str(hour) for hour in range(24)}
    assert {months for _, _, months, _ in monthly} == {"1/1"}
    # 672 hours for 2,000 tenants: three in each on average, and nowhere a crowd.
    assert Counter(monthly).most_common(1)[0][1] <= 15
    assert parts("tenant-1", 30) == parts("tenant-1", 30)


@pytest.mark.parametrize(
    ("days", "pattern"),
    [
        (1, r"\* \* \?"),
        (6, r"\* \* \?"),
        (7, r"\? \* [A-Z]{3}"),
        (29, r"\? \* [A-Z]{3}"),
        (45, r"\d+ 1/1 \?"),
        (90, r"\d+ [123]/3 \?"),
        (150, r"\d+ [1234]/4 \?"),
        (1000, r"\d+ \d+/12 \?"),
    ],
)
def test_a_schedule_is_never_rarer_than_asked_for(days: int, pattern: str) -> None:
    assert re.fullmatch(pattern, " ".join(parts("mycompany", days)[1:]))


def test_a_schedule_of_no_days_is_refused() -> None:
    with pytest.raises(BadRequest):
        rotation_schedule(TenantId("mycompany"), 0)
