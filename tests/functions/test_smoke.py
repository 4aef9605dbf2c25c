"""functions/smoke: which answers let a new release through, and which end its deployment."""

from __future__ import annotations

import http.server
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from functions.smoke import handler
from tests.rows import proves

ACCOUNT = "arn:aws:ecs:us-east-1:123456789012"
REVISION = f"{ACCOUNT}:service-revision/api/api/9313423515462893900"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/api:1.4.0"
PATHS = ["/health", "/api/health/db", "/api/health/redis"]
HEADER, VALUE = "X-Backlot-Test", "a-value-only-the-test-rule-knows"
NEW, OLD = (200, b'{"version": "1.4.0"}'), (200, b'{"version": "1.3.9"}')
LIMIT = 40


class Clock:
    """Stands in for the module `time` in the handler: a sleep is over at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Api(http.server.ThreadingHTTPServer):
    """Answers each path with what a test lined up for it; the last answer stays."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answers: dict[str, list[tuple[int, bytes]]] = {path: [NEW] for path in PATHS}
        self.requests: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def asked(self, path: str) -> int:
        return [asked for asked, _ in self.requests].count(path)


class Request(http.server.BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        answers = self.server.answers[self.path]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read what the handler logs, nothing else."""


@pytest.fixture(name="clock", autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(handler, "time", clock)
    return clock


@pytest.fixture(name="api", autouse=True)
def _api(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Api]:
    """A release that is good, on this machine, and the handler's environment."""
    caplog.set_level(logging.INFO)
    with Api() as api:
        threading.Thread(target=api.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("URL", api.url)
        monkeypatch.setenv("TEST_HEADER", json.dumps({HEADER: VALUE}))
        monkeypatch.setenv("PATHS", json.dumps(PATHS))
        monkeypatch.setenv("BUILD_KEY", "version")
        monkeypatch.setenv("CONTAINER", "api")
        monkeypatch.setenv("LIMIT_SECONDS", str(LIMIT))
        monkeypatch.setenv("ANSWERS", "3")
        yield api
        api.shutdown()


@pytest.fixture(name="ecs")
def _ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """ECS's answers one after the other; moto knows no service revisions."""
    client = boto3.client("ecs")
    monkeypatch.setattr(handler.boto3, "client", lambda service: {"ecs": client}[service])
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def runs(ecs: Stubber, *containers: dict[str, str]) -> None:
    answer = {"serviceRevisions": [{"containerImages": list(containers)}]}
    ecs.add_response("describe_service_revisions", answer, {"serviceRevisionArns": [REVISION]})


def from_ecs(stage: str) -> dict[str, Any]:
    return {
        "executionId": "3a0345ba-b029-404b-890d-7da2a4b266aa",
        "lifecycleStage": stage,
        "resourceArn": f"{ACCOUNT}:service-deployment/api/api/EZe5RNVLH6PPzHXINuP28",
        "executionDetails": {
            "serviceArn": f"{ACCOUNT}:service/api/api",
            "targetServiceRevisionArn": REVISION,
            "testTrafficWeights": {},
            "productionTrafficWeights": {},
        },
    }


def through_test(ecs: Stubber) -> dict[str, str]:
    runs(ecs, {"containerName": "api", "image": IMAGE})
    return handler.handle(from_ecs("POST_TEST_TRAFFIC_SHIFT"), None)


def live(build: str = "1.4.0") -> dict[str, str]:
    return handler.handle({"build": build}, None)


def checks(caplog: pytest.LogCaptureFixture) -> dict[str, dict[str, Any]]:
    """The fields of each line about a check, by the check."""
    fields = (
        "passed",
        "through",
        "status",
        "error",
        "answers",
        "seconds",
        "expectedBuild",
        "foundBuild",
    )
    lines = [vars(record) for record in caplog.records if hasattr(record, "check")]
    assert len({line["check"] for line in lines}) == len(lines)
    return {line["check"]: {name: line[name] for name in fields if name in line} for line in lines}


@pytest.mark.parametrize("stage", ["POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"])
def test_a_release_whose_paths_are_good_three_times_in_a_row_goes_through(stage, api, ecs):
    runs(ecs, {"containerName": "api", "image": IMAGE})
    assert handler.handle(from_ecs(stage), None) == {"hookStatus": "SUCCEEDED"}
    assert [path for path, _ in api.requests] == PATHS * 3


def test_a_workflow_asks_for_the_build_it_names(api, caplog):
    assert live() == {"hookStatus": "SUCCEEDED"}
    assert len(api.requests) == 9
    assert {facts["through"] for facts in checks(caplog).values()} == {"live"}


def test_a_hook_that_is_retried_runs_again(api):
    assert live() == live() == {"hookStatus": "SUCCEEDED"}
    assert len(api.requests) == 18


def test_the_header_is_sent_through_the_test_rule(api, ecs):
    through_test(ecs)
    assert [headers.get(HEADER) for _, headers in api.requests] == [VALUE] * 9


def test_the_header_is_not_sent_where_the_users_go(api, ecs):
    runs(ecs, {"containerName": "api", "image": IMAGE})
    handler.handle(from_ecs("POST_PRODUCTION_TRAFFIC_SHIFT"), None)
    live()
    assert len(api.requests) == 18
    assert not any(HEADER in headers for _, headers in api.requests)


def test_requests_say_who_asks_since_firewalls_refuse_those_that_do_not(api):
    live()
    assert {headers["User-Agent"] for _, headers in api.requests} == {"backlot-smoke"}


def test_each_path_has_one_line_and_only_the_first_tells_of_builds(ecs, caplog):
    through_test(ecs)
    good = {"passed": True, "through": "test", "status": 200, "answers": 3, "seconds": 4.0}
    assert checks(caplog) == {
        "/health": {**good, "expectedBuild": "1.4.0", "foundBuild": "1.4.0"},
        "/api/health/db": good,
        "/api/health/redis": good,
    }


@proves("M114", "aivp")
def test_a_path_that_stays_bad_ends_the_deployment_when_its_time_is_up(api, clock, caplog):
    api.answers["/api/health/db"] = [(503, b"")]
    assert live() == {"hookStatus": "FAILED"}
    assert clock.now == LIMIT
    facts = checks(caplog)
    assert facts["/api/health/db"] == {
        "passed": False,
        "through": "live",
        "status": 503,
        "error": "answered 503, not 200",
        "answers": 0,
        "seconds": 40.0,
    }
    assert facts["/health"]["passed"] is True
    assert "error" not in facts["/health"]
    assert caplog.records[-2].levelno == logging.ERROR


def test_a_path_that_is_bad_at_first_has_its_time_to_come_up(api):
    api.answers["/api/health/db"] = [(503, b""), (503, b""), (200, b"")]
    assert live() == {"hookStatus": "SUCCEEDED"}
    assert api.asked("/api/health/db") == 5


def test_good_answers_count_only_in_a_row(api):
    good, bad = (200, b""), (503, b"")
    api.answers["/api/health/db"] = [good, good, bad, good, good, bad, good]
    assert live() == {"hookStatus": "SUCCEEDED"}
    assert api.asked("/api/health/db") == 9


def test_a_path_that_goes_bad_while_another_comes_up_does_not_pass_on_its_past(api):
    api.answers["/health"] = [NEW, NEW, NEW, (500, b"")]
    api.answers["/api/health/redis"] = [(503, b"")] * 3 + [(200, b"")]
    assert live() == {"hookStatus": "FAILED"}


def test_answers_of_the_old_version_do_not_count(api, ecs, caplog):
    api.answers["/health"] = [OLD]
    assert through_test(ecs) == {"hookStatus": "FAILED"}
    facts = checks(caplog)["/health"]
    assert facts["status"] == 200
    assert (facts["expectedBuild"], facts["foundBuild"]) == ("1.4.0", "1.3.9")
    assert facts["error"] == "reached the old version: build 1.3.9 answered, not 1.4.0"


def test_the_new_version_may_take_over_while_it_is_asked(api):
    api.answers["/health"] = [OLD, OLD, NEW]
    assert live() == {"hookStatus": "SUCCEEDED"}
    assert api.asked("/health") == 5


@pytest.mark.parametrize("body", [b"", b"ok", b"[]", b"null", b'{"build": "1.4.0"}', b"\xff"])
def test_a_first_path_that_does_not_tell_its_version_proves_nothing(body, api, caplog):
    api.answers["/health"] = [(200, body)]
    assert live() == {"hookStatus": "FAILED"}
    facts = checks(caplog)["/health"]
    assert facts["foundBuild"] is None
    assert "no JSON with a version" in facts["error"]


def test_the_bodies_of_the_other_paths_do_not_matter(api):
    for path in PATHS[1:]:
        api.answers[path] = [(200, b"\xff not JSON")]
    assert live() == {"hookStatus": "SUCCEEDED"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(status, api, caplog):
    api.answers["/api/health/db"] = [(status, b"")]
    assert live() == {"hookStatus": "FAILED"}
    assert checks(caplog)["/api/health/db"]["status"] == status
    assert api.asked("/elsewhere") == 0


def test_a_refused_connection_is_told_as_one(api, clock, monkeypatch, caplog):
    api.server_close()
    assert live() == {"hookStatus": "FAILED"}
    assert clock.now == LIMIT
    facts = checks(caplog)["/health"]
    assert facts["status"] is None
    assert facts["error"].startswith("ConnectionRefusedError")


def test_a_request_has_5_s_and_never_more_than_is_left(clock, monkeypatch, caplog):
    allowed: list[float] = []

    def hangs(path: str, through: str, timeout: float) -> Any:
        allowed.append(timeout)
        clock.now += timeout
        raise TimeoutError("timed out")

    monkeypatch.setattr(handler, "_get", hangs)
    monkeypatch.setenv("LIMIT_SECONDS", "30")
    assert live() == {"hookStatus": "FAILED"}
    assert clock.now == 30
    assert allowed == [5, 5, 5, 5, 5, 3]
    assert checks(caplog)["/health"]["error"] == "TimeoutError: timed out"


def test_what_is_not_http_is_a_failure(api, monkeypatch, caplog):
    def gibberish(request: Any) -> None:
        request.wfile.write(b"gibberish\r\n\r\n")

    monkeypatch.setattr(Request, "do_GET", gibberish)
    assert live() == {"hookStatus": "FAILED"}
    assert checks(caplog)["/health"]["error"].startswith("BadStatusLine")


def test_tls_is_verified(monkeypatch):
    seen: list[Any] = []

    class Connection(handler.HTTPSConnection):
        def __init__(self, host: str, **options: Any) -> None:
            seen.append((host, options["timeout"], options["context"]))
            super().__init__(host, **options)

        def connect(self) -> None:
            raise handler.ssl.SSLCertVerificationError("certificate verify failed")

    monkeypatch.setattr(handler, "HTTPSConnection", Connection)
    monkeypatch.setenv("URL", "https://api.studio.example")
    monkeypatch.setenv("LIMIT_SECONDS", "1")
    assert live() == {"hookStatus": "FAILED"}
    host, timeout, context = seen[0]
    assert (host, timeout) == ("api.studio.example", 1)
    assert context.verify_mode == handler.ssl.CERT_REQUIRED
    assert context.check_hostname is True


def test_a_path_in_the_url_leads_the_paths(api, monkeypatch):
    monkeypatch.setenv("URL", f"{api.url}/v2/")
    monkeypatch.setenv("PATHS", '["/health"]')
    api.answers["/v2/health"] = [NEW]
    assert live() == {"hookStatus": "SUCCEEDED"}
    assert api.asked("/v2/health") == 3


def test_rounds_are_2_s_apart(clock):
    live()
    assert clock.slept == [2, 2]


@pytest.mark.parametrize(
    ("images", "build"),
    [
        ([{"containerName": "api", "image": IMAGE, "imageDigest": "sha256:0f3a"}], "1.4.0"),
        ([{"containerName": "api", "image": "api:1.4.0@sha256:0f3a"}], "sha256:0f3a"),
        ([{"containerName": "api", "image": "registry.example:5000/api:1.4.0"}], "1.4.0"),
        ([{"containerName": "api", "imageDigest": "sha256:0f3a"}], "sha256:0f3a"),
        (
            [
                {"containerName": "telemetry", "image": "telemetry:7"},
                {"containerName": "api", "image": IMAGE},
            ],
            "1.4.0",
        ),
    ],
)
def test_the_build_is_the_new_revisions_image_and_else_its_digest(images, build, api, ecs):
    runs(ecs, *images)
    api.answers["/health"] = [(200, json.dumps({"version": build}).encode())]
    assert handler.handle(from_ecs("POST_TEST_TRAFFIC_SHIFT"), None) == {"hookStatus": "SUCCEEDED"}


@pytest.mark.parametrize("images", [[], [{"containerName": "telemetry", "image": "telemetry:7"}]])
def test_a_revision_without_the_container_ends_the_deployment(images, api, ecs, caplog):
    runs(ecs, *images)
    assert handler.handle(from_ecs("POST_TEST_TRAFFIC_SHIFT"), None) == {"hookStatus": "FAILED"}
    assert api.requests == []
    facts = checks(caplog)["build"]
    assert facts["passed"] is False
    assert "names no image of container api" in facts["error"]


def test_a_revision_ecs_does_not_know_ends_the_deployment(api, ecs, caplog):
    ecs.add_response("describe_service_revisions", {"serviceRevisions": []})
    assert handler.handle(from_ecs("POST_TEST_TRAFFIC_SHIFT"), None) == {"hookStatus": "FAILED"}
    assert f"no service revision {REVISION}" in checks(caplog)["build"]["error"]


@pytest.mark.parametrize("code", ["ThrottlingException", "ServerException"])
def test_trouble_of_awss_own_is_asked_through(code, clock, ecs):
    for _ in range(2):
        ecs.add_client_error("describe_service_revisions", code)
    assert through_test(ecs) == {"hookStatus": "SUCCEEDED"}
    assert clock.slept == [2, 2, 2, 2]


def test_trouble_of_awss_own_that_lasts_ends_the_deployment_in_time(monkeypatch, clock, caplog):
    class Ecs:
        def describe_service_revisions(self, **_: Any) -> None:
            raise ConnectTimeoutError(endpoint_url="https://ecs.us-east-1.amazonaws.com")

    monkeypatch.setattr(handler.boto3, "client", lambda _service: Ecs())
    assert handler.handle(from_ecs("POST_TEST_TRAFFIC_SHIFT"), None) == {"hookStatus": "FAILED"}
    assert clock.now == LIMIT
    assert "Connect timeout" in checks(caplog)["build"]["error"]


def test_a_refusal_that_will_not_pass_ends_the_deployment_at_once(clock, ecs, caplog):
    ecs.add_client_error("describe_service_revisions", "AccessDeniedException", "not for you")
    assert handler.handle(from_ecs("POST_TEST_TRAFFIC_SHIFT"), None) == {"hookStatus": "FAILED"}
    assert clock.now == 0
    assert "not for you" in checks(caplog)["build"]["error"]


@pytest.mark.parametrize(
    "stage",
    [
        "RECONCILE_SERVICE",
        "PRE_SCALE_UP",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
    ],
)
def test_other_stages_and_so_every_rollback_pass_unasked(stage, api, ecs, caplog):
    assert handler.handle(from_ecs(stage), None) == {"hookStatus": "SUCCEEDED"}
    assert api.requests == []
    assert f"stage {stage} has nothing to ask" in caplog.text


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"build": ""},
        {"build": 14},
        {"lifecycleStage": "POST_TEST_TRAFFIC_SHIFT"},
        {"lifecycleStage": "POST_TEST_TRAFFIC_SHIFT", "executionDetails": {}},
        {"executionDetails": {"targetServiceRevisionArn": REVISION}},
        None,
    ],
)
def test_an_event_of_neither_form_is_refused(event, api):
    with pytest.raises(ValueError, match="neither a lifecycle hook's"):
        handler.handle(event, None)
    assert api.requests == []


def test_the_headers_value_never_reaches_the_log(api, ecs, caplog):
    api.answers["/health"] = [OLD]
    api.answers["/api/health/db"] = [(302, b"")]
    through_test(ecs)
    assert api.requests[0][1][HEADER] == VALUE
    assert VALUE not in " ".join(str(vars(record)) for record in caplog.records)
