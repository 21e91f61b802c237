"""The two layers, built as `sam build` builds them, for both architectures."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from layers.elf import find_faults, is_elf, read_elf
from layers.wheels import MACHINES, LayerError, fetch_wheels, read_pins
from local.postgres_server import PostgresServer

LAYERS = Path(__file__).parents[2] / "layers"
TARGETS = {
    ("dependencies", "x86_64"): "build-DependenciesLayerX86",
    ("dependencies", "arm64"): "build-DependenciesLayerArm",
    ("pg_client", "x86_64"): "build-PgClientLayerX86",
    ("pg_client", "arm64"): "build-PgClientLayerArm",
}
MEGABYTE = 1_000_000


class Layer(NamedTuple):
    """A built layer: `root` has what SAM would put into its archive."""

    name: str
    architecture: str
    root: Path

    def files(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file()]

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.files())


def run_make(folder: Path, target: str, output: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    command = ["make", "--makefile", str(folder / "Makefile"), target]
    # Without the flags of the make that may have started the tests.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment |= {"ARTIFACTS_DIR": str(output), "PYTHON": python}
    return subprocess.run(
        command, env=environment, cwd=output.parent, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Layer]:
    root = tmp_path_factory.mktemp("layers")

    def build(key: tuple[str, str]) -> Layer:
        name, architecture = key
        output = root / f"{name}-{architecture}"
        done = run_make(LAYERS / name, TARGETS[key], output)
        assert done.returncode == 0, done.stdout + done.stderr
        return Layer(name, architecture, output)

    with ThreadPoolExecutor() as pool:
        return dict(zip(TARGETS, pool.map(build, TARGETS), strict=True))


@pytest.fixture
def host() -> str:
    return next(name for name, machine in MACHINES.items() if machine == platform.machine())


@pytest.fixture(params=TARGETS, ids=" ".join)
def layer(request: pytest.FixtureRequest, layers: dict[tuple[str, str], Layer]) -> Layer:
    return layers[request.param]


@pytest.fixture(params=MACHINES)
def dependencies(request: pytest.FixtureRequest, layers: dict[tuple[str, str], Layer]) -> Path:
    return layers["dependencies", request.param].root / "python"


@pytest.fixture(params=MACHINES)
def pg_client(request: pytest.FixtureRequest, layers: dict[tuple[str, str], Layer]) -> Path:
    return layers["pg_client", request.param].root


def test_everything_in_it_loads_on_lambda(layer: Layer) -> None:
    assert any(is_elf(path) for path in layer.files())
    assert find_faults(layer.root, layer.architecture) == []


def test_it_survives_an_archive_without_links(layer: Layer) -> None:
    assert not [path for path in layer.root.rglob("*") if path.is_symlink()]


def test_both_layers_leave_room_for_the_functions(layers: dict[tuple[str, str], Layer]) -> None:
    for architecture in MACHINES:
        together = sum(layers[name, architecture].size() for name in ("dependencies", "pg_client"))
        assert together < 100 * MEGABYTE, "Lambda takes 250 MB, of a function and its layers together"


@pytest.mark.parametrize("name", ["dependencies", "pg_client"])
def test_a_second_build_makes_the_same_files_and_fetches_nothing(
    tmp_path: Path, layers: dict[tuple[str, str], Layer], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    layer, output = layers[name, "arm64"], tmp_path / "again"
    assert run_make(LAYERS / name, TARGETS[name, "arm64"], output).returncode == 0
    again = {path.relative_to(output): path.read_bytes() for path in output.rglob("*") if path.is_file()}
    assert again == {path.relative_to(layer.root): path.read_bytes() for path in layer.files()}


def test_every_module_has_byte_code_that_is_not_compared_with_its_source(dependencies: Path) -> None:
    modules = list(dependencies.rglob("*.py"))
    assert modules
    for module in modules:
        header = Path(importlib.util.cache_from_source(str(module))).read_bytes()[:8]
        assert header[:4] == importlib.util.MAGIC_NUMBER, module
        assert int.from_bytes(header[4:], "little") == 0b01, f"{module}: hash-based, unchecked"


def test_the_dependencies_hold_what_the_functions_import_and_little_else(dependencies: Path) -> None:
    packages = {path.name for path in dependencies.iterdir()}
    assert {
        "alembic",
        "aws_lambda_powertools",
        "boto3",
        "botocore",
        "jwt",
        "psycopg2",
        "pydantic",
        "sqlalchemy",
        "zstandard",
    } <= packages
    services = {path.name for path in (dependencies / "botocore/data").iterdir() if path.is_dir()}
    assert {"secretsmanager", "sts", "s3", "dynamodb", "lambda"} <= services
    assert len(services) < 15
    assert not [path for path in dependencies.rglob("*") if path.name in ("bin", "tests", "RECORD", "INSTALLER")]


def test_the_functions_can_make_every_client_they_need(layers: dict[tuple[str, str], Layer], host: str) -> None:
    program = """
import boto3, jwt, psycopg2, pydantic, zstandard
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from cryptography.hazmat.primitives.asymmetric import rsa
from layers.dependencies.build import CALLED_SERVICES

Tracer(service="layer"), SecretsProvider()
for service in CALLED_SERVICES:
    boto3.client(service)
