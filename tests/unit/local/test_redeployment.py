"""The parameters that a deployment into the running stack is given."""

import pytest

from local.errors import LocalStackError
from local.redeployment import read_parameters


def test_parameters_are_names_and_values() -> None:
    assert read_parameters(["RequiredRevision=0002", "CorsOrigin=https://a.example/?b=c", "OidcIssuer="]) == {
        "RequiredRevision": "0002",
        "CorsOrigin": "https://a.example/?b=c",
        "OidcIssuer": "",
    }


@pytest.mark.parametrize("word", ["RequiredRevision", "=0002", ""])
def test_anything_else_is_refused_with_an_example(word: str) -> None:
    with pytest.raises(LocalStackError, match="RequiredRevision=0002"):
        read_parameters(["Stage=local", word])
