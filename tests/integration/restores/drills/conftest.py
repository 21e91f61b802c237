"""Drills are tried on the fleet that the runs are tried on."""

from tests.integration.fleet.conftest import fleet

__all__ = ["fleet"]
