"""Work queues: components/queues.py."""

from __future__ import annotations

import pulumi
import pytest

from components.observe import Alarm
from components.queues import JobQueue, WorkQueue, WorkQueueArgs
from settings.queues import QueueSettings
from tests.components.parts import DATA_KEY, export_watched, ground
from tests.recorder import Recorded, aws_provider, record, with_aws

DAY = 24 * 60 * 60
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:backlot-dev-render"
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/backlot-dev-render"


def recorded_queue(
    settings: QueueSettings | None = None,
    *,
    queue: str = "render",
    data_key_arn: str | None = None,
) -> tuple[WorkQueue, Recorded]:
    made: list[WorkQueue] = []

    def program() -> None:
        work = WorkQueue(
            f"queue-{queue}",
            WorkQueueArgs(
                settings=settings or QueueSettings(),
                queue=queue,
                ground=ground(data_key_arn=data_key_arn),
            ),
            with_aws(aws_provider()),
        )
        made.append(work)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in work.alarms})
        export_watched(
            "gauges", {"waiting": work.waiting, "at_work": work.at_work, "oldest": work.oldest}
        )
        pulumi.export("sqs_url", work.sqs_url)
        pulumi.export("length", [one.rendered() for one in work.grant_length()])
        for kind, access in (("sender", work.sender()), ("consumer", work.consumer())):
            pulumi.export(f"{kind}_environment", dict(access.environment))
            pulumi.export(f"{kind}_statements", [one.rendered() for one in access.statements])

    recorded = record(program)
    return made[0], recorded


def alarm(work: WorkQueue, name: str) -> Alarm:
    return next(alarm for alarm in work.alarms if alarm.name == name)


def test_a_job_waits_four_days_at_most_and_a_failed_one_is_kept_for_fourteen():  # M53
    _, recorded = recorded_queue()
    queue = recorded.one("sqs.Queue", "queue-render-queue")
    dead_letter = recorded.one("sqs.Queue", "queue-render-dead-letter")
    assert queue["message_retention_seconds"] == 4 * DAY
    assert dead_letter["message_retention_seconds"] == 14 * DAY


def test_a_received_job_stays_hidden_for_as_long_as_the_settings_say():  # M53
    _, recorded = recorded_queue(QueueSettings(visibility_seconds=900))
    assert recorded.one("sqs.Queue", "queue-render-queue")["visibility_timeout_seconds"] == 900
    _, recorded = recorded_queue()
    assert recorded.one("sqs.Queue", "queue-render-queue")["visibility_timeout_seconds"] == 120


def test_a_receive_waits_twenty_seconds_for_a_job():  # B44
    _, recorded = recorded_queue()
    assert recorded.one("sqs.Queue", "queue-render-queue")["receive_wait_time_seconds"] == 20


def test_a_job_received_five_times_goes_to_the_dead_letter_queue():  # M53
    _, recorded = recorded_queue()
    assert recorded.one("sqs.Queue", "queue-render-queue").json("redrive_policy") == {
        "deadLetterTargetArn": f"{QUEUE_ARN}-dead-letter",
        "maxReceiveCount": 5,
    }
    assert "redrive_policy" not in recorded.one("sqs.Queue", "queue-render-dead-letter")


def test_the_number_of_receives_and_the_retentions_follow_the_settings():
    _, recorded = recorded_queue(
        QueueSettings(max_receives=2, retention_days=1, dead_letter_days=7)
    )
    queue = recorded.one("sqs.Queue", "queue-render-queue")
    assert queue.json("redrive_policy")["maxReceiveCount"] == 2
    assert queue["message_retention_seconds"] == DAY
    dead_letter = recorded.one("sqs.Queue", "queue-render-dead-letter")
    assert dead_letter["message_retention_seconds"] == 7 * DAY


def test_only_its_own_queue_may_use_a_dead_letter_queue():  # B44
    _, recorded = recorded_queue()
    allow = recorded.one("sqs.RedriveAllowPolicy")
    dead_letter = recorded.one("sqs.Queue", "queue-render-dead-letter")
    assert allow["queue_url"] == dead_letter.outputs["url"]
    assert allow.json("redrive_allow_policy") == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [QUEUE_ARN],
    }


def test_messages_are_encrypted_with_the_key_of_sqs_where_the_stack_has_none():
    _, recorded = recorded_queue()
    for queue in recorded.all("sqs.Queue"):
        assert queue["sqs_managed_sse_enabled"] is True
        assert "kms_master_key_id" not in queue


def test_messages_are_encrypted_with_the_stacks_key_where_it_has_one():
    _, recorded = recorded_queue(data_key_arn=DATA_KEY)
    for queue in recorded.all("sqs.Queue"):
        assert queue["kms_master_key_id"] == DATA_KEY
        assert "sqs_managed_sse_enabled" not in queue


def test_nobody_is_let_in_by_a_queue_policy():
    _, recorded = recorded_queue()
    assert recorded.all("sqs.QueuePolicy") == []
    assert all("policy" not in queue for queue in recorded.all("sqs.Queue"))


def test_queues_are_named_after_the_stack_and_their_jobs_and_belong_to_their_component():
    _, recorded = recorded_queue()
    work = recorded.one("backlot:queues:WorkQueue")
    assert work.name == "queue-render"
    assert [node.name for node in recorded.children(work)] == [
        "queue-render-dead-letter",
        "queue-render-queue",
        "queue-render-redrive-allow",
    ]
    names = {queue["name"] for queue in recorded.all("sqs.Queue")}
    assert names == {"backlot-dev-render", "backlot-dev-render-dead-letter"}
    assert work.outputs["url"] == QUEUE_URL


