"""The list of a pooler's users, from what the server knows."""

import re
import stat
from pathlib import Path

import pytest

from tenantry.servers.pooler_users import FAILED, WRITTEN, main
from tests.integration.conftest import World

LINE = re.compile(r'"([a-z0-9_-]+)" "SCRAM-SHA-256\$[0-9]+:[^"]+"\n')


@pytest.fixture
def administrator(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    server = world.server
    for name, value in {
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": server.admin_user,
        "PGPASSWORD": server.admin_password,
        "PGDATABASE": "postgres",
    }.items():
        monkeypatch.setenv(name, value)
    return world


def test_the_list_has_the_tenants_logins_and_nobody_else(administrator: World, tmp_path: Path) -> None:
    """Not backups' logins, not the administrator, not who only has such a name or such a comment."""
    world, (tenant, other), users = administrator, administrator.tenants, tmp_path / "users.txt"
    world.execute("CREATE ROLE stranger_login_a LOGIN PASSWORD 'x'; CREATE ROLE odd LOGIN PASSWORD 'x'")
    world.execute("COMMENT ON ROLE odd IS 'tenantry tenant=odd'")
    try:
        assert main(["--output", str(users)]) == WRITTEN
        found = LINE.findall(users.read_text())
    finally:
        world.execute("DROP ROLE stranger_login_a; DROP ROLE odd")
    assert LINE.sub("", users.read_text()) == ""
    # The second login of each has no password before the first rotation.
    assert {f"{tenant}_login_a", f"{other}_login_a"} <= set(found)
    assert all(re.fullmatch(r".+_login_[ab]", name) for name in found)
    assert "stranger_login_a" not in found


def test_a_file_is_replaced_where_the_list_has_changed(
    administrator: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = tmp_path / "users.txt"
    users.write_text("old")
    users.chmod(0o644)
    assert [main(["--output", str(users)]) for _ in range(2)] == [WRITTEN, WRITTEN]
    assert capsys.readouterr().out == "written\nunchanged\n"
    assert stat.S_IMODE(users.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [users]


def test_whoever_may_not_read_it_is_told_so(
    administrator: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    login = administrator.credentials[administrator.tenants[0]]
    for name, value in {"PGUSER": login.username, "PGPASSWORD": login.password, "PGDATABASE": login.dbname}.items():
        monkeypatch.setenv(name, value)
    assert main([]) == FAILED
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "The server's logins could not be read (42501).\n")
