"""A server of its own, whose pool may get revisions that other tests do not know, and a directory for revisions."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import SecretStore
from tests.integration.conftest import (
    ENVIRONMENT,
    PROJECT,
    REGION,
    REVISIONS,
    STAGE,
    World,
    clear_caches,
    create_registry,
)
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


@contextmanager
def copied_revisions(folder: Path) -> Iterator[Versions]:
    """The tests' first revision in a directory of its own, with room for more."""
    copy = Path(shutil.copytree(REVISIONS, folder / "versions", ignore=shutil.ignore_patterns("__pycache__")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REVISIONS_DIRECTORY", str(copy))
        yield Versions(copy)


def guide(heading: str) -> str:
    """Read a section of the guide for developers."""
    text = (PROJECT / "docs/developing.md").read_text("utf-8")
    return text.split(f"{heading}\n", 1)[1].split("\n## ", 1)[0]


def add_documented(versions: Versions, *headings: str) -> None:
    """Add the revisions that sections of the guide show."""
    for heading in headings:
        for block in re.findall(r"```python\n(.*?)```", guide(heading), re.DOTALL):
            text = dedent(block)
            (number,) = re.findall(r'^revision = "(\d{4})"$', text, re.MULTILINE)
            (versions.path / f"{number}_documented.py").write_text(text)


@pytest.fixture
def versions(tmp_path: Path) -> Iterator[Versions]:
    """The tests' first revision, and room for more."""
    with copied_revisions(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def own_world() -> Iterator[World]:
    """A server of its own, with a registry and secrets."""
    with temporary_postgres("revisions") as server, mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        clear_caches()
        yield World(server, create_registry(), SecretStore(aws_client("secretsmanager", REGION), STAGE))
        clear_caches()
