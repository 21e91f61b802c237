"""What a first deployment to an account meets, checked on what CloudFormation gets."""

import re
from pathlib import Path
from typing import Any

import pytest

from tenantry.aws import service_probe
from tests.template.conftest import Template
from tests.template.test_template import IN_A_VPC, Transform, of_type, statements

IDENTITY = "arn:aws:ses:eu-west-1:123456789012:identity/acme.example"


def test_a_changed_parameter_reaches_the_stage(source: Template) -> None:
    """A deployment's logical id follows from the API's definition, in which a parameter has only its name."""
    assert source["Resources"]["Api"]["Properties"]["AlwaysDeploy"] is True


def test_no_second_stage_is_published(transformed: Transform) -> None:
    ((_, deployment),) = of_type(transformed(), "AWS::ApiGateway::Deployment").items()
    ((_, stage),) = of_type(transformed(), "AWS::ApiGateway::Stage").items()

    assert "StageName" not in deployment
    assert stage["StageName"] == {"Ref": "Stage"}
    assert stage["MethodSettings"] == [
        {
            "ResourcePath": "/*",
            "HttpMethod": "*",
            "ThrottlingRateLimit": {"Ref": "ApiRateLimit"},
            "ThrottlingBurstLimit": {"Ref": "ApiBurstLimit"},
        }
    ]


def test_only_the_local_stack_may_do_without_the_conditions_that_keep_tenants_apart(source: Template) -> None:
    rule = source["Rules"]["TagConditionsOnAws"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]}
    asserted = [assertion["Assert"] for assertion in rule["Assertions"]]
    assert {"Fn::Equals": [{"Ref": "PrincipalTagConditions"}, "ENABLED"]} in asserted


def test_the_first_operator_is_invited(transformed: Transform) -> None:
    assert of_type(transformed(), "AWS::Cognito::UserPoolUser") == {}
    made = of_type(transformed(FirstOperatorEmail="ops@acme.example"), "AWS::Cognito::UserPoolUser")["FirstOperator"]

    attributes = {attribute["Name"]: attribute["Value"] for attribute in made["UserAttributes"]}
    assert made["Username"] == attributes["email"] == {"Ref": "FirstOperatorEmail"}
    assert attributes["custom:role"] == "operator"
    assert "custom:tenant_id" not in attributes
    assert made["DesiredDeliveryMediums"] == ["EMAIL"]
    # With an issuer of one's own there is no pool to invite anybody to.
    own = {"OidcIssuer": "https://issuer.example", "OidcAudience": "app", "FirstOperatorEmail": "ops@acme.example"}
    assert of_type(transformed(**own), "AWS::Cognito::UserPoolUser") == {}


def test_an_invitation_has_nothing_beside_the_password_that_would_be_copied_with_it(transformed: Transform) -> None:
    ((_, pool),) = of_type(transformed(), "AWS::Cognito::UserPool").items()
    text = pool["AdminCreateUserConfig"]["InviteMessageTemplate"]["EmailMessage"]
    assert "{username}<br>" in text
    assert " {####}<br>" in text
    assert pool["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"] == 3
    assert "three days" in text


def test_users_are_the_same_however_they_write_their_name(transformed: Transform) -> None:
    ((_, pool),) = of_type(transformed(), "AWS::Cognito::UserPool").items()
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, None),
        (
            {"EmailIdentityArn": IDENTITY},
            {"EmailSendingAccount": "DEVELOPER", "SourceArn": {"Ref": "EmailIdentityArn"}},
        ),
        (
            {"EmailIdentityArn": IDENTITY, "EmailSender": "Acme <no-reply@acme.example>"},
            {
                "EmailSendingAccount": "DEVELOPER",
                "SourceArn": {"Ref": "EmailIdentityArn"},
                "From": {"Ref": "EmailSender"},
            },
        ),
    ],
)
def test_mails_are_sent_by_ses_where_an_identity_is_named(
    transformed: Transform, parameters: dict[str, str], expected: dict[str, Any] | None
) -> None:
    ((_, pool),) = of_type(transformed(**parameters), "AWS::Cognito::UserPool").items()
    assert pool.get("EmailConfiguration") == expected


@pytest.mark.parametrize(
    ("role", "machine"),
    [("BackupFleetRole", "backups"), ("DrillFleetRole", "drills"), ("RetentionFleetRole", "retention")],
)
def test_a_map_run_can_be_looked_at_stopped_and_redriven(transformed: Transform, role: str, machine: str) -> None:
    """Its children are named after the machine alone, or after it and the map's label."""
    (found,) = [s for s in statements(transformed(), role) if "states:RedriveExecution" in s["Action"]]

    assert set(found["Action"]) == {"states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"}
    names = sorted(resource["Fn::Sub"].rpartition("execution:")[2] for resource in found["Resource"])
    assert names == [f"tenantry-${{Stage}}-{machine}/*", f"tenantry-${{Stage}}-{machine}:*"]


