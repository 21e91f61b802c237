"""Drills are tested on the same fleet as runs."""

from tests.integration.fleet.conftest import fleet

__all__ = ["fleet"]
