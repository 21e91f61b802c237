"""Builds the packages for cold starts: the project with `sam build`, and the floor with a plain `sam build`."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stage import PROJECT
from local.aws_server import clean_environment
from local.deployment import ARCHITECTURE, Sam, telling_lines
from local.errors import PartFailed
from local.processes import ChildProcess

_BUILD = PROJECT / ".aws-sam" / "build"
_DEPENDENCIES = "DependenciesLayerArm" if ARCHITECTURE == "arm64" else "DependenciesLayerX86"
_BUILD_SECONDS = 300
_FLOOR_PACKAGES = ("aws-lambda-powertools", "boto3", "botocore", "psycopg2-binary")
_FLOOR_HANDLER = """\
import psycopg2
from aws_lambda_powertools.utilities.parameters import SecretsProvider


def handler(event, context):
    return {"statusCode": 200, "body": ""}
"""
_FLOOR_TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Floor:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: code/
      Handler: app.handler
      Runtime: python3.13
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A function's unpacked code, the import path of its layers, and the handler's name as Lambda takes it."""

    code: Path
    layers: tuple[Path, ...]
    handler: str

    @property
    def import_path(self) -> tuple[str, ...]:
        """The folders to import from, the function's own first."""
        return tuple(str(path) for path in (self.code, *self.layers))


def build_project(directory: Path) -> Path:
    """Run the project's own `sam build`; returns the folder of a copy of its pg_dump.

    :raises PartFailed: the build failed.
    """
    sam = Sam(PROJECT, directory)
    try:
        sam.build()
    finally:
        sam.stop()
    return sam.pg_client


def query_tenant_package(directory: Path) -> Package:
    """Build query_tenant and copy it, so that no other build changes it during the measurement."""
    build_project(directory)
    code, dependencies = directory / "query_tenant", directory / "dependencies"
    shutil.copytree(_BUILD / "QueryTenant", code)
    shutil.copytree(_BUILD / _DEPENDENCIES, dependencies)
    return Package(code, (dependencies / "python",), "handlers.query_tenant.handler")


def floor_package(directory: Path) -> Package:
    """Build the floor with the project's pinned versions: without byte code, and with every file."""
    project = directory / "floor"
    code = project / "code"
    code.mkdir(parents=True)
    (project / "template.yaml").write_text(_FLOOR_TEMPLATE)
    (code / "app.py").write_text(_FLOOR_HANDLER)
    (code / "requirements.txt").write_text("\n".join(_pinned(*_FLOOR_PACKAGES)) + "\n")
    _build_floor(project)
    return Package(project / ".aws-sam" / "build" / "Floor", (), "app.handler")


def _build_floor(project: Path) -> None:
    log = project / "sam-build.log"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTHON"))}
    search_path = clean_environment(project)["PATH"]
    sam = str(Path(sys.executable).with_name("sam"))
    build = ChildProcess(
        "sam build of the floor",
        [sam, "build"],
        log=log,
        environment={**environment, "PATH": search_path, "SAM_CLI_TELEMETRY": "0"},
    )
    try:
        if build.wait(within=_BUILD_SECONDS):
            raise PartFailed(build.name, "failed", log, telling_lines(log.read_text()))
    finally:
        build.stop()


def _pinned(*names: str) -> list[str]:
    """Read the pins of packages from the dependency layer's input, without extras."""
    lines = (PROJECT / "layers" / "dependencies" / "requirements.in").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    versions = {name.partition("[")[0]: version for name, version in pins.items()}
    return [f"{name}=={versions[name]}" for name in names]
