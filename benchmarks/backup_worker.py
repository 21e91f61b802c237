"""Takes one backup in its own process: `python -m benchmarks.backup_worker TENANT` prints its figures as JSON."""

import json
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.stage import LambdaContext
from handlers.back_up_tenant import handler


def main(tenant: str) -> None:
    """Back the tenant up and print `{seconds, peak_bytes, backup_id, manifest}`."""
    started = perf_counter()
    done = handler({"tenant_id": tenant, "trigger": "bench"}, LambdaContext())
    print(json.dumps({**done, "seconds": perf_counter() - started, "peak_bytes": _peak_bytes()}))


def _peak_bytes() -> int:
    """Read this process's peak memory; `ru_maxrss` would include the peak of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(sys.argv[1])
