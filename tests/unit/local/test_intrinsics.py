"""CloudFormation's intrinsic functions."""

from typing import Any

import pytest

from local.errors import LocalStackError
from local.intrinsics import Resolver

_RESOLVER = Resolver(
    {"CorsOrigin": "*", "Stage": "local", "Api": "a1b2"},
    {
        "IsLocal": {"Fn::Equals": [{"Ref": "Stage"}, "local"]},
        "IsProduction": {"Fn::Not": [{"Condition": "IsLocal"}]},
        "Either": {"Fn::Or": [{"Condition": "IsLocal"}, {"Condition": "IsProduction"}]},
        "Both": {"Fn::And": [{"Condition": "IsLocal"}, {"Condition": "IsProduction"}]},
    },
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"Ref": "Api"}, "a1b2"),
        ({"Fn::Sub": "'${CorsOrigin}'"}, "'*'"),
        ({"Fn::Sub": ["${Stage}-${own}", {"own": {"Ref": "Api"}}]}, "local-a1b2"),
        ({"Fn::Sub": "${!Literal} $context.error.messageString"}, "${Literal} $context.error.messageString"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]}, "a-local"),
        ({"Fn::If": ["IsProduction", "p", {"a": [{"Ref": "Stage"}]}]}, {"a": ["local"]}),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ({"Fn::If": ["Both", 1, 2]}, 2),
        ({"statusCode": 204, "x": {"Ref": "Stage"}}, {"statusCode": 204, "x": "local"}),
    ],
)
def test_it_resolves(given: Any, expected: Any) -> None:
    assert _RESOLVER.resolve(given) == expected


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(LocalStackError, match="'Nowhere'"):
        _RESOLVER.resolve({"Fn::Sub": "${Nowhere}"})
