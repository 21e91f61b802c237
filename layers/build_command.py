"""The command line of both layers' builders."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from layers.wheels import MACHINES, LayerError

_WHEEL_CACHE = Path(__file__).parents[1] / "build" / "wheels"


def run_build(build: Callable[[str, Path, Path], None]) -> None:
    """Call `build(architecture, output, cache)` with the command line's arguments; exit with one line if it fails."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", required=True, choices=sorted(MACHINES))
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--cache", type=Path, default=_WHEEL_CACHE)
    options = parser.parse_args()
    try:
        build(options.architecture, options.output.resolve(), options.cache.resolve())
    except LayerError as error:
        sys.exit(f"layer not built: {error}")
