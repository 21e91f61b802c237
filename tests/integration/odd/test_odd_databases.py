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
SEEDS = [3_000, 20_261_202]
KEPT = Path(__file__).parents[3] / "build/odd"
SECONDS = float(os.environ.get("ODD_SECONDS", "0"))
# No more than one of five may end with a refusal of ours.
MOST_REFUSED = 0.2
THINGS = """
CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT 'x'); INSERT INTO t VALUES (1), (2); COMMENT ON COLUMN t.b IS 'b';
CREATE SEQUENCE s; SELECT lo_from_bytea(7, 'abc'); CREATE TYPE p AS (a int);
CREATE FUNCTION f(p) RETURNS bigint RETURN ($1).a; CREATE CAST (p AS bigint) WITH FUNCTION f(p);
CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t; INSERT INTO t VALUES (3)
"""


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


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM t WHERE a = 2", "rows of public.t"),
        ("UPDATE t SET b = 'X' WHERE a = 2", "rows of public.t"),
        ("ALTER TABLE t ALTER b SET DEFAULT 'y'", "Name: t; Type: TABLE"),
        ("COMMENT ON COLUMN t.b IS NULL", "Name: COLUMN t.b; Type: COMMENT"),
        ("SELECT nextval('s')", "sequence public.s"),
        ("SELECT lo_put(7, 0, 'z')", "large object 7"),
        ('GRANT UPDATE (b) ON t TO "{tenant}_viewer"', "Name: COLUMN t.b; Type: ACL"),
        ("REFRESH MATERIALIZED VIEW m", "rows of public.m"),
        ("ALTER DATABASE \"{tenant}\" SET work_mem = '3MB'", "Name: TENANT; Type: DATABASE PROPERTIES"),
        ("DROP CAST (p AS bigint)", "cast public.p AS bigint"),
    ],
)
def test_a_portrait_tells_what_was_changed(vault: Vault, change: str, told: str) -> None:
    tenant = vault.add()
    vault.run_as(tenant, THINGS)
    journey = Journey(vault, Odd(1, Isolation.DATABASE))
    before = journey.portrait(tenant)
    assert before.differences(journey.portrait(tenant)) == []
    vault.run_as(tenant, change.format(tenant=tenant))
    assert any(difference.startswith(told) for difference in before.differences(journey.portrait(tenant)))


def test_what_fails_is_made_as_small_as_it_can_be() -> None:
    smallest = shrink(Odd(1, Isolation.DATABASE), lambda odd: {3, 9, 10} <= set(odd.chosen), 10)
    assert smallest.chosen == (3, 9, 10)
    assert [block.number for block in smallest.write(TenantId("acme"), "acme")] == [3, 9, 10]


def test_a_block_is_the_same_whatever_was_left_out() -> None:
    odd = Odd(7, Isolation.DATABASE)
    whole = odd.write(TenantId("acme"), "public")
    assert odd.with_only([5, 2]).write(TenantId("acme"), "public") == [whole[2], whole[5]]


if SECONDS:

    @pytest.mark.timeout(0)
    def test_as_many_as_there_is_time_for(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
        def say(text: str) -> None:
            with capsys.disabled():
                print(text, flush=True)  # noqa: T201

        seed = int(os.environ.get("ODD_SEED") or random.randrange(10**9))
        end, gone, refused, failures = time.monotonic() + SECONDS, 0, [], []
        while time.monotonic() < end:
            for isolation in MODELS:
                journey, gone = Journey(vault, Odd(seed, isolation)), gone + 1
                say(f"seed {seed}, {isolation}")
                try:
                    journey.go()
                except Strayed as strayed:
                    failures.append(explain(vault, journey.odd, strayed, 600))
                    say(failures[-1])
                if journey.refusals:
                    refused.append(f"seed {seed}, {isolation}: {', '.join(journey.refusals)}")
                    say(f"refused: {', '.join(journey.refusals)}")
            seed += 1
        assert not failures, "\n\n".join(failures)
        assert len(refused) <= max(1, MOST_REFUSED * gone), "\n".join(refused)
