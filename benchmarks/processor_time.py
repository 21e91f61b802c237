"""The processor time of programs, with that of all processes that they have started."""

import os
from collections.abc import Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat, after the name: the parent; the time of the process, and that of the children it has buried.
_PARENT, _TIMES = 1, slice(11, 15)


def processor_seconds(programs: Mapping[str, int | None]) -> dict[str, float]:
    """Tell how long each program has computed so far, in seconds.

    :param programs: process ids by name.
    :returns: the seconds by name; empty where the system has no `/proc`.
    """
    processes = _processes()
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in processes.items():
        children.setdefault(parent, []).append(pid)

    def total(pid: int) -> float:
        return processes[pid][1] + sum(map(total, children.get(pid, ())))

    return {name: total(pid) for name, pid in programs.items() if pid in processes}


def _processes() -> dict[int, tuple[int, float]]:
    """Return the parent and the seconds of each process."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        found[int(file.parent.name)] = (int(fields[_PARENT]), sum(map(int, fields[_TIMES])) / _TICKS)
    return found
