"""The local AWS: one ministack process that checks signatures and evaluates IAM policies."""

import os
import shutil
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.ports import LOOPBACK
from local.private import ENTERED, private_directory
from local.processes import MARK, ChildProcess

REGION = "ap-south-1"
_PROJECT = Path(__file__).resolve().parent.parent
# The keys of the account's root user. They need not be secret: this AWS is unreachable from outside this machine.
ACCESS_KEY = "test"
SECRET_KEY = "test"  # noqa: S105


class AwsServer:
    """ministack on one port; its content is lost when it stops."""

    name = "The local AWS"

    def __init__(self, directory: Path, *, port: int, addresses: Sequence[str], mark: Path) -> None:
        """`mark` is the stack's directory."""
        self.endpoint_url = f"http://{LOOPBACK}:{port}"
        self.log = directory / "aws.log"
        self._directory = directory
        self._port = port
        self._addresses = addresses
        self._mark = mark
        self._child: ChildProcess | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs, otherwise None."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start ministack and wait until it answers. :raises PartFailed: it does not."""
        # The workers of a killed local AWS leave their unpacked code there.
        shutil.rmtree(self._directory / "tmp", ignore_errors=True)
        private_directory(self._directory, ENTERED)
        private_directory(self._directory / "tmp")
        command = [sys.executable, "-m", "hypercorn", "local.aws_app:app", "--keep-alive", "75"]
        for address in self._addresses:
            command += ["--bind", f"{address}:{self._port}"]
        self._child = ChildProcess(
            self.name, command, log=self.log, environment=self._environment(), directory=_PROJECT
        )
        self._child.wait_until(self._answers, within=60)

    def stop(self) -> None:
        """Stop ministack and its Lambda workers."""
        if self._child:
            self._child.stop(signal.SIGTERM, within=2)
            self._child = None
            shutil.rmtree(self._directory / "tmp", ignore_errors=True)

    def require_alive(self) -> None:
        """Make sure that ministack runs. :raises PartFailed: it has died."""
        if self._child:
            self._child.require_alive()

    def client(self, service: str, **keys: str) -> Any:
        """Make a boto3 client that acts as the account's root user, or as the owner of `keys`."""
        return local_client(service, self.endpoint_url, **keys)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint_url}/_ministack/ready", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def _environment(self) -> dict[str, str]:
        """Build the environment from scratch, so that no profile or key of the developer gets in."""
        return {
            **clean_environment(self._directory),
            "AUTH": "true",
            "GATEWAY_PORT": str(self._port),
            "MINISTACK_REGION": REGION,
            "LAMBDA_EXECUTOR": "local",
            # State machines wait a twentieth of the real time before a retry.
            "SFN_WAIT_SCALE": "0.05",
            # Turn off parts that we do not use, which would listen on more ports or look for Docker.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",
            "STATE_DIR": str(self._directory / "state"),
            "S3_DATA_DIR": str(self._directory / "s3"),
            MARK: str(self._mark),
        }


def local_client(service: str, endpoint_url: str, *, region: str = REGION, **keys: str) -> Any:
    """Make a boto3 client of the local AWS, as the account's root user unless `keys` (boto3's) are given."""
    make_client: Any = boto3.client  # typed service by service otherwise
    return make_client(
        service,
        endpoint_url=endpoint_url,
        region_name=region,
        **(keys or {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}),
        config=Config(retries={"max_attempts": 2}, connect_timeout=5, read_timeout=120),
    )


def clean_environment(directory: Path) -> dict[str, str]:
    """Return an environment in which AWS tools know only the local account."""
    # Without this variable, some Python interpreters do not find their own library.
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {
        **kept,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
        "HOME": str(directory),
        "TMPDIR": str(directory / "tmp"),
        "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