def test_a_sender_may_put_jobs_in_and_nothing_else():
    _, recorded = recorded_queue()
    assert recorded.outputs["sender_environment"] == {"QUEUE_URL_RENDER": QUEUE_URL}
    assert recorded.outputs["sender_statements"] == [
        {
            "Sid": "SendJobs",
            "Effect": "Allow",
            "Action": ["sqs:GetQueueAttributes", "sqs:SendMessage"],
            "Resource": [QUEUE_ARN],
        }
    ]


def test_a_consumer_may_take_jobs_hide_them_and_strike_them_off_and_nothing_else():  # M54
    _, recorded = recorded_queue()
    assert recorded.outputs["consumer_environment"] == {
        "QUEUE_URL": QUEUE_URL,
        "VISIBILITY_SECONDS": "120",
    }
    assert recorded.outputs["consumer_statements"] == [
        {
            "Sid": "ConsumeJobs",
            "Effect": "Allow",
            "Action": [
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
            "Resource": [QUEUE_ARN],
        }
    ]


def test_a_consumer_is_told_how_long_a_job_stays_hidden_and_a_sender_is_not():
    _, recorded = recorded_queue(QueueSettings(visibility_seconds=900))
    assert recorded.outputs["consumer_environment"]["VISIBILITY_SECONDS"] == "900"
    assert "VISIBILITY_SECONDS" not in recorded.outputs["sender_environment"]


@pytest.mark.parametrize(
    ("gauge", "metric"),
    [
        ("waiting", "ApproximateNumberOfMessagesVisible"),
        ("at_work", "ApproximateNumberOfMessagesNotVisible"),
        ("oldest", "ApproximateAgeOfOldestMessage"),
    ],
)
def test_a_fleet_reads_the_most_of_each_minute(gauge: str, metric: str):  # M51
    _, recorded = recorded_queue()
    assert recorded.outputs["gauges"][gauge] == {
        "metric": f"AWS/SQS {metric}",
        "statistic": "Maximum",
        "period": 60,
        "dimensions": {"QueueName": "backlot-dev-render"},
    }


def test_the_waker_may_ask_for_the_length_and_nothing_else():  # M52
    queue: JobQueue
    queue, recorded = recorded_queue(data_key_arn=DATA_KEY)
    assert queue.sqs_url is not None
    assert recorded.outputs["sqs_url"] == QUEUE_URL
    assert recorded.outputs["length"] == [
        {
            "Sid": "MeasureJobs",
            "Effect": "Allow",
            "Action": ["sqs:GetQueueAttributes"],
            "Resource": [QUEUE_ARN],
        }
    ]


@pytest.mark.parametrize(
    ("kind", "sid", "actions"),
    [
        ("sender", "SendJobsKey", ["kms:Decrypt", "kms:GenerateDataKey"]),
        ("consumer", "ConsumeJobsKey", ["kms:Decrypt"]),
    ],
)
def test_users_of_an_encrypted_queue_may_use_its_key(kind: str, sid: str, actions: list[str]):
    _, recorded = recorded_queue(data_key_arn=DATA_KEY)
    assert recorded.outputs[f"{kind}_statements"][1:] == [
        {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": [DATA_KEY]}
    ]


def test_a_queue_of_two_words_has_a_variable_that_a_shell_accepts():
    _, recorded = recorded_queue(queue="voice-over")
    assert list(recorded.outputs["sender_environment"]) == ["QUEUE_URL_VOICE_OVER"]


def test_more_than_fifty_jobs_waiting_for_two_datapoints_of_600_seconds_is_a_backlog():  # M98
    work, recorded = recorded_queue()
    backlog = alarm(work, "backlog")
    assert (backlog.comparison, backlog.threshold) == ("above", 50)
    assert (backlog.evaluation_periods, backlog.datapoints) == (2, None)
    assert (backlog.missing_data, backlog.severity) == ("notBreaching", "warning")
    assert recorded.outputs["alarms"]["backlog"] == {
        "metric": "AWS/SQS ApproximateNumberOfMessagesVisible",
        "statistic": "Maximum",
        "period": 600,
        "dimensions": {"QueueName": "backlot-dev-render"},
    }


def test_a_single_dead_letter_is_told_of():  # M98
    work, recorded = recorded_queue()
    dead_letters = alarm(work, "dead-letters")
    assert (dead_letters.comparison, dead_letters.threshold) == ("at_least", 1)
    assert dead_letters.evaluation_periods == 1
    assert recorded.outputs["alarms"]["dead-letters"]["dimensions"] == {
        "QueueName": "backlot-dev-render-dead-letter"
    }


def test_a_job_that_nobody_takes_for_half_an_hour_wakes_somebody():
    work, recorded = recorded_queue()
    oldest = alarm(work, "oldest-message")
    assert (oldest.comparison, oldest.threshold, oldest.severity) == ("above", 1800, "critical")
    watched = recorded.outputs["alarms"]["oldest-message"]
    assert watched["metric"] == "AWS/SQS ApproximateAgeOfOldestMessage"


def test_the_limits_of_the_alarms_follow_the_settings():
    work, _ = recorded_queue(QueueSettings(backlog_alarm=10, age_alarm_seconds=60))
    assert alarm(work, "backlog").threshold == 10
    assert alarm(work, "oldest-message").threshold == 60


def test_a_queue_shows_its_jobs_and_the_oldest_of_them():
    work, _ = recorded_queue()
    assert [(panel.group, panel.title) for panel in work.panels] == [
        ("Queues", "render: jobs"),
        ("Queues", "render: oldest job"),
    ]
