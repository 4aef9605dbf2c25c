"""functions/migrate: one task per release, however often it is called, and what its end means."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber
from moto.ecs.models import ecs_backends

from functions.migrate import handler
from tests.rows import proves

ACCOUNT = "arn:aws:ecs:us-east-1:123456789012"
CLUSTER = f"{ACCOUNT}:cluster/api"
SERVICE = f"{ACCOUNT}:service/api/api"
REVISION = f"{ACCOUNT}:service-revision/api/api/9313423515462893900"
NEXT_REVISION = f"{ACCOUNT}:service-revision/api/api/9313423515462893901"
FAMILY = "backlot-production-api"
GREEN = f"{ACCOUNT}:task-definition/{FAMILY}:2"
NETWORK = {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}
COMMAND = ["alembic", "upgrade", "head"]
START = 1_700_000_000
LIMIT = 1200
PASSWORD = "the-password-of-the-database"


class Clock:
    """Stands in for the module `time` in the handler."""

    now = float(START)

    def time(self) -> float:
        return self.now


class Ecs:
    """moto's ECS, with answers of botocore's Stubber in front of what moto cannot say."""

    def __init__(self) -> None:
        self.moto = boto3.client("ecs")
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.lined_up: list[tuple[str, dict[str, Any] | None, str]] = []
        self.always = {
            "describe_service_revisions": {"serviceRevisions": [{"taskDefinition": GREEN}]}
        }

    def answers(self, operation: str, answer: dict[str, Any]) -> None:
        self.lined_up.append((operation, answer, ""))

    def refuses(self, operation: str, code: str) -> None:
        self.lined_up.append((operation, None, code))

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            self.calls.append((operation, parameters))
            waiting = next((each for each in self.lined_up if each[0] == operation), None)
            if waiting is not None:
                self.lined_up.remove(waiting)
            elif operation in self.always:
                waiting = operation, self.always[operation], ""
            else:
                return getattr(self.moto, operation)(**parameters)
            with Stubber(self.moto) as stubber:
                _, answer, code = waiting
                if answer is None:
                    stubber.add_client_error(operation, code, "said by AWS")
                else:
                    stubber.add_response(operation, answer)
                return getattr(self.moto, operation)(**parameters)

        return call

    def get_paginator(self, operation: str) -> Any:
        recorder, moto = self.calls, self.moto.get_paginator(operation)

        class Paginator:
            def paginate(self, **parameters: Any) -> Iterator[Any]:
                recorder.append((operation, parameters))
                yield from moto.paginate(**parameters)

        return Paginator()

    def parameters(self, operation: str) -> list[dict[str, Any]]:
        return [parameters for name, parameters in self.calls if name == operation]


@pytest.fixture(name="clock", autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(handler, "time", clock)
    return clock


@pytest.fixture(name="ecs", autouse=True)
def _ecs(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Ecs:
    """A cluster, a family with two revisions of which the newer is build 1.4.0, and the handler."""
    caplog.set_level(logging.INFO)
    ecs = Ecs()
    ecs.moto.create_cluster(clusterName="api")
    for build in ("1.3.9", "1.4.0"):
        register(ecs, f"registry.example:5000/api:{build}")
    monkeypatch.setenv("CLUSTER", CLUSTER)
    monkeypatch.setenv("CONTAINER", "api")
    monkeypatch.setenv("COMMAND", json.dumps(COMMAND))
    monkeypatch.setenv("TASK_DEFINITION", FAMILY)
    monkeypatch.setenv("NETWORK", json.dumps(NETWORK))
    monkeypatch.setenv("LIMIT_SECONDS", str(LIMIT))
    monkeypatch.setattr(handler.boto3, "client", lambda service: {"ecs": ecs}[service])
    return ecs


def register(ecs: Ecs, image: str, container: str = "api") -> None:
    # Not said to be for Fargate, for which moto wants a whole VPC: a second for every test.
    ecs.moto.register_task_definition(
        family=FAMILY,
        cpu="256",
        memory="512",
        containerDefinitions=[
            {
                "name": container,
                "image": image,
                "memory": 512,
                "environment": [{"name": "PASSWORD", "value": PASSWORD}],
            }
        ],
    )


def from_ecs(
    details: Any = None, *, stage: str = "PRE_SCALE_UP", revision: str = REVISION
) -> dict[str, Any]:
    return {
        "executionId": "e8d5a28f-eb01-4f3c-9454-a30ba6dc54bc",
        "lifecycleStage": stage,
        "resourceArn": f"{ACCOUNT}:service-deployment/api/api/EZe5RNVLH6PPzHXINuP28",
        "executionDetails": {
            "serviceArn": SERVICE,
            "targetServiceRevisionArn": revision,
            "testTrafficWeights": {},
            "productionTrafficWeights": {},
        },
        "hookDetails": details,
    }


def from_workflow(details: Any = None, *, build: str = "1.4.0") -> dict[str, Any]:
    return {"build": build} if details is None else {"build": build, "hookDetails": details}


CALLERS = pytest.mark.parametrize("event", [from_ecs, from_workflow])


def call(event: Any) -> dict[str, Any]:
    """The answer, as it comes out of Lambda."""
    return json.loads(json.dumps(handler.handle(event, None)))


def started(event: Any = from_ecs) -> dict[str, Any]:
    """The hookDetails of a first call."""
    answer = call(event())
    assert answer["hookStatus"] == "IN_PROGRESS"
    return answer["hookDetails"]


def task(arn: str) -> Any:
    return ecs_backends["123456789012"]["us-east-1"].tasks["api"][arn]


def ended(arn: str, exit_code: int | None = 0, **facts: Any) -> None:
    """The task stops, as moto's does after four looks, with an end of our choice."""
    state = task(arn)
    state.last_status, state.desired_status = "STOPPED", "STOPPED"
    state.containers[0].exitCode = exit_code
    for name, value in facts.items():
        setattr(state, name, value)


