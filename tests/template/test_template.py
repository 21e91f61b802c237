"""The template's promises, checked on what CloudFormation gets."""

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from tenantry.aws.gateway_answers import EXPOSED_HEADERS

type Template = dict[str, Any]
type Transform = Callable[..., Template]

FUNCTIONS = {
    "AdministerTenants": "administer_tenants",
    "AuthorizeRequest": "authorize_request",
    "BackUpTenant": "back_up_tenant",
    "ConductRollout": "conduct_rollout",
    "DrillBackup": "drill_backup",
    "GetHealth": "get_health",
    "ManageBackups": "manage_backups",
    "MigrateTenants": "migrate_tenants",
    "PerformOperation": "perform_operation",
    "PlanBackups": "plan_backups",
    "PlanDrills": "plan_drills",
    "ProbeNetwork": "probe_network",
    "QueryTenant": "query_tenant",
    "RetainBackups": "retain_backups",
    "RotateCredentials": "rotate_credentials",
    "ScheduleRetention": "schedule_retention",
    "SummariseRun": "summarise_run",
    "WatchBackups": "watch_backups",
    "WatchSessions": "watch_sessions",
}
OPENING_CONNECTIONS = {
    "AdministerTenants",
    "BackUpTenant",
    "DrillBackup",
    "MigrateTenants",
    "PerformOperation",
    "ProbeNetwork",
    "QueryTenant",
    "RotateCredentials",
    "WatchSessions",
}
CATALOGUE = {"s3:ListBucket", "s3:ListBucketVersions", "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging"}
CATALOGUE |= {
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetObjectVersionTagging",
    "s3:GetObjectLegalHold",
    "s3:GetObjectRetention",
}
ROLLOUTS = {
    f"dynamodb:{action}" for action in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "BatchGetItem")
}
USAGE_KEYS = {f"apigateway:{method}" for method in ("GET", "POST", "PUT", "PATCH", "DELETE")}
IN_A_VPC = {
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetIds": "subnet-0123456789abcdef0",
    "DatabaseSecurityGroupId": "sg-0123456789abcdef0",
}


def of_type(template: Template, kind: str) -> dict[str, Any]:
    return {name: r["Properties"] for name, r in template["Resources"].items() if r["Type"] == kind}


