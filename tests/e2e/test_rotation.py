"""A rotation in the deployed stack: under load through the API, and with no more permissions than it needs."""

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tenantry.domain.credentials import secret_name
from tenantry.domain.tenant import TenantId
from tests.e2e.api import Api
from tests.e2e.test_permissions import invoke, without

CANDIDATES = "/rest/v1/candidates"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
TENANT = "mycompany1"
SECRET = secret_name("local", TenantId(TENANT))
ADMINISTRATOR = "tenantry/local/servers/us-east-1"


def begin(api: Api) -> str:
    """Do what Secrets Manager does before the first step: make a pending version without content."""
    token = str(uuid.uuid4())
    api.aws("secretsmanager").put_secret_value(SecretId=SECRET, ClientRequestToken=token, VersionStages=["AWSPENDING"])
    return token


def run_step(api: Api, token: str, step: str) -> tuple[bool, str]:
    return invoke(api, "RotateCredentials", {"SecretId": SECRET, "ClientRequestToken": token, "Step": step})


def rotate(api: Api, token: str) -> str | None:
    """Run the steps until one fails; returns the failure, or None if the rotation is done."""
    for step in STEPS:
        failed, said = run_step(api, token, step)
        if failed:
            return said
    return None


def credentials(api: Api) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(api.aws("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"])
    return content


class Load:
    """Four clients of the API, each sending one request after another, until they are stopped."""

    def __init__(self, api: Api) -> None:
        self.answers: Counter[tuple[int, int]] = Counter()
        self._api = api
        self._token = api.token(TENANT)
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def running(self) -> Iterator[None]:
        with ThreadPoolExecutor(4) as pool:
            callers = [pool.submit(self._call) for _ in range(4)]
            try:
                yield
            finally:
                self._stopped.set()
            for caller in callers:
                caller.result()

    def _call(self) -> None:
        while not self._stopped.is_set():
            answer = self._api.call("GET", CANDIDATES, self._token)
            rows = len(answer.json()) if answer.status_code == 200 else -1
            with self._lock:
                self.answers[answer.status_code, rows] += 1

    def await_more(self, requests: int) -> None:
        wanted, deadline = self.answers.total() + requests, time.monotonic() + 60
        while self.answers.total() < wanted:
            assert time.monotonic() < deadline, self.answers
            time.sleep(0.01)


def test_a_rotation_under_load_costs_no_request(api: Api) -> None:
    rows = len(api.names(TENANT))
    before = credentials(api)
    token, load = begin(api), Load(api)
    with load.running():
        load.await_more(8)
        for step in STEPS:
            failed, said = run_step(api, token, step)
            assert not failed, said
            load.await_more(8)
    assert load.answers.keys() == {(200, rows)}
    after = credentials(api)
    assert {key for key in after if after[key] != before.get(key)} == {"username", "password"}


@pytest.mark.parametrize(
    "action",
    [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
        "dynamodb:GetItem",
    ],
)
def test_a_rotation_needs(api: Api, action: str) -> None:
    before, token = credentials(api), begin(api)
    with without(api, "RotateCredentialsRole", action):
        said = rotate(api, token)
        assert said is not None
        assert "unavailable" in said or "could not be" in said
    assert credentials(api) == before
    assert rotate(api, token) is None
    assert credentials(api) != before
    assert api.call("GET", CANDIDATES, api.token(TENANT)).status_code == 200


@pytest.mark.parametrize("name", [SECRET, ADMINISTRATOR])
def test_a_secret_of_another_stage_is_out_of_reach(api: Api, name: str) -> None:
    secrets, token = api.aws("secretsmanager"), begin(api)
    secrets.tag_resource(SecretId=name, Tags=[{"Key": "Stage", "Value": "prod"}])
    try:
        said = rotate(api, token)
        assert said is not None
        assert "could not be read or written" in said
    finally:
        secrets.tag_resource(SecretId=name, Tags=[{"Key": "Stage", "Value": "local"}])
    assert rotate(api, token) is None


def test_the_rotations_role_reads_no_other_secret_and_writes_no_administrator(api: Api) -> None:
    secrets = api.aws("secretsmanager")
    mine = api.aws("secretsmanager", **api.as_role(api.role_of("RotateCredentials")))
    other = f"elsewhere/{uuid.uuid4().hex}"
    secrets.create_secret(Name=other, SecretString="theirs", Tags=[{"Key": "Stage", "Value": "local"}])
    try:
        for call, arguments in (
            (mine.get_secret_value, {"SecretId": other}),
            (mine.put_secret_value, {"SecretId": ADMINISTRATOR, "SecretString": "{}"}),
            (mine.delete_secret, {"SecretId": SECRET}),
            (mine.list_secrets, {}),
        ):
            with pytest.raises(mine.exceptions.ClientError) as refusal:
                call(**arguments)
            assert refusal.value.response["Error"]["Code"] in {"AccessDeniedException", "AccessDenied"}
    finally:
        secrets.delete_secret(SecretId=other, ForceDeleteWithoutRecovery=True)


def test_a_backup_runs_with_the_other_login(api: Api) -> None:
    assert rotate(api, begin(api)) is None
    failed, said = invoke(api, "BackUpTenant", {"tenant_id": TENANT, "trigger": "test"})
    assert not failed, said
