"""operations/alarm_drill: whether an alarm's notice comes, and what is left afterwards: nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from operations import alarm_drill
from tests.rows import proves

PREFIX = "backlot-dev"
SEVERITIES = ("critical", "warning", "info")


class Clock:
    """Stands in for time: a sleep is over at once."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


DEGRADED = f"{PREFIX}-overall-degraded"


class Account:
    """moto with what it lacks: alarms that tell their topics, composite alarms and mute rules."""

    def __init__(self, *, deaf: frozenset[str] = frozenset(), muting: str = "") -> None:
        self.deaf = deaf
        """Alarms whose notices go astray."""
        self.muting = muting
        """The alarm that a mute rule keeps quiet."""
        self.degraded = False
        """Whether the composite alarm is red, as it stays for a while after a critical one was."""
        self.states: list[tuple[str, str]] = []
        self.sns, self.cloudwatch = self.client("sns"), self.client("cloudwatch")
        self.topics = {
            severity: self.sns.create_topic(Name=f"{PREFIX}-{severity}")["TopicArn"]
            for severity in SEVERITIES
        }

    def client(self, service: str, **_: Any) -> Any:
        client = boto3.client(service, region_name="us-east-1")
        if service == "cloudwatch":
            events = client.meta.events
            events.register("provide-client-params.cloudwatch.SetAlarmState", self._told)
            events.register("provide-client-params.cloudwatch.ListAlarmMuteRules", self._asked)
            events.register("before-call.cloudwatch.ListAlarmMuteRules", self._rules)
            events.register("after-call.cloudwatch.DescribeAlarms", self._composites)
            events.register("before-call.cloudwatch.SetAlarmState", self._settable)
        return client

    def alarm(self, name: str, severity: str = "critical", **more: Any) -> str:
        full = f"{PREFIX}-{name}"
        self.cloudwatch.put_metric_alarm(
            **{
                "AlarmName": full,
                "AlarmActions": [self.topics[severity]],
                "Namespace": "N",
                "MetricName": "M",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 1,
                "Statistic": "Sum",
                "ComparisonOperator": "GreaterThanThreshold",
                **more,
            }
        )
        return full

    def state(self, name: str) -> str:
        [alarm] = self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm["StateValue"]

    def _told(self, params: Mapping[str, Any], **_: Any) -> None:
        name, state = params["AlarmName"], params["StateValue"]
        self.states.append((name, state))
        if state != "ALARM" or name in self.deaf:
            return
        if name == DEGRADED and self.degraded:
            return
        self.degraded |= self.topics["critical"] in self._actions(name)
        notice = {
            "AlarmName": name,
            "NewStateValue": state,
            "NewStateReason": params["StateReason"],
        }
        for topic in self._actions(name):
            self.sns.publish(TopicArn=topic, Message="not even a notice")
            self.sns.publish(TopicArn=topic, Message='"backlot-dev: api: deployment: begun"')
            self.sns.publish(
                TopicArn=topic,
                Message=json.dumps({**notice, "NewStateReason": "Threshold crossed"}),
            )
            self.sns.publish(TopicArn=topic, Message=json.dumps(notice))

    def _actions(self, name: str) -> list[str]:
        if name == DEGRADED:
            return [self.topics["info"]]
        [alarm] = self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm["AlarmActions"]

    def _settable(self, params: Mapping[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        """moto knows no composite alarm to set."""
        body = params["body"]
        named = body if isinstance(body, bytes) else str(body).encode()
        return (_Answer(), {}) if b"overall-degraded" in named else None

    def _composites(self, parsed: dict[str, Any], **_: Any) -> None:
        parsed["CompositeAlarms"] = [
            {
                "AlarmName": DEGRADED,
                "StateValue": "OK",
                "ActionsEnabled": True,
                "AlarmActions": [self.topics["info"]],
            }
        ]

    def _asked(self, params: Mapping[str, Any], **_: Any) -> None:
        self._of = params.get("AlarmName")

    def _rules(self, **_: Any) -> tuple[Any, dict[str, Any]]:
        arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm-mute-rule:overall-upkeep-1a2b3c4"
        active = self.muting and self._of in (None, self.muting)
        return (
            _Answer(),
            {"AlarmMuteRuleSummaries": [{"AlarmMuteRuleArn": arn}] if active else []},
        )


class _Answer:
    status_code = 200


def run(account: Account, *arguments: str, typed: str = PREFIX, **more: Any) -> int:
    clock = Clock()
    return alarm_drill.main(
        ["--prefix", PREFIX, *arguments],
        client=account.client,
        ask=lambda _: typed,
        **{"now": clock.monotonic, "sleep": clock.sleep, **more},
    )


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def left_behind(account: Account) -> list[Any]:
    queues = boto3.client("sqs").list_queues().get("QueueUrls", [])
    return [*queues, *account.sns.list_subscriptions()["Subscriptions"]]


@proves("M105", "aivp")
def test_every_alarm_whose_notice_comes_has_told(capsys: pytest.CaptureFixture[str]):  # M105
    account = Account()
    account.alarm("api-errors")
    account.alarm("database-cpu-high", "warning")

    assert run(account) == 0
    assert lines(capsys) == [
        "backlot-dev in account 123456789012, us-east-1: 3 alarms",
        "backlot-dev-critical: NOBODY LISTENS",
        "backlot-dev-info: NOBODY LISTENS",
        "backlot-dev-warning: NOBODY LISTENS",
        "told backlot-dev-overall-degraded info after 0 s",
        "told backlot-dev-api-errors critical after 0 s",
        "told backlot-dev-database-cpu-high warning after 0 s",
        "Of 3 alarms: 3 told",
    ]


@proves("M105", "aivp")
def test_an_alarm_whose_notice_does_not_come_fails_the_drill(
    capsys: pytest.CaptureFixture[str],
):  # M105
    account = Account(deaf=frozenset({f"{PREFIX}-api-errors"}))
    account.alarm("api-errors")
    account.alarm("api-slow")

    assert run(account, "--wait", "30") == 1
    said = lines(capsys)
    assert "silent backlot-dev-api-errors critical nothing came within 30 s" in said
    assert "told backlot-dev-api-slow critical after 0 s" in said
    assert said[-1] == "Of 3 alarms: 2 told, 1 silent"


def test_each_alarm_gets_back_the_state_it_had():  # M105
    account = Account(deaf=frozenset({f"{PREFIX}-b"}))
    names = [account.alarm("a"), account.alarm("b")]
    account.cloudwatch.set_alarm_state(
        AlarmName=names[1], StateValue="INSUFFICIENT_DATA", StateReason="new"
    )
    account.states.clear()

    run(account)

    assert account.states == [
        (DEGRADED, "ALARM"),
        (DEGRADED, "OK"),
        (names[0], "ALARM"),
        (names[0], "OK"),
        (names[1], "ALARM"),
        (names[1], "INSUFFICIENT_DATA"),
    ]
    assert [account.state(name) for name in names] == ["OK", "INSUFFICIENT_DATA"]


def test_nothing_of_the_drill_is_left():  # M105
    account = Account()
    account.alarm("api-errors")

    run(account)

    assert left_behind(account) == []


def test_a_drill_that_is_stopped_puts_the_alarm_back_and_takes_its_queue_away(
    capsys: pytest.CaptureFixture[str],
):  # M105
    account = Account(deaf=frozenset({f"{PREFIX}-api-errors"}))
    name = account.alarm("api-errors")

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    assert run(account, sleep=stop) == 1
    assert account.states[-2:] == [(name, "ALARM"), (name, "OK")]
    assert left_behind(account) == []
    assert "Stopped; what was set off was put back" in capsys.readouterr().err


def test_what_is_red_for_real_is_left_as_it_is(capsys: pytest.CaptureFixture[str]):
    account = Account()
    name = account.alarm("api-errors")
    account.cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="real")
    account.states.clear()

    assert run(account, "--alarm", name) == 0
    assert account.states == []
    assert "red for real backlot-dev-api-errors critical has told already; see its runbook" in (
        lines(capsys)
    )


def test_muted_alarms_are_named_and_not_set_off(capsys: pytest.CaptureFixture[str]):  # M105
    account = Account(muting=f"{PREFIX}-cache-cpu-high")
    account.alarm("api-errors", ActionsEnabled=False)
    account.alarm("cache-cpu-high")

    assert run(account) == 0
    said = lines(capsys)
    assert "muted backlot-dev-api-errors critical by notices.muted" in said
    assert (
        "muted backlot-dev-cache-cpu-high critical by the mute rule overall-upkeep-1a2b3c4" in said
    )
    assert {name for name, _ in account.states} == {f"{PREFIX}-overall-degraded"}


def test_what_moves_capacity_or_tells_nobody_is_never_set_off(capsys: pytest.CaptureFixture[str]):
    policy = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:policyName/wake"
    account = Account()
    account.alarm("worker-render-wake", AlarmActions=[policy])
    account.alarm("overall-part", AlarmActions=[])

    assert run(account) == 0
    said = lines(capsys)
    assert "left alone backlot-dev-worker-render-wake - moves capacity, not people" in said
    assert "left alone backlot-dev-overall-part - tells nobody; others are made of it" in said
    assert {name for name, _ in account.states} == {f"{PREFIX}-overall-degraded"}


def test_another_stack_whose_name_begins_alike_is_not_touched():
    account = Account()
    account.alarm("elopment-api-errors", AlarmName="backlot-development-api-errors")

    run(account)

    assert {name for name, _ in account.states} == {f"{PREFIX}-overall-degraded"}


def test_one_alarm_can_be_drilled_alone():
    account = Account()
    name = account.alarm("api-errors")
    account.alarm("api-slow")

    assert run(account, "--alarm", name) == 0
    assert {alarm for alarm, _ in account.states} == {name}


def test_an_alarm_that_is_not_there_is_the_commands_mistake(capsys: pytest.CaptureFixture[str]):
    account = Account()
    account.alarm("api-errors")

    assert run(account, "--alarm", "backlot-dev-api-eros") == 2
    assert capsys.readouterr().err == (
        "no alarm is called backlot-dev-api-eros; "
        "there are: backlot-dev-api-errors, backlot-dev-overall-degraded\n"
    )


def test_a_stack_without_alarms_is_looked_for_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    account = Account()
    monkeypatch.setattr(account, "client", lambda service, **_: boto3.client(service))

    assert run(account) == 2
    assert "no alarm here begins with backlot-dev-; look at the prefix" in capsys.readouterr().err


def test_nobody_is_told_before_somebody_agrees(capsys: pytest.CaptureFixture[str]):
    account = Account()
    account.alarm("api-errors")

    assert run(account, typed="no") == 1
    assert account.states == []
    assert lines(capsys)[-1] == "Nothing was touched"
    assert run(account, "--yes", typed="no") == 0


def test_it_says_who_listens(capsys: pytest.CaptureFixture[str]):
    account = Account()
    account.alarm("api-errors")
    for address in ("oncall@studio.example", "lead@studio.example"):
        account.sns.subscribe(
            TopicArn=account.topics["critical"], Protocol="email", Endpoint=address
        )

    run(account)

    assert "backlot-dev-critical: 2 listen" in lines(capsys)


def test_only_the_topics_may_write_into_the_queue():
    account = Account()
    account.alarm("api-errors")
    policies: list[dict[str, Any]] = []

    def look(_: float) -> None:
        sqs = boto3.client("sqs")
        [url] = sqs.list_queues()["QueueUrls"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        policies.append(json.loads(told["Policy"]))
        raise KeyboardInterrupt

    account.deaf = frozenset({f"{PREFIX}-api-errors"})
    run(account, sleep=look)

    [statement] = policies[0]["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": sorted([account.topics["critical"], account.topics["info"]])}
    }


@pytest.mark.parametrize("arguments", [[], ["--prefix", "a", "--wait", "0"]])
def test_a_command_that_says_too_little_ends_with_2(arguments: list[str]):
    with pytest.raises(SystemExit) as ended:
        alarm_drill.main(arguments)

    assert ended.value.code == 2
