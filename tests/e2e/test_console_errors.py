"""The console tells errors as sentences that say what to do, and the code only to who asks for it."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.browser import Console
from tests.e2e.test_console import EDITOR, browser, console

__all__ = ["browser", "console"]

TELL = "async (failures) => { const { sentenceFor } = await import('./errors.js'); return failures.map(sentenceFor); }"
# Whoever wrote the function wrote the message for whoever calls it.
OF_THEIR_OWN = ("P0001",)
WORDS = "the service's words"
# Those who answer what the console asks; other rooms' codes are told by their status.
ANSWERING = {"data_api", "gateway", "postgrest", "PostgreSQL"}


def documented_codes() -> list[tuple[str, int]]:
    """Read the codes that the console may meet, with each status; `22…` gives an example of its class."""
    rows = re.findall(
        r"^\| `([^`]+)` \| ([\d, ]+) \|.*\| ([^|]+) \|$", Path("docs/errors.md").read_text(), re.MULTILINE
    )
    return [
        (re.sub("…$", lambda _: "9Z9", code), int(status))
        for code, statuses, rooms in rows
        if ANSWERING & set(rooms.split(", "))
        for status in statuses.split(", ")
    ]


def test_every_code_of_the_data_api_is_told_as_a_sentence(console: Console) -> None:
    console.open()
    asked = [{"code": code, "status": status, "message": WORDS} for code, status in documented_codes()]
    told = console.page.evaluate(TELL, asked)

    assert len(told) > 70
    for each, sentence in zip(asked, told, strict=True):
        if each["code"] not in OF_THEIR_OWN:
            assert re.fullmatch(r"[A-Z][^.]{10,}[.].*[.]", sentence), each
        assert each["code"] not in sentence
        assert (WORDS in sentence) == (each["code"] in OF_THEIR_OWN), each


def test_a_code_that_nobody_knows_is_told_as_a_sentence_too(console: Console) -> None:
    console.open()
    api = f"{console.stack.api_url}/rest/v1/**"
    body = {"code": "QX123", "message": "the row is odd", "details": None, "hint": None}
    headers = {"Access-Control-Allow-Origin": "*"}
    console.page.route(api, lambda route: route.fulfill(status=400, json=body, headers=headers))

    console.sign_in(EDITOR)

    expected = "the row is odd. Correct what you entered, or ask whoever runs this service."
    expect(console.refusal.locator("p").first).to_have_text(expected)
    expect(console.refusal.get_by_text("QX123")).to_be_hidden()
