"""How AWS's services are called, and what is told when a function has no way to one of them."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from handlers import administer_tenants
from local.ports import free_ports
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.unreached_services import with_the_way_out
from tenantry.domain.errors import DependencyFailed, NotFound
from tenantry.operations.operation_store import OperationStore

FUNCTIONS = Path(__file__).parents[3] / "functions"
SERVICES = sorted(set(re.findall(r'aws_client\(\s*"([^"]+)"', "".join(p.read_text() for p in FUNCTIONS.rglob("*.py")))))
REGIONS = ["ap-south-1", "us-east-1", "eu-central-2"]
ONCE = Config(connect_timeout=0.2, retries={"mode": "standard", "total_max_attempts": 1})
# A call of each service, as botocore names it.
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "apigateway": ("get_usage_plans", {}),
    "cognito-idp": ("admin_get_user", {"UserPoolId": "eu-west-1_x", "Username": "x"}),
    "dynamodb": ("list_tables", {}),
    "lambda": ("list_functions", {}),
    "s3": ("list_buckets", {}),
    "scheduler": ("list_schedules", {}),
    "secretsmanager": ("list_secrets", {}),
    "stepfunctions": ("list_state_machines", {}),
    "sts": ("get_caller_identity", {}),
}


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where AWS is."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody answers where AWS is, as in a subnet without a way out: the queue of connections is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield


@pytest.mark.parametrize("service", SERVICES)
def test_no_client_waits_longer_than_three_seconds_for_a_connection(service: str) -> None:
    config = aws_client(service, "eu-west-1", config=Config(read_timeout=7)).meta.config

    assert (config.connect_timeout, config.read_timeout) == (3, 7)
    assert config.retries["total_max_attempts"] == 4


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("service", SERVICES)
def test_every_client_calls_its_own_region(service: str, region: str) -> None:
    assert f".{region}." in aws_client(service, region).meta.endpoint_url


@pytest.mark.parametrize("region", REGIONS)
def test_a_link_leads_to_the_buckets_own_region(region: str) -> None:
    client = aws_client("s3", region, config=Config(signature_version="s3v4"))

    link = client.generate_presigned_url("get_object", Params={"Bucket": "a-bucket", "Key": "a/key"})

    assert link.startswith(f"https://a-bucket.s3.{region}.amazonaws.com/a/key?")


@pytest.mark.parametrize("service", SERVICES)
def test_the_log_names_the_service_that_could_not_be_reached(
    service: str, nowhere: None, capsys: pytest.CaptureFixture[str]
) -> None:
    operation, parameters = CALLS[service]

    with pytest.raises(Exception, match="Could not connect"):
        getattr(aws_client(service, "eu-west-1", config=ONCE), operation)(**parameters)

    told = capsys.readouterr().out
    assert '"message":"service unreachable"' in told
    assert re.search(r'"unreached":"[A-Z][A-Za-z0-9 ]+"', told), told
    assert "127.0.0.1" not in told


@pytest.mark.parametrize("way", ["nowhere", "silence"])
def test_the_error_names_the_service_and_the_way_out(way: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(way)
    dynamodb = aws_client("dynamodb", "eu-west-1", config=ONCE)
    began = time.monotonic()

    for call in (lambda: Registry(dynamodb, "table").server("x"), lambda: OperationStore(dynamodb, "table").get("x")):
        with pytest.raises(DependencyFailed) as caught:
            call()
        error = with_the_way_out(caught.value)
        assert error.details == "DynamoDB could not be reached"
        assert "VPC endpoint" in (error.hint or "")
    assert time.monotonic() - began < 20


def test_other_errors_stay_as_they_are() -> None:
    error = NotFound("No such thing.", hint="Look elsewhere.")
    assert (with_the_way_out(error).details, error.hint) == (None, "Look elsewhere.")
    failed = DependencyFailed("The registry refused.")
    assert with_the_way_out(failed).details is None


def test_an_operator_is_told(nowhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    error = DependencyFailed("The registry of tenants could not be read or written.", code="registry_unavailable")
    with pytest.raises(DependencyFailed) as caught:
        try:
            aws_client("dynamodb", "eu-west-1", config=ONCE).list_tables()
        except Exception as exc:
            raise error from exc
    monkeypatch.setattr(
        administer_tenants, "administration_settings", lambda: type("Settings", (), {"cors_origin": "*"})
    )

    answer = administer_tenants._refuse(caught.value)

    assert answer["statusCode"] == 503
    assert "DynamoDB could not be reached" in answer["body"]
