"""`python -m operations.alarm_drill --prefix backlot-dev`: do alarms reach anybody? (M105)

Sets each alarm of the stack off, waits until its notice has come out of the topic that it tells,
and puts it back. For that it lets a queue of its own listen to those topics, and takes it away at
the end, whatever happened. Everybody else who listens hears the drill as well: each notice says
that it is one.

It leaves alone what is red for real, what is muted, and what moves capacity instead of telling
people. Not to be run during a deployment: an alarm that guards one would take it back.

Alarms live where they measure. A stack outside us-east-1 with an edge has some there too, which a
second run with `--region us-east-1` drills.

Exits with 0 when every notice came, 1 when one did not or AWS refused something, 2 when the command
itself was wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.command import explained, run

OK, SILENT, USAGE = 0, 1, 2
WAIT_SECONDS = 60
POLL_SECONDS = 1

Outcome = Literal["told", "silent", "muted", "red", "left"]

SAID: Mapping[Outcome, str] = {
    "told": "told",
    "silent": "silent",
    "muted": "muted",
    "red": "red for real",
    "left": "left alone",
}


class DrillError(Exception):
    """The drill cannot begin; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """What CloudWatch says of an alarm."""

    name: str
    state: str
    enabled: bool
    actions: Sequence[str]
    """What it sets off when it turns red, by ARN."""
    composite: bool
    """True: it is red while one of others is."""

    @property
    def topics(self) -> Sequence[str]:
        return [arn for arn in self.actions if arn.split(":")[2] == "sns"]


@dataclass(frozen=True, kw_only=True)
class Result:
    alarm: Alarm
    outcome: Outcome
    note: str


@dataclass(frozen=True, kw_only=True)
class Aws:
    """The clients that the drill needs, all of one region."""

    cloudwatch: Any
    sns: Any
    sqs: Any
    sts: Any


@dataclass(kw_only=True)
class Ear:
    """A queue that listens to the topics while the drill lasts."""

    aws: Aws
    drill: str
    """In every notice of this drill, and in no other."""
    url: str
    heard: set[str] = field(default_factory=set)
    """Alarms whose notice came."""

    def listen(self) -> None:
        """Take in what has come. Notices of real alarms are none of ours."""
        answer = self.aws.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            notice = _notice(message["Body"])
            if self.drill in str(notice.get("NewStateReason")):
                self.heard.add(notice["AlarmName"])
            self.aws.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])


def main(
    arguments: Sequence[str] | None = None,
    *,
    client: Callable[..., Any] | None = None,
    ask: Callable[[str], str] = input,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    asked = _parse(arguments)
    try:
        session = client or boto3.Session().client
        aws = Aws(
            **{
                service: session(service, region_name=asked.region)
                for service in ("cloudwatch", "sns", "sqs", "sts")
            }
        )
        alarms = find_alarms(aws, asked.prefix, asked.alarm)
        topics = sorted({topic for alarm in alarms for topic in alarm.topics})
        _introduce(aws, asked.prefix, alarms, topics)
        if not asked.yes and ask(f"Type {asked.prefix} to set them off: ") != asked.prefix:
            print("Nothing was touched")
            return SILENT
        width = max(len(alarm.name) for alarm in alarms)
        results = []
        with _ear(aws, asked.prefix, topics) as ear:
            for result in drill(ear, alarms, asked.wait, now, sleep):
                results.append(result)
                _tell(result, width)
    except DrillError as problem:
        print(problem, file=sys.stderr)
        return USAGE
    except (BotoCoreError, ClientError) as problem:
        print(explained(problem), file=sys.stderr)
        return SILENT
    except (EOFError, KeyboardInterrupt):
        print("\nStopped; what was set off was put back", file=sys.stderr)
        return SILENT
    return _sum_up(results)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m operations.alarm_drill",
        description="Set each alarm of a stack off and see its notice come. Whoever listens hears "
        "the drill too. Not during a deployment: an alarm that guards one would take it back.",
    )
    parser.add_argument(
        "--prefix", required=True, help="what leads the stack's names, such as backlot-dev"
    )
    parser.add_argument(
        "--alarm",
        metavar="NAME",
        action="append",
        help="one alarm by its whole name, and no other; may be given again",
    )
    parser.add_argument("--region", help="where the alarms are (default: the session's)")
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_seconds,
        default=WAIT_SECONDS,
        help=f"for each notice (default: {WAIT_SECONDS})",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask first")
    return parser.parse_args(arguments)


