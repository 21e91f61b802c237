"""A server of its own, whose pool may get revisions that other tests do not know, and a directory for revisions."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import SecretStore
from tests.integration.conftest import ENVIRONMENT, REGION, REVISIONS, STAGE, World, clear_caches, create_registry
from tests.postgres import temporary_postgres


class Versions:
    """A directory of revisions, to which a test adds."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, revision: str, before: str, upgrade: str, downgrade: str = "pass", **attributes: object) -> Path:
        """Write a revision; `upgrade` and `downgrade` are lines of Python."""
        lines = [
            "import sqlalchemy as sa",
            "from alembic import op",
            f"revision, down_revision = {revision!r}, {before!r}",
        ]
        lines += [f"{name} = {value!r}" for name, value in attributes.items()]
        for name, body in (("upgrade", upgrade), ("downgrade", downgrade)):
            lines += ["", f"def {name}():", *(f"    {line}" for line in body.splitlines())]
        file = self.path / f"{revision}_made.py"
        file.write_text("\n".join(lines) + "\n")
        return file


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Versions:
    """The tests' first revision, and room for more."""
    copy = Path(shutil.copytree(REVISIONS, tmp_path / "versions", ignore=shutil.ignore_patterns("__pycache__")))
    monkeypatch.setenv("REVISIONS_DIRECTORY", str(copy))
    return Versions(copy)


@pytest.fixture(scope="module")
def own_world() -> Iterator[World]:
    """A server of its own, with a registry and secrets."""
    with temporary_postgres("revisions") as server, mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        clear_caches()
        yield World(server, create_registry(), SecretStore(aws_client("secretsmanager", REGION), STAGE))
        clear_caches()