assert all(module.__file__.startswith(LAYER) for module in (boto3, jwt, psycopg2, pydantic, zstandard))
"""
    layer = str(layers["dependencies", host].root / "python")
    environment = {
        "PYTHONPATH": f"{layer}:{LAYERS.parent}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "HOME": "/nonexistent",
    }
    command = [sys.executable, "-B", "-c", f"LAYER = {layer!r}{program}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


# The other files wire what several of them need.
HANDLERS = [path for path in Path("functions/handlers").glob("[a-z]*.py") if "\ndef handler(" in path.read_text()]


@pytest.mark.parametrize("handler", sorted(path.stem for path in HANDLERS))
def test_a_handler_needs_nothing_but_the_layer(layers: dict[tuple[str, str], Layer], host: str, handler: str) -> None:
    """The local stack's workers see the virtual environment too, so only this test notices a missing package."""
    folders = [str(Path("functions").resolve()), str(layers["dependencies", host].root / "python")]
    program = f"import sys; sys.path[:0] = {folders!r}; import handlers.{handler}; print(handlers.{handler}.handler)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_revisions_run_with_nothing_but_the_layer(
    layers: dict[tuple[str, str], Layer], host: str, postgres: PostgresServer
) -> None:
    folders = [str(Path("functions").resolve()), str(layers["dependencies", host].root / "python")]
    login = {"host": postgres.host, "port": postgres.port, "user": postgres.admin_user}
    program = f"""
import os, sys; sys.path[:0] = {folders!r}
import psycopg2
from tenantry.revisions.history import head_revision
from tenantry.revisions.running import upgrade_schema
connection = psycopg2.connect(dbname="layer", **{login!r}); connection.autocommit = True
assert upgrade_schema(connection, "layer_owner", "public") == head_revision()
"""
    with closing(postgres.connect()) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("CREATE ROLE layer_owner NOLOGIN")
        cursor.execute("CREATE DATABASE layer OWNER layer_owner")
        try:
            done = subprocess.run(
                [sys.executable, "-W", "error", "-B", "-I", "-S", "-c", program],
                env={"PGPASSWORD": postgres.admin_password},
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
        finally:
            cursor.execute("DROP DATABASE layer WITH (FORCE)")
            cursor.execute("DROP ROLE layer_owner")
    assert done.returncode == 0, done.stderr


def test_the_programs_find_a_libpq_with_tls_beside_them(pg_client: Path) -> None:
    assert sorted(path.name for path in (pg_client / "bin").iterdir()) == ["pg_dump", "pg_restore", "psql"]
    for program in (pg_client / "bin").iterdir():
        assert os.access(program, os.X_OK)
        [libpq] = [name for name in read_elf(program).needed if name.startswith("libpq")]
        assert any(name.startswith("libssl") for name in read_elf(pg_client / "lib" / libpq).needed)


def test_a_library_that_is_missing_stops_the_build(tmp_path: Path, layers: dict[tuple[str, str], Layer]) -> None:
    root = shutil.copytree(layers["pg_client", "arm64"].root, tmp_path / "layer")
    [libssl] = root.glob("lib/libssl-*")
    libssl.unlink()
    assert any(libssl.name in fault for fault in find_faults(root, "arm64"))


def test_a_newer_glibc_or_another_machine_stops_the_build(layers: dict[tuple[str, str], Layer]) -> None:
    root = layers["pg_client", "arm64"].root
    assert "pg_dump needs glibc 2.17" in find_faults(root, "arm64", newest_glibc=(2, 16))
    assert "pg_dump is for aarch64, not x86_64" in find_faults(root, "x86_64")


@pytest.mark.parametrize("lock", sorted(LAYERS.glob("*/*.txt")), ids=lambda lock: f"{lock.parent.name}/{lock.name}")
def test_what_is_asked_for_is_locked(lock: Path) -> None:
    asked = re.findall(r"^([\w-]+)(?:\[\w+\])?(==\S+)$", lock.with_suffix(".in").read_text(), re.MULTILINE)
    assert asked
    assert {(name + version).lower() for name, version in asked} <= read_pins(lock).keys()


def test_a_requirement_without_a_hash_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("six==1.17.0\n")
    with pytest.raises(LayerError, match=r"six==1\.17\.0 is not locked"):
        read_pins(lock)


def test_a_wheel_that_is_not_the_pinned_one_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    lock, store = tmp_path / "requirements.txt", tmp_path / "x86_64"
    lock.write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    store.mkdir()
    with zipfile.ZipFile(store / "six-1.17.0-py2.py3-none-any.whl", "w"):
        pass
    with pytest.raises(LayerError, match="pip could not fetch"):
        fetch_wheels(lock, "x86_64", tmp_path)


@pytest.mark.parametrize("python", ["/nowhere/python", "false"])
def test_a_wrong_python_gets_one_line_that_says_what_to_do(tmp_path: Path, python: str) -> None:
    done = run_make(LAYERS / "pg_client", "build-PgClientLayerX86", tmp_path / "output", python=python)
    assert done.returncode != 0
    assert f"layer not built: '{python}' is not Python 3.13; run 'make' first or set PYTHON" in done.stderr
