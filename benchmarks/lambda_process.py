"""Runs a function as a process, under Lambda's own runtime client and the emulator that SAM CLI includes."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.packages import Package
from benchmarks.results import BenchmarkFailed
from benchmarks.stage import python_module
from local.deployment import ARCHITECTURE
from local.ports import LOOPBACK, free_ports
from local.processes import ChildProcess

_WITHIN = 60


def emulator() -> str:
    """Find the runtime interface emulator for this machine's processor."""
    spec = find_spec("samcli")
    if spec is None or spec.origin is None:
        raise BenchmarkFailed("SAM CLI, which carries Lambda's emulator, is not installed")
    return str(Path(spec.origin).parent / "local" / "rapid" / f"aws-lambda-rie-{ARCHITECTURE}")


def first_answer_seconds(
    package: Package, event: Mapping[str, Any], environment: Mapping[str, str], log: Path
) -> float:
    """Start the function cold, send it one event, and return the seconds until its answer.

    :raises BenchmarkFailed: the status of the answer is not 200.
    """
    emulator_port, runtime_port = free_ports(2)
    addresses = [f"--runtime-interface-emulator-address={LOOPBACK}:{emulator_port}"]
    addresses.append(f"--runtime-api-address={LOOPBACK}:{runtime_port}")
    started = time.perf_counter()
    process = ChildProcess(
        "the Lambda emulator",
        [emulator(), *addresses, *python_module("awslambdaric", package.handler)],
        log=log,
        environment={
            **environment,
            "LAMBDA_TASK_ROOT": str(package.code),
            "PYTHONPATH": os.pathsep.join(package.import_path),
            # Lambda's disk is read-only: modules without byte code in the package are compiled at each cold start.
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        directory=package.code,
    )
    try:
        answer = _invoke(process, emulator_port, json.dumps(event).encode())
        seconds = time.perf_counter() - started
    finally:
        process.stop()
    if answer.get("statusCode") != 200:
        raise BenchmarkFailed(f"{package.handler} answered {answer}")
    return seconds


def _invoke(process: ChildProcess, port: int, event: bytes) -> dict[str, Any]:
    url = f"http://{LOOPBACK}:{port}/2015-03-31/functions/function/invocations"
    deadline = time.monotonic() + _WITHIN
    while time.monotonic() < deadline:
        process.require_alive()
        try:
            with urllib.request.urlopen(url, data=event, timeout=_WITHIN) as response:
                answer: dict[str, Any] = json.loads(response.read())
                return answer
        except urllib.error.URLError as exc:
            if not isinstance(exc.reason, ConnectionRefusedError):
                raise
            time.sleep(0.001)
    raise BenchmarkFailed(f"the emulator did not answer within {_WITHIN} s")
