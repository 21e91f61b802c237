"""Builds the real template and deploys it into the local AWS, both with SAM."""

import fcntl
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws_server import REGION, AwsServer, clean_environment
from local.errors import PartFailed
from local.processes import MARK, ChildProcess

STACK_NAME = "tenantry-local"
STAGE = "local"

# The local Lambdas run as processes on this machine.
ARCHITECTURE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"

_ARTIFACTS = "tenantry-local-artifacts"
_DEADLINE = 600  # seconds; enough for a build from scratch that downloads all packages


@dataclass(frozen=True, slots=True)
class Deployment:
    """The deployed stack's outputs from CloudFormation."""

    outputs: Mapping[str, str]

    @property
    def api_id(self) -> str:
        """The REST API's id."""
        return self.outputs["ApiId"]

    @property
    def api_stage(self) -> str:
        """The REST API's stage."""
        return self.outputs["ApiStage"]


class Sam:
    """Runs SAM CLI on the project for one stack."""

    def __init__(self, project: Path, directory: Path) -> None:
        """Build in the project's own `.aws-sam`, write logs to the stack's `directory`."""
        self._project = project
        self._directory = directory
        self._child: ChildProcess | None = None
        self._stopped = False

    def build(self, *, keeps_programs: bool = False) -> None:
        """Build what has changed. :raises PartFailed: the build failed; the log has the error.

        :param keeps_programs: leave the stack's copy of pg_dump as it is, for it runs already.
        """
        # Keep the developer's settings for packages and proxies, but drop AWS keys and Python's variables, such as its
        # path.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTHON"))}
        environment["PYTHON"] = sys.executable  # for the layers' makefiles
        environment["PATH"] = clean_environment(self._directory)["PATH"]
        with self._alone():
            self._run("build", ["--cached", "--parallel"], environment)
            if not keeps_programs:
                self._keep_pg_client()

    def deploy(self, aws: AwsServer, parameters: Mapping[str, str]) -> Deployment:
        """Deploy the build and wait until it is done; parameters that are not named stay as they are.

        :raises PartFailed: CloudFormation refused it.
        """
        with suppress(aws.client("s3").exceptions.BucketAlreadyOwnedByYou):
            aws.client("s3").create_bucket(Bucket=_ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
        environment = {**clean_environment(self._directory), "AWS_ENDPOINT_URL": aws.endpoint_url}
        # SAM's default is to poll every five seconds, which suits a remote AWS.
        environment["SAM_CLI_POLL_DELAY"] = "0.2"
        options = ["--config-env", STAGE, "--stack-name", STACK_NAME, "--region", REGION]
        options += ["--no-resolve-s3", "--s3-bucket", _ARTIFACTS]
        options += ["--no-confirm-changeset", "--no-fail-on-empty-changeset"]
        named = [f"ParameterKey={key},ParameterValue={value}" for key, value in parameters.items()]
        options += ["--parameter-overrides", *named] if named else []
        with self._alone():
            self._run("deploy", options, environment)
        return describe(aws.client("cloudformation"))

    @property
    def pg_client(self) -> Path:
        """The folder of the programs in this stack's copy of the pg_client layer."""
        return self._directory / "pg_client" / "bin"

    def _keep_pg_client(self) -> None:
        """Copy the layer, so that a later build does not remove pg_dump while a backup runs."""
        layer = "PgClientLayerArm" if ARCHITECTURE == "arm64" else "PgClientLayerX86"
        built = self._project / ".aws-sam" / "build" / layer
        kept = self.pg_client.parent
        shutil.rmtree(kept, ignore_errors=True)
        if built.exists():
            shutil.copytree(built, kept)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lock the project's build directory: the tests' stack and a developer's stack share it."""
        lock = self._project / ".aws-sam" / "lock"
        lock.parent.mkdir(exist_ok=True)
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _run(self, command: str, options: list[str], environment: Mapping[str, str]) -> None:
        log = self._directory / f"sam-{command}.log"
        log.unlink(missing_ok=True)
        if self._stopped:
            raise PartFailed(f"sam {command}", "was not started, the stack is ending", log)
        self._child = ChildProcess(
            f"sam {command}",
            [str(Path(sys.executable).with_name("sam")), command, *options],
            log=log,
            environment={**environment, "SAM_CLI_TELEMETRY": "0", MARK: str(self._directory)},
            directory=self._project,
            # What it builds is run by others: in Lambda, as a user of Lambda's.
            umask=-1,
        )
        if self._child.wait(within=_DEADLINE):
            raise PartFailed(self._child.name, "failed", log, telling_lines(log.read_text()))

    def stop(self) -> None:
        """Kill a running SAM, and start no other."""
        self._stopped = True
        if self._child:
            self._child.stop(signal.SIGKILL)


def describe(cloudformation: Any) -> Deployment:
    """Read the outputs of a completed stack."""
    deadline = time.monotonic() + 60
    while True:
        stack = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        if stack["StackStatus"].endswith("_COMPLETE") or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return Deployment({output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])})


def telling_lines(log: str, count: int = 12) -> str:
    """Pick the lines of SAM's output that explain a failure: those with an error, or else the last ones."""
    lines = [line.rstrip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "FAILED" in line or "Error" in line or "failed" in line]
    return "\n".join(f"    {line}" for line in (errors or lines)[-count:])
