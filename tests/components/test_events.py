"""Events: what people are told of deployments, scaling, instances and the database."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pytest

from components.events import Events, EventsArgs
from components.keys import Keys, KeysArgs
from components.notices import Notices, NoticesArgs
from components.workload import Restart
from rehearsal.provider import MotoProvider
from settings.keys import KeysSettings
from settings.notices import NoticesSettings
from tests.components.parts import ground
from tests.recorder import Node, Recorded, aws_provider, record, with_aws

ACCOUNT = "123456789012"


@dataclass
class Deployed:
    """Stands for whatever runs our code."""

    pulumi_resource_name: str
    target: Mapping[str, str]

    @property
    def restart(self) -> Restart:
        return Restart(target=self.target, statements=[])


API = Deployed(
    "api", {"platform": "ecs", "cluster": "api-1a2b3c4", "service": "api-service-9f8e7d6"}
)
GPU = Deployed("worker-render", {"platform": "ecs", "cluster": "gpu-1", "service": "gpu-2"})
EC2_API = Deployed("api", {"platform": "autoscaling", "group": "api-group-1"})
EC2_FLEET = Deployed("worker-render", {"platform": "autoscaling", "group": "render-1"})
BEANSTALK = Deployed("api", {"platform": "beanstalk", "environment": "backlot-dev-api"})


def build(
    deployed: Sequence[Deployed],
    groups: Mapping[str, Sequence[str]] | None = None,
    **notices: Any,
) -> Events:
    opts = with_aws(aws_provider())
    settings = KeysSettings(customer_managed=False)
    keys = Keys("keys", KeysArgs(settings=settings, place=ground()), opts)
    return Events(
        "events",
        EventsArgs(
            place=ground(),
            notices=Notices(
                "notices",
                NoticesArgs(settings=NoticesSettings(**notices), place=ground(), keys=keys),
                opts,
            ),
            deployed=deployed,
            counted_groups={
                fleet: [pulumi.Output.from_input(group) for group in names]
                for fleet, names in (groups or {}).items()
            },
            database_ids=[pulumi.Output.from_input("backlot-dev-database")],
        ),
        opts,
    )


def events(
    *deployed: Deployed, groups: Mapping[str, Sequence[str]] | None = None, **notices: Any
) -> Recorded:
    return record(lambda: build(deployed, groups, **notices))


def pattern(recorded: Recorded, name: str) -> dict[str, Any]:
    return recorded.one("cloudwatch.EventRule", name).json("event_pattern")


def told(recorded: Recorded, name: str) -> tuple[str, Any]:
    """The severity and the message of the rule `name`."""
    target = recorded.one("cloudwatch.EventTarget", name)
    assert target["rule"] == recorded.one("cloudwatch.EventRule", name)["name"]
    assert "role_arn" not in target
    severity = target["arn"].rpartition("-")[2]
    return severity, json.loads(filled(target["input_transformer"]["input_template"], "<words>"))


def filled(template: str, words: str) -> str:
    """As EventBridge does it: a string that is a value by itself gets its quotes, and what is in
    another string is put there as it stands."""
    alone = re.sub(r"(?<=: )<words>", lambda _: json.dumps(words), template)
    return re.sub(r"(?<!\")<words>(?!\")", words, alone)


def test_every_deployment_on_ecs_is_told_to_info():  # M102
    recorded = events(API)

    assert pattern(recorded, "events-api-deployments") == {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Deployment State Change"],
        "resources": [f"arn:aws:ecs:us-east-1:{ACCOUNT}:service/api-1a2b3c4/api-service-9f8e7d6"],
    }
    assert told(recorded, "events-api-deployments") == (
        "info",
        "backlot-dev: api: deployment: <event> at <time>. <reason>",
    )


def test_tasks_that_keep_failing_to_start_are_a_warning():  # M102
    recorded = events(API)

    assert pattern(recorded, "events-api-starts")["detail"] == {
        "eventName": ["SERVICE_TASK_START_IMPAIRED", "SERVICE_TASK_CONFIGURATION_FAILURE"]
    }
    assert told(recorded, "events-api-starts")[0] == "warning"


def test_a_service_that_may_grow_no_further_is_told_to_info():  # M102
    recorded = events(API)

    assert pattern(recorded, "events-api-ceiling") == {
        "source": ["aws.application-autoscaling"],
        "detail-type": ["Application Auto Scaling Scaling Activity State Change"],
        "detail": {
            "resourceId": ["service/api-1a2b3c4/api-service-9f8e7d6"],
            "scaledToMax": [True],
        },
    }
    assert told(recorded, "events-api-ceiling") == (
        "info",
        "backlot-dev: api: at its ceiling: From <old> to <new> tasks at <time>: its most.",
    )


def test_the_apis_instances_that_fail_to_start_or_to_end_are_a_warning():  # M102
    recorded = events(EC2_API)

    assert recorded.names("cloudwatch.EventRule") == ["events-api-instances"]
    assert pattern(recorded, "events-api-instances") == {
        "source": ["aws.autoscaling"],
        "detail-type": [
            "EC2 Instance Launch Unsuccessful",
            "EC2 Instance Terminate Unsuccessful",
        ],
        "detail": {"AutoScalingGroupName": ["api-group-1"]},
    }
    assert told(recorded, "events-api-instances")[0] == "warning"


@pytest.mark.parametrize(("fleet", "rules"), [(GPU, 4), (EC2_FLEET, 1)])
def test_a_fleets_failed_launches_have_an_alarm_and_are_not_told_one_by_one(
    fleet: Deployed, rules: int
):  # M102
    recorded = events(fleet, groups={"worker-render": ["render-1", "render-2"]})

    assert pattern(recorded, "events-worker-render-instances") == {
        "source": ["aws.autoscaling"],
        "detail-type": ["EC2 Instance Terminate Unsuccessful"],
        "detail": {"AutoScalingGroupName": ["render-1", "render-2"]},
    }
    assert len(recorded.all("cloudwatch.EventRule")) == rules


def test_a_fleet_without_instances_has_no_rule_for_them():
    recorded = events(GPU, groups={"worker-render": []})

    assert recorded.names("cloudwatch.EventRule") == [
        "events-worker-render-ceiling",
        "events-worker-render-deployments",
        "events-worker-render-starts",
    ]


def test_what_elastic_beanstalk_does_is_info_and_what_it_gives_up_a_warning():  # M102
    recorded = events(BEANSTALK)

    for key, severity, rated in (
        ("deployments", "info", ["INFO"]),
        ("failures", "warning", ["WARN", "ERROR", "FATAL"]),
    ):
        assert pattern(recorded, f"events-api-{key}") == {
            "source": ["aws.elasticbeanstalk"],
            "detail-type": ["Elastic Beanstalk resource status change"],
            "detail": {"EnvironmentName": ["backlot-dev-api"], "Severity": rated},
        }
        assert told(recorded, f"events-api-{key}")[0] == severity


def test_a_platform_whose_events_nobody_reads_is_refused():
    with pytest.raises(AssertionError, match="api runs on mainframe, whose events nobody reads"):
        events(Deployed("api", {"platform": "mainframe"}))


def test_every_variable_of_a_message_is_taken_from_the_event():  # M102
    recorded = events(API, EC2_FLEET)

    for target in recorded.all("cloudwatch.EventTarget"):
        paths = target["input_transformer"]["input_paths"]
        template = target["input_transformer"]["input_template"]
        assert all(f"<{variable}>" in template for variable in paths)
        assert template.count("<") == len(paths)
        assert all(path.startswith("$.") for path in paths.values())


@pytest.mark.parametrize("slack", [None, {"workspace": "T01ABCDEFGH", "warning": "C07JKLMNPQR"}])
@pytest.mark.parametrize("words", ['the "render" group', "C:\\tasks", "first\nsecond", ""])
def test_free_text_comes_through_whatever_it_holds(words: str, slack: Any):
    recorded = events(EC2_API, slack=slack)
    target = recorded.one("cloudwatch.EventTarget", "events-api-instances")["input_transformer"]
    assert target["input_paths"]["words"] == "$.detail.StatusMessage"

    message = json.loads(filled(target["input_template"], words))
    told = message["content"] if slack else message
    known = "backlot-dev: api: instances: <event> in <group> at <time>."
    assert told["title" if slack else "notice"] == known
    assert told["description" if slack else "words"] == words


def test_no_free_text_stands_within_another_text():
    recorded = events(API, EC2_FLEET, BEANSTALK)
    spoken = ("$.detail.StatusMessage", "$.detail.Message")

    for target in recorded.all("cloudwatch.EventTarget"):
        paths = target["input_transformer"]["input_paths"]
        assert {name for name, path in paths.items() if path in spoken} <= {"words"}


def test_rds_tells_of_failovers_failures_full_disks_and_maintenance():  # B27
    recorded = events()
    subscription = recorded.one("rds.EventSubscription")

    assert subscription["source_type"] == "db-instance"
    assert subscription["source_ids"] == ["backlot-dev-database"]
    assert subscription["event_categories"] == [
        "failover",
        "failure",
        "low storage",
        "maintenance",
    ]
    assert subscription["sns_topic"] == recorded.one("sns.Topic", "notices-warning").outputs["arn"]
    assert subscription["enabled"] is True


def test_where_slack_listens_a_message_has_the_form_that_slack_shows():  # B48
    slack = {"workspace": "T01ABCDEFGH", "info": "C07JKLMNPQR"}
    recorded = events(API, slack=slack)

    assert told(recorded, "events-api-deployments")[1] == {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": "backlot-dev: api: deployment",
            "description": "<event> at <time>. <reason>",
        },
    }
    assert isinstance(told(recorded, "events-api-starts")[1], str)


@pytest.mark.parametrize(("muted", "state"), [(True, "DISABLED"), (False, "ENABLED")])
def test_muted_notices_switch_all_of_it_off_and_take_nothing_away(muted: bool, state: str):
    recorded = events(API, EC2_FLEET, muted=muted)

    assert {rule["state"] for rule in recorded.all("cloudwatch.EventRule")} == {state}
    assert recorded.one("rds.EventSubscription")["enabled"] is not muted
    assert recorded.urns == events(API, EC2_FLEET, muted=not muted).urns


def test_everything_hangs_below_the_component():
    recorded = events(API)
    component = recorded.one("backlot:events:Events")

    def ours(node: Node) -> bool:
        return node.name.startswith("events-")

    assert {node.parent for node in recorded.nodes if ours(node)} == {component.urn}
    assert component.outputs["rules"] == 3


def test_aws_takes_all_of_it():  # M102, B27
    with MotoProvider() as account:
        recorded = record(
            lambda: build([GPU, EC2_API], {"worker-render": ["render-1"]}), provider=account
        )

    # What it tells of is not there; everything else is.
    assert [each for each in recorded.findings if each.check != "reference"] == []
