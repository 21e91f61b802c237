"""Builds the functions' dependency layer: the pinned packages, with byte code, without files that Lambda never reads.

    python -m layers.dependencies.build --architecture arm64 --output FOLDER

unpacks the wheels into FOLDER/python. The byte code is unchecked (never compared with its source), because a published
layer can't change: each cold start would pay for the comparison, or for compiling again.
"""

import compileall
import re
import shutil
import zipfile
from pathlib import Path
from py_compile import PycInvalidationMode

from layers.build_command import run_build
from layers.elf import find_faults
from layers.wheels import LayerError, fetch_wheels

_LOCK = Path(__file__).with_name("requirements.txt")

CALLED_SERVICES = frozenset(
    {
        "apigateway",
        "cognito-idp",
        "dynamodb",
        "events",
        "lambda",
        "s3",
        "scheduler",
        "secretsmanager",
        "stepfunctions",
        "sts",
        "xray",  # the tracer's
    }
)
"""The AWS services that functions call: botocore's descriptions of the others, nearly all of its data, are left out."""

_SERVICE_DATA = re.compile(r"boto(?:core|3)/data/([^/]+)/")
# Type stubs, C sources and scripts are needed only for building; zstandard's second backend is for PyPy. METADATA
# stays,
# because Amazon Inspector finds vulnerable versions with it; a wheel's other records are for uninstalling. SQLAlchemy
# runs only a handful of statements, when a tenant's schema changes: its pure-Python modules suffice for that.
_UNUSED = re.compile(
    r".*\.(?:pyi|pyx|pxd|c|h|rst)"
    r"|[^/]+\.data/scripts/.*"
    r"|[^/]+\.dist-info/(?!METADATA$).*"
    r"|zstandard/(?:_cffi\..*|backend_cffi\.py)"
    r"|botocore/data/.*/examples-1\.json"
    r"|sqlalchemy/.*_cy\.[^/]*\.so"
    r"|sqlalchemy/dialects/(?:mssql|mysql|oracle|sqlite)/.*"
    r"|(?:sqlalchemy|alembic)/testing/.*"
    r"|alembic/templates/.*"
)


def build(architecture: str, output: Path, cache: Path) -> None:
    """Write `output`/python for one architecture; raises LayerError if a file in it could not load on Lambda."""
    root = output / "python"
    shutil.rmtree(root, ignore_errors=True)
    for wheel in fetch_wheels(_LOCK, architecture, cache):
        _unpack(wheel, root)
    _compile(root)
    if faults := find_faults(root, architecture):
        raise LayerError("; ".join(faults))


def is_shipped(name: str) -> bool:
    """Whether a file goes into the layer, by its path in the wheel."""
    service = _SERVICE_DATA.match(name)
    return not _UNUSED.fullmatch(name) and (service is None or service[1] in CALLED_SERVICES)


def _unpack(wheel: Path, root: Path) -> None:
    """Install a wheel by unzipping it: all of ours contain only files for the import path."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and is_shipped(name)]
        if misplaced := [name for name in names if ".data/" in name.partition("/")[0] + "/"]:
            raise LayerError(f"{wheel.name} wants an installer for {misplaced[0]}")
        archive.extractall(root, names)


def _compile(root: Path) -> None:
    """Compile every module, with its path on Lambda for tracebacks."""
    compiled = compileall.compile_dir(
        root,
        quiet=1,
        workers=0,
        stripdir=str(root),
        prependdir="/opt/python",
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        raise LayerError("a package does not compile: see the message above")


if __name__ == "__main__":
    run_build(build)
