"""A small catalogue: books, their authors and tags, and two functions."""

from tenantry.postgrest.catalogue.model import Catalogue, Column, Name, Parameter, Routine, Table, Volatility
from tenantry.postgrest.catalogue.relationships import Key, relationships


def name(text: str) -> Name:
    return Name("public", text)


def table(text: str, key: tuple[str, ...], **columns: str) -> Table:
    return Table(name(text), {column: Column(column, type_, type_) for column, type_ in columns.items()}, key)


def foreign(text: str, columns: tuple[str, ...], target: str) -> Key:
    return Key("f", f"{text}_{'_'.join(columns)}_fkey", name(text), columns, name(target), ("id",))


TABLES = [
    table("authors", ("id",), id="bigint", name="text", data="jsonb"),
    table("books", ("id",), id="bigint", author_id="bigint", parent="bigint", name="text", age="integer", data="json"),
    table("tags", ("id",), id="bigint", name="text"),
    table("books_tags", ("book_id", "tag_id"), book_id="bigint", tag_id="bigint"),
]
KEYS = [
    *(Key("p", f"{each.name.name}_pkey", each.name, each.primary_key) for each in TABLES),
    foreign("books", ("author_id",), "authors"),
    foreign("books", ("parent",), "books"),
    foreign("books_tags", ("book_id",), "books"),
    foreign("books_tags", ("tag_id",), "tags"),
]
ROUTINES = [
    Routine(
        name("add"),
        (Parameter("a", "integer"), Parameter("b", "integer", required=False)),
        Name("pg_catalog", "int4"),
        volatility=Volatility.IMMUTABLE,
    ),
    Routine(name("all_books"), (), name("books"), returns_set=True, composite=True, volatility=Volatility.STABLE),
]
LIBRARY = Catalogue(
    ("public",),
    {each.name: each for each in TABLES},
    relationships(KEYS, [], [], frozenset({"public"})),
    {each.name: (each,) for each in ROUTINES},
)
