"""One backup in a process of its own: `python -m benchmarks.backup_worker TENANT` prints what it took, as JSON."""

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
    """Read the most memory that this program has had; `ru_maxrss` would count who started it too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(sys.argv[1])
