"""`SnapStart`: the data API's environments start from a snapshot of a published version."""

from collections.abc import Iterator
from typing import Any

from tests.template.conftest import Template
from tests.template.test_template import IN_A_VPC, Transform, of_type

FUNCTION = "QueryTenantFromSnapshot"


def test_without_it_nothing_is_published(transformed: Transform) -> None:
    template = transformed()
    assert of_type(template, "AWS::Lambda::Alias") == of_type(template, "AWS::Lambda::Version") == {}
    assert FUNCTION not in template["Resources"]
    assert called_by_the_data_api(template) == {"QueryTenant"}


def test_requests_reach_the_version_that_has_the_snapshot(transformed: Transform) -> None:
    template = transformed(SnapStart="ON")
    ((alias_id, alias),) = of_type(template, "AWS::Lambda::Alias").items()
    ((version_id, version),) = of_type(template, "AWS::Lambda::Version").items()

    assert of_type(template, "AWS::Lambda::Function")[FUNCTION]["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [version_id, "Version"]}
    assert alias["FunctionName"] == version["FunctionName"] == {"Ref": FUNCTION}
    assert called_by_the_data_api(template) == {alias_id}
    assert template["Resources"]["ApiInvokesQueryTenant"]["Properties"]["FunctionName"] == {"Ref": alias_id}


def test_it_is_the_same_function_otherwise(transformed: Transform) -> None:
    template = transformed(SnapStart="ON", QueryConcurrency="50", **IN_A_VPC)
    functions = of_type(template, "AWS::Lambda::Function")
    usual, snapshot = functions["QueryTenant"], functions[FUNCTION]

    # What serves nobody reserves nothing.
    assert "ReservedConcurrentExecutions" not in usual
    assert snapshot["ReservedConcurrentExecutions"] == {"Ref": "QueryConcurrency"}
    differing = {name for name in usual | snapshot if usual.get(name) != snapshot.get(name)}
    assert differing == {"ReservedConcurrentExecutions", "SnapStart"}


def test_a_parameter_that_changes_publishes_a_version(source: Template) -> None:
    """SAM does not see it. Another description replaces the version, by CloudFormation's own rules."""
    properties = source["Resources"][FUNCTION]["Properties"]
    description = set(named(properties["VersionDescription"]))
    read = set(named(properties)) | {"Architecture", "SubnetIds"}
    # The name of a stage is part of the stack's secrets; these stay what they are, or switch this function itself.
    fixed = {"Stage", "SnapStart", "TenantIsolation", "QueryConcurrency"}
    assert (read & source["Parameters"].keys()) - fixed == description


def test_the_longest_description_is_not_too_long(source: Template) -> None:
    longest = source["Parameters"]["CorsOrigin"]["MaxLength"] + len("x86_64 0001  ") + 6 * 17
    assert longest <= 256


def test_it_needs_environments_that_tenants_share(source: Template) -> None:
    rule = source["Rules"]["SnapshotsOfSharedEnvironments"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "SnapStart"}, "ON"]}
    (assertion,) = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Equals": [{"Ref": "TenantIsolation"}, "SHARED"]}


def called_by_the_data_api(template: Template) -> set[str]:
    """Name the functions that the integrations of /rest/v1 call."""
    paths = template["Resources"]["Api"]["Properties"]["Body"]["paths"]
    routes = [item for path, item in paths.items() if path.startswith("/rest/v1")]
    operations = [operation for route in routes for operation in route.values() if isinstance(operation, dict)]
    return set(named([operation["x-amazon-apigateway-integration"].get("uri") for operation in operations]))


def named(node: Any) -> Iterator[str]:
    """Yield what is referred to, anywhere in it."""
    if isinstance(node, list):
        for item in node:
            yield from named(item)
    elif isinstance(node, dict):
        if "Ref" in node:
            yield node["Ref"]
        if "Fn::GetAtt" in node:
            yield node["Fn::GetAtt"][0]
        for value in node.values():
            yield from named(value)
