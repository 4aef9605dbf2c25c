"""The report reads well at 100 columns, on a terminal and in a pipe."""

from __future__ import annotations

import io

from rich.console import Console

from rehearsal.graph import UNKNOWN, Finding, Graph, MadeIn, Resource
from rehearsal.report import Report

PREFIX = "urn:pulumi:dev::backlot::"


def resource(
    type: str, name: str, parent: str = "", made_in: MadeIn = "moto", custom: bool = True
) -> Resource:
    chain = f"{parent.split('::')[2]}${type}" if parent else type
    return Resource(
        urn=f"{PREFIX}{chain}::{name}",
        type=type,
        name=name,
        parent=parent,
        custom=custom,
        remote=False,
        source="components/queues.py:61",
        made_in=made_in,
    )


def component(type: str, name: str, parent: str = "") -> Resource:
    return resource(type, name, parent, made_in="component", custom=False)


def graph(*resources: Resource, **given: object) -> Graph:
    made = Graph(project="backlot", stack="dev", config_file="Pulumi.dev.yaml", **given)  # pyright: ignore[reportArgumentType] (fields by name)
    made.resources = {one.urn: one for one in resources}
    return made


def finding(message: str, **given: str) -> Finding:
    fields = {"source": "a.py:1", "urn": "", "check": "model", "severity": "error"} | given
    return Finding(message=message, **fields)  # pyright: ignore[reportArgumentType] (fields by name)


def shown(of: Graph, *, record_only: bool = False, width: int = 100, colour: bool = False) -> str:
    written = io.StringIO()
    console = Console(file=written, width=width, force_terminal=colour, highlight=False)
    Report(console).show(of, 8.44, record_only=record_only)
    return written.getvalue()


def test_the_tree_counts_what_stands_in_each_component_at_any_depth() -> None:
    network = component("backlot:network:Network", "network")
    vpc = component("awsx:ec2:Vpc", "network-vpc", network.urn)
    real = resource("aws:ec2/vpc:Vpc", "network-vpc", vpc.urn)
    queue = component("backlot:queues:WorkQueue", "queue-render")
    text = shown(
        graph(
            resource("pulumi:providers:aws", "aws", made_in="provider"),
            queue,
            resource("aws:sqs/queue:Queue", "queue-render", queue.urn),
            network,
            vpc,
            real,
            resource("aws:ec2/subnet:Subnet", "network-public-a", real.urn),
            resource("aws:ec2/flowLog:FlowLog", "network-flow", network.urn),
        )
    )
    assert text.splitlines()[2:6] == [
        "  Network    network          3 resources",
        "    Vpc      network-vpc      2",
        "  WorkQueue  queue-render     1 resource",
        "",
    ]


def test_what_a_function_elsewhere_makes_stands_where_the_program_calls_it() -> None:
    queue = component("backlot:queues:WorkQueue", "queue-render")
    queue.path = ("__main__.py:50", "components/queues.py:101")
    users = component("backlot:users:Users", "users")
    users.path = ("__main__.py:53",)
    cache = component("backlot:stores:Cache", "cache")
    cache.path = ("__main__.py:45",)

    rows = shown(graph(users, queue, cache)).splitlines()[2:5]
    assert [row.split()[1] for row in rows] == ["cache", "queue-render", "users"]


def test_outputs_are_aligned_and_secrets_are_hidden() -> None:
    text = shown(
        graph(
            outputs={"vpc_id": "vpc-1", "queues": {"image": "q2", "b": ["q1"]}, "token": "s3cret"},
            secret_outputs=("token",),
        )
    )
    assert '  queues  b      ["q1"]\n          image  q2\n' in text
    assert "  token   [secret]\n" in text
    assert "  vpc_id  vpc-1\n" in text
    assert "s3cret" not in text


def test_where_resources_stand_is_counted_and_the_shadowed_types_are_named() -> None:
    one = graph(
        resource("aws:sqs/queue:Queue", "a"),
        resource("aws:sqs/queue:Queue", "b"),
        resource("aws:elasticache/user:User", "c", made_in="shadow"),
        resource("random:index/randomPassword:RandomPassword", "d", made_in="provider"),
        resource("aws:cloudwatch/compositeAlarm:CompositeAlarm", "e", made_in="shadow"),
    )
    text = shown(one)
    assert (
        "5 resources in 8.4 s: 2 created in the in-memory AWS, 2 recorded, "
        "1 made by providers that need no AWS\n"
    ) in text
    assert (
        "Recorded, not created, because moto lacks them:\n"
        "  cloudwatch.CompositeAlarm, elasticache.User\n"
    ) in text
    assert "because moto lacks them" not in shown(one, record_only=True)


def test_the_account_is_named_when_the_program_is_for_certain_ones_alone() -> None:
    provider = resource("pulumi:providers:aws", "aws", made_in="provider")

    assert "Rehearsed as account" not in shown(graph(provider))
    provider.inputs = {"allowedAccountIds": ["210987654321", "321098765432"]}
    assert (
        "Rehearsed as account 123456789012; only 210987654321, 321098765432 may be touched, which "
        "AWS checks\n"
    ) in shown(graph(provider))


