"""An application of one's own begins with a revision: with one added, the tests of the foundation still pass."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tenantry.revisions.history import head_revision
from tests.integration.conftest import PROJECT

PARTS = ("benchmarks", "docs", "events", "functions", "local", "tests", "pyproject.toml", "template.yaml")
REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{revision}", "{before}"


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("candidate_id", sa.BigInteger, sa.ForeignKey("candidates.id"), nullable=False),
    )
"""
# Quick ones of every kind that makes, lists or compares tenants' tables.
SAMPLE = (
    "revisions/test_revisions.py::test_the_projects_files_are_named_by_their_revisions_which_are_one_line",
    "revisions/test_revisions.py::test_a_tenant_is_made_with_the_tables_which_its_owner_owns",
    "revisions/test_revisions.py::test_what_a_revision_adds_reaches_a_tenant_when_the_call_is_repeated",
    "local/test_local_stack.py::test_the_sample_people_are_loaded_once",
    "tenants/test_provisioning.py::test_repeating_keeps_the_password",
    "homes/test_provisioning_models.py::test_repeating_changes_nothing",
    "homes/test_pool.py::test_a_pool_that_is_made_at_the_newest_revision",
    "data_api/test_data_requests.py::test_a_tenant_reads_its_own_rows",
    "data_api/test_data_requests.py::test_rows_are_written_changed_and_deleted",
    "data_api/test_documented.py::test_a_form_can_be_had",
    "backups/test_take.py::test_a_backup_can_be_restored_row_by_row",
    "backups/test_models.py::test_a_schema_is_backed_up_alone",
    "restores/test_in_place.py::test_what_was_lost_comes_back_and_what_was_there_is_kept[database]",
    "restores/test_in_place.py::test_what_was_lost_comes_back_and_what_was_there_is_kept[pooled]",
    "relocation/test_move.py::test_a_database_goes_to_another_server_with_everything_in_it",
)


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project with one revision more."""
    for part in PARTS:
        source, copy = PROJECT / part, tmp_path / part
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    versions = tmp_path / "functions/migrations/versions"
    monkeypatch.setenv("REVISIONS_DIRECTORY", str(versions))
    before = head_revision()
    revision = f"{int(before) + 1:04}"
    (versions / f"{revision}_notes.py").write_text(REVISION.format(revision=revision, before=before))
    assert head_revision() == revision
    return tmp_path


def test_another_revision_breaks_no_test(application: Path) -> None:
    ours = ("PYTEST_", "PYTHON", "COV_", "REVISIONS_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    sample = [f"tests/integration/{test}" for test in SAMPLE]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *sample]
    done = subprocess.run(
        command, cwd=application, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
