"""Makes moto answer in half the time: the tests ask it tens of thousands of times.

moto looks for each of the ten kinds of a value (a string, a number, a map …) under four spellings of its name, asks its
classes for their methods anew at each call, and compares an address with those of two hundred services. botocore says
letter by letter which client it is, and signs what moto does not verify. To list the versions in a bucket, moto copies
all that is in it. A client is made anew for each who wants one. What is asked and answered stays the same.
"""

import functools
import os
import string
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from botocore import auth, useragent
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import get_current_datetime
from botocore.exceptions import NoCredentialsError
from botocore.session import Session
from moto import backend_index
from moto.core import botocore_stubber as stubber
from moto.core import responses, serialize, utils
from moto.core.base_backend import BaseBackend
from moto.core.models import botocore_stubber
from moto.core.request import normalize_request
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.utilities import bytesize
from moto.moto_api._internal.moto_random import MotoRandom
from moto.s3.models import FakeKey

_VALUE = "AttributeValue"
_MOST_BYTES = 405_000  # of an item, as moto has it
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
    made: str = self.randbytes(length).translate(_spread(pool)).decode()
    return made.lower() if lower_case else made


@functools.cache
def _spread(pool: str) -> bytes:
    """Give each byte a letter of the pool."""
    return "".join(pool[byte % len(pool)] for byte in range(256)).encode()


def _begin_with_the_usual_services() -> None:
    """Compare an address first with those of the services that are asked most: no other service has one of these."""
    usual = ("dynamodb", "secretsmanager")
    backend_index.backend_url_patterns.sort(key=lambda entry: entry[0] not in usual)


_write_urls: Any = BaseBackend.urls.fget  # type: ignore[attr-defined]
_written: dict[type[BaseBackend], Any] = {}


def _urls(self: BaseBackend) -> Any:
    """Return the addresses of a service, and who answers there: they are the same in each account and region."""
    kind = type(self)
    if kind not in _written:
        _written[kind] = _write_urls(self)
    return _written[kind]


def _make_item(self: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    """Make an item, and see once whether it is too large."""
    self.hash_key, self.range_key = hash_key, range_key
    self.attrs = LimitedSizeDict()
    values = {name: DynamoType(value) for name, value in attrs.items()}
    if sum(bytesize(name) + value.size() for name, value in values.items()) > _MOST_BYTES:
        raise ItemSizeTooLarge
    dict.update(self.attrs, values)


class _Headers(dict[str, str]):
    """A request's headers, by name in any spelling."""

    def __init__(self, headers: Any) -> None:
        for name, value in headers.items():
            self[name.lower()] = value.decode() if isinstance(value, bytes) else value

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


_NOBODY = object()
_say = useragent.UserAgentString.to_string
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


def _say_once(self: Any) -> str:
    """Say which client it is as it was said first."""
    # A copy for another configuration has what the original said.
    if getattr(self, "said_of", _NOBODY) is not self._client_config:
        self.said_of, self.said = self._client_config, _say(self)
    said: str = self.said
    return said


_create_anew = Session.create_client
_clients: dict[Any, Any] = {}


def _create_client(self: Session, service_name: str, region_name: str | None = None, **options: Any) -> Any:
    """Make a client that asks moto once for all who want the same: to make one takes five to ten milliseconds.

    One with credentials of its own, as a tenant's session has, is made anew.
    """
    own = {name: value for name, value in options.items() if name != "config"}
    if own or not botocore_stubber.enabled:
        return _create_anew(self, service_name, region_name, **options)
    configured = repr(getattr(options.get("config"), "_user_provided_options", None))
    # What the environment says of addresses is read when a client is made.
    environment = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
    key = (self, service_name, region_name, configured, environment)
    if key not in _clients:
        _clients[key] = _create_anew(self, service_name, region_name, **options)
    return _clients[key]


@contextmanager
def own_clients() -> Iterator[None]:
    """Have clients made anew meanwhile: one that a test changes, or listens to, is not another test's."""
    known = dict(_clients)
    _clients.clear()
    try:
        yield
    finally:
        _clients.clear()
        _clients.update(known)


def make_moto_quick() -> None:
    """Do so for this process; once is enough."""
    serialize.ResponseSerializer._serialize_type_structure = _serialize_type_structure  # type: ignore[method-assign]
    responses.method_names_from_class = functools.cache(utils.method_names_from_class)  # type: ignore[attr-defined]
    MotoRandom.get_random_string = _get_random_string  # type: ignore[method-assign]
    stubber.normalize_request = _normalize_request  # type: ignore[attr-defined]
    _begin_with_the_usual_services()
    BaseBackend.urls = property(_urls)  # type: ignore[assignment,method-assign]
    Item.__init__ = _make_item  # type: ignore[method-assign]
    FakeKey.__deepcopy__ = _without_content  # type: ignore[attr-defined]
    auth.AUTH_TYPE_MAPS["v4"] = _NamedOnly
    Session.create_client = _create_client  # type: ignore[assignment,method-assign]
    clean = useragent.sanitize_user_agent_string_component
    useragent.sanitize_user_agent_string_component = functools.lru_cache(clean)
    names: Any = useragent.UserAgentString
    names.to_string = _say_once
    names.rebuild_and_replace_user_agent_handler = _leave_the_user_agent