def test_findings_are_grouped_by_line_and_name_resources_in_short() -> None:
    queue = resource("aws:sqs/queue:Queue", "jobs")
    one = graph(queue)
    one.findings = [
        finding("visibilityTimeoutSeconds: 50000", source="b.py:7", urn=queue.urn),
        finding(f"as {queue.urn}", source="a.py:1", severity="warning", check="double"),
        finding("roleArn: no such role", source="b.py:7"),
        finding("roleArn: no such role", source="b.py:7"),
    ]
    text = shown(one)
    assert text[text.index("Findings") :].splitlines() == [
        "Findings",
        "",
        "  a.py:1",
        "    warning  double",
        "      as sqs.Queue jobs",
        "",
        "  b.py:7",
        "    error  model",
        "      roleArn: no such role",
        "    error  model  sqs.Queue jobs",
        "      visibilityTimeoutSeconds: 50000",
        "",
        "dev would fail: 2 errors and 1 warning",
    ]


def test_what_only_waits_for_a_refused_resource_is_counted_in_one_line() -> None:
    queue = resource("aws:sqs/queue:Queue", "jobs")
    one = graph(queue)
    one.findings = [
        finding("name: too long", source="b.py:7", urn=queue.urn),
        finding(
            "not created: it waits for x", source="a.py:1", severity="warning", check="skipped"
        ),
        finding(
            "not created: it waits for y", source="a.py:2", severity="warning", check="skipped"
        ),
        finding("not created: no such output", source="a.py:3", check="skipped"),
    ]
    text = shown(one)

    assert "waits for" not in text
    assert "no such output" in text
    assert "  2 resources not created, waiting for the above\n" in text
    assert text.splitlines()[-1] == "dev would fail: 2 errors and 2 warnings"


def test_the_verdict_says_what_was_done() -> None:
    queue = resource("aws:sqs/queue:Queue", "jobs")
    clean, warned = graph(queue), graph(queue)
    warned.findings = [finding("careful", severity="warning")]
    assert shown(clean).splitlines()[-1] == "dev stands: no findings"
    assert shown(warned).splitlines()[-1] == "dev stands: 1 warning"
    assert shown(clean, record_only=True).splitlines()[-1] == "dev was recorded, not created"


def test_a_program_that_makes_nothing_does_not_stand() -> None:
    for record_only in (False, True):
        last = shown(graph(), record_only=record_only).splitlines()[-1]
        assert last == "dev is empty: the program makes nothing"


def test_one_resource_is_not_called_resources() -> None:
    text = shown(graph(resource("aws:sqs/queue:Queue", "jobs")))
    assert "1 resource in 8.4 s: 1 created in the in-memory AWS" in text


def test_moto_is_not_blamed_for_what_the_program_got_wrong() -> None:
    lacking = resource("aws:s3/bucketLogging:BucketLogging", "logs", made_in="shadow")
    faulty = resource("aws:sqs/queue:Queue", "jobs", made_in="shadow")
    stood = resource("aws:ec2/vpc:Vpc", "old", made_in="shadow")
    one = graph(lacking, faulty, stood)
    one.findings = [
        finding("no such property", urn=faulty.urn),
        finding("not of this program", urn=stood.urn, check="lookup", severity="warning"),
        finding("moto cannot tell", urn=lacking.urn, check="moto", severity="warning"),
    ]
    text = shown(one)
    assert "because moto lacks them:\n  s3.BucketLogging\n" in text
    assert "because of what was found:\n  ec2.Vpc, sqs.Queue\n" in text
    assert "Recorded, not created" not in shown(one, record_only=True)


def test_an_unknown_output_and_letters_of_any_script_are_shown_as_they_are() -> None:
    text = shown(graph(outputs={"id": UNKNOWN, "names": {"a": {"städte": "東京"}}}))
    assert '  id     [unknown]\n  names  a  {"städte": "東京"}\n' in text


def test_long_messages_are_wrapped_between_words_and_long_words_kept_whole() -> None:
    arn = f"arn:aws:iam::123456789012:role/{'x' * 120}"
    one = graph()
    one.findings = [finding(f"{'word ' * 40}{arn}")]
    lines = shown(one).splitlines()
    assert f"      {arn}" in lines
    assert all(len(line) <= 100 for line in lines if arn not in line)


def test_text_from_the_program_is_never_read_as_markup() -> None:
    one = graph(outputs={"a": "[bold]x[/]", "b[red]": "y"})
    one.stack = "[red]dev[/]"
    one.findings = [finding("[/red] given, [red] allowed")]
    text = shown(one)
    assert "  a       [bold]x[/]\n  b[red]  y\n" in text
    assert text.startswith("backlot / [red]dev[/]")
    assert text.endswith("[red]dev[/] would fail: 1 error\n")
    assert "[/red] given, [red] allowed" in text


def test_there_are_colour_codes_on_a_terminal_only() -> None:
    assert "\x1b[" in shown(graph(), colour=True)
    assert "\x1b" not in shown(graph())


def test_progress_is_drawn_on_a_terminal_only() -> None:
    written = io.StringIO()
    with Report(Console(file=written)).progress("dev") as on_event:
        assert on_event is None
    assert written.getvalue() == ""
    terminal = io.StringIO()
    with Report(Console(file=terminal, force_terminal=True)).progress("dev") as on_event:
        assert on_event
        on_event(resource("aws:sqs/queue:Queue", "jobs"))
    assert "1 resources" in terminal.getvalue()
