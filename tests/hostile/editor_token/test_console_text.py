"""What a tenant's people have named and written is text in the console, and nothing that a browser runs."""

import re
from pathlib import Path

import pytest

SOURCES = sorted(Path("frontend").rglob("*.js"))
# Each makes markup, a script or a place to go of a text.
MAKERS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|dangerouslySetInnerHTML|createContextualFragment|DOMParser"
    r"|document\.write|srcdoc|javascript:|\beval\(|new Function|setTimeout\(\s*[\"'`]|\.on[a-z]+\s*=\s*[\"'`]"
)


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_name_is_never_made_markup(source: Path) -> None:
    """Names a column `<img onerror=…>`, or writes that into a row: the console shows these characters."""
    assert not MAKERS.findall(source.read_text(encoding="utf-8"))


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) >= 5
    assert MAKERS.search("cell.innerHTML = row.name")
    assert MAKERS.search("button.onclick = 'go()'")
    assert not MAKERS.search("cell.textContent = row.name")


def test_the_page_lets_no_script_of_another_place_in() -> None:
    """Gets markup into the page in a way that nobody thought of: the page's own policy lets no script of it run."""
    page = Path("frontend/index.html").read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy"\s+content="([^"]+)"', page)
    assert policy
    rules: dict[str, str] = dict(rule.strip().partition(" ")[::2] for rule in policy[1].split(";") if rule.strip())
    scripts = rules.get("script-src") or rules["default-src"]
    assert "unsafe" not in scripts
    assert "*" not in scripts.split()
