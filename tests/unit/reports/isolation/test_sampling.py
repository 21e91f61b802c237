"""What is tried for real of what the catalogues rule out."""

from tenantry.reports.isolation.sampling import Sample, sample_for

NAMES = [f"n{number}" for number in range(1_000)]


def test_of_few_everything_is_tried() -> None:
    assert Sample("seed", 8).of("acme", "databases", NAMES[:8]) == NAMES[:8]
    assert sample_for(50, "seed").of("acme", "databases", NAMES[:50]) == NAMES[:50]


def test_the_work_grows_with_the_tenants_and_not_with_the_pairs() -> None:
    tried = {number: number * sample_for(number, "seed").each for number in (100, 1_000, 10_000)}
    assert tried == {100: 10_000, 1_000: 10_000, 10_000: 80_000}
    assert sample_for(0, "seed").each > 0


def test_the_same_seed_chooses_the_same_and_another_tenant_other_things() -> None:
    sample = Sample("seed", 8)
    chosen = sample.of("acme", "databases", NAMES)
    assert len(set(chosen)) == 8
    assert chosen == Sample("seed", 8).of("acme", "databases", NAMES)
    others = [
        sample.of("globex", "databases", NAMES),
        sample.of("acme", "roles", NAMES),
        Sample("x", 8).of("acme", "databases", NAMES),
    ]
    assert all(chosen != other for other in others)
