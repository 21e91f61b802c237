"""Whether somebody may call the operators' API."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from local.doctor.deployed_stack import DeployedStack
from local.doctor.finding import Finding, NotAvailable, error, hint, ok

# The template's TemporaryPasswordValidityDays.
_INVITATION = timedelta(days=3)
# Cognito can't look for a role, and gives sixty users at a time.
_PAGES = 100
_INVITE_AGAIN = "Invite them again: aws cognito-idp admin-create-user … --message-action RESEND."


def check_operator(stack: DeployedStack) -> list[Finding]:
    """Look whether somebody is an operator, and has signed in."""
    if not stack.keeps_users:
        raise NotAvailable("Your own issuer says who is an operator.")
    invited = []
    for user in _operators(stack):
        if user["UserStatus"] == "CONFIRMED":
            return [ok("Somebody is an operator, and has signed in.")]
        invited.append(user)
    if not invited:
        return [
            error("Nobody is an operator.", "Deploy with FirstOperatorEmail, or see docs/operations.md, Let people in.")
        ]
    if all(datetime.now(UTC) - user["UserLastModifiedDate"] > _INVITATION for user in invited):
        return [error("No operator has signed in, and the first passwords have ended.", _INVITE_AGAIN)]
    return [hint("No operator has signed in yet.", "Sign in with the mailed password within three days.")]


def _operators(stack: DeployedStack) -> Iterator[Any]:
    """Yield the users that are operators and not disabled. :raises NotAvailable: there are too many users to look."""
    pages = stack.make_client("cognito-idp").get_paginator("list_users")
    role = {"Name": stack.parameters["RoleClaim"], "Value": "operator"}
    pool = stack.output("UserPoolId")
    for number, page in zip(itertools.count(), pages.paginate(UserPoolId=pool, AttributesToGet=[role["Name"]])):
        if number >= _PAGES:
            raise NotAvailable("None of the first 6,000 users is an operator who has signed in.")
        yield from (user for user in page["Users"] if role in user.get("Attributes", []) and user.get("Enabled", True))
