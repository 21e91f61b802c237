"""Commands of the AWS CLI in the documents: AWS has them, with these options."""

import re
import shlex
from collections.abc import Iterator

import pytest

from tests.aws_cli import UnknownCommandError, parse
from tests.unit.documents import documents

_COMMAND = re.compile(r"(?<![\w./`-])aws (?=[a-z0-9-]+ [a-z])")


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command in the indented blocks; a shell's words that end a command end it here."""
    for block in re.findall(r"(?:^ {4}.*\n?)+", text, flags=re.MULTILINE):
        joined = block.replace("\\\n", " ")
        for found in _COMMAND.finditer(joined):
            lexer = shlex.shlex(joined[found.end() :], posix=True, punctuation_chars=";|()<>&\n")
            lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, "#"
            yield list(_until_its_end(lexer))


def _until_its_end(lexer: shlex.shlex) -> Iterator[str]:
    for word in lexer:
        if set(word) <= set(";|()<>&\n"):
            return
        yield word


WRITTEN = {" ".join(words): words for document in documents() for words in commands(document.read_text())}


def test_the_commands_are_found() -> None:
    assert len(WRITTEN) > 30


@pytest.mark.parametrize("words", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_command_of_the_documents_is_one_of_awss(words: list[str]) -> None:
    parse(words)


@pytest.mark.parametrize(
    "command",
    [
        "dynamodb delete-table --table TABLE",
        "dynamodb drop-table --table-name TABLE",
        "dynamo delete-table --table-name TABLE",
        "dynamodb delete-table",
        "dynamodb wait table-gone --table-name TABLE",
        "dynamodb delete-table TABLE",
        "dynamodb delete-table --cli-input-json file:///dev/stdin",
    ],
)
def test_what_aws_does_not_have_is_told(command: str) -> None:
    with pytest.raises(UnknownCommandError):
        parse(command.split())