def with_sidecar(arn: str, exit_code: int | None) -> None:
    sidecar = copy.copy(task(arn).containers[0])
    sidecar.name, sidecar.exitCode = "telemetry", exit_code
    task(arn).containers.append(sidecar)


def outcomes(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The fields of each line that says how a migration ended."""
    fields = (
        "check",
        "passed",
        "task",
        "revision",
        "build",
        "exitCodes",
        "stoppedReason",
        "seconds",
    )
    return [
        {name: getattr(record, name) for name in fields if hasattr(record, name)}
        for record in caplog.records
        if hasattr(record, "check")
    ]


@CALLERS
def test_the_first_call_starts_the_task_and_asks_to_be_called_again_in_15_s(event, ecs):
    answer = call(event())
    [only] = ecs.moto.list_tasks(cluster="api")["taskArns"]
    assert answer == {
        "hookStatus": "IN_PROGRESS",
        "callBackDelay": 15,
        "hookDetails": {"taskArn": only, "deadline": START + LIMIT},
    }


@CALLERS
def test_the_task_is_the_new_definition_with_the_command_in_the_private_network(event, ecs):
    call(event())
    [request] = ecs.parameters("run_task")
    assert request["taskDefinition"] == GREEN
    assert request["cluster"] == CLUSTER
    assert request["launchType"] == "FARGATE"
    assert request["count"] == 1
    assert request["overrides"] == {"containerOverrides": [{"name": "api", "command": COMMAND}]}
    assert request["networkConfiguration"] == {
        "awsvpcConfiguration": {**NETWORK, "assignPublicIp": "DISABLED"}
    }


def test_the_task_is_named_after_the_revision_and_its_token_is_a_hash_of_it(ecs):
    call(from_ecs())
    call(from_ecs(revision=NEXT_REVISION))
    call(from_workflow())
    names = [request["startedBy"] for request in ecs.parameters("run_task")]
    tokens = [request["clientToken"] for request in ecs.parameters("run_task")]
    assert names == [
        "migration-9313423515462893900",
        "migration-9313423515462893901",
        "migration-backlot-production-api-2",
    ]
    assert max(len(name) for name in names) <= handler.STARTED_BY_LENGTH
    assert [len(token) for token in tokens] == [64] * 3
    assert len(set(tokens)) == 3


def test_a_long_family_keeps_the_end_of_its_name_where_the_revision_stands(monkeypatch, ecs):
    ecs.answers(
        "describe_task_definition",
        {
            "taskDefinition": {
                "taskDefinitionArn": f"{ACCOUNT}:task-definition/{'long-' * 20}api:4711",
                "containerDefinitions": [{"name": "api", "image": "api:1.4.0"}],
            }
        },
    )
    ecs.answers("run_task", {"tasks": [{"taskArn": "arn:task"}]})
    call(from_workflow())
    [request] = ecs.parameters("run_task")
    assert len(request["startedBy"]) == 36
    assert request["startedBy"].endswith("-api-4711")


@CALLERS
def test_a_running_task_is_waited_for(event, clock, ecs):
    details = started(event)
    clock.now += LIMIT - 1
    assert call(event(details)) == {
        "hookStatus": "IN_PROGRESS",
        "callBackDelay": 15,
        "hookDetails": details,
    }
    assert len(ecs.parameters("run_task")) == 1


@CALLERS
def test_exit_code_0_lets_the_deployment_go_on(event, clock, caplog):
    details = started(event)
    ended(details["taskArn"], stop_code="EssentialContainerExited", stopped_reason="Exited")
    clock.now += 75
    assert call(event(details)) == {"hookStatus": "SUCCEEDED"}
    [outcome] = outcomes(caplog)
    release = {"revision": REVISION} if event is from_ecs else {"build": "1.4.0"}
    assert outcome == {
        "check": "migration",
        "passed": True,
        "task": details["taskArn"],
        **release,
        "exitCodes": {"api": 0},
        "stoppedReason": "Exited",
        "seconds": 75,
    }


def test_moto_takes_a_migration_from_its_start_to_its_end():
    answers = [call(from_ecs())]
    while answers[-1]["hookStatus"] == "IN_PROGRESS":
        answers.append(call(from_ecs(answers[-1]["hookDetails"])))
    assert [answer["hookStatus"] for answer in answers] == ["IN_PROGRESS"] * 4 + ["SUCCEEDED"]


@proves("M113", "aivp")
@CALLERS
@pytest.mark.parametrize("exit_code", [1, 137, None])
def test_another_exit_code_or_none_ends_the_deployment(event, exit_code, caplog):
    details = started(event)
    ended(details["taskArn"], exit_code, stopped_reason="CannotPullContainerError: no such image")
    assert call(event(details)) == {"hookStatus": "FAILED"}
    [outcome] = outcomes(caplog)
    assert outcome["passed"] is False
    assert outcome["exitCodes"] == {"api": exit_code}
    assert outcome["stoppedReason"] == "CannotPullContainerError: no such image"
    assert caplog.records[-1].levelno == logging.ERROR


@pytest.mark.parametrize("code", ["UserInitiated", "SpotInterruption", "TaskFailedToStart"])
def test_a_task_that_was_stopped_from_outside_has_not_migrated_whatever_its_exit_code(code):
    details = started()
    ended(details["taskArn"], 0, stop_code=code)
    assert call(from_ecs(details)) == {"hookStatus": "FAILED"}


@pytest.mark.parametrize("exit_code", [0, 143, None])
def test_how_ecs_ends_a_sidecar_after_the_migration_does_not_matter(exit_code, caplog):
    details = started()
    ended(details["taskArn"], 0)
    with_sidecar(details["taskArn"], exit_code)
    assert call(from_ecs(details)) == {"hookStatus": "SUCCEEDED"}
    assert outcomes(caplog)[0]["exitCodes"] == {"api": 0, "telemetry": exit_code}


def test_a_sidecar_that_fails_first_takes_the_migration_along():
    details = started()
    ended(details["taskArn"], 143)
    with_sidecar(details["taskArn"], 1)
    assert call(from_ecs(details)) == {"hookStatus": "FAILED"}


def test_a_task_without_the_container_has_not_migrated():
    details = started()
    ended(details["taskArn"], 0)
    task(details["taskArn"]).containers[0].name = "worker"
    assert call(from_ecs(details)) == {"hookStatus": "FAILED"}


@CALLERS
def test_a_task_past_its_deadline_is_stopped_and_ends_the_deployment(event, clock, caplog):
    details = started(event)
    clock.now += LIMIT
    assert call(event(details)) == {"hookStatus": "FAILED"}
    assert task(details["taskArn"]).last_status == "STOPPED"
    assert task(details["taskArn"]).stopped_reason == "The migration took too long."
    assert outcomes(caplog)[0]["seconds"] == LIMIT
    assert "not done in 1200 s" in caplog.text


def test_a_migration_that_ended_well_is_not_held_against_its_deadline(clock):
    details = started()
    ended(details["taskArn"], 0)
    clock.now += LIMIT + 1
    assert call(from_ecs(details)) == {"hookStatus": "SUCCEEDED"}


def test_a_task_that_cannot_be_stopped_ends_the_deployment_all_the_same(clock, ecs, caplog):
    details = started()
    clock.now += LIMIT
    ecs.refuses("stop_task", "AccessDeniedException")
    assert call(from_ecs(details)) == {"hookStatus": "FAILED"}
    assert "could not be stopped" in caplog.text


def test_a_task_ecs_has_no_record_of_ends_the_deployment(ecs, caplog):
    details = started()
    missing = {"arn": details["taskArn"], "reason": "MISSING"}
    ecs.answers("describe_tasks", {"tasks": [], "failures": [missing]})
    assert call(from_ecs(details)) == {"hookStatus": "FAILED"}
    assert "no record of the task" in caplog.text


@pytest.mark.parametrize("reason", ["Capacity is unavailable at this time", "RESOURCE:MEMORY"])
def test_a_task_ecs_would_not_start_ends_the_deployment_with_its_reason(reason, ecs, caplog):
    ecs.answers("run_task", {"tasks": [], "failures": [{"arn": GREEN, "reason": reason}]})
    assert call(from_ecs()) == {"hookStatus": "FAILED"}
    assert f"ECS started no task: {reason}" in caplog.text
    assert outcomes(caplog)[0]["task"] is None


@pytest.mark.parametrize("details", [None, {}, {"why": "on the hook"}, "on the hook"])
def test_details_that_name_no_task_belong_to_a_first_call(details):
    answer = call(from_ecs(details))
    assert answer["hookDetails"]["taskArn"].startswith("arn:aws:ecs:")


def test_an_event_without_details_is_a_first_call():
    event = from_ecs()
    del event["hookDetails"]
    assert "taskArn" in call(event)["hookDetails"]


@CALLERS
def test_a_first_call_made_twice_starts_one_task(event, ecs):
    assert started(event)["taskArn"] == started(event)["taskArn"]
    assert len(ecs.parameters("run_task")) == 1


@CALLERS
def test_a_first_call_after_a_lost_answer_finds_the_task_even_at_its_end(event, ecs):
    arn = started(event)["taskArn"]
    ended(arn)
    details = started(event)
    assert details["taskArn"] == arn
    assert call(event(details)) == {"hookStatus": "SUCCEEDED"}
    assert len(ecs.parameters("run_task")) == 1


def test_a_failure_whose_answer_was_lost_is_not_tried_again_for_the_same_revision(ecs):
    arn = started()["taskArn"]
    ended(arn, 1)
    details = started()
    assert details["taskArn"] == arn
    assert call(from_ecs(details)) == {"hookStatus": "FAILED"}
    assert len(ecs.parameters("run_task")) == 1


def test_calls_at_the_same_moment_carry_the_same_token(ecs):
    for _ in range(2):
        ecs.answers("run_task", {"tasks": [{"taskArn": "arn:task"}]})
        assert started()["taskArn"] == "arn:task"
    first, second = ecs.parameters("run_task")
    assert first == second


def test_a_workflow_run_again_after_a_failure_makes_another_attempt_and_only_one(ecs):
    first = started(from_workflow)["taskArn"]
    ended(first, 1)
    second = started(from_workflow)["taskArn"]
    assert second != first
    assert started(from_workflow)["taskArn"] == second
    tokens = [request["clientToken"] for request in ecs.parameters("run_task")]
    assert len(set(tokens)) == len(tokens) == 2


def test_another_revision_has_a_migration_of_its_own():
    assert started()["taskArn"] != call(from_ecs(revision=NEXT_REVISION))["hookDetails"]["taskArn"]


def test_the_services_own_tasks_are_not_taken_for_the_migration(ecs):
    running = ecs.moto.run_task(
        cluster="api",
        taskDefinition=GREEN,
        launchType="FARGATE",
        startedBy="ecs-svc/9313423515462893900",
    )
    assert started()["taskArn"] != running["tasks"][0]["taskArn"]


def test_tasks_are_listed_without_the_filter_that_tolerates_no_other(ecs):
    started()
    assert ecs.parameters("list_tasks") == [
        {"cluster": CLUSTER, "family": FAMILY, "desiredStatus": "RUNNING"},
        {"cluster": CLUSTER, "family": FAMILY, "desiredStatus": "STOPPED"},
    ]


@pytest.mark.parametrize("code", ["ThrottlingException", "ServerException"])
@pytest.mark.parametrize("operation", ["describe_service_revisions", "run_task"])
def test_trouble_of_awss_own_before_the_start_is_tried_again_until_the_deadline(
    operation, code, clock, ecs
):
    ecs.refuses(operation, code)
    answer = call(from_ecs())
    assert answer == {
        "hookStatus": "IN_PROGRESS",
        "callBackDelay": 15,
        "hookDetails": {"deadline": START + LIMIT},
    }
    clock.now += 15
    answer = call(from_ecs(answer["hookDetails"]))
    assert set(answer["hookDetails"]) == {"taskArn", "deadline"}
    assert answer["hookDetails"]["deadline"] == START + LIMIT


def test_trouble_of_awss_own_that_lasts_to_the_deadline_ends_the_deployment(clock, ecs, caplog):
    clock.now += LIMIT
    ecs.refuses("run_task", "ThrottlingException")
    assert call(from_ecs({"deadline": START + LIMIT})) == {"hookStatus": "FAILED"}
    assert outcomes(caplog)[0]["passed"] is False


def test_a_look_that_is_throttled_keeps_the_task_and_the_deadline(ecs):
    details = started()
    ecs.refuses("describe_tasks", "ThrottlingException")
    answer = call(from_ecs(details))
    assert answer["hookStatus"] == "IN_PROGRESS"
    assert answer["hookDetails"] == details


def test_a_task_that_cannot_be_looked_at_by_its_deadline_is_stopped(clock, ecs):
    details = started()
    clock.now += LIMIT
    ecs.refuses("describe_tasks", "ThrottlingException")
    assert call(from_ecs(details)) == {"hookStatus": "FAILED"}
    assert task(details["taskArn"]).last_status == "STOPPED"


def test_a_lost_connection_is_tried_again(monkeypatch, ecs):
    def lost(**_: Any) -> None:
        raise ConnectTimeoutError(endpoint_url="https://ecs.us-east-1.amazonaws.com")

    monkeypatch.setattr(ecs, "run_task", lost, raising=False)
    assert call(from_ecs())["hookStatus"] == "IN_PROGRESS"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ClusterNotFoundException"])
def test_a_refusal_that_will_not_pass_ends_the_deployment(code, ecs, caplog):
    ecs.refuses("run_task", code)
    assert call(from_ecs()) == {"hookStatus": "FAILED"}
    assert "said by AWS" in caplog.text
    assert outcomes(caplog)[0]["passed"] is False


def test_a_revision_ecs_does_not_know_ends_the_deployment(ecs, caplog):
    ecs.answers("describe_service_revisions", {"serviceRevisions": []})
    assert call(from_ecs()) == {"hookStatus": "FAILED"}
    assert f"no service revision {REVISION}" in caplog.text
    assert ecs.parameters("run_task") == []


@pytest.mark.parametrize(
    "stage",
    [
        "RECONCILE_SERVICE",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ],
)
def test_other_stages_and_so_every_rollback_pass_untouched(stage, ecs, caplog):
    event = from_ecs(stage=stage)
    event["executionDetails"]["productionTrafficWeights"] = {REVISION: 0, NEXT_REVISION: 100}
    assert call(event) == {"hookStatus": "SUCCEEDED"}
    assert ecs.calls == []
    assert f"stage {stage} has nothing to migrate" in caplog.text


@pytest.mark.parametrize(
    ("image", "build"),
    [
        ("api:1.4.1", "1.4.1"),
        ("registry.example:5000/api:1.4.1", "1.4.1"),
        ("registry.example:5000/api@sha256:0f3a", "sha256:0f3a"),
        ("registry.example:5000/api:1.4.1@sha256:0f3a", "sha256:0f3a"),
    ],
)
def test_a_workflows_build_is_what_follows_the_images_at_sign_or_last_colon(image, build, ecs):
    register(ecs, image)
    assert call(from_workflow(build=build))["hookStatus"] == "IN_PROGRESS"
    assert ecs.parameters("run_task")[0]["taskDefinition"].endswith(f"{FAMILY}:3")


def test_a_workflow_whose_build_is_not_the_newest_is_told_which_image_is(ecs, caplog):
    assert call(from_workflow(build="1.3.9")) == {"hookStatus": "FAILED"}
    assert f"{GREEN} runs registry.example:5000/api:1.4.0" in caplog.text
    assert ecs.parameters("run_task") == []
    assert outcomes(caplog)[0]["build"] == "1.3.9"


def test_a_definition_without_the_container_is_told_with_those_it_has(ecs, caplog):
    register(ecs, "api:1.4.0", container="web")
    assert call(from_workflow()) == {"hookStatus": "FAILED"}
    assert "has no container api, only web" in caplog.text


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"build": ""},
        {"build": 14},
        {"lifecycleStage": "PRE_SCALE_UP"},
        {"lifecycleStage": "PRE_SCALE_UP", "executionDetails": {"serviceArn": SERVICE}},
        {"executionDetails": {"targetServiceRevisionArn": REVISION}},
        None,
    ],
)
def test_an_event_of_neither_form_is_refused(event, ecs):
    with pytest.raises(ValueError, match="neither a lifecycle hook's"):
        handler.handle(event, None)
    assert ecs.calls == []


def test_nothing_of_the_environment_reaches_the_log(caplog):
    details = started()
    ended(details["taskArn"], 1)
    call(from_ecs(details))
    call(from_workflow(build="1.3.9"))
    logged = " ".join(str(vars(record)) for record in caplog.records)
    assert PASSWORD not in logged
    assert "alembic" not in logged