READERS = ["AdministerTenantsRole", "PerformOperationRole", "WatchBackupsRole", "PlanDrillsRole", "DrillBackupRole"]
READERS += ["RetainBackupsRole"]


@pytest.mark.parametrize("role", [*READERS, "SummariseRunRole"])
def test_readers_are_told_what_is_missing(transformed: Transform, role: str) -> None:
    """S3 says 403 of what is not there to whoever may not list; reading an object names no prefix."""
    (found,) = [s for s in statements(transformed(), role) if "s3:ListBucket" in s["Action"]]
    assert "StringLike" not in found.get("Condition", {})


def test_keys_of_others_in_the_account_can_not_be_changed(transformed: Transform) -> None:
    found = {s["Sid"]: s for s in statements(transformed(), "AdministerTenantsRole") if "Sid" in s}
    assert found["ChangeKeys"]["Condition"] == {"StringEquals": {"aws:ResourceTag/Stage": {"Ref": "Stage"}}}
    assert found["TagKeys"]["Resource"]["Fn::Sub"].endswith("%2Fapikeys%2F*")


def test_the_authorizer_reads_no_other_items_than_tenants_names(transformed: Transform) -> None:
    (found,) = [s for s in statements(transformed(), "AuthorizeRequestRole") if s["Action"] == "dynamodb:GetItem"]
    assert found["Condition"]["ForAllValues:StringEquals"] == {"dynamodb:LeadingKeys": ["TENANT", "FORMER"]}
    assert found["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}


ENDPOINTS = {"VpcEndpoints": "CREATE", "RouteTableIds": "rtb-0123456789abcdef0"}
# The services by their names in the endpoints, and by those in the code.
SERVICES = {
    "apigateway": "apigateway",
    "cognito-idp": "cognito-idp",
    "dynamodb": "dynamodb",
    "lambda": "lambda",
    "s3": "s3",
    "scheduler": "scheduler",
    "secretsmanager": "secretsmanager",
    "states": "stepfunctions",
    "sts": "sts",
}


def test_endpoints_are_made_for_every_service_that_is_called(transformed: Transform) -> None:
    assert of_type(transformed(**IN_A_VPC), "AWS::EC2::VPCEndpoint") == {}
    made = of_type(transformed(**IN_A_VPC, **ENDPOINTS), "AWS::EC2::VPCEndpoint").values()

    names = {each["ServiceName"]["Fn::Sub"].rpartition(".")[2]: each for each in made}
    code = "".join(path.read_text() for path in Path("functions").rglob("*.py"))
    called = sorted(set(re.findall(r'aws_client\(\s*"([^"]+)"', code)))
    assert sorted(SERVICES[name] for name in names) == called == sorted(service_probe.SERVICES)
    gateways = {name for name, each in names.items() if each["VpcEndpointType"] == "Gateway"}
    assert gateways == {"s3", "dynamodb"}  # these cost nothing
    assert all(names[name]["RouteTableIds"] == {"Ref": "RouteTableIds"} for name in gateways)
    assert all(each["PrivateDnsEnabled"] for name, each in names.items() if name not in gateways)


def test_nobody_but_the_functions_reaches_the_endpoints(transformed: Transform) -> None:
    groups = of_type(transformed(**IN_A_VPC, **ENDPOINTS), "AWS::EC2::SecurityGroup")
    (rule,) = groups["EndpointsSecurityGroup"]["SecurityGroupIngress"]
    assert (rule["FromPort"], rule["ToPort"]) == (443, 443)
    assert rule["SourceSecurityGroupId"] == {"Ref": "FunctionsSecurityGroup"}


def _decide(condition: Any, values: dict[str, str]) -> bool:
    """Decide a rule's condition as CloudFormation does. An empty list of texts is one that holds an empty text."""
    ((function, operands),) = condition.items()
    if function == "Fn::EachMemberEquals":
        texts, text = operands
        return all(each == text for each in values[texts["Ref"]].split(","))
    if function == "Fn::Equals":
        left, right = (values[each["Ref"]] if isinstance(each, dict) else each for each in operands)
        return bool(left == right)
    decided = [_decide(each, values) for each in operands]
    return {"Fn::Not": not decided[0], "Fn::And": all(decided), "Fn::Or": any(decided)}[function]


def refused_by(source: Template, parameters: dict[str, str]) -> set[str]:
    """The names of the rules that refuse a deployment with these parameters."""
    values = {name: str(spec["Default"]) for name, spec in source["Parameters"].items()} | parameters
    return {
        name
        for name, rule in source["Rules"].items()
        if _decide(rule["RuleCondition"], values)
        and not all(_decide(each["Assert"], values) for each in rule["Assertions"])
    }


_NETWORK = {"VpcId": "vpc-01234567", "SubnetIds": "subnet-01234567,subnet-89abcdef"}
_POOL_OF_OTHERS = {"OidcIssuer": "https://issuer.example", "OidcAudience": "app"}


@pytest.mark.parametrize(
    ("parameters", "rules"),
    [
        ({}, set()),
        (_NETWORK | {"DatabaseSecurityGroupId": "sg-01234567"} | ENDPOINTS, set()),
        (_POOL_OF_OTHERS, set()),
        ({"EmailIdentityArn": IDENTITY, "EmailSender": "no-reply@acme.example"}, set()),
        ({"ObjectLock": "ENABLED", "ObjectLockMode": "COMPLIANCE"}, set()),
        ({"VpcId": "vpc-01234567"}, {"SubnetsWithVpc"}),
        ({"SubnetIds": "subnet-01234567"}, {"VpcWithSubnets"}),
        ({"DatabaseSecurityGroupId": "sg-01234567"}, {"VpcWithSubnets"}),
        (_NETWORK | {"VpcEndpoints": "CREATE"}, {"EndpointsInAVpc"}),
        (ENDPOINTS, {"EndpointsInAVpc"}),
        (_NETWORK | {"RouteTableIds": "rtb-01234567"}, {"EndpointsWithRouteTables"}),
        ({"OidcIssuer": "https://issuer.example"}, {"AudienceWithIssuer"}),
        ({"OidcAudience": "app"}, {"IssuerWithAudience"}),
        ({"EmailSender": "no-reply@acme.example"}, {"IdentityWithSender"}),
        ({"ObjectLockMode": "GOVERNANCE"}, {"LockWithLockMode"}),
        ({"SnapStart": "ON", "TenantIsolation": "PER_TENANT"}, {"SnapshotsOfSharedEnvironments"}),
        ({"PrincipalTagConditions": "DISABLED"}, {"TagConditionsOnAws"}),
    ],
)
def test_what_a_parameter_needs_is_asked_for(source: Template, parameters: dict[str, str], rules: set[str]) -> None:
    assert refused_by(source, parameters) == rules
    assert all(a["AssertDescription"].endswith(".") for rule in rules for a in source["Rules"][rule]["Assertions"])


@pytest.mark.parametrize(
    ("value", "is_taken"),
    [
        ("*", True),
        ("https://app.example.com", True),
        ("https://app.example.com:8443", True),
        ("http://localhost:4430", True),
        ("https://App.example.com", False),
        ("https://app.example.com:443", False),
        ("http://localhost:80", False),
        ("https://app.example.com/", False),
    ],
)
def test_an_origin_is_written_as_browsers_send_it(source: Template, value: str, is_taken: bool) -> None:
    """They compare it letter by letter, so no page could read an answer."""
    assert bool(re.fullmatch(source["Parameters"]["CorsOrigin"]["AllowedPattern"], value)) is is_taken


@pytest.mark.parametrize(
    ("value", "is_taken"),
    [("", True), ("no-reply@acme.example", True), ("Acme <no-reply@acme.example>", True), ("Acme", False)],
)
def test_a_sender_is_an_address(source: Template, value: str, is_taken: bool) -> None:
    """What SAM leaves of `Name <address>` without quotes of its own is a name."""
    assert bool(re.fullmatch(source["Parameters"]["EmailSender"]["AllowedPattern"], value)) is is_taken


def test_the_deployment_says_what_retention_does(source: Template) -> None:
    value = source["Outputs"]["RetentionOfBackups"]["Value"]["Fn::If"]
    assert value[0] == "RetentionDeletes"
    assert "deletes nothing" in value[2]["Fn::If"][1]


def test_operations_leave_the_data_api_its_own(transformed: Transform) -> None:
    def reserved(**parameters: str) -> Any:
        function = of_type(transformed(**parameters), "AWS::Lambda::Function")["PerformOperation"]
        return function.get("ReservedConcurrentExecutions")

    assert reserved() is None
    assert reserved(OperationConcurrency="20") == {"Ref": "OperationConcurrency"}
