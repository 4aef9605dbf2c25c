"""The monitor keeps the engine's rules and records what a reviewer looks for."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx
import pulumi_random as random
import pytest

from rehearsal.contract import Created
from rehearsal.graph import SECRET, UNKNOWN, Finding, Graph, Resource
from rehearsal.record import RecordOnlyProvider
from tests.recorder import aws_provider, record, with_aws

PREFIX = "urn:pulumi:dev::backlot::"
WITHOUT_DEFAULT = {"pulumi:disable-default-providers": '["aws"]'}


class Inner(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("backlot:test:Inner", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.queue = aws.sqs.Queue(f"{name}-queue", visibility_timeout_seconds=900, opts=child)
        self.register_outputs({"url": self.queue.url})


class Outer(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("backlot:test:Outer", name, None, opts)
        self.inner = Inner(f"{name}-inner", pulumi.ResourceOptions(parent=self))
        self.register_outputs({"url": self.inner.queue.url})


class Refusing(RecordOnlyProvider):
    """Refuses every resource whose name starts with `bad`."""

    def create(self, resource: Resource, graph: Graph) -> Created:
        if not resource.name.startswith("bad"):
            return super().create(resource, graph)
        finding = Finding(
            source=resource.source,
            urn=resource.urn,
            check="moto",
            severity="error",
            message=f"AWS says no to {resource.inputs.get('name')}",
        )
        return Created(id="", findings=[finding])


def test_urns_carry_the_whole_type_chain_without_the_root_stack() -> None:
    recorded = record(lambda: Outer("jobs", with_aws(aws_provider())))
    assert recorded.urns == [
        f"{PREFIX}backlot:test:Outer$backlot:test:Inner$aws:sqs/queue:Queue::jobs-inner-queue",
        f"{PREFIX}backlot:test:Outer$backlot:test:Inner::jobs-inner",
        f"{PREFIX}backlot:test:Outer::jobs",
        f"{PREFIX}pulumi:providers:aws::aws",
    ]
    queue = recorded.one("sqs.Queue")
    assert queue.parent == f"{PREFIX}backlot:test:Outer$backlot:test:Inner::jobs-inner"
    assert recorded.one("backlot:test:Outer").parent == ""


def test_children_get_the_provider_their_component_was_given() -> None:
    recorded = record(lambda: Outer("jobs", with_aws(aws_provider())), config=WITHOUT_DEFAULT)
    assert recorded.one("sqs.Queue").provider == f"{PREFIX}pulumi:providers:aws::aws"
    assert recorded.findings == []


def test_a_resource_on_a_disabled_default_provider_is_an_error() -> None:
    recorded = record(lambda: aws.sqs.Queue("jobs"), config=WITHOUT_DEFAULT)
    (finding,) = recorded.findings
    assert (finding.check, finding.severity) == ("provider", "error")
    assert finding.urn == recorded.one("sqs.Queue").urn


def test_a_default_provider_is_fine_unless_the_stack_disables_it() -> None:
    assert record(lambda: aws.sqs.Queue("jobs")).findings == []


def test_a_lookup_on_a_disabled_default_provider_is_an_error() -> None:
    recorded = record(aws.get_caller_identity, config=WITHOUT_DEFAULT)
    assert [finding.check for finding in recorded.findings] == ["provider"]


def test_the_region_comes_from_the_resource_then_its_provider_then_the_stack() -> None:
    def program() -> None:
        far = aws.Provider("far", region="eu-west-1")
        aws.sqs.Queue("own", region="ap-south-1", opts=pulumi.ResourceOptions(provider=far))
        aws.sqs.Queue("providers", opts=pulumi.ResourceOptions(provider=far))
        aws.sqs.Queue("stacks")

    recorded = record(program, config={"aws:region": "us-west-2"})
    assert {node.name: node.resource.region for node in recorded.all("sqs.Queue")} == {
        "own": "ap-south-1",
        "providers": "eu-west-1",
        "stacks": "us-west-2",
    }


def test_two_resources_with_one_urn_are_an_error_that_names_both_lines() -> None:
    def program() -> None:
        aws.sqs.Queue("jobs")
        aws.sqs.Queue("jobs")
        aws.sqs.Queue("other")

    recorded = record(program)
    (finding,) = recorded.findings
    first = recorded.one("sqs.Queue", "jobs").source
    assert finding.check == "urn"
    assert first in finding.message
    assert finding.source != first
    assert recorded.names("sqs.Queue") == ["jobs", "other"]


def test_what_needs_the_second_of_two_equal_resources_waits_for_it() -> None:
    def program() -> None:
        aws.sqs.Queue("jobs")
        second = aws.sqs.Queue("jobs")
        aws.sqs.Queue("next", redrive_policy=second.arn)

    recorded = record(program)
    assert {finding.check: finding.severity for finding in recorded.findings} == {
        "skipped": "warning",
        "urn": "error",
    }


def test_the_source_is_the_line_of_the_program_that_made_the_resource() -> None:
    recorded = record(lambda: Outer("jobs", with_aws(aws_provider())))
    file, _, line = recorded.one("sqs.Queue").source.partition(":")
    assert file == "tests/rehearsal/test_monitor.py"
    lines = Path(__file__).read_text().splitlines()
    assert "self.queue = aws.sqs.Queue" in lines[int(line) - 1]


def test_dependencies_are_recorded_per_property() -> None:
    def program() -> None:
        letters = aws.sqs.Queue("letters")
        aws.sqs.Queue("jobs", redrive_policy=letters.arn, delay_seconds=5)

    recorded = record(program)
    letters = recorded.one("sqs.Queue", "letters").urn
    jobs = recorded.one("sqs.Queue", "jobs").resource
    assert jobs.dependencies == (letters,)
    assert jobs.property_dependencies == {"redrivePolicy": (letters,)}


def test_options_are_recorded() -> None:
    def program() -> None:
        opts = pulumi.ResourceOptions(
            protect=True, retain_on_delete=True, ignore_changes=["delay_seconds"]
        )
        aws.sqs.Queue("kept", opts=opts)
        aws.sqs.Queue("plain")

    recorded = record(program)
    kept, plain = recorded.one("sqs.Queue", "kept"), recorded.one("sqs.Queue", "plain")
    assert (kept.protect, kept.retain_on_delete, kept.ignore_changes) == (
        True,
        True,
        ["delay_seconds"],
    )
    assert (plain.protect, plain.retain_on_delete, plain.ignore_changes) == (False, False, [])
    assert kept.resource.ignore_changes == ("delaySeconds",)


def _vpc(opts: pulumi.ResourceOptions | None = None) -> awsx.ec2.Vpc:
    return awsx.ec2.Vpc(
        "net",
        cidr_block="10.0.0.0/16",
        availability_zone_names=["us-east-1a"],
        subnet_strategy=awsx.ec2.SubnetAllocationStrategy.EXACT,
        subnet_specs=[
            awsx.ec2.SubnetSpecArgs(type=tier, cidr_blocks=[block])
            for tier, block in (
                (awsx.ec2.SubnetType.PUBLIC, "10.0.0.0/17"),
                (awsx.ec2.SubnetType.PRIVATE, "10.0.128.0/17"),
            )
        ],
        nat_gateways=awsx.ec2.NatGatewayConfigurationArgs(
            strategy=awsx.ec2.NatGatewayStrategy.SINGLE
        ),
        opts=opts,
    )


def test_the_children_of_a_remote_component_are_recorded_with_its_provider() -> None:
    def program() -> None:
        provider = aws_provider()
        vpc = _vpc(with_aws(provider))
        opts = pulumi.ResourceOptions(provider=provider)
        aws.ec2.SecurityGroup("web", vpc_id=vpc.vpc_id, opts=opts)
        pulumi.export("subnets", vpc.private_subnet_ids)
        pulumi.export("tables", vpc.route_tables.apply(lambda tables: [one.id for one in tables]))

    recorded = record(program, config=WITHOUT_DEFAULT)
    assert recorded.findings == []
    component = recorded.one("awsx:ec2:Vpc")
    assert component.resource.remote
    assert component.resource.made_in == "component"
    subnets = recorded.all("ec2.Subnet")
    assert [node.provider for node in subnets] == [f"{PREFIX}pulumi:providers:aws::aws"] * 2
    vpc = recorded.one("ec2.Vpc")
    assert vpc.parent == component.urn
    assert component.resource.outputs["vpc"] == vpc.urn
    assert recorded.one("ec2.SecurityGroup")["vpc_id"] == vpc.id
    assert recorded.outputs["subnets"] == [subnets[0].id]
    assert sorted(recorded.outputs["tables"]) == sorted(
        node.id for node in recorded.all("ec2.RouteTable")
    )
    assert record(program, preview=True).urns == recorded.urns


def test_a_remote_component_on_a_disabled_default_provider_is_an_error() -> None:
    recorded = record(lambda: _vpc(), config=WITHOUT_DEFAULT)
    assert [(one.check, one.urn) for one in recorded.findings] == [
        ("provider", recorded.one("awsx:ec2:Vpc").urn)
    ]


def test_the_outputs_of_another_stack_are_unknown_and_said_to_be() -> None:
    def program() -> None:
        other = pulumi.StackReference("org/other/dev")
        pulumi.export("id", other.get_output("id"))
        aws.sqs.Queue("jobs", name=other.require_output("name"))

    recorded = record(program)
    assert recorded.outputs == {"id": UNKNOWN}
    reference, skipped = recorded.findings
    assert (reference.check, reference.severity) == ("lookup", "warning")
    assert "org/other/dev" in reference.message
    assert (skipped.check, skipped.urn) == ("skipped", recorded.one("sqs.Queue").urn)
    assert "name is unknown" in skipped.message


def test_whole_numbers_are_integers_and_others_stay_as_they_are() -> None:
    def program() -> None:
        aws.cloudwatch.MetricAlarm(
            "age",
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=3,
            threshold=0.5,
        )

    alarm = record(program).one("cloudwatch.MetricAlarm")
    assert (alarm["evaluation_periods"], alarm["threshold"]) == (3, 0.5)
    assert isinstance(alarm["evaluation_periods"], int)


def test_a_secret_reaches_the_provider_and_never_the_written_graph() -> None:
    def program() -> None:
        password = pulumi.Output.secret("correct horse battery")
        aws.ssm.Parameter("one", type="SecureString", value=password)
        aws.sqs.Queue("nested", tags={"Note": password, "Plain": "seen"})
        pulumi.export("password", password)
        pulumi.export("plain", "seen")

    recorded = record(program)
    one, nested = recorded.one("ssm.Parameter"), recorded.one("sqs.Queue")
    assert one["value"] == "correct horse battery"
    assert (one.secret_inputs, nested.secret_inputs) == (
        ["value"],
        ["tags", "tags_all"],
    )
    written = recorded.graph.write()
    assert "correct horse" not in written
    assert json.loads(written)["outputs"] == {"password": SECRET, "plain": "seen"}


def test_a_finding_that_quotes_a_secret_is_blanked() -> None:
    def program() -> None:
        aws.ssm.Parameter(
            "bad", name=pulumi.Output.secret("hunter2-hunter2"), type="String", value="x"
        )

    recorded = record(program, provider=Refusing())
    (finding,) = recorded.findings
    assert finding.message == f"AWS says no to {SECRET}"


def test_a_short_secret_is_hidden_wherever_its_own_resource_repeats_it() -> None:
    def program() -> None:
        short = pulumi.Output.secret("abc")
        aws.sqs.Queue("bad", name=short, tags={"plain": "alphabet abc"})
        aws.sqs.Queue("tagged", tags={"key": short})
        aws.sqs.Queue("named", name=short)
        aws.sqs.Queue("other", tags={"key": "abc"})

    recorded = record(program, provider=Refusing())
    assert [one.message for one in recorded.findings] == [f"AWS says no to {SECRET}"]
    queues = {node.name: node.resource.as_json() for node in recorded.all("sqs.Queue")}
    assert queues["bad"]["inputs"]["tags"] == SECRET
    assert (queues["tagged"]["inputs"]["tagsAll"], queues["named"]["outputs"]["arn"]) == (
        SECRET,
        SECRET,
    )
    assert queues["other"]["inputs"]["tags"] == {"key": "abc"}


def test_what_the_sdk_calls_a_secret_output_is_one() -> None:
    def program() -> None:
        drawn = random.RandomPassword("drawn", length=24)
        aws.ssm.Parameter("stored", type="SecureString", value=drawn.result)

    recorded = record(program)
    drawn = recorded.one("random.RandomPassword")
    assert len(drawn.resource.outputs["result"]) == 24
    assert "result" in drawn.resource.secret_outputs
    assert recorded.one("ssm.Parameter").secret_inputs == ["value"]
    assert drawn.resource.outputs["result"] not in recorded.graph.write()


def test_a_refused_resource_leaves_its_dependents_waiting_and_the_rest_made() -> None:
    def program() -> None:
        bad = aws.sqs.Queue("bad")
        waiting = aws.sqs.Queue("waiting", redrive_policy=bad.arn)
        aws.sqs.Queue("behind", opts=pulumi.ResourceOptions(depends_on=[waiting]))
        aws.sqs.Queue("bad-too")
        aws.sqs.Queue("fine")

    recorded = record(program, provider=Refusing())
    by_name = {node.name: node.resource for node in recorded.all("sqs.Queue")}
    assert {name for name, made in by_name.items() if made.made_in == "nothing"} == {
        "bad",
        "bad-too",
        "behind",
        "waiting",
    }
    assert by_name["waiting"].inputs["redrivePolicy"] is UNKNOWN
    said = {(finding.urn, finding.check): finding for finding in recorded.findings}
    assert len(said) == 4
    skipped = said[by_name["waiting"].urn, "skipped"]
    assert skipped.severity == "warning"
    assert by_name["bad"].urn in skipped.message
    assert by_name["waiting"].urn in said[by_name["behind"].urn, "skipped"].message


def test_an_output_that_the_provider_did_not_give_does_not_stop_the_program() -> None:
    def program() -> None:
        queue = aws.sqs.Queue("jobs")
        aws.sqs.Queue("reader", name=queue.kms_master_key_id.apply(lambda key: f"by-{key}"))
        aws.sqs.Queue("fine")

    recorded = record(program)
    (finding,) = recorded.findings
    assert (finding.check, finding.severity) == ("skipped", "error")
    assert "name is unknown" in finding.message
    assert recorded.one("sqs.Queue", "jobs").urn in finding.message
    assert recorded.one("sqs.Queue", "fine").id


def test_a_bug_in_the_provider_is_a_finding_and_the_run_goes_on() -> None:
    class Broken(RecordOnlyProvider):
        def finish(self, graph: Graph) -> list[Finding]:
            raise RuntimeError(f"{len(graph.resources)} resources are too many")

        def create(self, resource: Resource, graph: Graph) -> Created:
            if resource.name == "broken":
                raise KeyError("Attributes")
            return super().create(resource, graph)

    def program() -> None:
        aws.sqs.Queue("broken")
        aws.sqs.Queue("fine")

    recorded = record(program, provider=Broken())
    at_the_end, on_the_way = recorded.findings
    assert (at_the_end.check, on_the_way.check) == ("rehearsal", "rehearsal")
    assert "RuntimeError: 2 resources are too many" in at_the_end.message
    assert "KeyError: 'Attributes'" in on_the_way.message
    assert on_the_way.urn == recorded.one("sqs.Queue", "broken").urn
    assert recorded.one("sqs.Queue", "fine").id


def test_the_provider_is_asked_by_one_thread_as_moto_is_not_thread_safe() -> None:
    threads = set[int]()

    class Watching(RecordOnlyProvider):
        def create(self, resource: Resource, graph: Graph) -> Created:
            threads.add(threading.get_ident())
            return super().create(resource, graph)

    record(lambda: [aws.sqs.Queue(f"jobs-{number}") for number in range(20)], provider=Watching())
    assert len(threads) == 1


def test_a_preview_registers_the_same_urns_and_makes_nothing() -> None:
    def program() -> None:
        outer = Outer("jobs", with_aws(aws_provider()))
        aws.sqs.Queue("next", name=outer.inner.queue.name, redrive_policy=outer.inner.queue.arn)

    known, preview = record(program), record(program, preview=True)
    assert preview.urns == known.urns
    assert preview.one("sqs.Queue", "next").resource.inputs["redrivePolicy"] is UNKNOWN
    assert preview.one("sqs.Queue", "jobs-inner-queue")["visibility_timeout_seconds"] == 900
    assert {node.id for node in preview.all("sqs.Queue")} == {""}
    assert preview.findings == []


def test_a_resource_hidden_in_apply_is_missing_from_the_preview() -> None:
    def program() -> None:
        queue = aws.sqs.Queue("jobs")

        def hide(arn: str) -> None:
            aws.sqs.Queue("hidden", redrive_policy=arn)

        queue.arn.apply(hide)

    assert record(program).names("sqs.Queue") == ["hidden", "jobs"]
    assert record(program, preview=True).names("sqs.Queue") == ["jobs"]


def _quicker(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    if args.type_ != "aws:sqs/queue:Queue":
        return None
    args.opts.protect = True
    return pulumi.ResourceTransformResult({**args.props, "visibilityTimeoutSeconds": 30}, args.opts)


def test_transforms_run_on_the_resource_below_a_component_and_in_the_stack() -> None:
    def own() -> None:
        aws.sqs.Queue("jobs", opts=pulumi.ResourceOptions(transforms=[_quicker]))
        aws.sqs.Queue("other")

    def inherited() -> None:
        Outer("jobs", pulumi.ResourceOptions(transforms=[_quicker]))

    def whole_stack() -> None:
        pulumi.runtime.register_resource_transform(_quicker)
        aws.sqs.Queue("jobs")

    of_own = record(own)
    assert of_own.one("sqs.Queue", "jobs")["visibility_timeout_seconds"] == 30
    assert of_own.one("sqs.Queue", "jobs").protect
    assert "visibility_timeout_seconds" not in of_own.one("sqs.Queue", "other")
    for program in (inherited, whole_stack):
        assert record(program).one("sqs.Queue")["visibility_timeout_seconds"] == 30


def test_a_transform_does_not_hide_that_an_input_is_unknown() -> None:
    def program() -> None:
        bad = aws.sqs.Queue("bad")
        opts = pulumi.ResourceOptions(transforms=[_quicker])
        aws.sqs.Queue("waiting", redrive_policy=bad.arn, opts=opts)

    waiting = record(program, provider=Refusing()).one("sqs.Queue", "waiting")
    assert waiting.resource.inputs["redrivePolicy"] is UNKNOWN
    assert waiting.resource.made_in == "nothing"


def test_a_transform_that_fails_is_a_finding() -> None:
    def failing(_args: pulumi.ResourceTransformArgs) -> None:
        raise ValueError("no such tag")

    opts = pulumi.ResourceOptions(transforms=[failing])
    (finding,) = record(lambda: aws.sqs.Queue("jobs", opts=opts)).findings
    assert finding.check == "transform"
    assert "no such tag" in finding.message


def test_archives_are_recorded_by_path_and_content() -> None:
    def program() -> None:
        aws.lambda_.Function(
            "drain",
            role="arn:aws:iam::123456789012:role/drain",
            code=pulumi.AssetArchive(
                {
                    "handler.py": pulumi.StringAsset("x = 1"),
                    "settings": pulumi.FileArchive("settings"),
                }
            ),
        )

    code = record(program).one("lambda.Function").resource.inputs["code"]
    assert set(code) == {"archive", "hash"}
    assert code["archive"]["settings"]["archive"] == "settings"
    assert len(code["archive"]["settings"]["hash"]) == 64
    assert code["archive"]["handler.py"]["text"] == "x = 1"
    assert record(program).one("lambda.Function").resource.inputs["code"] == code


def test_an_archive_that_does_not_exist_is_a_finding() -> None:
    def program() -> None:
        aws.lambda_.Function(
            "drain",
            role="arn:aws:iam::123456789012:role/drain",
            code=pulumi.FileArchive("functions/absent"),
        )

    (finding,) = record(program).findings
    assert finding.check == "asset"
    assert "functions/absent" in finding.message


def test_a_lookup_nobody_can_answer_is_a_finding_with_its_line() -> None:
    class Ignorant(RecordOnlyProvider):
        def call(self, token: str, args: object, region: str) -> dict[str, object]:
            raise LookupError(f"{token}: no answer")

    def program() -> None:
        with pytest.raises(Exception, match="no answer"):
            aws.get_caller_identity()

    (finding,) = record(program, provider=Ignorant()).findings
    assert (finding.check, finding.severity) == ("lookup", "error")
    assert finding.source.startswith("tests/rehearsal/test_monitor.py:")


def test_a_resource_that_stood_before_is_read_not_made() -> None:
    def program() -> None:
        found = aws.sqs.Queue.get("old", "https://sqs.us-east-1.amazonaws.com/123456789012/old")
        pulumi.export("id", found.id)

    recorded = record(program)
    assert recorded.outputs == {"id": "https://sqs.us-east-1.amazonaws.com/123456789012/old"}
    (finding,) = recorded.findings
    assert (finding.check, finding.severity) == ("lookup", "warning")
    assert finding.message.endswith("is not of this program, so a rehearsal knows no more of it")


def test_what_the_program_logs_as_an_error_is_an_error_finding() -> None:
    def program() -> None:
        pulumi.log.info("nothing to see")
        pulumi.log.warn("careful")
        pulumi.log.error("stop")

    assert [(one.severity, one.message) for one in record(program).findings] == [
        ("error", "stop"),
        ("warning", "careful"),
    ]


def test_a_component_output_that_is_a_resource_is_recorded_by_its_urn() -> None:
    recorded = record(
        lambda: aws.sqs.Queue("jobs", opts=pulumi.ResourceOptions(parent=Inner("inner")))
    )
    inner = recorded.one("backlot:test:Inner")
    assert inner.outputs == {"url": recorded.one("sqs.Queue", "inner-queue").id}


def test_registering_is_linear_in_the_number_of_resources() -> None:
    def queues(count: int) -> float:
        def program() -> None:
            for number in range(count):
                aws.sqs.Queue(f"queue-{number}")

        started = time.process_time()
        assert len(record(program).nodes) == count
        return time.process_time() - started

    queues(1)
    few = min(queues(50) for _ in range(3))
    # Ten times the resources at ten times the cost, and room for a busy machine.
    assert queues(500) < 10 * few * 1.8
