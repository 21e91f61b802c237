"""What one request may cost the server."""

from collections.abc import Iterator

import pytest

from benchmarks.backend_memory import watch_backend
from benchmarks.worst_requests import Worst, event_of, worst_requests
from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import clear_caches, request_event

pytestmark = pytest.mark.usefixtures("heavy")

MOST_MB = 64
WORST = {
    worst.name: worst
    for worst in worst_requests()
    # What takes seconds, or is ended by the memory that a server gives a process alone, is the benchmark's.
    if worst.table != "huge" and worst.name not in ("or", "search", "seven up", "a long text")
}


@pytest.fixture
def large_answers(viewer: Viewer) -> Iterator[None]:
    """Let answers be as large as they are outside of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAX_ANSWER_BYTES", "4500000")
        viewer.new_connection()
        clear_caches()
        yield
        viewer.new_connection()
    clear_caches()


@pytest.mark.usefixtures("large_answers")
@pytest.mark.parametrize("name", WORST)
def test_costs_no_more_than_a_bound(viewer: Viewer, name: str) -> None:
    """A viewer asks for as much as the grammar allows; the backend takes 64 MB at most, and answers or refuses."""
    viewer.new_connection()
    assert viewer.get("light", limit="1").status == 200
    base = request_event(viewer.tenant, "GET", "light", role="viewer", body=None, prefer="", query={})
    with watch_backend(viewer.connection().get_backend_pid()) as peak:
        reply = viewer.send(event_of(WORST[name], base))
    assert reply.status in (200, 206, 400, 406, 413), reply.text
    assert peak.most > 0
    assert peak.above_idle_mb <= MOST_MB


def test_an_answer_ends_where_it_is_too_large_and_not_behind(viewer: Viewer) -> None:
    """Rows that are too many for an answer are refused with 413, while as many as fit are served."""
    assert viewer.get("heavy", select="id,t", limit="3").status == 200
    for query in ({"limit": "300"}, {"limit": "300", "order": "t"}, {}):
        reply = viewer.get("heavy", select="id,t", **query)
        assert (reply.status, reply.json["code"]) == (413, "payload_too_large")
    lines = viewer.get("heavy", select="id,t", headers={"Accept": "text/csv"})
    assert lines.status == 413
    whole = viewer.get("light", select="id,name")
    assert (whole.status, len(whole.json)) == (200, 1000)


def test_quotes_count_as_they_are_sent(viewer: Viewer) -> None:
    """A text of quotes is twice as long in the function's answer: no answer that Lambda could not send is built."""
    viewer.run("DROP TABLE IF EXISTS quotes; CREATE TABLE quotes (id int PRIMARY KEY, t text)")
    reply = viewer.write(
        "POST", "quotes", [{"id": i, "t": '\\"' * 100} for i in range(20)], prefer="return=representation"
    )
    assert reply.status == 201
    # 40,000 characters in the database, 80,000 in JSON, 160,000 as they are sent.
    viewer.run("UPDATE quotes SET t = repeat('\"', 2000)")
    assert viewer.get("quotes").status == 413
    kept = viewer.write("PATCH", "quotes", {"id": 1}, "return=representation", id="lt.0")
    assert kept.status == 200
    refused = viewer.write("PATCH", "quotes", {"t": '"' * 3_000}, "return=representation", id="gte.0")
    assert (refused.status, refused.json["message"][:20]) == (413, "Nothing was changed.")
    assert viewer.run("SELECT max(length(t)) FROM quotes") == [(2000,)]


def test_memory_that_the_server_does_not_give_is_told(viewer: Viewer) -> None:
    """A function of the tenant's makes a gigabyte of nothing: the statement is ended, and the session lives."""
    reply = viewer.get("rpc/long_text")
    assert (reply.status, reply.json["code"]) == (413, "53200")
    assert viewer.get("light", limit="1").status == 200


@pytest.mark.parametrize("pattern", ["((a{1,250}){1,250}){1,250}", "(a{99}){99}", "x{2,}(y{600})z"])
@pytest.mark.parametrize("form", ["t=match.{}", "t=not.imatch.{}", 'or=(t.match."{}",id.eq.1)'])
def test_repetitions_of_repetitions_are_refused(viewer: Viewer, pattern: str, form: str) -> None:
    """A pattern of thirty characters would take 160 MB to be read."""
    key, _, value = form.partition("=")
    reply = viewer.get("heavy", **{key: value.replace("{}", pattern), "select": "id"})
    assert (reply.status, reply.json["code"]) == (400, "PGRST100")


def test_useful_patterns_go_on(viewer: Viewer) -> None:
    """Repetitions that people write are no attack."""
    assert viewer.get("light", name="match.^Person [0-9]{1,3}$", select="id", limit="5").status == 200


@pytest.mark.parametrize("select", ["t.max()", "n.sum()", "t->>0.max()"])
def test_aggregates_of_one_column_are_as_many_as_its_repetitions(viewer: Viewer, select: str) -> None:
    """An operator has allowed aggregates: each of five hundred would keep the longest text in memory."""
    base = request_event(viewer.tenant, "GET", "heavy", role="viewer", body=None, prefer="", query={})
    base["requestContext"]["authorizer"]["dataApi"] = '{"aggregates": true}'

    def ask(times: int) -> tuple[int, str]:
        worst = Worst(
            "", "heavy", {"select": ",".join(f"a{i}:{select}" for i in range(times)) + ",b:count(),c:count()"}
        )
        reply = viewer.send(event_of(worst, base))
        return reply.status, reply.text

    assert ask(480)[0] == 400
    assert "PGRST100" in ask(480)[1]
    assert ask(5)[0] in (200, 413)


@pytest.mark.parametrize("column", ["t", "b", "v"])
def test_paths_into_a_text_are_as_many_as_its_repetitions(viewer: Viewer, column: str) -> None:
    """Nothing lies in a text: fifty paths into it, wherever they stand, are fifty copies of it."""
    viewer.run(
        "DROP TABLE IF EXISTS plain; CREATE TABLE plain (id int PRIMARY KEY, t text, b bytea, v varchar(9), d jsonb)"
    )
    paths = [f"{column}{'->0' * number}" for number in range(1, 8)]
    filters = dict.fromkeys(paths, "not.is.null")
    for query in ({"select": ",".join(paths)}, {"select": "id", "order": ",".join(paths)}, {"select": "id", **filters}):
        reply = viewer.get("plain", **query)
        assert (reply.status, reply.json["code"]) == (400, "PGRST100"), query
    mixed = viewer.get("plain", select=",".join(paths[:3]), order=",".join(paths[:3]))
    assert mixed.status == 400
    assert viewer.get("plain", select=f"{column}->0", order=f"{column}->0").status == 200
    in_json = [path.replace(column, "d", 1) for path in paths]
    assert viewer.get("plain", select=",".join(in_json), order=",".join(in_json)).status == 200
