"""Fills the gaps of the local API Gateway through its API, so that it behaves as AWS does with the same template.

The local gateway ignores gateway responses, so errors would lack CORS headers and our shape. It also ignores
everything in a mock integration except its type, so preflights would get empty answers. Both are read from the deployed
template and applied.

The local gateway takes an API key only from the client's header, never from the authorizer. With the definition's
requirement of a key, nobody could call the data API, so the requirement is removed here; the handler still refuses a
tenant without a key.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from local.aws_server import REGION, AwsServer
from local.deployment import STACK_NAME, Deployment
from local.intrinsics import Json, Resolver

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})


def fill_gateway_gaps(aws: AwsServer, deployment: Deployment) -> None:
    """Apply the definition's gateway responses and mock integrations, and deploy them to the API's stage."""
    cloudformation = aws.client("cloudformation")
    gateway = aws.client("apigateway")
    template, resolver = _deployed_template(cloudformation)
    for body in _definitions(template):
        _put_gateway_responses(gateway, deployment.api_id, body, resolver)
        _put_mock_integrations(gateway, deployment.api_id, body, resolver)
        _require_no_header_key(gateway, deployment.api_id, body)
    gateway.create_deployment(restApiId=deployment.api_id, stageName=deployment.api_stage)


def _deployed_template(cloudformation: Any) -> tuple[Json, Resolver]:
    template = cloudformation.get_template(StackName=STACK_NAME, TemplateStage="Processed")["TemplateBody"]
    if isinstance(template, str):
        template = json.loads(template)
    stack = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    resources = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    names = {
        "AWS::Region": REGION,
        "AWS::StackName": STACK_NAME,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
    }
    names["AWS::AccountId"] = stack["StackId"].split(":")[4]
    names |= {item["ParameterKey"]: item.get("ParameterValue", "") for item in stack.get("Parameters", [])}
    names |= {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in resources}
    return template, Resolver(names, template.get("Conditions", {}))


def _definitions(template: Json) -> Iterator[Json]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ApiGateway::RestApi" and "Body" in resource.get("Properties", {}):
            yield resource["Properties"]["Body"]


def _put_gateway_responses(gateway: Any, api_id: str, body: Json, resolver: Resolver) -> None:
    responses = resolver.resolve(body.get("x-amazon-apigateway-gateway-responses", {}))
    for response_type, response in responses.items():
        status = {"statusCode": str(response["statusCode"])} if "statusCode" in response else {}
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType=response_type,
            responseParameters=response.get("responseParameters", {}),
            responseTemplates=response.get("responseTemplates", {}),
            **status,
        )


def _put_mock_integrations(gateway: Any, api_id: str, body: Json, resolver: Resolver) -> None:
    ids = _resource_ids(gateway, api_id)
    for path, method, operation in _operations(body):
        integration = operation.get("x-amazon-apigateway-integration", {})
        if str(integration.get("type")).lower() == "mock":
            address = {"restApiId": api_id, "resourceId": ids[path], "httpMethod": method.upper()}
            _put_mock_integration(gateway, address, resolver.resolve(integration))


def _put_mock_integration(gateway: Any, address: Mapping[str, str], integration: Json) -> None:
    gateway.put_integration(
        **address,
        type="MOCK",
        requestTemplates=integration.get("requestTemplates", {}),
        passthroughBehavior=str(integration.get("passthroughBehavior", "when_no_match")).upper(),
    )
    for pattern, response in integration.get("responses", {}).items():
        status = str(response["statusCode"])
        parameters = response.get("responseParameters", {})
        selection = {} if pattern == "default" else {"selectionPattern": pattern}
        gateway.put_method_response(**address, statusCode=status, responseParameters=dict.fromkeys(parameters, False))
        gateway.put_integration_response(
            **address,
            statusCode=status,
            responseParameters=parameters,
            responseTemplates=response.get("responseTemplates", {}),
            **selection,
        )


def _require_no_header_key(gateway: Any, api_id: str, body: Json) -> None:
    if body.get("x-amazon-apigateway-api-key-source") != "AUTHORIZER":
        return
    schemes = body.get("components", {}).get("securitySchemes", {})
    keys = {name for name, scheme in schemes.items() if scheme.get("name") == "x-api-key"}
    ids = _resource_ids(gateway, api_id)
    for path, method, operation in _operations(body):
        if any(keys & requirement.keys() for requirement in operation.get("security", [])):
            gateway.update_method(
                restApiId=api_id,
                resourceId=ids[path],
                httpMethod=method.upper(),
                # Remove the flag: the local gateway would take the text "false" as true.
                patchOperations=[{"op": "remove", "path": "/apiKeyRequired"}],
            )


def _operations(body: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in body.get("paths", {}).items():
        for method, operation in item.items():
            if method in _METHODS:
                yield path, method, operation


def _resource_ids(gateway: Any, api_id: str) -> dict[str, str]:
    pages = gateway.get_paginator("get_resources").paginate(restApiId=api_id)
    return {item["path"]: item["id"] for page in pages for item in page["items"]}
