"""What a stack costs by its graph: figures per component, their change, and what is not in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from operations import bill, cost, prices
from rehearsal import catalogue
from tests.delivery.workflows import job, run
from tests.iam.places import PLACES, StackGraph
from tests.rows import proves

Write = Callable[..., Path]

DATABASE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
NAT = "aws:ec2/natGateway:NatGateway"
SECRET = "aws:secretsmanager/secret:Secret"
BUCKET = "aws:s3/bucket:Bucket"
BUDGET = "aws:budgets/budget:Budget"

SMALL_DATABASE = {"instanceClass": "db.t4g.micro", "allocatedStorage": 20}


def resource(type: str, name: str, inputs: Mapping[str, Any], parent: str = "", **outputs: Any):
    urn = f"urn:pulumi:dev::backlot::{type}::{name}"
    return {
        "urn": urn,
        "type": type,
        "name": name,
        "parent": parent,
        "inputs": inputs,
        "outputs": outputs,
    }


def part_of(component: str, type: str, name: str, inputs: Mapping[str, Any]) -> list[Any]:
    """A component and one resource in it."""
    owner = resource("backlot:some:Component", component, {})
    return [owner, resource(type, name, inputs, parent=owner["urn"])]


@pytest.fixture(name="write")
def _write(tmp_path: Path) -> Write:
    """Writes a graph of some resources, and gives its file."""

    def write(*resources: Any, name: str = "graph", **more: Any) -> Path:
        file = tmp_path / f"{name}.json"
        graph = {"stack": "dev", "resources": resources, "findings": [], **more}
        file.write_text(json.dumps(graph))
        return file

    return write


@pytest.fixture(name="estimated")
def _estimated(stack_graph: StackGraph) -> Callable[..., cost.Estimate]:
    """What a stack that is shipped costs."""

    def estimated(stack: str, variant: str = "") -> cost.Estimate:
        return cost.estimate(cost.stack_of(stack_graph(stack, variant).graph.as_json()))

    return estimated


def bill_of(made: cost.Estimate, component: str) -> dict[str, tuple[int, float, float]]:
    """Of each thing: how many, and their floor and ceiling."""
    return {
        what: (count, round(of.low, 2), round(of.high, 2))
        for what, (count, of) in made.groups(component).items()
    }


# The stacks that are shipped.


@proves("M122", "ai-film-studio")
@pytest.mark.parametrize(("stack", "variant"), PLACES)
def test_every_type_of_every_graph_is_priced_billed_by_use_or_free(  # M122
    stack: str, variant: str, estimated: Callable[..., cost.Estimate]
) -> None:
    made = estimated(stack, variant)

    assert made.unpriced == []
    assert made.total.high >= made.total.low > 50


def test_productions_database_is_a_pair_two_replicas_and_their_disks(
    estimated: Callable[..., cost.Estimate],
) -> None:
    database = bill_of(estimated("production"), "database")

    assert database["db.r6g.xlarge in two zones"] == (1, 657.00, 657.00)
    assert database["db.r6g.large"] == (2, 328.50, 328.50)
    assert database["100 to 500 GB of disk in two zones"] == (1, 23.00, 115.00)
    assert database["100 to 500 GB of disk"] == (2, 23.00, 115.00)


def test_valkey_costs_four_fifths_of_redis(estimated: Callable[..., cost.Estimate]) -> None:
    cache = bill_of(estimated("production"), "cache")

    redis = 3 * 0.206 * 730
    assert cache["3 x cache.r6g.large, valkey"] == (1, round(redis * 0.8, 2), 360.91)


def test_a_fleet_costs_its_fewest_workers_of_the_cheapest_to_its_most_of_the_dearest(
    estimated: Callable[..., cost.Estimate],
) -> None:
    fleet = bill_of(estimated("production"), "worker-render")

    # Two: one on demand, one on spot. Twenty: six, and fourteen.
    low, high = (1 + 0.51) * 0.8048 * 730, (6 + 14 * 0.41) * 1.006 * 730
    assert fleet["2 to 20 x g6.xlarge or g5.xlarge, 70 % on spot"] == (
        1,
        pytest.approx(low, abs=0.005),
        pytest.approx(high, abs=0.005),
    )
    # 100 GB at 8 cents, and 275 MB/s above what is free at 4.
    assert fleet["a disk of 100 GB each"] == (1, 2 * 19.00, 20 * 19.00)


def test_a_fleet_that_may_be_empty_has_no_floor(estimated: Callable[..., cost.Estimate]) -> None:
    fleet = bill_of(estimated("dev"), "worker-render")

    assert fleet["0 to 1 x g6.xlarge or g5.xlarge"] == (1, 0.00, 734.38)


def test_an_api_on_fargate_costs_its_tasks_between_its_bounds(
    estimated: Callable[..., cost.Estimate],
) -> None:
    task = (0.03238 + 2 * 0.00356) * 730

    assert bill_of(estimated("production"), "api")["4 to 10 tasks of 1 vCPU and 2 GB, arm64"] == (
        1,
        round(4 * task, 2),
        round(10 * task, 2),
    )
    # Of two, the base is on demand, and half of the other on spot.
    assert bill_of(estimated("staging"), "api")[
        "2 to 4 tasks of 1 vCPU and 2 GB, arm64, 50 % on spot"
    ] == (1, round((2 - 0.65 * 0.5) * task, 2), round((4 - 0.65 * 1.5) * task, 2))


@pytest.mark.parametrize(("variant", "most"), [("ec2", 5), ("beanstalk", 4)])
def test_an_api_on_instances_costs_them_and_their_disks(
    variant: str, most: int, estimated: Callable[..., cost.Estimate]
) -> None:
    api = bill_of(estimated("staging", variant), "api")

    month = 0.0336 * 730
    assert api[f"2 to {most} x t4g.medium"] == (1, round(2 * month, 2), round(most * month, 2))
    assert api["a disk of 30 GB each"] == (1, 2 * 2.40, most * 2.40)


def test_the_network_costs_a_gateway_and_an_endpoint_for_each_zone(
    estimated: Callable[..., cost.Estimate],
) -> None:
    production, dev = estimated("production"), estimated("dev")

    assert bill_of(production, "network")["NAT gateway"] == (3, 98.55, 98.55)
    assert bill_of(production, "network")["public address"] == (3, 10.95, 10.95)
    assert bill_of(production, "network")["interface endpoint in 3 zones"] == (4, 87.60, 87.60)
    assert bill_of(dev, "network")["NAT gateway"] == (1, 32.85, 32.85)
    assert not [what for what in bill_of(dev, "network") if "endpoint" in what]
    assert not [use for use in dev.used if use.startswith("Interface endpoints")]


def test_a_load_balancer_that_only_cloudfront_reaches_has_no_public_address(
    estimated: Callable[..., cost.Estimate],
) -> None:
    public = bill_of(estimated("staging"), "load-balancer")
    hidden = bill_of(estimated("staging", "behind-cloudfront"), "load-balancer")

    assert public["public address"] == (2, 7.30, 7.30)
    assert "public address" not in hidden
    assert public["load balancer"] == hidden["load balancer"] == (1, 16.43, 16.43)


# One resource alone.


@pytest.mark.parametrize(
    ("type", "inputs", "low", "high"),
    [
        (DATABASE, SMALL_DATABASE, 11.68 + 2.30, 11.68 + 2.30),
        (
            DATABASE,
            {**SMALL_DATABASE, "databaseInsightsMode": "advanced"},
            13.98 + 2 * 9.125,
            13.98 + 2 * 9.125,
        ),
        (
            CACHE,
            {"nodeType": "cache.t4g.micro", "engine": "redis", "numCacheClusters": 2},
            23.36,
            23.36,
        ),
        ("aws:kms/key:Key", {}, 1, 1),
        ("aws:kms/key:Key", {"enableKeyRotation": True}, 1, 3),
        ("aws:wafv2/webAcl:WebAcl", {"rules": [{}, {}, {}]}, 8, 8),
        (SECRET, {}, 0.40, 0.40),
        ("aws:cloudwatch/dashboard:Dashboard", {}, 3, 3),
        ("aws:cloudwatch/compositeAlarm:CompositeAlarm", {}, 0.50, 0.50),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", {"period": 300}, 0.10, 0.10),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", {"period": 10}, 0.30, 0.30),
        (
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            {"metricQueries": [{"metric": {"period": 60}}, {"metric": {}}, {"expression": "a/b"}]},
            0.20,
            0.20,
        ),
        ("aws:cloudwatch/logMetricFilter:LogMetricFilter", {}, 0, 0.30),
        ("aws:appautoscaling/policy:Policy", {"policyType": "TargetTrackingScaling"}, 0.20, 0.20),
        ("aws:appautoscaling/policy:Policy", {"policyType": "StepScaling"}, 0, 0),
        (
            "aws:route53/healthCheck:HealthCheck",
            {"type": "HTTP", "requestInterval": 30},
            0.50,
            0.50,
        ),
        (
            "aws:route53/healthCheck:HealthCheck",
            {"type": "HTTPS_STR_MATCH", "requestInterval": 10, "measureLatency": True},
            4.50,
            4.50,
        ),
        (
            "aws:synthetics/canary:Canary",
            {"schedule": {"expression": "rate(5 minutes)"}},
            10.512,
            10.512,
        ),
        (
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            {"vpcEndpointType": "Interface", "subnetIds": ["a", "b"]},
            14.60,
            14.60,
        ),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Gateway"}, 0, 0),
        (BUCKET, {}, 0, 0),
    ],
)
def test_a_resource_costs_its_figure(
    type: str, inputs: Mapping[str, Any], low: float, high: float, write: Write
) -> None:
    total = cost.estimate(cost.read(write(*part_of("it", type, "one", inputs)))).total

    assert (total.low, total.high) == (pytest.approx(low), pytest.approx(high))


def test_a_timetable_moves_the_bounds(write: Write) -> None:
    service = resource(
        "aws:ecs/service:Service",
        "api",
        {
            "name": "api-1",
            "desiredCount": 4,
            "taskDefinition": "arn:task",
            "capacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}],
        },
    )
    task = resource(
        "aws:ecs/taskDefinition:TaskDefinition",
        "task",
        {"cpu": "1024", "memory": "2048", "ephemeralStorage": {"sizeInGib": 30}},
        arn="arn:task",
    )
    name = {"resourceId": "service/cluster-1/api-1"}
    target = resource(
        "aws:appautoscaling/target:Target", "bounds", {**name, "minCapacity": 4, "maxCapacity": 8}
    )
    night = resource(
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        "night",
        {**name, "scalableTargetAction": {"minCapacity": 1, "maxCapacity": 2}},
    )

    a_task = (0.04048 + 2 * 0.004445 + 10 * 0.000111) * 730
    for given, low, high in (
        ([], 4, 4),
        ([target], 4, 8),
        ([target, night], 1, 8),
    ):
        total = cost.estimate(cost.read(write(service, task, *given))).total
        assert total.low == pytest.approx(low * a_task)
        assert total.high == pytest.approx(high * a_task)


# What is printed.


def test_an_estimate_is_a_table_what_is_used_and_what_to_mind(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = write(
        *part_of(
            "database",
            DATABASE,
            "database-primary",
            {**SMALL_DATABASE, "multiAz": True, "maxAllocatedStorage": 100},
        ),
        *part_of("network", NAT, "network-nat-a", {}),
        *part_of("secrets", SECRET, "secrets-openai", {}),
        *part_of("buckets", BUCKET, "buckets-media", {}),
        *part_of("budget", BUDGET, "budget-monthly", {"limitAmount": "60"}),
    )

    assert cost.main([str(graph)]) == 0
    assert capsys.readouterr().out == (
        "dev: 61 to 80 USD a month, and what is used on top.\n"
        "The floor is its fewest tasks, instances and gigabytes all month, the ceiling its most.\n"
        "Prices are us-east-1's of 2026-11-26, on demand.\n"
        "\n"
        "component  floor  ceiling  mostly\n"
        "database   27.96    46.36  db.t4g.micro in two zones; 20 to 100 GB of disk in two zones\n"
        "network    32.85    32.85  NAT gateway\n"
        "others      0.40     0.40  secrets\n"
        "all of it  61.21    79.61\n"
        "\n"
        "Billed by use, and not in the sums:\n"
        "  NAT gateways: GB through them (network)\n"
        "  RDS: GB of backups beyond the disk's size, monitoring's log (database)\n"
        "  S3: GB kept, requests (buckets)\n"
        "  Secrets Manager: requests (secrets)\n"
        "\n"
        "Above its budget: the floor alone is 61 USD, and the budget 60. Raise "
        "budget.monthly_usd, or lower what stands all month.\n"
    )


def test_a_pull_request_is_told_what_changes_the_largest_first(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    before = write(
        *part_of("cache", CACHE, "cache-nodes", one_node("cache.r6g.large")),
        *part_of("database", DATABASE, "database-primary", SMALL_DATABASE),
        *part_of("secrets", SECRET, "secrets-openai", {}),
        *part_of("queue", "aws:sqs/queue:Queue", "queue-render", {}),
        name="before",
    )
    after = write(
        *part_of("cache", CACHE, "cache-nodes", one_node("cache.t4g.small")),
        *part_of("database", DATABASE, "database-primary", SMALL_DATABASE),
        *part_of("secrets", SECRET, "secrets-openai", {}),
        *part_of("secrets", SECRET, "secrets-suno", {})[1:],
        *part_of("secrets", SECRET, "secrets-jwt", {})[1:],
        *part_of("network", NAT, "network-nat-a", {}),
        name="after",
    )

    assert cost.main([str(after), "--against", str(before), "--markdown"]) == 0
    assert capsys.readouterr().out == (
        "### What dev costs\n"
        "\n"
        "dev: -93.37 USD a month at the floor, -93.37 at the ceiling.\n"
        "Then 71 USD a month, and what is used on top.\n"
        "\n"
        "| component | floor | ceiling | what changes |\n"
        "| --- | ---: | ---: | --- |\n"
        "| cache | -127.02 | -127.02 | - cache.r6g.large, redis; + cache.t4g.small, redis |\n"
        "| network | +32.85 | +32.85 | + NAT gateway |\n"
        "| secrets | +0.80 | +0.80 | + 2 secrets |\n"
        "\n"
        "New on the bill, by use: NAT gateways: GB through them.\n"
        "\n"
        "No longer on the bill, by use: SQS: requests.\n"
    )


def one_node(kind: str) -> dict[str, Any]:
    return {"nodeType": kind, "engine": "redis", "numCacheClusters": 1}


def test_a_change_that_costs_nothing_is_said_to(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    before = write(*part_of("secrets", SECRET, "secrets-openai", {}), name="before")
    after = write(*part_of("secrets", SECRET, "secrets-suno", {}), name="after")

    assert cost.main([str(after), "--against", str(before)]) == 0
    assert capsys.readouterr().out == (
        "dev: nothing changes what stands: 0 USD a month, and what is used on top.\n"
    )


def test_the_same_graph_in_another_order_is_the_same_estimate(
    stack_graph: StackGraph, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = stack_graph("production").graph.as_json()
    graph = json.loads(json.dumps(graph, default=repr))

    outputs = []
    for resources in (graph["resources"], graph["resources"][::-1]):
        cost.main([str(write(**{**graph, "resources": resources})), "--markdown"])
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize(("limit", "warned"), [("13.97", True), ("13.98", False), (None, False)])
def test_a_budget_below_the_floor_is_said_and_no_other(
    limit: str | None, warned: bool, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    budget = [resource(BUDGET, "budget", {"limitAmount": limit})] if limit else []
    graph = write(resource(DATABASE, "database", SMALL_DATABASE), *budget)

    assert cost.main([str(graph)]) == 0
    assert ("Above its budget" in capsys.readouterr().out) == warned


def test_what_has_no_price_is_named_and_left_out(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = write(
        *part_of(
            "database", DATABASE, "primary", {**SMALL_DATABASE, "instanceClass": "db.x9.large"}
        ),
        *part_of("cache", CACHE, "cache-nodes", one_node("cache.r99g.large")),
        *part_of("lake", "aws:glue/job:Job", "lake-job", {}),
        *part_of("network", NAT, "network-nat-a", {}),
    )

    assert cost.main([str(graph)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("dev: 33 USD a month")
    assert (
        "Without a price, so not in the sums: aws:glue/job:Job (lake), cache.r99g.large (cache), "
        "db.x9.large (database). Add them to operations/prices.py, or to the tables of "
        "operations/bill.py."
    ) in told


@pytest.mark.parametrize(("region", "warned"), [("eu-west-1", True), ("us-east-1", False)])
def test_another_region_is_said_to_ask_other_prices(
    region: str, warned: bool, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = write(resource("pulumi:providers:aws", "aws", {"region": region}))

    cost.main([str(graph)])
    said = "The stack is in eu-west-1, and the prices are us-east-1's: most regions ask more."
    assert (said in capsys.readouterr().out) == warned


def test_a_rehearsal_with_errors_may_not_be_all(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = [{"severity": "error"}, {"severity": "warning"}]

    cost.main([str(write(findings=findings))])
    assert "The rehearsal found 1 error: this may not be all of it." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("{}", "is no graph of a rehearsal"),
        ("[]", "is no graph"),
        (None, "read"),
    ],
)
def test_what_is_no_graph_is_refused_in_words(
    text: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "graph.json"
    if text is not None:
        file.write_text(text)

    assert cost.main([str(file)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{file}: ")
    assert said in error
    assert "python -m rehearsal STACK --record-only --graph FILE" in error


def test_a_command_without_a_graph_is_a_wrong_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cost.main([])
    assert ended.value.code == 2


# The tables.


def test_a_type_is_free_or_on_the_bill_and_one_the_program_can_make() -> None:
    known = bill.PRICED.keys() | bill.USED.keys() | bill.FREE

    assert bill.FREE & (bill.PRICED.keys() | bill.USED.keys()) == set()
    assert [kind for kind in sorted(known) if catalogue.find(kind) is None] == []


def test_every_price_names_awss_page_and_where_it_was_seen() -> None:
    given = [one for one in vars(prices).values() if isinstance(one, prices.Price | prices.Classes)]
    for table in (prices.FARGATE_VCPU, prices.FARGATE_GB):
        given += table.values()

    assert len(given) >= 25
    for one in given:
        assert one.page.startswith("https://aws.amazon.com/"), one
        assert one.seen, one


@pytest.mark.parametrize(
    ("classes", "name", "hour"),
    [
        (prices.RDS_POSTGRESQL, "r6g.2xlarge", 0.9),
        (prices.RDS_POSTGRESQL, "t4g.large", 0.129),
        (prices.RDS_POSTGRESQL, "r6g.medium", None),
        (prices.RDS_POSTGRESQL, "t4g.4xlarge", None),
        (prices.EC2_LINUX, "g6.xlarge", 0.8048),
        (prices.EC2_LINUX, "g6.2xlarge", None),
        (prices.EC2_LINUX, "c7i.xlarge", 0.1785),
    ],
)
def test_a_size_is_listed_or_a_multiple_of_its_familys_large(
    classes: prices.Classes, name: str, hour: float | None
) -> None:
    assert classes.hour(name) == (None if hour is None else pytest.approx(hour))


# On a pull request.


@proves("M122", "ai-film-studio")
@pytest.mark.parametrize(("base_rehearses", "compared"), [(True, True), (False, False)])
def test_a_plan_ends_with_what_it_changes_or_else_with_what_it_costs(  # M122
    base_rehearses: bool, compared: bool, tmp_path: Path
) -> None:
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "review.md").write_text("### staging\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        "#!/bin/bash\n"
        f'echo "python $*" >> {tmp_path}/.calls\n'
        f"[ ${{PWD##*/}} = base ] && exit {0 if base_rehearses else 1}\n"
        'if [ "$2" = operations.cost ]; then echo "### What staging costs"; fi\n'
    )
    python.chmod(0o755)

    script = job("plan.plan").script("Estimate what it costs")
    ran = run(script, tmp_path, {"git": "mkdir base"}, STACK="staging")

    assert ran.code == 0, ran.output
    against = "--against before.json " if compared else ""
    assert ran.calls == [
        "python -m rehearsal staging --record-only --graph after.json",
        "git worktree add --quiet base HEAD^",
        "python -m rehearsal staging --record-only --graph ../before.json",
        f"python -m operations.cost after.json {against}--markdown",
    ]
    said = "\n### What staging costs\n"
    assert (tmp_path / "plan" / "review.md").read_text() == f"### staging\n{said}"
    assert (tmp_path / ".summary").read_text() == said


def test_an_estimate_neither_stops_a_plan_nor_waits_for_an_approval() -> None:
    steps = {step.get("name"): step for step in job("plan.plan").steps}
    names = list(steps)
    estimate = steps["Estimate what it costs"]

    assert estimate["continue-on-error"] is True
    assert estimate["if"] == "${{ !cancelled() && steps.fingerprint.outcome == 'success' }}"
    assert steps["Fingerprint"]["id"] == "fingerprint"
    assert names.index("Review") < names.index("Estimate what it costs")
    assert names.index("Estimate what it costs") < names.index("Keep what was said")
    [checkout] = [one for one in job("plan.plan").steps if "checkout" in one.get("uses", "")]
    assert checkout["with"]["fetch-depth"] == 2
