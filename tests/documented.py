"""The examples in docs/data-api.md, as they stand there."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

TEXT = Path("docs/data-api.md").read_text("utf-8")
_EXAMPLE = re.compile(r"`((?:GET|HEAD|POST|PATCH|PUT|DELETE)) (/[^`]*)`(?: with[a-z :\n]*`([{\[][^`]*)`)?")


@dataclass(frozen=True)
class Example:
    """A request; `body` is JSON, or empty for none."""

    method: str
    url: str
    body: str = ""

    def __str__(self) -> str:
        """Return what is read in the document."""
        return f"{self.method} {self.url}"


EXAMPLES = [Example(*found) for found in _EXAMPLE.findall(TEXT)]
# The indented block that defines `ask`, and below it two calls of it.
SHELL = dedent("\n".join(re.findall(r"^(?: {4}.*|)$", TEXT.split("can be pasted")[1].split("\n#")[0], re.MULTILINE)))
# Headers that are shown without a request.
ACCEPTED = re.findall(r"`Accept: (application/vnd[^`]*|text/csv)`", TEXT)
PREFERRED = [each for each in re.findall(r"`Prefer: ([^`]*)`", TEXT) if "=" in each]
