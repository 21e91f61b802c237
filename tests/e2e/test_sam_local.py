"""`sam local invoke` runs every function in a container, layers in /opt, against a stack that listens on the bridge."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import invocation
from local.accounts import sign_in
from local.aws_server import local_client
from local.progress import keep_silent
from local.stack import PROJECT, LocalStack
from local.stack_file import StackFile, write_private

IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"


def has_image() -> bool:
    docker = shutil.which("docker")
    command = [docker or "", "image", "inspect", IMAGE]
    return bool(docker) and subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not has_image(), reason="no Docker engine with Lambda's Python image")


@pytest.fixture(scope="module")
def bridged() -> Iterator[tuple[StackFile, Path]]:
    """A stack of the test's own that containers can reach, and its directory."""
    with tempfile.TemporaryDirectory(prefix="tenantry-bridged-") as directory:
        Path(directory).chmod(0o711)
        stack = LocalStack(Path(directory), ports="free", bridge=True, durable=False, tell=keep_silent)
        try:
            yield stack.up(), Path(directory)
        finally:
            stack.down()


def invoke(bridged: tuple[StackFile, Path], function: str, event: dict[str, Any], *options: str) -> Any:
    _, directory = bridged
    environments, file = directory / "env.json", directory / "event.json"
    variables = json.loads(environments.read_text())[function]
    write_private(file, json.dumps(event))
    command = invocation.command_line(
        function, event=file, environments=environments, endpoint_url=variables["AWS_ENDPOINT_URL"]
    )
    done = subprocess.run(
        [*command, *options],
        cwd=PROJECT,
        env=invocation.caller_environment(directory, variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def sample(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PROJECT / "events" / f"{name}.json").read_text())
    return content


def test_get_health(bridged: tuple[StackFile, Path]) -> None:
    assert invoke(bridged, "GetHealth", sample("get_health"))["statusCode"] == 200


def test_query_tenant(bridged: tuple[StackFile, Path]) -> None:
    answer = invoke(bridged, "QueryTenant", sample("query_tenant"), "--tenant-id", "mycompany")
    assert (answer["statusCode"], len(json.loads(answer["body"]))) == (200, 10)


def test_query_tenant_describes_what_there_is(bridged: tuple[StackFile, Path]) -> None:
    answer = invoke(bridged, "QueryTenant", sample("describe_data_api"), "--tenant-id", "mycompany")
    assert (answer["statusCode"], json.loads(answer["body"])["swagger"]) == (200, "2.0")


def test_authorize_request(bridged: tuple[StackFile, Path]) -> None:
    event = sample("authorize_request")
    assert invoke(bridged, "AuthorizeRequest", event)["errorMessage"] == "Unauthorized"
    token = sign_in(bridged[0], "viewer@mycompany.example.com")
    answer = invoke(bridged, "AuthorizeRequest", event | {"authorizationToken": f"Bearer {token}"})
    assert answer["context"]["tenantId"] == "mycompany"


def test_plan_backups(bridged: tuple[StackFile, Path]) -> None:
    assert invoke(bridged, "PlanBackups", sample("plan_backups"))["tenants"] == 2


def test_plan_drills(bridged: tuple[StackFile, Path]) -> None:
    assert invoke(bridged, "PlanDrills", sample("plan_drills"))["tenants"] in {0, 1, 2}


def test_schedule_retention(bridged: tuple[StackFile, Path]) -> None:
    assert invoke(bridged, "ScheduleRetention", sample("schedule_retention"))["tenants"] == 2


def test_retain_backups(bridged: tuple[StackFile, Path]) -> None:
    answer = invoke(bridged, "RetainBackups", sample("retain_backups"))
    assert answer.get("kind") == "plan_retention", answer
    assert answer["planned"]["delete"] == 0


def test_summarise_run(bridged: tuple[StackFile, Path]) -> None:
    # Nobody was planned in the sample's run.
    assert invoke(bridged, "SummariseRun", sample("summarise_run"))["tenants"] == 0


def test_watch_sessions(bridged: tuple[StackFile, Path]) -> None:
    assert invoke(bridged, "WatchSessions", sample("watch_sessions"))["servers"] == 2


def test_probe_network(bridged: tuple[StackFile, Path]) -> None:
    assert set(invoke(bridged, "ProbeNetwork", sample("probe_network"))["servers"].values()) == {"fine"}


def test_watch_backups(bridged: tuple[StackFile, Path]) -> None:
    assert invoke(bridged, "WatchBackups", sample("watch_backups"))["tenants"] == 2


def test_drill_backup(bridged: tuple[StackFile, Path]) -> None:
    # The sample's backup is nobody's; that it was looked for shows that the function runs and reaches the bucket.
    assert invoke(bridged, "DrillBackup", sample("drill_backup"))["errorMessage"] == "There is no such backup."


def test_back_up_tenant(bridged: tuple[StackFile, Path]) -> None:
    answer = invoke(bridged, "BackUpTenant", sample("back_up_tenant"))
    assert answer["already_published"] is False


def test_rotate_credentials(bridged: tuple[StackFile, Path]) -> None:
    event = sample("rotate_credentials")
    local_client("secretsmanager", bridged[0].aws_endpoint_url).put_secret_value(
        SecretId=event["SecretId"], ClientRequestToken=event["ClientRequestToken"], VersionStages=["AWSPENDING"]
    )
    for step in ("createSecret", "setSecret"):
        answer = invoke(bridged, "RotateCredentials", event | {"Step": step})
        assert answer == {"tenant_id": "mycompany", "step": step, "already_current": False}


def test_administer_tenants(bridged: tuple[StackFile, Path]) -> None:
    answer = invoke(bridged, "AdministerTenants", sample("administer_tenants"))
    assert [tenant["tenant_id"] for tenant in json.loads(answer["body"])["items"]] == ["mycompany", "mycompany1"]


def test_conduct_rollout(bridged: tuple[StackFile, Path]) -> None:
    # The sample's rollout is nobody's; that it was looked for shows that the function runs and reaches the registry.
    assert invoke(bridged, "ConductRollout", sample("conduct_rollout"))["errorMessage"] == "There is no such rollout."


def test_migrate_tenants(bridged: tuple[StackFile, Path]) -> None:
    assert invoke(bridged, "MigrateTenants", sample("migrate_tenants"))["errorMessage"] == "There is no such rollout."


def test_perform_operation(bridged: tuple[StackFile, Path]) -> None:
    # The sample's operation is nobody's; that it was looked for shows that the function runs and reaches the registry.
    assert invoke(bridged, "PerformOperation", sample("perform_operation"))["errorMessage"] == (
        "There is no such operation."
    )
