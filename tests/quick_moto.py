"""Makes moto answer in half the time: the tests ask it tens of thousands of times.

moto looks for each of the ten kinds of a value (a string, a number, a map …) under four spellings of its name, asks its
classes for their methods anew at each call, and compares an address with those of two hundred services. botocore says
letter by letter which client it is, and signs what moto does not verify. To list the versions in a bucket, moto copies
all that is in it. What is asked and answered stays the same.
"""

import functools
import string
from typing import Any
from urllib.parse import urlsplit

from botocore import auth, useragent
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import get_current_datetime
from botocore.exceptions import NoCredentialsError
from moto import backend_index
from moto.core import botocore_stubber as stubber
from moto.core import responses, serialize, utils
from moto.core.models import botocore_stubber
from moto.core.request import normalize_request
from moto.moto_api._internal.moto_random import MotoRandom
from moto.s3.models import FakeKey

_VALUE = "AttributeValue"
_structure = serialize.ResponseSerializer._serialize_type_structure


def _serialize_type_structure(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    """Serialize a structure; of an attribute's value, the kinds that it has."""
    if shape.name != _VALUE or not key or type(value) is not dict:
        _structure(self, serialized, value, shape, key)
        return
    kinds: dict[str, Any] = {}
    for kind, member in value.items():
        self._serialize(kinds, member, shape.members[kind], kind)
    self._default_serialize(serialized, kinds, shape, key)


def _get_random_string(self: Any, length: int = 20, include_digits: bool = True, lower_case: bool = False) -> str:
    """Make a text of letters, and digits, at once."""
    pool = string.ascii_letters + (string.digits if include_digits else "")
    made = "".join(self.choices(pool, k=length))
    return made.lower() if lower_case else made


def _begin_with_the_usual_services() -> None:
    """Compare an address first with those of the services that are asked most: no other service has one of these."""
    usual = ("dynamodb", "secretsmanager")
    backend_index.backend_url_patterns.sort(key=lambda entry: entry[0] not in usual)


class _Headers(dict[str, str]):
    """A request's headers, by name in any spelling."""

    def __init__(self, headers: Any) -> None:
        pairs = ((name.lower(), value) for name, value in headers.items())
        super().__init__((name, value.decode() if isinstance(value, bytes) else value) for name, value in pairs)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class _Call:
    """A request that is JSON to an address without a path, with what moto asks of requests and no form to look for."""

    from_wsgi_server = False
    content_encoding = None
    path = raw_path = "/"

    def __init__(self, request: AWSPreparedRequest, headers: _Headers) -> None:
        self.method, self.raw_url, self.headers = request.method, request.url, headers
        self.content_type = headers.get("Content-Type")
        self.data = request.body or b""
        self.environ: dict[str, str] = {}
        self.form: dict[str, str] = {}
        self.files: dict[str, Any] = {}
        self.values: dict[str, str] = {}


def _normalize_request(request: Any) -> Any:
    """Turn a request of botocore's into one of moto's."""
    if isinstance(request, AWSPreparedRequest) and urlsplit(request.url)[2:] == ("/", "", ""):
        headers = _Headers(request.headers)
        if headers.get("Content-Type", "").startswith("application/x-amz-json"):
            return _Call(request, headers)
    return normalize_request(request)


class _Listed(FakeKey):
    """An object in a listing: the content is still the other's, who ends it."""

    def dispose(self, garbage: bool = False) -> None:
        pass


def _without_content(self: Any, _: Any) -> _Listed:
    with self.lock:
        self.etag  # noqa: B018 - is found in the content, once
    made: _Listed = object.__new__(_Listed)
    made.__dict__.update(self.__dict__)
    return made


_Signer: Any = auth.AUTH_TYPE_MAPS["v4"]


class _NamedOnly(_Signer):  # type: ignore[misc]
    """Tells moto who asks, and signs what goes to any other server."""

    def add_auth(self, request: Any) -> None:
        if not botocore_stubber.enabled:
            super().add_auth(request)
            return
        if self.credentials is None:
            raise NoCredentialsError
        stamp = get_current_datetime().strftime("%Y%m%dT%H%M%SZ")
        scope = f"{self.credentials.access_key}/{stamp[:8]}/{self._region_name}/{self._service_name}/aws4_request"
        made = {
            "X-Amz-Date": stamp,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=, Signature=",
        }
        if self.credentials.token:
            made["X-Amz-Security-Token"] = self.credentials.token
        for name, value in made.items():
            # A repeated request has those of its last time.
            del request.headers[name]
            request.headers[name] = value


def _leave_the_user_agent(self: Any, **_: Any) -> None:
    """Let the request say which client it is as it was made: what is found out since is for AWS's statistics."""


def make_moto_quick() -> None:
    """Do so for this process; once is enough."""
    serialize.ResponseSerializer._serialize_type_structure = _serialize_type_structure  # type: ignore[method-assign]
    responses.method_names_from_class = functools.cache(utils.method_names_from_class)  # type: ignore[attr-defined]
    MotoRandom.get_random_string = _get_random_string  # type: ignore[method-assign]
    stubber.normalize_request = _normalize_request  # type: ignore[attr-defined]
    _begin_with_the_usual_services()
    FakeKey.__deepcopy__ = _without_content  # type: ignore[attr-defined]
    auth.AUTH_TYPE_MAPS["v4"] = _NamedOnly
    clean = useragent.sanitize_user_agent_string_component
    useragent.sanitize_user_agent_string_component = functools.lru_cache(clean)
    names: Any = useragent.UserAgentString
    names.rebuild_and_replace_user_agent_handler = _leave_the_user_agent
