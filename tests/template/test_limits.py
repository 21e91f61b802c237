"""The template's promises about usage plans, the hours of backups and the places of backups."""

import json
from typing import Any

from tenantry.domain.limits import PLANS
from tests.template.test_template import Template, Transform, actions, of_type, operations, statements


def test_every_plan_of_the_code_is_one_of_the_api(transformed: Transform) -> None:
    plans = of_type(transformed(), "AWS::ApiGateway::UsagePlan")
    names = {plan["UsagePlanName"]["Fn::Sub"]: plan for plan in plans.values()}
    assert names.keys() == {f"tenantry-${{Stage}}-{plan}" for plan in PLANS}
    for plan in names.values():
        assert plan["ApiStages"] == [{"ApiId": {"Ref": "Api"}, "Stage": {"Ref": "ApiStage"}}]
        assert plan["Throttle"].keys() == {"RateLimit", "BurstLimit"}


def test_a_wider_plan_has_more_of_everything(source: Template) -> None:
    free, standard, premium = (source["Mappings"]["UsagePlans"][plan] for plan in PLANS)
    for figure in ("Rate", "Burst", "Quota"):
        assert free[figure] < standard[figure] < premium[figure]


def test_requests_count_under_the_authorizers_key_and_no_clients(transformed: Transform) -> None:
    template = transformed()
    ((_, api),) = of_type(template, "AWS::ApiGateway::RestApi").items()
    assert api["Body"]["x-amazon-apigateway-api-key-source"] == "AUTHORIZER"
    scheme = api["Body"]["components"]["securitySchemes"]["usageKey"]
    assert (scheme["type"], scheme["name"]) == ("apiKey", "x-api-key")
    metered = {path for path, _, operation in operations(template) if "usageKey" in json.dumps(operation)}
    data = {"/rest/v1", "/rest/v1/rpc"}
    data |= {
        f"{named}{more}" for named in ("/rest/v1/{table}", "/rest/v1/rpc/{function}") for more in ("", "/{proxy+}")
    }
    backups = {"/backups/v1", "/backups/v1/{backup_id}", "/backups/v1/{backup_id}/download"}
    assert metered == data | backups


def key_statements(template: Template) -> dict[str, Any]:
    policy = template["Resources"]["AdministratorsKeepUsageKeys"]["Properties"]
    assert policy["Roles"] == [{"Ref": "AdministerTenantsRole"}, {"Ref": "PerformOperationRole"}]
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


def test_keys_go_into_this_stacks_plans_alone(transformed: Transform) -> None:
    by_sid = key_statements(transformed())
    for resource in by_sid["PutKeysIntoPlans"]["Resource"] + by_sid["TakeKeysOutOfPlans"]["Resource"]:
        assert any(
            f"/usageplans/${{{plan}Plan}}/keys" in resource["Fn::Sub"] for plan in ("Free", "Standard", "Premium")
        )
    resources = json.dumps([statement["Resource"] for statement in by_sid.values()])
    assert "/restapis" not in resources
    assert "::/*" not in resources


def test_nobody_but_administrators_touches_keys(transformed: Transform) -> None:
    template = transformed()
    may = {"AdministerTenantsRole", "PerformOperationRole"}
    roles = set(of_type(template, "AWS::IAM::Role")) - may
    assert not [role for role in roles if any(action.startswith("apigateway:") for action in actions(template, role))]


def test_the_tenants_hours_are_looked_at_every_hour(transformed: Transform) -> None:
    template = transformed()
    schedule = of_type(template, "AWS::Scheduler::Schedule")["BackupScheduleRule"]
    assert schedule["ScheduleExpression"] == {"Ref": "BackupSchedule"}
    variables = of_type(template, "AWS::Lambda::Function")["PlanBackups"]["Environment"]["Variables"]
    assert variables["BACKUP_TIMEZONE"] == {"Ref": "BackupTimezone"}
    assert variables["BACKUP_WINDOW_START"] == {"Ref": "BackupWindowStart"}
    assert variables["BACKUP_WINDOW_HOURS"] == {"Ref": "BackupWindowHours"}


def test_backups_of_other_regions_go_to_buckets_of_that_name_and_account(transformed: Transform) -> None:
    template = transformed(BackupBuckets="eu-west-1=tenantry-dev-backups-eu-west-1")
    (write,) = [s for s in statements(template, "TenantBackupRole") if s["Sid"] == "WriteOwnBackups"]
    own, others = (resource["Fn::Sub"] for resource in write["Resource"])
    assert own.startswith("${BackupBucket.Arn}/tenants/${!aws:PrincipalTag/TenantId}/")
    assert ":s3:::tenantry-${Stage}-backups-*/tenants/${!aws:PrincipalTag/TenantId}/" in others
    erase = [s for s in statements(template, "PerformOperationRole") if s.get("Sid") in {"FindBackups", "EraseBackups"}]
    for statement in [write, *erase]:
        assert len(statement["Resource"]) == 2
        assert statement["Condition"] == {"StringEquals": {"s3:ResourceAccount": {"Ref": "AWS::AccountId"}}}


def test_without_other_regions_there_is_one_bucket(transformed: Transform) -> None:
    for role in ("TenantBackupRole", "PerformOperationRole"):
        assert "-backups-*" not in json.dumps(list(statements(transformed(), role)))
