"""The documents of the repository, and the links and paths in them."""

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(r"[\w.<>*-]+(/[\w.<>*-]*)*")
# A name with one of these endings is a file of ours. Others (`dump.zst`, `stack.json`) are made at run time.
_SOURCES = {".css", ".html", ".in", ".js", ".mako", ".md", ".py", ".sql", ".svg", ".toml", ".yaml"}
# From where a document may name a file, besides its own folder.
_BASES = (ROOT, ROOT / "functions", ROOT / "functions" / "tenantry")


@cache
def files() -> list[Path]:
    """List all files that are in the repository or about to be: those that Git tracks or does not ignore."""
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def documents() -> list[Path]:
    """List all documents."""
    return [path for path in files() if path.suffix == ".md"]


def dead_links(document: Path) -> list[str]:
    """List the relative links that lead to no file, or to no heading in one."""
    text = _FENCED.sub("", document.read_text())
    return [link for link in _LINK.findall(text) if "://" not in link and not _leads_somewhere(document, link)]


def missing_paths(document: Path) -> list[str]:
    """List the files and folders that a document names in code spans and that do not exist."""
    text = _FENCED.sub("", document.read_text())
    named = [name for name in _CODE.findall(text) if _is_of_the_repository(name)]
    return [name for name in named if not _exists(document, name)]


def anchors(document: Path) -> set[str]:
    """List the anchors of a document's headings, as links write them."""
    headings = _HEADING.findall(_FENCED.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _leads_somewhere(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target)


def _is_of_the_repository(name: str) -> bool:
    if not _PATH.fullmatch(name):
        return False
    if Path(name).suffix in _SOURCES:
        return True
    return "/" in name and name.split("/", 1)[0] in {path.relative_to(ROOT).parts[0] for path in files()}


def _exists(document: Path, name: str) -> bool:
    """Whether a path exists; `<room>` and `*` stand for anything, and a bare name for a file in any folder."""
    pattern = re.sub(r"<[^>]*>", "*", name.rstrip("/"))
    if any(any(base.glob(pattern)) for base in (document.parent, *_BASES)):
        return True
    return "/" not in name and any(path.match(pattern) for path in files())
