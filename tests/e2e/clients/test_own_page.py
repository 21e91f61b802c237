"""A front end's own page, of the README's code unchanged, in Chromium: it signs in, and asks with supabase-js."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from local.console_server import ConsoleServer
from local.ports import free_ports
from local.stack_file import StackFile
from tests.e2e.browser import FIRST_CALL_MS, open_browser, open_page
from tests.e2e.clients.readme import blocks_below, section

USER = "viewer@mycompany.example.com"
# What a bundler would do for the page, and no request for an icon.
BUNDLED = """<link rel="icon" href="data:,">
<script src="supabase.js"></script>
<script type="importmap">{"imports": {"@supabase/supabase-js": "./client.js"}}</script>
"""
# Gives the published script's function to whoever imports the package, as a bundler would.
CLIENT = "export const { createClient } = window.supabase;"
# The clock is an hour on, so the token is about to end.
ASK_LATER = """async () => {
  const { config, idToken } = await import("./session.js");
  const now = Date.now();
  Date.now = () => now + 3_600_000;
  const headers = { Authorization: `Bearer ${await idToken()}` };
  return (await fetch(`${config.apiUrl}/rest/v1/candidates?select=id&limit=1`, { headers })).status;
}"""
ASK_FOR_MORE = """async () => {
  const { config, idToken } = await import("./session.js");
  const client = window.supabase.createClient(config.apiUrl, "unused", { accessToken: idToken });
  const failed = async (call) => {
    try { return Boolean((await call()).error); } catch { return true; }
  };
  return {
    from: await failed(() => client.from("candidates").select("id").limit(1)),
    schema: await failed(() => client.schema("public").from("candidates").select("id").limit(1)),
    rpc: (await client.rpc("no_such_function")).error.code,
    auth: await failed(() => client.auth.getUser()),
    storage: await failed(() => client.storage.listBuckets()),
    functions: await failed(() => client.functions.invoke("anything")),
    channel: await new Promise((tell) => {
      const channel = client.channel("anything").subscribe((state) => {
        if (state === "CLOSED") return;
        client.removeAllChannels();
        tell(state !== "SUBSCRIBED");
      });
    }),
  };
}"""


@pytest.fixture(scope="module")
def address(stack: StackFile, supabase_client: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the page's own, beside the one of the console."""
    folder = tmp_path_factory.mktemp("page")
    page, script = blocks_below("With supabase-js")
    (folder / "index.html").write_text(page.replace("<script", f"{BUNDLED}<script", 1))
    (folder / "client.js").write_text(CLIENT)
    (folder / "supabase.js").write_bytes(supabase_client.read_bytes())
    (folder / "session.js").write_text(blocks_below("Sign in from your own page")[1])
    (folder / "page.js").write_text(script)
    config = {"apiUrl": stack.api_url, "cognitoUrl": stack.aws_endpoint_url, "clientId": stack.client_id}
    server = ConsoleServer(folder, port=free_ports(1)[0], config=config)
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def signed_in(address: str, stack: StackFile) -> Iterator[Page]:
    """The page, on which somebody has signed in after a wrong password, which it told."""
    with open_browser() as browser, open_page(browser) as (page, watch):
        page.goto(address)
        page.locator("[name=username]").fill(USER)
        page.locator("[name=password]").fill("not the password")
        page.get_by_role("button").click()
        expect(page.locator("output")).to_have_text("Incorrect username or password.")
        page.locator("[name=password]").fill(stack.password_of(USER))
        page.get_by_role("button").click()
        expect(page.locator("output")).to_contain_text(": ", timeout=FIRST_CALL_MS)
        assert watch.complaints == []
        yield page


def test_the_page_shows_what_the_readme_says(signed_in: Page) -> None:
    promised = re.search(r"the page says `(.*)`", section("With supabase-js"))
    assert promised
    assert signed_in.locator("output").inner_text() == promised[1]


def test_a_token_that_is_about_to_end_is_renewed(signed_in: Page) -> None:
    renewals = []

    def note(request: Request) -> None:
        if request.method == "POST" and json.loads(request.post_data or "{}").get("AuthFlow") == "REFRESH_TOKEN_AUTH":
            renewals.append(request.url)

    signed_in.on("request", note)
    assert signed_in.evaluate(ASK_LATER) == 200
    assert len(renewals) == 1


def test_only_the_data_of_supabase_is_here(signed_in: Page) -> None:
    assert signed_in.evaluate(ASK_FOR_MORE) == {
        "from": False,
        "schema": False,
        "rpc": "PGRST202",
        "auth": True,
        "storage": True,
        "functions": True,
        "channel": True,
    }
