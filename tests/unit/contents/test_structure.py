"""Which objects of a home are read to compare its structure."""

import re

from tenantry.contents.structure import RARE_KINDS
from tenantry.database.sql_files import load_sql

_KIND = re.compile(r"SELECT '\w+'::regclass, \w+\.oid, \w+(?:\.\w+)?,\s+'([^']+)'")


def test_the_rare_kinds_are_those_of_their_query() -> None:
    assert set(_KIND.findall(load_sql("contents/fingerprint_rare").string)) == RARE_KINDS
    assert not RARE_KINDS & set(_KIND.findall(load_sql("contents/fingerprint").string))
