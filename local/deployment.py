"""Building the real template and deploying it into the local AWS, both with SAM."""

import fcntl
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws_server import REGION, AwsServer, clean_environment
from local.errors import PartFailed
from local.processes import MARK, ChildProcess

STACK_NAME = "tenantry-local"
STAGE = "local"

# The local Lambdas are processes of this machine.
ARCHITECTURE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"

_ARTIFACTS = "tenantry-local-artifacts"
_DEADLINE = 600  # seconds for a build from nothing, packages and all


@dataclass(frozen=True, slots=True)
class Deployment:
    """What CloudFormation says about the deployed stack."""

    outputs: Mapping[str, str]

    @property
    def api_id(self) -> str:
        """The REST API's id."""
        return self.outputs["ApiId"]

    @property
    def api_stage(self) -> str:
        """The stage that the REST API is served under."""
        return self.outputs["ApiStage"]


class Sam:
    """SAM CLI, used on the project for one stack."""

    def __init__(self, project: Path, directory: Path) -> None:
        """Build in the project's own `.aws-sam`, write logs to the stack's `directory`."""
        self._project = project
        self._directory = directory
        self._child: ChildProcess | None = None
        self._stopped = False

    def build(self) -> None:
        """Build what has changed. :raises PartFailed: with the compiler's last words in the log."""
        # Package settings and proxies of the person at the terminal count here; keys and our own modules do not.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTHON"))}
        environment["PYTHON"] = sys.executable  # for the layers' makefiles
        environment["PATH"] = clean_environment(self._directory)["PATH"]
        with self._alone():
            self._run("build", ["--cached", "--parallel"], environment)
            self._keep_pg_client()

    def deploy(self, aws: AwsServer, parameters: Mapping[str, str]) -> Deployment:
        """Deploy the build and wait until it is done. :raises PartFailed: CloudFormation refused it."""
        aws.client("s3").create_bucket(Bucket=_ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
        environment = {**clean_environment(self._directory), "AWS_ENDPOINT_URL": aws.endpoint_url}
        # SAM looks every five seconds otherwise, which suits an AWS that is further away.
        environment["SAM_CLI_POLL_DELAY"] = "0.2"
        options = ["--config-env", STAGE, "--stack-name", STACK_NAME, "--region", REGION]
        options += ["--no-resolve-s3", "--s3-bucket", _ARTIFACTS]
        options += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--parameter-overrides"]
        options += [f"ParameterKey={key},ParameterValue={value}" for key, value in parameters.items()]
        with self._alone():
            self._run("deploy", options, environment)
        return describe(aws.client("cloudformation"))

    @property
    def pg_client(self) -> Path:
        """Where this stack's copy of the layer with pg_dump has its programs."""
        return self._directory / "pg_client" / "bin"

    def _keep_pg_client(self) -> None:
        """Copy the layer, so that a later build does not pull pg_dump away from under a running backup."""
        layer = "PgClientLayerArm" if ARCHITECTURE == "arm64" else "PgClientLayerX86"
        built = self._project / ".aws-sam" / "build" / layer
        kept = self.pg_client.parent
        shutil.rmtree(kept, ignore_errors=True)
        if built.exists():
            shutil.copytree(built, kept)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one stack at a time use the project's build directory: the tests' and a developer's share it."""
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
        """End what SAM is doing, and start nothing more."""
        self._stopped = True
        if self._child:
            self._child.stop(signal.SIGKILL)


def describe(cloudformation: Any) -> Deployment:
    """Read the stack's outputs, once CloudFormation says that it is complete."""
    deadline = time.monotonic() + 60
    while True:
        stack = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        if stack["StackStatus"].endswith("_COMPLETE") or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return Deployment({output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])})


def telling_lines(log: str, count: int = 12) -> str:
    """Pick the lines of SAM's output that say what went wrong: those with an error, or else the last ones."""
    lines = [line.rstrip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "FAILED" in line or "Error" in line or "failed" in line]
    return "\n".join(f"    {line}" for line in (errors or lines)[-count:])
