"""A domain's default is changed and announced: rows that are written from then on have it, in the same session."""

from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import World


def test_rows_get_the_default_that_a_domain_has_by_now(world: World) -> None:
    caller = Viewer(world, world.tenants[0])
    caller.run("CREATE DOMAIN level AS int DEFAULT 1; CREATE TABLE steps (id int PRIMARY KEY, level level)")
    try:
        # With the catalogue known, both statements are the same.
        assert caller.get("steps", select="level,none(id)").json["code"] == "PGRST200"
        assert caller.write("POST", "steps", {"id": 1}).status == 201
        kept = caller.pid()
        caller.run("ALTER DOMAIN level SET DEFAULT 2; NOTIFY pgrst, 'reload schema'")
        # What was announced comes with an answer at the latest.
        assert caller.get("steps", select="level").json == [{"level": 1}]
        assert caller.write("POST", "steps", {"id": 2}).status == 201
        assert caller.run("SELECT level FROM steps ORDER BY id") == [(1,), (2,)]
        assert caller.pid() == kept
    finally:
        caller.run("DROP TABLE steps; DROP DOMAIN level")
        caller.new_connection()
