"""The console in a real browser, against the whole local stack."""

import base64
import json
import re
import urllib.request
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from local.accounts import sign_in
from local.aws_server import local_client
from local.sample_data import MYCOMPANY, MYCOMPANY1
from local.stack_file import StackFile
from tests.e2e.browser import FIRST_CALL_MS, Console, Person, open_browser, open_page

EDITOR = "editor@mycompany.example.com"
VIEWER = "viewer@mycompany.example.com"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def console(browser: Browser, stack: StackFile) -> Iterator[Console]:
    """A fresh tab; any error that the page reports fails the test."""
    with open_page(browser) as (page, watch):
        yield Console(page, watch, stack)
        assert watch.complaints == []


@pytest.fixture
def person(stack: StackFile) -> Iterator[Person]:
    """A user who is in no database yet, and who is removed after the test in any case."""
    mark = uuid.uuid4().hex[:12]
    email = f"{mark}@example.com"
    yield {"Name": f"Zoya {mark}", "Job role": "Release Engineer", "Email": email, "Location": "Goa"}
    request = urllib.request.Request(
        f"{stack.api_url}/rest/v1/candidates?email=eq.{email}",
        method="DELETE",
        headers={"Authorization": f"Bearer {sign_in(stack, EDITOR)}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 204


def test_an_editor_sees_every_candidate_of_their_own_tenant_and_of_no_other(console: Console) -> None:
    console.enter(EDITOR)

    expect(console.page.locator("#account")).to_contain_text(EDITOR)
    expect(console.page.locator("#who-tenant")).to_have_text("mycompany")
    expect(console.page.locator("#who-role")).to_have_text("editor")
    assert console.names() == [candidate.name for candidate in MYCOMPANY]
    text = console.page.locator("body").inner_text()
    assert [other.name for other in MYCOMPANY1 if other.name in text] == []
    assert console.watch.refusals == []


def test_a_candidate_is_added_edited_and_deleted(console: Console, person: Person) -> None:
    console.enter(EDITOR)
    name, page = person["Name"], console.page

    console.add_and_see(person)
    console.search(name)
    expect(console.rows).to_have_count(1)
    page.get_by_role("button", name=f"Edit {name}", exact=True).click()
    editing = page.locator("tr.editing")
    editing.get_by_label("Job role").fill("Release Manager")
    editing.get_by_label("Location").fill("")
    editing.get_by_label("Location").press("Enter")
    expect(page.get_by_role("status")).to_contain_text(f"{name} was saved.")
    expect(console.rows.locator("td[data-column=job_role]")).to_have_text("Release Manager")
    expect(console.rows.locator("td[data-column=location]")).to_have_text("")
    expect(page.get_by_role("button", name=f"Edit {name}", exact=True)).to_be_focused()

    console.delete(name)
    expect(page.get_by_text(f"No candidate's name has “{name}” in it.")).to_be_visible()
    assert console.watch.refusals == []


def test_an_edit_that_is_cancelled_changes_nothing(console: Console) -> None:
    console.enter(EDITOR)
    name = MYCOMPANY[0].name
    before = console.rows.first.inner_text()

    console.page.get_by_role("button", name=f"Edit {name}").click()
    console.page.locator("tr.editing").get_by_label("Name").fill("Somebody Else")
    console.page.keyboard.press("Escape")

    assert console.rows.first.inner_text() == before
    expect(console.page.get_by_role("button", name=f"Edit {name}")).to_be_focused()


def test_a_name_that_is_markup_is_shown_as_text(console: Console, person: Person) -> None:
    name = f"<img src=x onerror=alert(1)> {person['Name']}"
    console.enter(EDITOR)

    console.add_and_see({**person, "Name": name})
    console.search(name)

    expect(console.rows).to_have_count(1)
    assert console.names() == [name]
    assert console.page.locator("main img").count() == 0


def test_rows_are_sorted_searched_and_paged(console: Console) -> None:
    console.enter(EDITOR)
    page, people = console.page, sorted(candidate.name for candidate in MYCOMPANY)
    heading = page.get_by_role("columnheader", name="Name")

    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert console.names() == people
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert console.names() == people[::-1]

    console.search("nAi")
    expect(console.rows).to_have_count(1)
    assert console.names() == ["Kavya Nair"]
    console.search("%")
    expect(page.get_by_text("No candidate's name has “%” in it.")).to_be_visible()


def test_a_page_begins_where_the_last_one_ended(console: Console, person: Person) -> None:
    console.enter(EDITOR)
    page = console.page
    console.add_and_see(person)

    page.get_by_label("Rows per page").select_option("10")
    expect(console.rows).to_have_count(10)
    expect(page.locator("#range")).to_have_text("1 to 10 and more")
    assert console.names() == [candidate.name for candidate in MYCOMPANY]
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#range")).to_have_text("11 to 11 of 11")
    assert console.names() == [person["Name"]]
    expect(page.get_by_role("button", name="Next")).to_be_disabled()

    console.delete(person["Name"])
    expect(page.locator("#range")).to_have_text("1 to 10 of 10")


def test_a_viewer_who_adds_is_told_why_not(console: Console, person: Person) -> None:
    console.enter(VIEWER)

    dialog = console.add(person)

    alert = dialog.get_by_role("alert")
    expect(alert.locator("p").first).to_have_text(
        "Your role may not do this. Ask your administrator for a role that may."
    )
    expect(alert.get_by_text("permission denied for table candidates")).to_be_hidden()
    alert.get_by_text("What the service said").click()
    expect(alert.get_by_text("permission denied for table candidates")).to_be_visible()
    expect(alert.get_by_text("403 · 42501")).to_be_visible()
    expect(dialog.get_by_label("Name")).to_have_value(person["Name"])
    assert len(console.watch.refusals) == 1
    dialog.get_by_role("button", name="Cancel").click()
    assert person["Name"] not in console.names()


def test_a_duplicate_email_is_told_with_the_value(console: Console, person: Person) -> None:
    console.enter(EDITOR)

    dialog = console.add({**person, "Email": MYCOMPANY[0].email})

    alert = dialog.get_by_role("alert")
    expect(alert.locator("p").first).to_contain_text("Choose another value")
    expect(alert.get_by_text("23505")).to_be_visible()
    expect(alert.get_by_text(f"Key (email)=({MYCOMPANY[0].email}) already exists.")).to_be_visible()


def test_a_wrong_password_is_refused_with_a_message(console: Console) -> None:
    console.sign_in(EDITOR, "not-the-password-1A")

    expect(console.refusal.locator("p").first).to_contain_text("The email address or the password is wrong")
    expect(console.refusal.get_by_text("NotAuthorizedException")).to_be_hidden()
    expect(console.password).to_be_focused()
    expect(console.page.locator("#candidates")).to_be_hidden()


def test_a_new_user_chooses_a_password_at_the_first_sign_in(console: Console, stack: StackFile) -> None:
    cognito = local_client("cognito-idp", stack.aws_endpoint_url)
    user = {"UserPoolId": stack.user_pool_id, "Username": f"{uuid.uuid4().hex[:12]}@mycompany.example.com"}
    claims = {"email": user["Username"], "custom:tenant_id": "mycompany", "custom:role": "viewer"}
    attributes = [{"Name": name, "Value": value} for name, value in claims.items()]
    cognito.admin_create_user(
        **user, TemporaryPassword="Temporary-1-aA", MessageAction="SUPPRESS", UserAttributes=attributes
    )
    try:
        console.sign_in(user["Username"], "Temporary-1-aA")
        console.page.get_by_label("New password").fill("Of-their-own-1-aA")
        console.page.get_by_role("button", name="Continue").click()

        expect(console.rows).to_have_count(len(MYCOMPANY), timeout=FIRST_CALL_MS)
        expect(console.page.locator("#account")).to_contain_text(user["Username"])
    finally:
        cognito.admin_delete_user(**user)


def test_a_forged_token_ends_the_session_and_says_so(console: Console, stack: StackFile) -> None:
    forged = _claiming_to_be("mycompany1", sign_in(stack, EDITOR))
    console.open()
    expect(console.username).to_be_focused()  # a page that is still starting would use up the token itself
    console.page.evaluate("token => sessionStorage.setItem('tenantry.id-token', token)", forged)

    console.page.reload()

    # The page can only read the answer, and show its words, if the gateway's own refusal carries the CORS headers.
    expect(console.refusal).to_contain_text("Your sign-in has ended. Sign in again.", timeout=FIRST_CALL_MS)
    expect(console.refusal).to_contain_text("401 · unauthenticated")
    expect(console.username).to_be_focused()
    assert console.page.evaluate("sessionStorage.length") == 0
    assert MYCOMPANY1[0].name not in console.page.content()


def test_signing_out_leaves_nothing_of_the_user_behind(console: Console) -> None:
    console.enter(EDITOR)
    console.page.reload()
    expect(console.rows).to_have_count(len(MYCOMPANY))

    console.page.get_by_role("button", name="Sign out").click()

    expect(console.username).to_be_focused()
    assert console.page.evaluate("sessionStorage.length") == 0
    assert re.search("mycompany|Aanya", console.page.content()) is None


def test_a_missing_configuration_is_said_plainly(console: Console) -> None:
    console.page.route("**/config.json", lambda route: route.fulfill(status=404, body=""))

    console.open()

    expect(console.refusal).to_contain_text("This console is not configured")
    expect(console.page.locator("#sign-in")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 768])
def test_nothing_is_cut_off_on_a_narrow_screen(browser: Browser, stack: StackFile, width: int) -> None:
    with open_page(browser, width) as (page, watch):
        console = Console(page, watch, stack)
        console.enter(EDITOR)
        page.get_by_role("button", name=f"Edit {MYCOMPANY[0].name}").click()

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert watch.complaints == []


def _claiming_to_be(tenant_id: str, token: str) -> str:
    """Change the tenant in a token's claims and keep the signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    forged = json.dumps({**claims, "custom:tenant_id": tenant_id}).encode()
    return ".".join([header, base64.urlsafe_b64encode(forged).rstrip(b"=").decode(), signature])
