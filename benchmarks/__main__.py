"""`python -m benchmarks [NAME…]`: measure, print a table, write build/bench/results.json."""

import importlib
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

from benchmarks.results import FILE, BenchmarkFailed, Result, table, write_results
from benchmarks.stage import open_stage
from local.errors import LocalStackError

NAMES = (
    "warm_read",
    "round_trips",
    "embed_read",
    "plan_url",
    "versus_postgrest",
    "versus_naive",
    "cold_start",
    "backup_stream",
    "versus_gzip",
    "restore",
    "fingerprint",
    "provision",
    "isolation_probe",
    "scale_isolation",
    "scale_list",
    "viewer_cost",
    "pooler",
    "rotation_under_load",
    "move",
    "rollout",
    "fleet",
)
_BAD_USAGE = 2


def main(names: list[str]) -> int:
    """Run benchmarks by name, all by default; returns the exit status, 1 when a target was missed."""
    if unknown := [name for name in names if name not in NAMES]:
        print(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(NAMES)}", file=sys.stderr)
        return _BAD_USAGE
    signal.signal(signal.SIGTERM, _end)
    results: list[Result] = []
    with open_stage() as stage:
        for name in names or NAMES:
            run = importlib.import_module(f"benchmarks.{name}").run
            print(f"{name}: {' '.join((run.__doc__ or '').split())}", flush=True)
            started = time.monotonic()
            results += run(stage)
            print(f"    took {time.monotonic() - started:.0f} s", flush=True)
    write_results(results)
    print(f"\n{table(results)}\n\nWritten to {FILE}")
    return int(any(result.ok is False for result in results))


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    """Exit through an exception, so that every context cleans up."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (BenchmarkFailed, LocalStackError) as failure:
        sys.exit(f"The benchmarks could not be run: {failure}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
