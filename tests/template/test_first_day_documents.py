"""What docs/operations.md says of services, costs and findings agrees with code, template and prices."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from tenantry.reports.cost.cost import GIB, ServerShare, Usage, charge, parse_prices
from tests.called_services import ROOT, called_services
from tests.e2e.guide import section
from tests.template.conftest import Template
from tests.template.test_template import FUNCTIONS, IN_A_VPC, Transform, of_type

SERVICES = {
    "apigateway": "API Gateway",
    "cognito-idp": "Cognito",
    "dynamodb": "DynamoDB",
    "lambda": "Lambda",
    "s3": "S3",
    "scheduler": "EventBridge Scheduler",
    "secretsmanager": "Secrets Manager",
    "stepfunctions": "Step Functions",
    "sts": "STS",
}
HOURS = 730
TENANTS, SERVERS = 100, 3


def rows(title: str) -> list[list[str]]:
    """The cells of the rows of a section's table, without its head."""
    table = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_services_of_each_function_are_those_that_its_code_calls(transformed: Transform) -> None:
    functions = of_type(transformed(**IN_A_VPC), "AWS::Lambda::Function")
    expected = {
        f"`{handler}`": (
            "yes" if "VpcConfig" in functions[name] else "no",
            {SERVICES[service] for service in called_services(handler)},
        )
        for name, handler in FUNCTIONS.items()
    }
    written = {
        function: (in_vpc, set() if services == "nothing" else set(services.split(", ")))
        for function, in_vpc, services in rows("## What the functions must reach")
    }
    assert written == expected


def test_the_interface_endpoints_cost_what_the_guide_says(transformed: Transform) -> None:
    made = of_type(
        transformed(**IN_A_VPC, VpcEndpoints="CREATE", RouteTableIds="rtb-0123456789abcdef0"), "AWS::EC2::VPCEndpoint"
    )
    interfaces = sum(each["VpcEndpointType"] == "Interface" for each in made.values())
    text = section("## What the functions must reach")
    by = "\N{MULTIPLICATION SIGN}"
    count, zones, hours, price, total = re.findall(rf"(\d+) {by} (\d+) {by} (\d+) {by} ([\d.]+) = ([\d.]+) USD", text)[
        0
    ]
    assert (int(count), int(hours)) == (interfaces, HOURS)
    assert int(count) * int(zones) * int(hours) * Decimal(price) == Decimal(total)
    hourly, monthly = re.findall(r"NAT gateway\*\*: about ([\d.]+) USD an hour, ([\d.]+) USD a month", text)[0]
    assert Decimal(hourly) * HOURS == Decimal(monthly)


def test_the_parameters_of_the_guides_deployment_are_the_templates(source: Template) -> None:
    block = re.search(r"--parameter-overrides ((?:.*\\\n)+.*)", section("## From an empty account to the first tenant"))
    assert block
    given = dict(pair.split("=", 1) for pair in block[1].replace("\\\n", " ").split())
    assert {"VpcId", "SubnetIds", "DatabaseSecurityGroupId", "FirstOperatorEmail"} <= set(given)
    for name, value in given.items():
        spec = source["Parameters"][name]
        parts = value.split(",") if spec["Type"] == "CommaDelimitedList" else [value]
        assert all(re.fullmatch(spec.get("AllowedPattern", ".*"), part) for part in parts), name
        assert value in spec.get("AllowedValues", [value])


def test_both_shells_call_the_operators_api_alike() -> None:
    """Who comes from the first day goes on with the guide's other commands."""
    titles = ("## From an empty account to the first tenant", "## Lead a tenant's life")
    (first, *_), (other, *_) = (re.findall(r"^ {4}admin\(\) .*$", section(title), re.MULTILINE) for title in titles)
    assert first == other


@pytest.fixture(scope="module")
def idle() -> dict[str, tuple[int, Decimal, Decimal]]:
    """The lines of the sum by their first words: how many, each, together."""
    *lines, _ = rows("### What it costs when nothing happens")
    return {
        re.split(r"[:,]| of | beyond | on ", what)[0]: (int(number), Decimal(each), Decimal(together))
        for what, number, each, together in lines
    }


def test_the_idle_cost_is_the_sum_of_its_lines(idle: dict[str, tuple[int, Decimal, Decimal]]) -> None:
    assert all(number * each == together for number, each, together in idle.values())
    total = rows("### What it costs when nothing happens")[-1][-1].strip("*")
    assert sum(together for *_, together in idle.values()) == Decimal(total)


def test_the_idle_cost_counts_what_the_template_and_the_code_make(
    transformed: Transform, idle: dict[str, tuple[int, Decimal, Decimal]]
) -> None:
    alarms = len(of_type(transformed(), "AWS::CloudWatch::Alarm"))
    dashboards = len(of_type(transformed(), "AWS::CloudWatch::Dashboard"))
    code = "".join(path.read_text() for path in ROOT.rglob("*.py"))
    metrics = set(re.findall(r'\b(?:count|measure)\(\s*"(\w+)"', code))
    counted = {name: number for name, (number, *_) in idle.items()}

    assert counted["alarms"] == max(alarms - 10, 0)
    assert counted["dashboards"] == max(dashboards - 3, 0)
    assert counted["metrics"] == max(len(metrics) - 10, 0)


def test_secrets_cost_what_the_report_on_cost_says(idle: dict[str, tuple[int, Decimal, Decimal]]) -> None:
    prices = parse_prices(json.loads(Path("functions/tenantry/reports/cost/aws.json").read_text()))
    share = ServerShare("db-1", "us-east-1", None)
    tenant = charge(Usage("acme", "database", "db-1", GIB, 0, 0), share, Decimal(0), prices, "us-east-1")

    number, each, _ = idle["secrets"]
    assert each == prices.of("us-east-1")[0].secret
    assert number * each == TENANTS * tenant.lines["secret"] + SERVERS * each
