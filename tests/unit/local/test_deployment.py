"""The lines that are shown of SAM's output."""

from local.deployment import telling_lines


def test_the_lines_with_an_error_are_the_ones_that_tell() -> None:
    log = "Building\nCREATE_FAILED  AWS::IAM::Role  X  no such thing\n\nCREATE_COMPLETE\nError: Failed to create\n"
    assert telling_lines(log) == "    CREATE_FAILED  AWS::IAM::Role  X  no such thing\n    Error: Failed to create"


def test_without_one_the_last_lines_have_to_do() -> None:
    assert telling_lines("one\ntwo\nthree\n", count=2) == "    two\n    three"
