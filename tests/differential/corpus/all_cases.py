"""The whole corpus, in the order in which it is asked."""

from tests.differential.cases import Case
from tests.differential.corpus import (
    changing,
    embedding,
    forms,
    functions,
    inserting,
    operators,
    paging,
    reading,
    schemas,
    searching,
    upserting,
)

_READING = (operators, reading, searching, paging, embedding, forms)
_DOING = (functions, schemas, inserting, upserting, changing)

CASES: list[Case] = [case for topic in (*_READING, *_DOING) for case in topic.CASES]
