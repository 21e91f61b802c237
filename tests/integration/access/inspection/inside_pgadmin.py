"""Runs inside pgAdmin's own environment, as its desktop mode: its command line, or its views over their HTTP interface.

`inside_pgadmin.py setup COMMAND …` is pgAdmin's `setup.py`; after `--` follows another of its commands, for which
pgAdmin is not started once more: that takes six seconds of a processor.

`inside_pgadmin.py browse` reads `[{"server", "sql"}, …]` from standard input, connects to each server as a click on it
in the tree does, runs the statements as the query tool does, and prints their results as JSON.
"""

import builtins
import functools
import importlib
import json
import runpy
import sys
from importlib.util import find_spec
from typing import Any

_SEARCHED = find_spec("pgadmin4")
assert _SEARCHED is not None
assert _SEARCHED.submodule_search_locations is not None
ROOT = next(iter(_SEARCHED.submodule_search_locations))


def setup(arguments: list[str]) -> None:
    sys.path.insert(0, ROOT)
    # Its settings are what it imports first; the other way round its modules do not find each other.
    importlib.import_module("config")
    pgadmin = importlib.import_module("pgadmin")
    pgadmin.create_app = functools.cache(pgadmin.create_app)  # type: ignore[attr-defined]
    for command in " ".join(arguments).split(" -- "):
        sys.argv = [f"{ROOT}/setup.py", *command.split()]
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise


class Browser:
    """One user of pgAdmin at a desk."""

    def __init__(self) -> None:
        sys.path.insert(0, ROOT)
        config = importlib.import_module("config")
        config.WTF_CSRF_ENABLED = False  # type: ignore[attr-defined]
        # What it keeps for itself would be encrypted with a password that a desktop asks for; it keeps nothing here.
        config.MASTER_PASSWORD_REQUIRED = config.USE_OS_SECRET_STORAGE = False  # type: ignore[attr-defined]
        app = importlib.import_module("pgadmin").create_app()
        app.PGADMIN_INT_KEY, app.PGADMIN_RUNTIME = "", False
        app.run_before_app_start()
        self.client = app.test_client()
        self.transactions = 0

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self.client.open(path, method=method, json=body)
        return {"http": answer.status_code} | (answer.get_json(silent=True) or {"text": answer.get_data(as_text=True)})

    def servers(self) -> dict[str, tuple[int, int]]:
        """The servers in the tree by name, with the ids of their group and of themselves."""
        groups = self.call("GET", "/browser/nodes/")["data"]
        found = {}
        for group in groups:
            for server in self.call("GET", f"/browser/server_group/children/{group['_id']}")["data"]:
                found[server["label"]] = (group["_id"], server["_id"])
        return found

    def connect(self, group: int, server: int) -> dict[str, Any]:
        return self.call("POST", f"/browser/server/connect/{group}/{server}", {})

    def databases(self, group: int, server: int) -> dict[str, int]:
        nodes = self.call("GET", f"/browser/database/nodes/{group}/{server}/")["data"]
        return {node["label"]: node["_id"] for node in nodes}

    def query(self, group: int, server: int, database: tuple[str, int], statement: str) -> dict[str, Any]:
        self.transactions += 1
        number, (name, oid) = self.transactions, database
        path = f"/sqleditor/initialize/sqleditor/{number}/{group}/{server}/{oid}"
        opened = self.call("POST", path, {"dbname": name})
        if opened["http"] != 200:
            return opened
        started = self.call("POST", f"/sqleditor/query_tool/start/{number}", {"sql": statement})
        if started["http"] != 200:
            return started
        while (polled := self.call("GET", f"/sqleditor/poll/{number}")).get("data", {}).get("status") == "Busy":
            pass
        self.call("DELETE", f"/sqleditor/close/{number}")
        return polled


def browse(asked: list[dict[str, str]]) -> list[dict[str, Any]]:
    browser = Browser()
    servers = browser.servers()
    answers = []
    for one in asked:
        group, server = servers[one["server"]]
        connected = browser.connect(group, server)
        answer: dict[str, Any] = {"connected": connected.get("success"), "told": json.dumps(connected)}
        if connected.get("success"):
            databases = browser.databases(group, server)
            answer |= {"databases": sorted(databases), "results": []}
            entry = next(iter(databases.items()))
            for statement in one["sql"]:
                told = browser.query(group, server, entry, statement)
                data = told.get("data") or {}
                rows = data.get("result")
                answer["results"].append({"status": data.get("status"), "rows": rows, "told": json.dumps(told)})
        answers.append(answer)
    return answers


if __name__ == "__main__":
    builtins.SERVER_MODE = False  # type: ignore[attr-defined]
    if sys.argv[1] == "setup":
        setup(sys.argv[2:])
    else:
        answers = browse(json.load(sys.stdin))
        sys.stdout.write("\n" + json.dumps(answers))
