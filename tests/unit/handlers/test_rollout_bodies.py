"""What the bodies of the rollouts' routes take, and what they refuse."""

from typing import Any

import pytest
from pydantic import ValidationError

from handlers.routes.rollout_bodies import RolloutBody, SkipBody
from tenantry.rollouts.rollout import Gate, Match, Rules, Wave


def test_a_whole_order() -> None:
    order = RolloutBody.model_validate(
        {
            "revision": "0002",
            "backup": {"if_older_than_hours": 24},
            "adopted": True,
            "waves": [
                {"name": "canary", "match": {"tenants": ["acme"]}, "soak_minutes": 60, "gate": "operator"},
                {
                    "name": "rest",
                    "match": {"labels": ["eu"], "percent": 10},
                    "at_once_per_server": 4,
                    "max_failed": 5,
                    "soak_minutes": 5,
                    "max_erring": 0,
                },
            ],
        }
    ).order()
    assert order.target == "0002"
    assert order.rules == Rules(adopted=True, backup_hours=24)
    assert list(order.waves) == [
        Wave("canary", Match(tenants=("acme",)), soak_minutes=60, gate=Gate.OPERATOR),
        Wave(
            "rest", Match(labels=("eu",), percent=10), at_once_per_server=4, max_failed=5, soak_minutes=5, max_erring=0
        ),
    ]


def test_an_empty_order_is_for_everybody_and_the_newest_revision() -> None:
    order = RolloutBody.model_validate({}).order()
    assert (order.target, list(order.waves), order.rules) == ("head", [], Rules())


def wave(**fields: Any) -> dict[str, Any]:
    return {"waves": [{"name": "w", **fields}]}


def names(number: int) -> list[str]:
    return [f"t{n}" for n in range(number)]


@pytest.mark.parametrize(
    "body",
    [
        {"revision": 2},
        {"revision": "0" * 33},
        {"revision": ""},
        {"dry_run": "yes"},
        {"dryrun": True},
        {"backup": True},
        {"backup": {"if_older_than_hours": -1}},
        {"patience_minutes": 1.5},
        {"max_rows": 10**400},
        {"waves": {}},
        {"waves": [{}]},
        {"waves": [{"name": "w"}] * 2},
        {"waves": [{"name": f"w{n}"} for n in range(21)]},
        {"waves": [{"name": f"w{n}", "match": {"tenants": names(1000)}} for n in range(6)]},
        wave(match={"percent": 0}),
        wave(match={"percent": 101}),
        wave(match={"percent": True}),
        wave(match={"isolation": "shared"}),
        wave(match={"tenants": "acme"}),
        wave(match={"tenants": [""]}),
        wave(match={"tenants": ["x" * 64]}),
        wave(match={"tenants": names(1001)}),
        wave(match={"labels": [None]}),
        wave(at_once_per_server=0),
        wave(max_failed=-1),
        wave(soak_minutes="60"),
        wave(gate="open"),
        wave(max_erring=0),
        wave(max_erring=3, soak_minutes=4),
        wave(max_erring=-1, soak_minutes=60),
        wave(max_erring=True, soak_minutes=60),
    ],
    ids=lambda body: str(body)[:60],
)
def test_what_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RolloutBody.model_validate(body)


def test_without_time_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValidationError, match="max_erring needs soak_minutes of 5 or more"):
        RolloutBody.model_validate(wave(max_erring=0))


def test_leaving_out_needs_a_name_and_a_reason() -> None:
    assert SkipBody.model_validate({"tenant": "pool/eu-1", "reason": "sunday"}).tenant == "pool/eu-1"
    for body in ({"tenant": "acme"}, {"tenant": "acme", "reason": ""}, {"tenant": "x" * 61, "reason": "y"}):
        with pytest.raises(ValidationError):
            SkipBody.model_validate(body)


@pytest.mark.parametrize("name", ["", " ", "\t", "a\nb", "a\0", "\x1b[31m", "x" * 61])
def test_a_wave_has_a_name_that_can_be_read_on_a_line(name: str) -> None:
    with pytest.raises(ValidationError):
        RolloutBody.model_validate({"waves": [{"name": name}]})
    assert RolloutBody.model_validate({"waves": [{"name": "zürich ✓ 1"}]}).order().waves[0].name == "zürich ✓ 1"


@pytest.mark.parametrize("reason", ["", " ", "\n\t", "\0"])
def test_who_leaves_a_tenant_out_says_why(reason: str) -> None:
    with pytest.raises(ValidationError):
        SkipBody.model_validate({"tenant": "acme", "reason": reason})
    assert SkipBody.model_validate({"tenant": "acme", "reason": "Sunday,\nsays Kim"}).reason
