import pytest

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.grammar.casts import read_type


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("text", '"pg_catalog"."text"'),
        ("TEXT", '"pg_catalog"."text"'),
        (" int ", '"pg_catalog"."int4"'),
        ("numeric(10,2)", '"pg_catalog"."numeric"(10,2)'),
        ("decimal (10, 2)", '"pg_catalog"."numeric"(10, 2)'),
        ("double  precision", '"pg_catalog"."float8"'),
        ("timestamp with time zone", '"pg_catalog"."timestamptz"'),
        ("character varying(3)", '"pg_catalog"."varchar"(3)'),
        ("char", '"pg_catalog"."bpchar"(1)'),
        ("char(3)", '"pg_catalog"."bpchar"(3)'),
        ("text[]", '"pg_catalog"."text"[]'),
        ("bigint[]", '"pg_catalog"."int8"[]'),
        ("my_enum", '"my_enum"'),
        ("select", '"select"'),
    ],
)
def test_reads_the_name_of_a_type(text: str, sql: str) -> None:
    assert read_type(text) == sql


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1",
        "int; drop table x",
        "int)",
        "int) --",
        "int()",
        "int(1",
        "int(1,2,3)",
        "int[3]",
        "int[][]",
        'int"',
        "int'",
        "a.b",
        "a$1",
        "int collate x",
        "int4(9999999999)",
        "ïnt",
        "int\n",
        "int\0",
    ],
)
def test_refuses_what_is_no_plain_type_name(text: str) -> None:
    with pytest.raises(GrammarError) as refused:
        read_type(text)

    assert refused.value.code == "PGRST100"
