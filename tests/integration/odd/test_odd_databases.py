"""Databases from the whole of PostgreSQL's DDL come through backup, drill, restore, clone, move, promotion and undo.

`make odd SECONDS=3600 SEED=1` takes as many of them as there is time for.
"""

import os
import random
import time
from pathlib import Path

import pytest

from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.odd.conftest import Vault
from tests.integration.odd.generator import Odd, script
from tests.integration.odd.journey import Journey, Strayed
from tests.integration.odd.shrinking import shrink

MODELS = [Isolation.DATABASE, Isolation.SCHEMA]
# Those of every run of the tests.
SEEDS = [20_261_201, 20_261_202]
KEPT = Path(__file__).parents[3] / "build/odd"
SECONDS = float(os.environ.get("ODD_SECONDS", "0"))
# No more than one of five may end with a refusal of ours.
MOST_REFUSED = 0.2


def leg_of(vault: Vault, odd: Odd) -> str:
    """Name the part of the way that an odd database does not get past; empty: it arrives."""
    try:
        Journey(vault, odd).go()
    except Strayed as strayed:
        return strayed.leg
    return ""


def explain(vault: Vault, odd: Odd, strayed: Strayed, seconds: float) -> str:
    """Find the smallest that fails likewise, keep its SQL in a file, and say what is known."""
    smallest = shrink(odd, lambda less: leg_of(vault, less) == strayed.leg, seconds)
    whose = TenantId("acme")
    blocks = smallest.write(whose, "public" if odd.isolation is Isolation.DATABASE else whose.value)
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"{odd.seed}-{odd.isolation}.sql"
    kept.write_text(script(blocks))
    names = ", ".join(f"{block.number} {block.name}" for block in blocks)
    return f"seed {odd.seed}, {odd.isolation}; smallest: {names}; its SQL: {kept}\n{strayed}"


@pytest.mark.parametrize("isolation", MODELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_an_odd_database_stays_what_it_is(vault: Vault, seed: int, isolation: Isolation) -> None:
    journey = Journey(vault, Odd(seed, isolation))
    try:
        journey.go()
    except Strayed as strayed:
        pytest.fail(explain(vault, journey.odd, strayed, 100))
    assert journey.refusals == []


if SECONDS:

    @pytest.mark.timeout(0)
    def test_as_many_as_there_is_time_for(vault: Vault) -> None:
        seed = int(os.environ.get("ODD_SEED") or random.randrange(10**9))
        end, gone, refused, failures = time.monotonic() + SECONDS, 0, [], []
        while time.monotonic() < end:
            for isolation in MODELS:
                journey, gone = Journey(vault, Odd(seed, isolation)), gone + 1
                print(f"seed {seed}, {isolation}", flush=True)  # noqa: T201
                try:
                    journey.go()
                except Strayed as strayed:
                    failures.append(explain(vault, journey.odd, strayed, 600))
                    print(failures[-1], flush=True)  # noqa: T201
                if journey.refusals:
                    refused.append(f"seed {seed}, {isolation}: {journey.refusals}")
            seed += 1
        assert not failures, "\n\n".join(failures)
        assert len(refused) <= max(1, MOST_REFUSED * gone), "\n".join(refused)
