"""The parts of the local stack, each on its own."""

import io
import json
import os
import signal
import socket
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import closing
from email.message import Message
from pathlib import Path

import psycopg2
import pytest
from botocore.exceptions import ClientError

from local import sample_data
from local.aws_server import AwsServer
from local.deployment import STACK_NAME, describe
from local.errors import LocalStackError, PartFailed, PortTaken
from local.gateway_gaps import fill_gateway_gaps
from local.ports import LOOPBACK, free_ports
from local.postgres_server import PostgresServer
from local.processes import marked_processes, wait_until
from local.progress import keep_silent
from local.redeployment import require_known
from local.stack import LocalStack
from local.supervision import Supervision
from tenantry.revisions.running import upgrade_schema
from tests.postgres import quick_place


@pytest.fixture
def directory() -> Iterator[Path]:
    """One that whoever PostgreSQL runs as can enter."""
    with tempfile.TemporaryDirectory(prefix="tenantry-local-", dir=quick_place()) as name:
        yield Path(name)


def _server(directory: Path) -> PostgresServer:
    return PostgresServer(directory, name="x", port=free_ports(1)[0], durable=False, quick_passwords=True)


def test_a_server_keeps_its_rows_and_its_password_over_a_restart(directory: Path) -> None:
    server = _server(directory)
    for expected in (0, 1):
        server.start()
        try:
            with closing(server.connect()) as connection, connection, connection.cursor() as cursor:
                cursor.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
                cursor.execute("SELECT count(*) FROM kept")
                assert cursor.fetchone() == (expected,)
                cursor.execute("INSERT INTO kept VALUES (1)")
        finally:
            server.stop()


def test_a_wrong_password_is_refused(postgres: PostgresServer) -> None:
    with pytest.raises(psycopg2.OperationalError):
        postgres.connect(password="guess")


@pytest.mark.parametrize(("quick", "rounds"), [(True, 1), (False, 4096)])
def test_only_a_server_for_tests_spares_the_rounds_that_make_guessing_slow(
    directory: Path, quick: bool, rounds: int
) -> None:
    server = PostgresServer(directory, name="x", port=free_ports(1)[0], durable=False, quick_passwords=quick)
    server.start()
    try:
        with closing(server.connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute("CREATE ROLE guest LOGIN PASSWORD 'x'")
            cursor.execute("SELECT rolpassword FROM pg_authid WHERE rolname IN ('guest', current_user)")
            assert [stored.startswith(f"SCRAM-SHA-256${rounds}:") for (stored,) in cursor] == [True, True]
    finally:
        server.stop()


def test_a_server_that_dies_is_noticed_and_starts_again(directory: Path) -> None:
    server = _server(directory)
    server.start()
    try:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        assert wait_until(lambda: _has_died(server), within=10)
        server.start()
        server.connect().close()
    finally:
        server.stop()


def _has_died(server: PostgresServer) -> bool:
    try:
        server.require_alive()
    except PartFailed as failure:
        return "has died" in str(failure) and str(server.log) in str(failure)
    return False


def test_the_sample_people_are_loaded_once(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are loaded into the sample application's own tables."""
    monkeypatch.delenv("REVISIONS_DIRECTORY")
    with closing(postgres.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE ROLE sample_owner NOLOGIN")
            cursor.execute("CREATE DATABASE sample OWNER sample_owner")
    try:
        for _ in range(2):
            with closing(postgres.connect("sample")) as connection:
                connection.autocommit = True
                upgrade_schema(connection, "sample_owner", "public")
                sample_data.load_candidates(connection, "sample_owner", sample_data.MYCOMPANY)
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT count(*), min(tableowner) FROM candidates, pg_tables WHERE tablename = 'candidates'"
                    )
                    assert cursor.fetchone() == (10, "sample_owner")
    finally:
        with closing(postgres.connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("DROP DATABASE sample")
                cursor.execute("DROP ROLE sample_owner")


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsServer]:
    with tempfile.TemporaryDirectory(prefix="tenantry-aws-", dir=quick_place()) as name:
        server = AwsServer(Path(name), port=free_ports(1)[0], addresses=(LOOPBACK,), mark=Path(name))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def test_the_local_aws_evaluates_policies(aws: AwsServer) -> None:
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
    }
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    role = aws.client("iam").create_role(RoleName="powerless", AssumeRolePolicyDocument=json.dumps(policy))["Role"]
    session = aws.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    keys = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    with pytest.raises(ClientError) as refusal:
        aws.client("s3", **keys).list_buckets()
    assert refusal.value.response["Error"]["Code"] == "AccessDenied"


def test_the_local_aws_listens_on_loopback_only(aws: AwsServer) -> None:
    port = int(aws.endpoint_url.rpartition(":")[2])
    # Another loopback address stands for any other interface: who listens on all of them listens there too.
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))


def _packed(name: str, text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        # The date is part of the archive, and archives of one date have one digest.
        archive.writestr(zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0)), text)
    return packed.getvalue()


