"""What the stack was deployed with, and how the deployment ended."""

from local.doctor.deployed_stack import DeployedStack
from local.doctor.finding import Finding, error, hint, ok

# What CloudFormation asks for before it takes another deployment.
_DELETE_FIRST = "Nothing was made: delete the stack (aws cloudformation delete-stack), and deploy again."
_AFTER_IT = {
    "CREATE_FAILED": _DELETE_FIRST,
    "ROLLBACK_COMPLETE": _DELETE_FIRST,
    "ROLLBACK_FAILED": _DELETE_FIRST,
    "DELETE_FAILED": "Delete the stack again (aws cloudformation delete-stack), once what it names is out of the way.",
    "UPDATE_ROLLBACK_COMPLETE": "What was deployed before goes on. Mend it, and deploy again.",
    "UPDATE_ROLLBACK_FAILED": "Mend it, then: aws cloudformation continue-update-rollback.",
}


def check_deployment(stack: DeployedStack) -> list[Finding]:
    """Look whether the last deployment went through."""
    if stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
        return [ok("The last deployment went through.")]
    if stack.status.endswith("_IN_PROGRESS"):
        return [hint(f"The stack is being changed ({stack.status}).", "Wait until it is done, and look again.")]
    what_to_do = f"Look into the stack's events: the first failure. {_AFTER_IT.get(stack.status, '')}".rstrip()
    return [error(f"The last deployment failed ({stack.status}).", what_to_do)]


def check_walls(stack: DeployedStack) -> list[Finding]:
    """Look whether something is left out that only the local stack may do without."""
    if stack.is_local:
        return [ok("The local stack, which can't evaluate the conditions of AWS's policies.")]
    findings = []
    if stack.parameters.get("PrincipalTagConditions") != "ENABLED":
        findings.append(
            error(
                "PrincipalTagConditions is not ENABLED: IAM no longer keeps tenants apart.",
                "Deploy at once with PrincipalTagConditions=ENABLED.",
            )
        )
    if stack.parameters.get("IdentityEndpoint"):
        findings.append(
            error(
                "IdentityEndpoint is set: the functions call something else than AWS.",
                "Deploy at once with an empty IdentityEndpoint.",
            )
        )
    return findings or [ok("The policies keep tenants apart.")]


def check_access_logs(stack: DeployedStack) -> list[Finding]:
    """Look whether API Gateway may write the access log that was asked for."""
    if stack.parameters.get("ApiAccessLogs") != "ENABLED":
        return [ok("No access log was asked for.")]
    if stack.make_client("apigateway").get_account().get("cloudwatchRoleArn"):
        return [ok("API Gateway has a role to write the access log.")]
    return [
        error(
            "API Gateway has no role to write the access log.",
            "Give the account one: API Gateway, Settings, CloudWatch log role ARN.",
        )
    ]


def check_alarms(stack: DeployedStack) -> list[Finding]:
    """Look whether somebody is told of an alarm."""
    if stack.parameters.get("AlarmTopicArn"):
        return [ok("Alarms notify a topic.")]
    return [hint("Alarms notify nobody.", "Deploy with AlarmTopicArn, an SNS topic that somebody reads.")]


def check_retention(stack: DeployedStack) -> list[Finding]:
    """Look whether old backups are deleted."""
    mode = stack.parameters.get("RetentionMode")
    if mode == "ENABLED":
        return [ok("Old backups are deleted by the rules.")]
    what_to_do = "Read what a dry run records, then deploy with RetentionMode=ENABLED."
    return [hint(f"RetentionMode is {mode}: nothing is deleted, and the bucket grows.", what_to_do)]