def _seconds(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds; give 1 or more")
    return int(text)


def find_alarms(aws: Aws, prefix: str, names: Sequence[str] | None) -> list[Alarm]:
    """The stack's alarms, or those of `names`, in the order in which to set them off: composite
    ones first, since each of the others turns them red, and what is red tells nothing when it is
    set off. Raises DrillError when one is not there."""
    pages = aws.cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=f"{prefix}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    found = {
        one["AlarmName"]: Alarm(
            name=one["AlarmName"],
            state=one["StateValue"],
            enabled=one["ActionsEnabled"],
            actions=one.get("AlarmActions", []),
            composite=kind == "CompositeAlarms",
        )
        for page in pages
        for kind in ("MetricAlarms", "CompositeAlarms")
        for one in page.get(kind, [])
    }
    if not found:
        raise DrillError(
            f"no alarm here begins with {prefix}-; look at the prefix (<platform.name>-<stack>), "
            "the region and the account"
        )
    if missing := sorted(set(names or ()) - set(found)):
        raise DrillError(
            f"no alarm is called {', '.join(missing)}; there are: {', '.join(sorted(found))}"
        )
    wanted = [found[name] for name in names or found]
    return sorted(wanted, key=lambda alarm: (not alarm.composite, alarm.name))


def drill(
    ear: Ear,
    alarms: Sequence[Alarm],
    wait: float,
    now: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[Result]:
    """Set the alarms off, one after the other, so that nobody hears all of them at once."""
    muted = _muted_by_rule(ear.aws, alarms)
    for alarm in alarms:
        if reason := _left_alone(alarm, muted):
            yield reason
            continue
        began = now()
        try:
            _set(ear, alarm, "ALARM")
            while alarm.name not in ear.heard and now() - began < wait:
                ear.listen()
                if alarm.name not in ear.heard:
                    sleep(POLL_SECONDS)
        finally:
            _set(ear, alarm, alarm.state)
        if alarm.name in ear.heard:
            yield Result(alarm=alarm, outcome="told", note=f"after {now() - began:.0f} s")
        else:
            yield Result(alarm=alarm, outcome="silent", note=f"nothing came within {wait:.0f} s")


def _left_alone(alarm: Alarm, muted: Mapping[str, str]) -> Result | None:
    if not alarm.actions:
        return Result(alarm=alarm, outcome="left", note="tells nobody; others are made of it")
    if len(alarm.topics) < len(alarm.actions):
        return Result(alarm=alarm, outcome="left", note="moves capacity, not people")
    if not alarm.enabled:
        return Result(alarm=alarm, outcome="muted", note="by notices.muted")
    if alarm.name in muted:
        return Result(alarm=alarm, outcome="muted", note=f"by the mute rule {muted[alarm.name]}")
    if alarm.state == "ALARM":
        return Result(alarm=alarm, outcome="red", note="has told already; see its runbook")
    return None


def _muted_by_rule(aws: Aws, alarms: Sequence[Alarm]) -> dict[str, str]:
    """Which alarms a mute rule keeps quiet just now, and its name."""
    if not _active_rules(aws):
        return {}
    rules = {alarm.name: _active_rules(aws, AlarmName=alarm.name) for alarm in alarms}
    return {name: active[0] for name, active in rules.items() if active}


def _active_rules(aws: Aws, **of: str) -> list[str]:
    pages = aws.cloudwatch.get_paginator("list_alarm_mute_rules").paginate(
        Statuses=["ACTIVE"], **of
    )
    return [
        rule["AlarmMuteRuleArn"].rpartition(":")[2]
        for page in pages
        for rule in page.get("AlarmMuteRuleSummaries", [])
    ]


def _notice(body: str) -> dict[str, Any]:
    """Of an alarm; empty for what budgets and events tell the same topics, as text of any form."""
    try:
        notice = json.loads(body)
    except ValueError:
        return {}
    return notice if isinstance(notice, dict) else {}


def _set(ear: Ear, alarm: Alarm, state: str) -> None:
    ear.aws.cloudwatch.set_alarm_state(
        AlarmName=alarm.name,
        StateValue=state,
        StateReason=f"Drill {ear.drill}: nothing is wrong, and it is over in a minute.",
    )


@contextmanager
def _ear(aws: Aws, prefix: str, topics: Sequence[str]) -> Iterator[Ear]:
    """A queue behind every topic, gone at the end."""
    name = f"{prefix}-drill-{uuid.uuid4().hex[:8]}"
    url = aws.sqs.create_queue(QueueName=name)["QueueUrl"]
    subscriptions: list[str] = []
    try:
        queue = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = queue["Attributes"]["QueueArn"]
        policy = json.dumps(_from_topics(arn, topics))
        aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        for topic in topics:
            # SNS itself takes a topic's encryption away before it delivers.
            made = aws.sns.subscribe(
                TopicArn=topic,
                Protocol="sqs",
                Endpoint=arn,
                Attributes={"RawMessageDelivery": "true"},
                ReturnSubscriptionArn=True,
            )
            subscriptions.append(made["SubscriptionArn"])
        yield Ear(aws=aws, drill=name, url=url)
    finally:
        for subscription in subscriptions:
            _take_away(lambda arn=subscription: aws.sns.unsubscribe(SubscriptionArn=arn))
        _take_away(lambda: aws.sqs.delete_queue(QueueUrl=url))


def _take_away(step: Callable[[], object]) -> None:
    """One that fails must not keep the others."""
    try:
        step()
    except (BotoCoreError, ClientError) as problem:
        print(f"left behind, take it away by hand: {problem}", file=sys.stderr)


def _from_topics(queue: str, topics: Sequence[str]) -> dict[str, Any]:
    statement = {
        "Sid": "HearTheTopics",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": list(topics)}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _introduce(aws: Aws, prefix: str, alarms: Sequence[Alarm], topics: Sequence[str]) -> None:
    account = aws.sts.get_caller_identity()["Account"]
    region = aws.cloudwatch.meta.region_name
    print(f"{prefix} in account {account}, {region}: {len(alarms)} alarms")
    for topic in topics:
        print(f"  {topic.rpartition(':')[2]}: {_audience(aws, topic)}")


def _audience(aws: Aws, topic: str) -> str:
    pages = aws.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    arns = [one["SubscriptionArn"] for page in pages for one in page["Subscriptions"]]
    unconfirmed = arns.count("PendingConfirmation")
    listening = len(arns) - unconfirmed
    said = (
        f"{listening} {'listens' if listening == 1 else 'listen'}"
        if listening
        else "NOBODY LISTENS"
    )
    return f"{said}, {unconfirmed} not confirmed yet" if unconfirmed else said


def _tell(result: Result, width: int) -> None:
    topics = ", ".join(arn.rpartition("-")[2] for arn in result.alarm.topics) or "-"
    print(
        f"  {SAID[result.outcome]:<13}{result.alarm.name:<{width}}  {topics:<9} {result.note}",
        flush=True,
    )


def _sum_up(results: Sequence[Result]) -> int:
    counted = Counter(result.outcome for result in results)
    said = [f"{counted[outcome]} {text}" for outcome, text in SAID.items() if counted[outcome]]
    print(f"Of {len(results)} alarms: {', '.join(said)}")
    return SILENT if counted["silent"] else OK


if __name__ == "__main__":
    run(main)
