"""Slices: the part of a wave on one server that one worker migrates. Workers read from the ledger what is in theirs."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tenantry.domain.errors import BadRequest
from tenantry.rollouts.outcomes import is_due
from tenantry.rollouts.rollout import Entry, Rollout

# Step Functions keeps 25,000 events, of which a slice may take 130, and works on forty slices at the same time.
_MOST_SLICES: Final = 150


@dataclass(frozen=True, slots=True)
class Slice:
    """One of `parts` slices of the present wave's homes on a server, in one execution of the state machine."""

    rollout_id: str
    execution: int
    server_id: str
    part: int
    parts: int

    def due(self, entries: Iterable[Entry], rollout: Rollout, at: datetime) -> list[Entry]:
        """List the entries of this slice that are to be tried now; a backfill that does not end comes last."""
        mine = [
            entry
            for entry in entries
            if entry.wave <= rollout.wave
            and entry.server_id == self.server_id
            and _part_of(entry.unit, self.parts) == self.part
            and is_due(entry, rollout.rules, at)
        ]
        return sorted(mine, key=lambda entry: entry.unfinished)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a worker's event."""
        return {
            "rollout_id": self.rollout_id,
            "execution": self.execution,
            "server_id": self.server_id,
            "part": self.part,
            "parts": self.parts,
        }


def slice_from(event: dict[str, Any]) -> Slice:
    """Read a worker's event. :raises BadRequest: it is none."""
    try:
        return Slice(
            str(event["rollout_id"]),
            int(event["execution"]),
            str(event["server_id"]),
            int(event["part"]),
            int(event["parts"]),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise BadRequest(
            "That is no slice of a rollout.", code="invalid_slice", hint="The conductor makes them: start a rollout."
        ) from exc


def slices_of(rollout: Rollout, due: Iterable[Entry]) -> list[Slice]:
    """Share the homes that are due out: for each server as many slices as workers may be on it, and no empty one.

    What is more than an execution's history may hold is left to the next round.
    """
    by_server: dict[str, list[Entry]] = {}
    for entry in due:
        by_server.setdefault(entry.server_id, []).append(entry)
    slices = []
    for server_id, entries in sorted(by_server.items()):
        parts = min(rollout.current.at_once_per_server, len(entries))
        used = sorted({_part_of(entry.unit, parts) for entry in entries})
        slices += [Slice(rollout.rollout_id, rollout.execution, server_id, part, parts) for part in used]
    return slices[:_MOST_SLICES]


def _part_of(unit: str, parts: int) -> int:
    return zlib.crc32(unit.encode()) % parts
