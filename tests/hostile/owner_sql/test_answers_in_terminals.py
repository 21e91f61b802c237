"""What an operator's call prints does nothing to the terminal that it is printed in."""

import json
from types import SimpleNamespace

import pytest

from handlers.routes import exchange
from tenantry.aws.gateway_answers import error_answer
from tenantry.domain.errors import Conflict

# CSI as one character, which terminals obey; from the right; not to be seen; a line that ends.
NAMES = ["\x9b2J", "\x1b[2J", "\u202egpj.elbat", "a\u200bb", "a\u2028b", "a\x00b", "\U000e0041"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_an_answer_is_written_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names a table like a terminal's commands: answers and refusals that tell of it are plain ASCII, and mean it."""
    monkeypatch.setattr(exchange, "administration_settings", lambda: SimpleNamespace(cors_origin="*"))
    refused = str(error_answer(Conflict(code="changed_since", details=name), "*")["body"])
    shown = str(exchange.reply(200, {"where": name}).body)
    for text in (refused, shown):
        assert text.isascii()
        assert text.isprintable()
    assert (json.loads(refused)["details"], json.loads(shown)["where"]) == (name, name)
