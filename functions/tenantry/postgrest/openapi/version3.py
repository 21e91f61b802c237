"""Rewrites our OpenAPI 2.0 document as OpenAPI 3.0, which the generators of types and clients read today."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from tenantry.postgrest.openapi.types import Json

_VERSION = "3.0.3"
# Components may have no other characters in their names (OpenAPI 3.0.3, section 4.7.7.1).
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]")
_KINDS = {"definitions": "schemas", "parameters": "parameters", "responses": "responses"}
_TOKEN = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
_JSON, _CSV = "application/json", "text/csv"
_OBJECT, _FORM = "application/vnd.pgrst.object+json", "application/x-www-form-urlencoded"
_BODIES = frozenset({"200", "201", "206"})


def rewrite(document: Json, base_url: str) -> Json:
    """Say in OpenAPI 3.0 what a document of ours in 2.0 says.

    A body is one row or, where rows are added, several; its schema requires no column, for a row may leave out what has
    a default. An answer is rows, or one row where that is asked for.

    :param base_url: the address of the data API, up to and including `/rest/v1`.
    """
    return _Rewriting(document).document(base_url)


class _Rewriting:
    """The rewriting of one document: it knows the new name of each component."""

    def __init__(self, document: Json) -> None:
        self._old = document
        definitions = document["definitions"]
        self._names = {kind: _new_names(document[kind]) for kind in _KINDS}
        self._written = _new_names((f"{key}.write" for key in definitions), self._names["definitions"].values())

    def document(self, base_url: str) -> Json:
        """Return the new document."""
        old = self._old
        return {
            "openapi": _VERSION,
            "info": old["info"],
            "servers": [{"url": base_url.rstrip("/")}],
            "security": old["security"],
            "paths": {
                path: {method: self._operation(method, each) for method, each in methods.items()}
                for path, methods in old["paths"].items()
            },
            "components": {
                "schemas": self._components("definitions", self._schema) | self._write_schemas(),
                "parameters": self._components("parameters", self._parameter, self._is_no_body),
                "responses": self._components("responses", self._response),
                "securitySchemes": dict.fromkeys(old["securityDefinitions"], _TOKEN),
            },
        }

    def _components(
        self, kind: str, rewritten: Callable[[Json], Json], wanted: Callable[[Json], bool] = lambda _: True
    ) -> Json:
        names = self._names[kind]
        return {names[key]: rewritten(each) for key, each in self._old[kind].items() if wanted(each)}

    def _write_schemas(self) -> Json:
        """Describe rows as a body may have them, for each table that has one."""
        tables = [each["name"] for each in self._old["parameters"].values() if not self._is_no_body(each)]
        rows = {key: self._schema(self._old["definitions"][key]) for key in tables}
        return {
            self._written[f"{key}.write"]: {name: each for name, each in row.items() if name != "required"}
            for key, row in rows.items()
        }

    @staticmethod
    def _is_no_body(parameter: Json) -> bool:
        return bool(parameter["in"] != "body")

    def _operation(self, method: str, old: Json) -> Json:
        made = {name: each for name, each in old.items() if name in ("tags", "summary", "description")}
        parameters = [self._resolved(each) for each in old["parameters"]]
        kept = [each for each, found in zip(old["parameters"], parameters, strict=True) if self._is_no_body(found)]
        made["parameters"] = [self._parameter(each) for each in kept]
        if body := next((each for each in parameters if not self._is_no_body(each)), None):
            made["requestBody"] = self._body(body, many=method == "post")
        produced = old.get("produces", ())[:1]
        made["responses"] = {status: self._answer(status, each, produced) for status, each in old["responses"].items()}
        return made

    def _resolved(self, parameter: Json) -> Json:
        found: Json = self._old["parameters"][_key(parameter["$ref"])] if "$ref" in parameter else parameter
        return found

    def _body(self, old: Json, *, many: bool) -> Json:
        """Describe a row of a table, or the arguments of a function."""
        if "$ref" not in old["schema"]:
            content = {_JSON: {"schema": self._schema(old["schema"])}}
            is_object = old["schema"].get("type") == "object"
            return {"required": True, "content": content | ({_FORM: content[_JSON]} if is_object else {})}
        row = _reference("schemas", self._written[f"{_key(old['schema']['$ref'])}.write"])
        rows = {"oneOf": [row, {"type": "array", "items": row}]} if many else row
        return {"content": {_JSON: {"schema": rows}, _FORM: {"schema": row}, **_csv()}}

    def _parameter(self, old: Json) -> Json:
        if "$ref" in old:
            return self._schema(old)
        made = {name: each for name, each in old.items() if name in ("name", "in", "required", "description")}
        others = {name: each for name, each in old.items() if name not in made and name != "collectionFormat"}
        return made | {"schema": self._schema(others)}

    def _answer(self, status: str, old: Json, produced: Iterable[str]) -> Json:
        """Describe an answer of an operation: rows if its schema says so, else anything, but nothing for 204."""
        if "$ref" in old or status not in _BODIES:
            return self._response(old)
        made = self._response({name: each for name, each in old.items() if name != "schema"})
        schema = self._schema(old.get("schema", {}))
        content = {each: {"schema": schema} for each in (*produced, _JSON)}
        if schema.get("type") == "array":
            content |= {_OBJECT: {"schema": schema["items"]}, **_csv()}
        return made | {"content": content}

    def _response(self, old: Json) -> Json:
        if "$ref" in old:
            return self._schema(old)
        made = {"description": old["description"]}
        if headers := old.get("headers"):
            made["headers"] = {name: {"schema": each} for name, each in headers.items()}
        return made | ({"content": {_JSON: {"schema": self._schema(old["schema"])}}} if "schema" in old else {})

    def _schema(self, old: Json) -> Json:
        """Rewrite a schema, or a reference to any component."""
        if "$ref" in old:
            kind = old["$ref"].split("/")[1]
            return _reference(_KINDS[kind], self._names[kind][_key(old["$ref"])])
        made = {name: each for name, each in old.items() if name != "x-nullable"}
        if "items" in made:
            made["items"] = self._schema(made["items"])
        if "properties" in made:
            made["properties"] = {name: self._schema(each) for name, each in made["properties"].items()}
        # What has no type may be null anyway.
        return made | (_nullable(made) if old.get("x-nullable") and "type" in made else {})


def _nullable(schema: Json) -> Json:
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {"nullable": True, **values}


def _csv() -> Json:
    return {_CSV: {"schema": {"type": "string"}}}


def _reference(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _key(reference: str) -> str:
    return unquote(reference.split("/")[2]).replace("~1", "/").replace("~0", "~")


def _new_names(keys: Iterable[str], taken: Iterable[str] = ()) -> Mapping[str, str]:
    """Give each component a name of its own that OpenAPI 3.0 allows, which is the old one wherever that is allowed."""
    found: dict[str, str] = {}
    used: set[Any] = set(taken)
    # Those that keep their names come first, so that no other takes them.
    for key in sorted(keys, key=lambda each: bool(_NOT_IN_NAMES.search(each))):
        name = _NOT_IN_NAMES.sub(lambda odd: f"_u{ord(odd[0]):x}", key)
        while name in used:
            name += "_"
        found[key] = name
        used.add(name)
    return found