def statements(template: Template, role: str) -> Iterator[dict[str, Any]]:
    """Every statement of a role's own policies that allows something."""
    for policy in template["Resources"][role]["Properties"].get("Policies", []):
        yield from (s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow")
    for policy in of_type(template, "AWS::IAM::Policy").values():
        if {"Ref": role} in policy["Roles"]:
            yield from policy["PolicyDocument"]["Statement"]


def actions(template: Template, role: str) -> set[str]:
    return {
        action
        for statement in statements(template, role)
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def operations(template: Template) -> Iterator[tuple[str, str, dict[str, Any]]]:
    ((_, api),) = of_type(template, "AWS::ApiGateway::RestApi").items()
    for path, methods in api["Body"]["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield path, method, operation


def test_every_function_has_a_handler_an_event_and_its_own_log(transformed: Transform) -> None:
    template = transformed()
    functions = of_type(template, "AWS::Lambda::Function")
    assert functions.keys() == FUNCTIONS.keys()
    for name, module in FUNCTIONS.items():
        function = functions[name]
        assert function["Handler"] == f"handlers.{module}.handler"
        assert Path(f"functions/handlers/{module}.py").is_file()
        json.loads(Path(f"events/{module}.json").read_text())
        assert function["TracingConfig"] == {"Mode": "Active"}
        log = template["Resources"][function["LoggingConfig"]["LogGroup"]["Ref"]]
        assert log["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_every_parameter_is_described_and_checked(source: Template) -> None:
    grouped = [
        name
        for group in source["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        for name in group["Parameters"]
    ]
    assert sorted(grouped) == sorted(source["Parameters"])
    for name, parameter in source["Parameters"].items():
        assert parameter["Description"], name
        assert {"AllowedPattern", "AllowedValues", "MinValue"} & parameter.keys(), name


def test_no_route_but_health_is_open(transformed: Transform) -> None:
    for path, method, operation in operations(transformed()):
        if method == "options":
            # A preflight carries no token, and must not start a function.
            assert operation["x-amazon-apigateway-integration"]["type"] == "mock"
        elif path == "/health":
            assert "security" not in operation
        elif path.startswith(("/rest/", "/backups/")):
            assert operation["security"] == [{"tenantToken": []}, {"usageKey": []}], (path, method)
        else:
            assert operation["security"] == [{"tenantToken": []}], (path, method)


def test_bodies_come_as_they_were_sent(transformed: Transform) -> None:
    """As text, API Gateway would put other characters in place of bytes that are no UTF-8."""
    template = transformed()
    ((_, api),) = of_type(template, "AWS::ApiGateway::RestApi").items()
    assert api["BinaryMediaTypes"] == api["Body"]["x-amazon-apigateway-binary-media-types"] == ["*/*"]
    for path, _, operation in operations(template):
        integration = operation["x-amazon-apigateway-integration"]
        # A mock integration reads its own template as text, which it can't where all is binary.
        assert integration["type"] != "mock" or integration["contentHandling"] == "CONVERT_TO_TEXT", path


def test_every_path_answers_a_preflight_and_every_error_carries_cors(transformed: Transform) -> None:
    template = transformed()
    by_path: dict[str, set[str]] = {}
    for path, method, _ in operations(template):
        by_path.setdefault(path, set()).add(method)
    assert all("options" in methods for methods in by_path.values())
    ((_, api),) = of_type(template, "AWS::ApiGateway::RestApi").items()
    responses = api["Body"]["x-amazon-apigateway-gateway-responses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "ACCESS_DENIED"} <= responses.keys()
    for response in responses.values():
        assert "gatewayresponse.header.Access-Control-Allow-Origin" in response["responseParameters"]
        body = response["responseTemplates"]["application/json"].replace("$context.error.messageString", '"x"')
        assert json.loads(body).keys() == {"code", "message", "details", "hint"}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/rest/v1", {"GET", "HEAD"}),
        ("/rest/v1/{table}", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
        ("/rest/v1/rpc", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
        ("/rest/v1/rpc/{function}", {"GET", "HEAD", "POST"}),
    ],
)
def test_the_data_api_says_which_methods_a_path_has(transformed: Transform, path: str, methods: set[str]) -> None:
    template = transformed()
    of_path = {method.upper(): operation for at, method, operation in operations(template) if at == path}
    # What a path does not have, the function refuses with its own code.
    assert of_path.keys() == {"OPTIONS", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
    answer = of_path["OPTIONS"]["x-amazon-apigateway-integration"]["responses"]["default"]
    allow = answer["responseParameters"]["method.response.header.Allow"]
    assert set(allow.strip("'").split(",")) == {*methods, "OPTIONS"}
    assert "Allow" in of_path["OPTIONS"]["responses"][answer["statusCode"]]["headers"]
    permission = template["Resources"]["ApiInvokesQueryTenant"]["Properties"]["SourceArn"]["Fn::Sub"]
    assert fnmatch(f"${{Api}}/*/*{path}", permission.partition(":${AWS::AccountId}:")[2])


def test_a_browser_may_send_what_postgrests_clients_send(transformed: Transform) -> None:
    sent = {"authorization", "apikey", "content-type", "prefer", "accept", "accept-profile", "content-profile", "range"}
    sent |= {"range-unit", "x-client-info", "x-retry-count"}
    for path, method, operation in operations(transformed()):
        if method == "options":
            answer = operation["x-amazon-apigateway-integration"]["responses"]["default"]["responseParameters"]
            allowed = answer["method.response.header.Access-Control-Allow-Headers"].strip("'").lower().split(",")
            assert sent <= set(allowed), path
            assert "HEAD" in answer["method.response.header.Access-Control-Allow-Methods"]


@pytest.mark.parametrize("sent", ["x-app-id", "x-tenant-role", "if-none-match", "authorization", "x-any.name~1"])
def test_a_browser_may_send_the_data_api_any_header(transformed: Transform, sent: str) -> None:
    for path, method, operation in operations(transformed()):
        if method == "options" and path.startswith("/rest/"):
            responses = operation["x-amazon-apigateway-integration"]["responses"]
            answer = responses["default"]["responseParameters"]
            allowed = answer["method.response.header.Access-Control-Allow-Headers"].strip("'").lower().split(",")
            # As the Fetch standard has it: the star stands for all but this one, where no credentials are allowed.
            assert sent in allowed or ("*" in allowed and sent != "authorization"), path
            assert not any("allow-credentials" in name.lower() for name in answer), path


def test_a_browser_may_read_the_same_headers_of_every_answer(transformed: Transform) -> None:
    ((_, api),) = of_type(transformed(), "AWS::ApiGateway::RestApi").items()
    for response in api["Body"]["x-amazon-apigateway-gateway-responses"].values():
        shown = response["responseParameters"]["gatewayresponse.header.Access-Control-Expose-Headers"]
        assert shown.strip("'") == EXPOSED_HEADERS


def test_the_tenant_of_the_compute_is_mapped_from_the_token_alone(transformed: Transform) -> None:
    template = transformed(TenantIsolation="PER_TENANT")
    assert of_type(template, "AWS::Lambda::Function")["QueryTenant"]["TenancyConfig"] == {
        "TenantIsolationMode": "PER_TENANT"
    }
    for path, method, operation in operations(template):
        integration = operation["x-amazon-apigateway-integration"]
        if path.startswith("/rest/") and method != "options":
            assert integration["requestParameters"] == {
                "integration.request.header.X-Amz-Tenant-Id": "context.authorizer.tenantId"
            }
        else:
            assert "X-Amz-Tenant-Id" not in json.dumps(operation)


def test_shared_compute_has_no_mapping(transformed: Transform) -> None:
    template = transformed(TenantIsolation="SHARED")
    assert "TenancyConfig" not in of_type(template, "AWS::Lambda::Function")["QueryTenant"]
    assert "X-Amz-Tenant-Id" not in json.dumps([operation for *_, operation in operations(template)])


ALLOWED: list[tuple[str, set[str]]] = [
    ("GetHealthRole", set()),
    ("AuthorizeRequestRole", {"dynamodb:GetItem"}),
    (
        "AdministerTenantsRole",
        USAGE_KEYS
        | {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"}
        | {"secretsmanager:CreateSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"}
        | {"secretsmanager:TagResource", "cognito-idp:AdminCreateUser", "cognito-idp:AdminGetUser"}
        | {"lambda:InvokeFunction", "scheduler:CreateSchedule", "scheduler:DeleteSchedule", "iam:PassRole"}
        | {"s3:GetObject"}
        | CATALOGUE
        # To hold backups.
        | {"s3:PutObjectTagging", "s3:PutObjectVersionTagging", "s3:DeleteObjectTagging"}
        | {"s3:DeleteObjectVersionTagging", "s3:PutObjectLegalHold"}
        | {"secretsmanager:RotateSecret", "secretsmanager:DescribeSecret"}
        # To take a server off.
        | {"secretsmanager:DeleteSecret"}
        # To make links to backups, as their tenant.
        | {"sts:AssumeRole", "sts:TagSession"}
        # To start and to steer rollouts.
        | {"states:StartExecution", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem", "dynamodb:BatchGetItem"},
    ),
    (
        "ConductRolloutRole",
        {"dynamodb:GetItem", "dynamodb:Query", "states:StartExecution"} | ROLLOUTS,
    ),
    (
        "MigrateTenantsRole",
        {"dynamodb:GetItem", "dynamodb:Query", "lambda:InvokeFunction", "secretsmanager:GetSecretValue"} | ROLLOUTS,
    ),
    ("RolloutFleetRole", {"lambda:InvokeFunction"}),
    (
        "ManageBackupsRole",
        {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "lambda:InvokeFunction"}
        | {"sts:AssumeRole", "sts:TagSession"},
    ),
    (
        "TenantReadBackupsRole",
        {"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"}
        | {"s3:ListBucketVersions"},
    ),
    ("OperationTimerRole", {"lambda:InvokeFunction"}),
    ("ScheduleRetentionRole", {"dynamodb:Query", "s3:PutObject"}),
    (
        "RetainBackupsRole",
        {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"}
        | {"s3:ListBucket", "s3:ListBucketVersions", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"}
        | {"s3:GetObjectLegalHold", "s3:GetObjectRetention", "s3:GetBucketObjectLockConfiguration"}
        | {"s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"},
    ),
    (
        "RetentionFleetRole",
        {"lambda:InvokeFunction", "s3:GetObject", "states:StartExecution"}
        | {"states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"},
    ),
    ("RetentionSchedulerRole", {"states:StartExecution", "sqs:SendMessage"}),
    (
        "PerformOperationRole",
        USAGE_KEYS
        | {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"}
        | {"secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret", "sqs:SendMessage"}
        | CATALOGUE
        | {"s3:DeleteObject", "s3:DeleteObjectVersion"}
        | {"s3:GetObject", "s3:PutObject", "secretsmanager:ListSecrets", "apigateway:GET"}
        | {"cognito-idp:ListUsers", "cognito-idp:AdminDeleteUser"}
        # To rename a tenant.
        | {"secretsmanager:CreateSecret", "secretsmanager:PutSecretValue", "secretsmanager:TagResource"}
        | {"secretsmanager:RotateSecret", "secretsmanager:DescribeSecret", "lambda:InvokeFunction"}
        | {"cognito-idp:AdminUpdateUserAttributes", "cognito-idp:AdminUserGlobalSignOut"}
        # For the first user of a clone.
        | {"cognito-idp:AdminCreateUser", "cognito-idp:AdminGetUser"},
    ),
    # It counts errors, in a table of their own.
    ("QueryTenantRole", {"sts:AssumeRole", "sts:TagSession", "dynamodb:UpdateItem"}),
    ("PlanBackupsRole", {"dynamodb:Query", "s3:PutObject"}),
    (
        "WatchBackupsRole",
        {"dynamodb:Query", "s3:ListBucket", "s3:ListBucketVersions"}
        | {"s3:GetObjectVersion", "s3:GetObjectVersionTagging"},
    ),
    ("BackupWatchRole", {"lambda:InvokeFunction"}),
    ("WatchSessionsRole", {"dynamodb:Query", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue"}),
    ("ProbeNetworkRole", {"dynamodb:Query"}),
    ("SessionWatchRole", {"lambda:InvokeFunction"}),
    (
        "PlanDrillsRole",
        {"dynamodb:Query", "s3:PutObject", "s3:ListBucket", "s3:ListBucketVersions"}
        | {"s3:GetObjectVersion", "s3:GetObjectVersionTagging"},
    ),
    (
        "DrillBackupRole",
        {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"}
        | {"s3:ListBucket", "s3:ListBucketVersions"}
        | {"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"}
        | {"s3:PutObject", "secretsmanager:GetSecretValue"},
    ),
    (
        "DrillFleetRole",
        {"lambda:InvokeFunction", "s3:GetObject", "states:StartExecution"}
        | {"states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"},
    ),
    ("DrillSchedulerRole", {"states:StartExecution", "sqs:SendMessage"}),
    ("SummariseRunRole", {"s3:PutObject", "s3:GetObject", "s3:ListBucket"}),
    (
        "BackupFleetRole",
        {"lambda:InvokeFunction", "s3:GetObject", "states:StartExecution"}
        | {"states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"},
    ),
    # SAM adds what sends a failed event to the queue.
    (
        "BackUpTenantRole",
        {"sts:AssumeRole", "sts:TagSession", "sqs:SendMessage", "dynamodb:GetItem"}
        # Its lease, and what became of it.
        | {"dynamodb:PutItem", "dynamodb:DeleteItem", "s3:PutObject"},
    ),
    (
        "RotateCredentialsRole",
        {"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"}
        | {"secretsmanager:UpdateSecretVersionStage", "dynamodb:GetItem"},
    ),
    ("BackupSchedulerRole", {"states:StartExecution", "sqs:SendMessage"}),
    ("TenantDataRole", {"secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"}),
    (
        "TenantBackupRole",
        {"secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret", "s3:PutObject", "s3:GetObject"}
        | {"s3:AbortMultipartUpload"},
    ),
]


@pytest.mark.parametrize(("role", "allowed"), ALLOWED)
def test_a_role_may_do_this_and_no_more(transformed: Transform, role: str, allowed: set[str]) -> None:
    template = transformed()
    assert actions(template, role) == allowed
    for statement in statements(template, role):
        # What AWS can't restrict to a part of the account's.
        assert statement["Resource"] != "*" or statement["Action"] == "secretsmanager:ListSecrets"


def test_no_role_is_left_out(transformed: Transform) -> None:
    assert sorted(of_type(transformed(), "AWS::IAM::Role")) == sorted(role for role, _ in ALLOWED)


@pytest.mark.parametrize("role", ["AdministerTenantsRole", "PerformOperationRole"])
def test_nobody_may_change_the_audit_trail(transformed: Transform, role: str) -> None:
    policies = transformed()["Resources"][role]["Properties"]["Policies"]
    (denied,) = [s for p in policies for s in p["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert {"dynamodb:DeleteItem", "dynamodb:UpdateItem"} <= set(denied["Action"])
    assert denied["Condition"] == {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["AUDIT#*"]}}


def test_the_audit_trail_is_written_by_those_who_act_for_somebody(transformed: Transform) -> None:
    """Whoever may put an item may put it over another: IAM can't tell. So only who writes the trail may."""
    template = transformed()
    roles = [name for name, made in template["Resources"].items() if made["Type"] == "AWS::IAM::Role"]
    writers = {
        role
        for role in roles
        if any(map(may_write_the_trail, statements(template, role))) and not is_kept_off_the_trail(template, role)
    }
    assert writers == {"AdministerTenantsRole", "ManageBackupsRole"}


def is_kept_off_the_trail(template: Template, role: str) -> bool:
    """Whether a denial keeps a role from putting an item of the trail."""
    policies = template["Resources"][role]["Properties"].get("Policies", [])
    return any(
        statement["Effect"] == "Deny"
        and "dynamodb:PutItem" in statement["Action"]
        and statement["Condition"] == {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["AUDIT#*"]}}
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
    )


def may_write_the_trail(statement: dict[str, Any]) -> bool:
    """Whether a statement lets somebody put an item of the trail."""
    if "dynamodb:PutItem" not in statement["Action"]:
        return False
    keys = bounded_keys(statement)
    return keys is None or any(key.startswith("AUDIT") for key in keys)


def bounded_keys(statement: dict[str, Any]) -> list[str] | None:
    """The only kinds of items that a statement is for; None: any."""
    condition = statement.get("Condition", {})
    # Any of those that a transaction names would do.
    assert not [test for test in condition if test.startswith("ForAnyValue:")]
    bounds: list[list[str]] = [
        given["dynamodb:LeadingKeys"] for test, given in condition.items() if test.startswith("ForAllValues:")
    ]
    return bounds[0] if bounds else None


def test_the_retention_writes_operations_and_leases_and_no_other_item(transformed: Transform) -> None:
    found = list(statements(transformed(), "RetainBackupsRole"))
    puts = [s["Condition"] for s in found if "dynamodb:PutItem" in s["Action"]]
    assert puts == [
        {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [kind]}, "Null": {"dynamodb:LeadingKeys": "false"}}
        for kind in ("OPERATION", "LEASE")
    ]


def test_the_retention_touches_backups_and_its_records_and_nothing_else_in_the_buckets(transformed: Transform) -> None:
    """It reads manifests and verifications and no dump, and deletes below the tenants' backups alone."""
    own, other = "${BackupBucket.Arn}/", "arn:${AWS::Partition}:s3:::tenantry-${Stage}-backups-*/"
    touched: dict[str, set[str]] = {}
    for statement in statements(transformed(BackupBuckets="eu-west-1=tenantry-dev-backups-eu"), "RetainBackupsRole"):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        for action in actions:
            touched.setdefault(action, set()).update(r["Fn::Sub"] for r in resources if "Fn::Sub" in r)
    backups = "tenants/*/backups/*"
    assert touched["s3:DeleteObjectVersion"] == touched["s3:DeleteObject"] == {own + backups, other + backups}
    documents = {f"{place}{backups}/{name}.json" for place in (own, other) for name in ("manifest", "verified")}
    assert touched["s3:GetObjectVersion"] == documents
    assert touched["s3:PutObject"] == {f"{own}runs/*", f"{own}records/retention/*"}


def test_who_watches_quotas_changes_nothing_else_of_a_tenant(transformed: Transform) -> None:
    (update,) = [s for s in statements(transformed(), "WatchSessionsRole") if "dynamodb:UpdateItem" in s["Action"]]
    assert update["Action"] == "dynamodb:UpdateItem"
    assert update["Condition"] == {
        "ForAllValues:StringEquals": {
            "dynamodb:LeadingKeys": ["TENANT"],
            "dynamodb:Attributes": ["pk", "sk", "over_quota"],
        },
        "Null": {"dynamodb:LeadingKeys": "false", "dynamodb:Attributes": "false"},
    }


def test_who_tries_the_network_reads_servers_and_no_tenant(transformed: Transform) -> None:
    (query,) = [s for s in statements(transformed(), "ProbeNetworkRole") if s["Action"] == "dynamodb:Query"]
    assert query["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["SERVER"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }


def test_a_tenant_role_is_for_one_function_and_for_tagged_sessions_only(transformed: Transform) -> None:
    template = transformed()
    for role, function in (("TenantDataRole", "QueryTenantRole"), ("TenantBackupRole", "BackUpTenantRole")):
        (trust,) = template["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"AWS": {"Fn::GetAtt": [function, "Arn"]}}
        assert trust["Condition"] == {"Null": {"aws:RequestTag/TenantId": "false"}}


def test_a_secret_is_readable_only_where_its_tag_is_the_sessions(transformed: Transform) -> None:
    template = transformed()
    readers = (("TenantDataRole", "ReadOwnSecret"), ("TenantBackupRole", "ReadOwnSecret"))
    for role, reads in (*readers, ("TenantBackupRole", "ReadOwnSecretForDumps")):
        statement = next(s for s in statements(template, role) if s["Sid"] == reads)
        assert statement["Condition"] == {"StringEquals": {"aws:ResourceTag/TenantId": "${aws:PrincipalTag/TenantId}"}}
    objects = next(s for s in statements(template, "TenantBackupRole") if s["Sid"] == "WriteOwnBackups")
    assert objects["Resource"] == [{"Fn::Sub": "${BackupBucket.Arn}/tenants/${!aws:PrincipalTag/TenantId}/backups/*"}]
    # Where there is no value at all, all of them are as they should be: so none may be missing.
    for statement in find_all_values(template):
        bounded = [given for test, given in statement["Condition"].items() if test.startswith("ForAllValues")]
        assert statement["Condition"]["Null"] == {name: "false" for given in bounded for name in given}
        assert "dynamodb:LeadingKeys" in statement["Condition"]["Null"]


def test_a_login_for_dumps_is_for_backups_and_for_whoever_makes_it(transformed: Transform) -> None:
    """Its password is read by a backup's session, and by those who make, move, rename and rotate tenants."""
    template = transformed()
    readers = {
        role
        for role in of_type(template, "AWS::IAM::Role")
        for statement in statements(template, role)
        if "secretsmanager:GetSecretValue" in statement["Action"] and "/dumps/" in str(statement["Resource"])
    }
    assert readers == {"TenantBackupRole", "AdministerTenantsRole", "PerformOperationRole", "RotateCredentialsRole"}


def find_all_values(part: Any) -> Iterator[dict[str, Any]]:
    """Every statement whose condition is on all values of a key."""
    if isinstance(part, dict):
        if any(str(test).startswith("ForAllValues") for test in part.get("Condition") or {}):
            yield part
        for value in part.values():
            yield from find_all_values(value)
    elif isinstance(part, list):
        for value in part:
            yield from find_all_values(value)


def test_only_secrets_manager_of_this_account_starts_a_rotation(transformed: Transform) -> None:
    permissions = of_type(transformed(), "AWS::Lambda::Permission").values()
    (permission,) = [one for one in permissions if one["FunctionName"] == {"Ref": "RotateCredentials"}]
    assert permission["Principal"] == "secretsmanager.amazonaws.com"
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_a_rotation_writes_tenants_secrets_of_its_stage_and_no_administrators(transformed: Transform) -> None:
    by_sid = {statement["Sid"]: statement for statement in statements(transformed(), "RotateCredentialsRole")}
    tenants, servers = by_sid["MoveTheVersionsOfTenantsSecrets"], by_sid["ReadTheServersAdministrator"]
    assert tenants["Resource"]["Fn::Sub"].endswith(":secret:tenantry/${Stage}/tenants/*")
    assert servers["Resource"]["Fn::Sub"].endswith(":secret:tenantry/${Stage}/servers/*")
    assert servers["Action"] == "secretsmanager:GetSecretValue"
    for statement in (tenants, servers):
        assert statement["Condition"] == {"StringEquals": {"aws:ResourceTag/Stage": {"Ref": "Stage"}}}


def test_nothing_is_open_to_the_world(transformed: Transform) -> None:
    template = transformed(**IN_A_VPC)
    (rule,) = of_type(template, "AWS::EC2::SecurityGroupIngress").values()
    assert rule["SourceSecurityGroupId"] == {"Ref": "FunctionsSecurityGroup"}
    assert not {"CidrIp", "CidrIpv6"} & rule.keys()
    (group,) = of_type(template, "AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group
    *databases, aws = group["SecurityGroupEgress"]
    # All private networks, the default VPC's among them, unless one is named.
    assert [rule["CidrIp"] for rule in databases] == ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
    assert {json.dumps([rule["FromPort"], rule["ToPort"]]) for rule in databases} == {
        json.dumps([{"Ref": "DatabasePort"}, {"Ref": "DatabasePort"}])
    }
    assert (aws["FromPort"], aws["ToPort"]) == (443, 443)
    (named,) = of_type(transformed(**IN_A_VPC, DatabaseNetwork="172.31.0.0/16"), "AWS::EC2::SecurityGroup").values()
    assert [rule["CidrIp"] for rule in named["SecurityGroupEgress"]] == [{"Ref": "DatabaseNetwork"}, "0.0.0.0/0"]
    for resource in template["Resources"].values():
        for statement in _policy_statements(resource):
            assert statement["Effect"] == "Deny" or "*" not in (statement.get("Principal"), statement["Action"])


def _policy_statements(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("PolicyDocument", "AssumeRolePolicyDocument"):
        yield from resource["Properties"].get(key, {}).get("Statement", [])


def test_functions_that_open_connections_are_in_the_vpc(transformed: Transform) -> None:
    functions = of_type(transformed(**IN_A_VPC), "AWS::Lambda::Function")
    assert {name for name, function in functions.items() if "VpcConfig" in function} == OPENING_CONNECTIONS


def test_the_bucket_is_private_encrypted_versioned_and_tidied(transformed: Transform) -> None:
    template = transformed()
    (bucket,) = of_type(template, "AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert "AbortIncompleteMultipartUpload" in rules["end-unfinished-uploads"]
    # No rule may delete a backup that is current: that is for retention, which knows the last good one.
    expiring = [rule for rule in rules.values() if "ExpirationInDays" in rule or "Expiration" in rule]
    assert [(rule["Id"], rule["Prefix"]) for rule in expiring] == [("forget-runs", "runs/")]
    (policy,) = of_type(template, "AWS::S3::BucketPolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_registry_can_be_brought_back(transformed: Transform) -> None:
    tables = of_type(transformed(), "AWS::DynamoDB::Table")
    assert tables.keys() == {"RegistryTable", "ErrorCountsTable"}
    assert tables["RegistryTable"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_errors_are_counted_by_the_data_path_and_read_by_rollouts_and_nobody_else(transformed: Transform) -> None:
    template = transformed()
    touching = {
        (role, str(statement["Action"]))
        for role in of_type(template, "AWS::IAM::Role")
        for statement in statements(template, role)
        if "ErrorCountsTable" in json.dumps(statement["Resource"])
    }
    assert touching == {("QueryTenantRole", "dynamodb:UpdateItem"), ("ConductRolloutRole", "dynamodb:Query")}
    # And the data path writes nowhere else.
    writes = [s for s in statements(template, "QueryTenantRole") if "dynamodb" in json.dumps(s["Action"])]
    assert [s["Resource"] for s in writes] == [{"Fn::GetAtt": ["ErrorCountsTable", "Arn"]}]
    functions = of_type(template, "AWS::Lambda::Function")
    for name in ("QueryTenant", "ConductRollout"):
        assert functions[name]["Environment"]["Variables"]["ERROR_COUNTS_TABLE"] == {"Ref": "ErrorCountsTable"}
    table = of_type(template, "AWS::DynamoDB::Table")["ErrorCountsTable"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_users_can_write_neither_tenant_nor_role(transformed: Transform) -> None:
    (client,) = of_type(transformed(), "AWS::Cognito::UserPoolClient").values()
    assert client["WriteAttributes"] == ["name"]
    (pool,) = of_type(transformed(), "AWS::Cognito::UserPool").values()
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True


def test_another_issuer_needs_no_user_pool(transformed: Transform) -> None:
    template = transformed(OidcIssuer="https://login.example.com", OidcAudience="app")
    assert not of_type(template, "AWS::Cognito::UserPool")
    variables = of_type(template, "AWS::Lambda::Function")["AuthorizeRequest"]["Environment"]["Variables"]
    assert (variables["ISSUER"], variables["TOKEN_USE"]) == ({"Ref": "OidcIssuer"}, "")


def test_a_backup_that_did_not_run_is_an_alarm(transformed: Transform) -> None:
    alarms = of_type(transformed(AlarmTopicArn="arn:aws:sns:ap-south-1:123456789012:alarms"), "AWS::CloudWatch::Alarm")
    for name, metric in (
        ("BackupMissingAlarm", "TenantsWithoutRecentBackup"),
        ("VerificationMissingAlarm", "TenantsWithoutRecentVerification"),
    ):
        missing = alarms[name]
        # A new stack is no reason to ring: nobody has looked yet, and the state stays what it was. It changes, and
        # rings, when somebody has looked and does not any more.
        assert (missing["MetricName"], missing["TreatMissingData"]) == (metric, "missing")
        assert missing["InsufficientDataActions"] == missing["AlarmActions"]
        # Published every hour by a schedule that depends on nothing else.
        assert (missing["Period"], missing["ComparisonOperator"]) == (3600, "GreaterThanOrEqualToThreshold")
    assert all(alarm["AlarmActions"] == [{"Ref": "AlarmTopicArn"}] for alarm in alarms.values())
    assert {alarm["TreatMissingData"] for alarm in alarms.values()} == {"missing", "notBreaching"}


@pytest.mark.parametrize(
    ("rule", "machine"),
    [
        ("BackupScheduleRule", "BackupFleet"),
        ("DrillScheduleRule", "DrillFleet"),
        ("RetentionScheduleRule", "RetentionFleet"),
    ],
)
def test_a_schedule_starts_its_machine_and_keeps_what_failed(transformed: Transform, rule: str, machine: str) -> None:
    template = transformed()
    target = of_type(template, "AWS::Scheduler::Schedule")[rule]["Target"]
    assert target["Arn"] == {"Ref": machine}
    assert json.loads(target["Input"]).keys() == {"trigger", "scheduled_at", "execution_id"}
    # An alarm rings for what lies in this queue.
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["FailedBackups", "Arn"]}}
    role = target["RoleArn"]["Fn::GetAtt"][0]
    assert {"states:StartExecution": {"Ref": machine}}.items() <= {
        s["Action"]: s["Resource"] for s in statements(template, role)
    }.items()


def test_functions_answer_before_api_gateway_gives_up(transformed: Transform) -> None:
    functions = of_type(transformed(), "AWS::Lambda::Function")
    assert functions["QueryTenant"]["Timeout"] < 29
    assert functions["BackUpTenant"]["Timeout"] == 900


@pytest.mark.parametrize(("architecture", "suffix"), [("x86_64", "X86"), ("arm64", "Arm")])
def test_layers_are_of_the_functions_processor(transformed: Transform, architecture: str, suffix: str) -> None:
    template = transformed(Architecture=architecture)
    layers = of_type(template, "AWS::Lambda::LayerVersion")
    assert len(layers) == 2
    used = json.dumps(of_type(template, "AWS::Lambda::Function"))
    assert f"DependenciesLayer{suffix}" in used
    assert f"PgClientLayer{suffix}" in used
