"""Time from process start to the first answer, and of the import, against a handler that only imports libraries.

Those libraries are the driver and Powertools' SecretsProvider.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.lambda_process import first_answer_seconds
from benchmarks.packages import Package, floor_package, query_tenant_package
from benchmarks.results import Result
from benchmarks.stage import Stage, read_event
from benchmarks.timing import take_turns
from tenantry.domain.tenant import TenantId

_TENANT = TenantId("cold-start")
_WARM_UPS, _IMPORTS, _STARTS = 2, 11, 7
# The path has only the package and the standard library: the environment's packages must not replace missing ones.
_IMPORT = """
import sys, importlib, time
sys.path[:0] = sys.argv[2:]
started = time.perf_counter()
importlib.import_module(sys.argv[1])
print(time.perf_counter() - started)
"""


def run(stage: Stage) -> list[Result]:
    """Import: handlers.query_tenant in a fresh interpreter, from the built package and layer, over a floor that only
    imports psycopg2 and Powertools' SecretsProvider from a plain `sam build`. Whole: start of the Lambda emulator and
    runtime client to the first answer; ours opens a session, reads the secret, connects and queries, the floor answers
    at once. Medians of 11 imports and 7 starts in turns, disk cache warm, no byte code written between them.
    """
    stage.make_tenant_with_people(_TENANT)
    with tempfile.TemporaryDirectory(dir=stage.directory, prefix="cold-start-") as name:
        directory = Path(name)
        (directory / "tmp").mkdir()
        ours, floor = query_tenant_package(directory), floor_package(directory)
        imports = take_turns(lambda: _time_import(ours), lambda: _time_import(floor), _WARM_UPS + _IMPORTS)
        starts = take_turns(
            lambda: _time_start(stage, ours, directory), lambda: _time_start(stage, floor, directory), _STARTS
        )
    our_import, floor_import = (median(seconds[_WARM_UPS:]) * 1e3 for seconds in imports)
    our_start, floor_start = (median(seconds) * 1e3 for seconds in starts)
    return [
        Result("cold_start", "ms import", our_import, floor_import, at_most=1.0),
        Result("cold_start.first_answer", "ms", our_start, floor_start),
    ]


def _time_import(package: Package) -> list[float]:
    module = package.handler.rpartition(".")[0]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", _IMPORT, module, *package.import_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [float(done.stdout)]


def _time_start(stage: Stage, package: Package, directory: Path) -> list[float]:
    log = directory / "lambda.log"
    return [first_answer_seconds(package, read_event(_TENANT), stage.environment, log)]
