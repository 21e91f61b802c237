from tenantry.adapters.object_store import part_bytes

TEBIBYTE = 1 << 40


def test_parts_grow_so_that_ten_thousand_hold_more_than_a_terabyte() -> None:
    sizes = [part_bytes(number) for number in range(1, 10_001)]
    assert sizes[0] == 8 << 20
    assert sizes == sorted(sizes)
    assert sum(sizes) > 4 * TEBIBYTE
    assert max(sizes) <= 5 << 30


def test_a_database_of_a_few_gigabytes_needs_the_smallest_parts_only() -> None:
    assert part_bytes(1000) == 8 << 20