def test_workers_share_what_is_unpacked_of_their_code_and_layers(aws: AwsServer) -> None:
    functions = aws.client("lambda")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    layer = functions.publish_layer_version(
        LayerName="shared", Content={"ZipFile": _packed("python/words.py", "said = 'from the layer'")}
    )
    for name in ("first", "second"):
        functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler="answer.handler",
            Code={"ZipFile": _packed("answer.py", "import words\ndef handler(event, context): return words.said")},
            Layers=[layer["LayerVersionArn"]],
        )
        answer = functions.invoke(FunctionName=name)
        assert json.loads(answer["Payload"].read()) == "from the layer"
    folders = [folder for folder in (aws.log.parent / "tmp").glob("ministack-lambda-*") if folder.is_dir()]
    assert len(folders) == 2
    places = [{(folder / part).resolve() for part in ("code", "layer_0")} for folder in folders]
    assert places[0] == places[1]
    assert {place.parent for place in places[0]} == {(aws.log.parent / "tmp" / "unpacked").resolve()}


_TEMPLATE = {
    "Parameters": {"Origin": {"Type": "String", "Default": "https://app.example.com"}},
    "Resources": {
        "Api": {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {
                "Body": {
                    "openapi": "3.0.1",
                    "info": {"title": "gaps", "version": "1"},
                    "paths": {
                        "/things/{id}": {
                            "options": {
                                "x-amazon-apigateway-integration": {
                                    "type": "mock",
                                    "requestTemplates": {"application/json": '{"statusCode": 204}'},
                                    "responses": {
                                        "default": {
                                            "statusCode": "204",
                                            "responseParameters": {
                                                "method.response.header.Access-Control-Allow-Origin": {
                                                    "Fn::Sub": "'${Origin}'"
                                                }
                                            },
                                        }
                                    },
                                }
                            }
                        }
                    },
                    "x-amazon-apigateway-gateway-responses": {
                        "MISSING_AUTHENTICATION_TOKEN": {
                            "statusCode": 404,
                            "responseParameters": {
                                "gatewayresponse.header.Access-Control-Allow-Origin": {"Fn::Sub": "'${Origin}'"}
                            },
                            "responseTemplates": {"application/json": '{"code":"not_found"}'},
                        }
                    },
                }
            },
        },
        "Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "local"},
        },
    },
    "Outputs": {"ApiId": {"Value": {"Ref": "Api"}}, "ApiStage": {"Value": "local"}},
}


def test_the_gateway_answers_as_its_definition_says(aws: AwsServer) -> None:
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName=STACK_NAME, TemplateBody=json.dumps(_TEMPLATE))
    deployment = describe(cloudformation)

    fill_gateway_gaps(aws, deployment)

    url = f"{aws.endpoint_url}/_aws/execute-api/{deployment.api_id}/local"
    status, headers, _ = _call(f"{url}/things/1", "OPTIONS")
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, "https://app.example.com")
    status, headers, body = _call(f"{url}/nowhere", "GET")
    assert (status, headers["Access-Control-Allow-Origin"]) == (404, "https://app.example.com")
    assert json.loads(body) == {"code": "not_found"}

    require_known(aws, STACK_NAME, {"Origin": "https://other.example.com"})
    with pytest.raises(LocalStackError, match=r"no parameter Orign\. It has: Origin$"):
        require_known(aws, STACK_NAME, {"Orign": "https://other.example.com"})
    # What is deployed once more has its address, and its gaps are filled once more.
    other = [{"ParameterKey": "Origin", "ParameterValue": "https://other.example.com"}]
    changed = json.dumps(_TEMPLATE).replace("/things/{id}", "/others/{id}")
    cloudformation.update_stack(StackName=STACK_NAME, TemplateBody=changed, Parameters=other)
    assert describe(cloudformation) == deployment
    fill_gateway_gaps(aws, deployment)
    status, headers, _ = _call(f"{url}/others/1", "OPTIONS")
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, "https://other.example.com")
    assert _call(f"{url}/things/1", "OPTIONS")[0] == 404


def _call(url: str, method: str) -> tuple[int, Message, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers, refusal.read()


def test_a_taken_port_stops_the_start_and_leaves_nothing(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws, south, east = free_ports(3)
    with socket.create_server((LOOPBACK, 0)) as other:
        ports = {"AWS": aws, "AP_SOUTH_1": south, "US_EAST_1": east, "CONSOLE": other.getsockname()[1]}
        for name, port in ports.items():
            monkeypatch.setenv(f"TENANTRY_PORT_{name}", str(port))
        with pytest.raises(PortTaken, match="TENANTRY_PORT_CONSOLE"):
            LocalStack(directory, tell=keep_silent).up()
    assert not marked_processes(directory)
    assert not Supervision(directory).is_held()


def test_a_failed_build_ends_what_was_started(directory: Path) -> None:
    project = directory / "project"
    project.mkdir()
    (project / "template.yaml").write_text("Resources: {Broken: {Type: AWS::Serverless::Function}}")
    stack = LocalStack(directory / "stack", ports="free", project=project, durable=False, tell=keep_silent)
    with pytest.raises(PartFailed, match="sam build failed"):
        stack.up()
    assert not marked_processes(stack.directory)
    assert not Supervision(stack.directory).is_held()


def test_two_stacks_do_not_share_a_directory(directory: Path) -> None:
    first = Supervision(directory)
    assert first.acquire()
    try:
        with pytest.raises(LocalStackError, match="runs already"):
            LocalStack(directory, ports="free", tell=keep_silent).up()
        assert first.is_mine
    finally:
        first.release()
