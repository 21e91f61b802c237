"""Answers `/rest/v1/`: an OpenAPI document, 2.0 or 3.0, of what the caller's role may see and do."""

import json

from tenantry import VERSION
from tenantry.aws.gateway_answers import MOST_BODY_BYTES, sent_bytes
from tenantry.data_api.catalogues import Catalogues
from tenantry.data_api.data_request import DataRequests, first_call
from tenantry.data_api.visibility import parse_visible, visible_statement
from tenantry.database.preambles import CallSettings
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.errors import PayloadTooLarge
from tenantry.domain.tenant import Caller, database_role
from tenantry.postgrest import Answer, Kind, Request
from tenantry.postgrest.catalogue.methods import allowed_methods
from tenantry.postgrest.catalogue.model import Name
from tenantry.postgrest.media import Form, negotiate
from tenantry.postgrest.openapi.document import describe
from tenantry.postgrest.openapi.types import Json
from tenantry.postgrest.openapi.version3 import rewrite
from tenantry.postgrest.own_headers import profile_header
from tenantry.postgrest.plan.planning import schema_of


def describe_api(
    requests: DataRequests,
    caller: Caller,
    accept: str,
    profile: str,
    base_url: str,
    call: CallSettings,
    *,
    head: bool,
) -> Answer:
    """Describe one schema of the caller's own database.

    :param base_url: the address of the data API.
    :param call: what the caller's database is told of the request.
    :raises TenantryError: the media type or the schema is not available, or the database can't be asked.
    """
    media = negotiate(accept, plans=False, root=True)

    def answer(connection: TenantConnection, catalogues: Catalogues) -> Answer:
        schemas = caller.data_api.exposed(connection.schema)
        schema = schema_of(Request("GET", "", {}, schemas=schemas, profile=profile))
        document = _describe(caller, schemas, schema, base_url, call, connection, catalogues)
        if media.form is Form.OPENAPI_3:
            document = rewrite(document, base_url)
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        if sent_bytes(text) > MOST_BODY_BYTES:
            raise PayloadTooLarge("The description is too large.", hint="Have an operator expose fewer tables.")
        profiles = profile_header(schema) if len(schemas) > 1 or profile else {}
        return Answer(200, "" if head else text, {"Content-Type": media.content_type, **profiles})

    return requests.with_catalogue(caller, answer)


def allow(requests: DataRequests, caller: Caller, kind: Kind, name: str, profile: str) -> Answer:
    """List the methods that a table or function of the caller's own database supports.

    :raises TenantryError: no table or function has that name, or the database can't be asked.
    """

    def answer(connection: TenantConnection, catalogues: Catalogues) -> Answer:
        schemas = caller.data_api.exposed(connection.schema)
        schema = schema_of(Request("OPTIONS", name, {}, schemas=schemas, profile=profile))
        methods = allowed_methods(catalogues.get(connection, schemas), kind, Name(schema, name))
        return Answer(200, "", {"Allow": methods})

    return requests.with_catalogue(caller, answer)


def _describe(
    caller: Caller,
    schemas: tuple[str, ...],
    schema: str,
    base_url: str,
    call: CallSettings,
    connection: TenantConnection,
    catalogues: Catalogues,
) -> Json:
    catalogue = catalogues.get(connection, schemas)
    text, values = visible_statement(schemas)
    role = database_role(caller.tenant_id, caller.role)
    call = call._replace(first=first_call(caller, connection))
    _, visible, state = connection.run(role, caller.claims, text, values, reads_only=True, columns=3, call=call)
    connection.note_state(state)
    return describe(
        catalogue,
        parse_visible(visible),
        schema,
        title=f"Data API of {caller.tenant_id}",
        version=VERSION,
        base_url=base_url,
        many_schemas=len(schemas) > 1,
    )
