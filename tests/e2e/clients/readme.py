"""The code that the README shows."""

import re
from pathlib import Path
from textwrap import dedent


def section(heading: str) -> str:
    """The text below a heading of the third level, up to the next heading."""
    return Path("README.md").read_text("utf-8").split(f"### {heading}\n")[1].split("\n#")[0]


def blocks_below(heading: str) -> list[str]:
    """The section's indented blocks."""
    # A block goes on after an empty line if what follows is indented.
    found = re.findall(r"(?:^(?: {4}.*|(?=\n {4}))\n)+", section(heading), flags=re.MULTILINE)
    return [dedent(block).strip("\n") + "\n" for block in found]
