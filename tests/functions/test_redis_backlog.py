"""functions/redis_backlog: what is counted in a cache that speaks TLS, and what is not believed."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from functions.redis_backlog import handler

TOKEN = "the-token-of-the-cache"
QUEUES = {
    "backlot-dev-mail": {"key": "celery", "unacked": "unacked"},
    "backlot-dev-feeds": {"key": "feeds", "unacked": "unacked"},
}


@dataclass(frozen=True)
class Certificate:
    """A certificate that is its own authority, and the key to it, as files."""

    path: Path
    key: Path


def certificate(folder: Path, host: str, *, until: timedelta = timedelta(days=1)) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cache")])
    try:
        host_name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        host_name = x509.DNSName(host)
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + until)
        .add_extension(x509.SubjectAlternativeName([host_name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / f"{host}.pem", folder / f"{host}.key")
    made.path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


@pytest.fixture(name="own_certificate", scope="module")
def _own_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("cache"), "127.0.0.1")


@dataclass
class Redis:
    """A Redis on this machine behind TLS, in a thread, that knows what is asked of it here."""

    certificate: Certificate
    lists: dict[str, int] = field(default_factory=dict)
    hashes: dict[str, int] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    answers: dict[str, bytes | None] = field(default_factory=dict)
    """By the first word, instead of its own. None hangs up; what is empty leaves one waiting."""
    encrypted: bool = True

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Redis:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        # A listener that is only closed leaves its thread waiting.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)
        assert not self.thread.is_alive()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            plain.settimeout(5)
            # Whoever does not like our certificate is gone before the handshake ends.
            with plain, contextlib.suppress(OSError):
                if not self.encrypted:
                    plain.sendall(b"-NOAUTH speaks no TLS\r\n")
                    continue
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate.path, self.certificate.key)
                with context.wrap_socket(plain, server_side=True) as client:
                    self._talk(client)

    def _talk(self, client: ssl.SSLSocket) -> None:
        let_in = False
        with client.makefile("rb") as stream:
            while header := stream.readline():
                words = [self._word(stream) for _ in range(int(header[1:]))]
                self.asked.append(words)
                match words:
                    case [first, *_] if first in self.answers:
                        answer = self.answers[first]
                    case ["AUTH", *_]:
                        let_in = words in (["AUTH", TOKEN], ["AUTH", "reader", TOKEN])
                        answer = b"+OK\r\n" if let_in else b"-WRONGPASS invalid pair\r\n"
                    case _ if not let_in:
                        answer = b"-NOAUTH Authentication required.\r\n"
                    case ["SELECT", _]:
                        answer = b"+OK\r\n"
                    case ["LLEN", key]:
                        answer = self._length(key, self.lists, self.hashes)
                    case ["HLEN", key]:
                        answer = self._length(key, self.hashes, self.lists)
                    case _:
                        answer = b"-ERR unknown command\r\n"
                if answer is None:
                    return
                if not answer:
                    self.over.wait(5)
                    return
                client.sendall(answer)

    @staticmethod
    def _word(stream: Any) -> str:
        size = int(stream.readline()[1:])
        return stream.read(size + 2)[:-2].decode()

    @staticmethod
    def _length(key: str, of_kind: dict[str, int], of_other: dict[str, int]) -> bytes:
        if key in of_other:
            return b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
        return b":%d\r\n" % of_kind.get(key, 0)


@pytest.fixture(name="redis")
def _redis(own_certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """A cache with jobs, whose certificate is trusted, and the handler's environment."""
    monkeypatch.setenv("SSL_CERT_FILE", str(own_certificate.path))
    monkeypatch.setenv("NAMESPACE", "Backlot/Queues")
    monkeypatch.setenv("QUEUES", json.dumps(QUEUES))
    monkeypatch.delenv("SECRET", raising=False)
    lists, hashes_ = {"celery": 7, "feeds": 120}, {"unacked": 4}
    with Redis(own_certificate, lists=lists, hashes=hashes_) as redis:
        hold(monkeypatch, f"rediss://:{TOKEN}@127.0.0.1:{redis.port}/0")
        yield redis


def hold(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Let this be what the secret holds."""
    secrets = boto3.client("secretsmanager")
    if "SECRET" not in handler.os.environ:
        arn = secrets.create_secret(Name="backlot/dev/cache", SecretString=address)["ARN"]
        monkeypatch.setenv("SECRET", arn)
    else:
        secrets.put_secret_value(SecretId=handler.os.environ["SECRET"], SecretString=address)


def call() -> dict[str, list[int]]:
    return handler.handle({"source": "aws.events"}, None)["counted"]


def published() -> dict[tuple[str, str], float]:
    """The last value of each metric in the namespace, by its queue and name."""
    now = datetime.now(UTC)
    cloudwatch = boto3.client("cloudwatch")
    values: dict[tuple[str, str], float] = {}
    for metric in cloudwatch.list_metrics(Namespace="Backlot/Queues")["Metrics"]:
        name, dimensions = metric["MetricName"], metric["Dimensions"]
        assert [each["Name"] for each in dimensions] == ["Queue"]
        [point] = cloudwatch.get_metric_statistics(
            Namespace="Backlot/Queues",
            MetricName=name,
            Dimensions=dimensions,
            StartTime=now - timedelta(minutes=30),
            EndTime=now + timedelta(minutes=30),
            Period=3600,
            Statistics=["Maximum"],
        )["Datapoints"]
        values[dimensions[0]["Value"], name] = point["Maximum"]
    return values


def test_the_jobs_that_wait_and_those_at_work_are_published_by_queue(redis):
    assert call() == {"backlot-dev-mail": [7, 4], "backlot-dev-feeds": [120, 4]}
    assert published() == {
        ("backlot-dev-mail", "Waiting"): 7,
        ("backlot-dev-mail", "AtWork"): 4,
        ("backlot-dev-feeds", "Waiting"): 120,
        ("backlot-dev-feeds", "AtWork"): 4,
    }


def test_it_logs_in_and_asks_for_lengths_and_for_nothing_else(redis):
    call()
    assert redis.asked == [
        ["AUTH", TOKEN],
        ["LLEN", "celery"],
        ["HLEN", "unacked"],
        ["LLEN", "feeds"],
        ["HLEN", "unacked"],
    ]


def test_a_queue_that_nobody_has_used_yet_has_no_jobs(redis):
    redis.lists.clear()
    redis.hashes.clear()
    assert call() == {"backlot-dev-mail": [0, 0], "backlot-dev-feeds": [0, 0]}
    assert set(published().values()) == {0}


def test_a_platform_without_queues_publishes_nothing(redis, monkeypatch):
    monkeypatch.setenv("QUEUES", "{}")
    assert call() == {}
    assert published() == {}


def test_a_second_call_in_the_same_minute_changes_nothing(redis):
    assert call() == call()
    assert published()["backlot-dev-feeds", "Waiting"] == 120


@pytest.mark.parametrize(
    ("user", "path", "first"),
    [
        ("", "", [["AUTH", TOKEN]]),
        ("", "/", [["AUTH", TOKEN]]),
        ("", "/3", [["AUTH", TOKEN], ["SELECT", "3"]]),
        ("reader", "/0", [["AUTH", "reader", TOKEN]]),
    ],
)
def test_the_address_tells_the_user_and_the_database(user, path, first, redis, monkeypatch):
    hold(monkeypatch, f"rediss://{user}:{TOKEN}@127.0.0.1:{redis.port}{path}")
    call()
    assert redis.asked[: len(first) + 1] == [*first, ["LLEN", "celery"]]


def test_an_encoded_token_is_decoded(redis, monkeypatch):
    hold(monkeypatch, f"rediss://:{TOKEN.replace('-', '%2D')}@127.0.0.1:{redis.port}")
    assert call()["backlot-dev-mail"] == [7, 4]


def test_an_address_without_a_port_means_rediss_own_and_it_has_5_s(redis, monkeypatch):
    asked: list[Any] = []

    def connect(address: Any, timeout: float) -> None:
        asked.append((address, timeout))
        raise ConnectionRefusedError("nobody there")

    hold(monkeypatch, f"rediss://:{TOKEN}@127.0.0.1")
    monkeypatch.setattr(handler.socket, "create_connection", connect)
    with pytest.raises(ConnectionRefusedError):
        call()
    assert asked == [(("127.0.0.1", 6379), 5)]


def test_a_new_token_counts_with_the_next_call(redis, monkeypatch):
    hold(monkeypatch, f"rediss://:an-old-token@127.0.0.1:{redis.port}")
    with pytest.raises(handler.RedisError, match="AUTH: WRONGPASS"):
        call()
    assert published() == {}
    hold(monkeypatch, f"rediss://:{TOKEN}@127.0.0.1:{redis.port}")
    assert call()["backlot-dev-mail"] == [7, 4]


def test_a_queue_that_cannot_be_counted_is_told_and_keeps_no_other_from_it(redis, caplog):
    del redis.lists["celery"]
    redis.hashes["celery"] = 1
    with pytest.raises(RuntimeError, match="not counted: backlot-dev-mail"):
        call()
    assert "LLEN: WRONGTYPE" in caplog.text
    assert published() == {
        ("backlot-dev-feeds", "Waiting"): 120,
        ("backlot-dev-feeds", "AtWork"): 4,
    }


def test_a_queue_of_which_only_the_half_is_known_is_not_published(redis):
    del redis.hashes["unacked"]
    redis.lists["unacked"] = 1
    with pytest.raises(RuntimeError, match="not counted: backlot-dev-mail, backlot-dev-feeds"):
        call()
    assert published() == {}


# Who is believed


def test_a_certificate_of_an_unknown_authority_is_refused_before_the_token_is_sent(
    redis, monkeypatch, tmp_path
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path, "127.0.0.1").path))
    with pytest.raises(ssl.SSLCertVerificationError):
        call()
    assert redis.asked == []
    assert published() == {}


@pytest.mark.parametrize(
    ("host", "until", "reason"),
    [
        ("cache.studio.example", timedelta(days=1), "IP address mismatch"),
        ("127.0.0.1", timedelta(days=-1), "certificate has expired"),
    ],
)
def test_a_certificate_of_another_host_or_another_time_is_refused(
    host, until, reason, redis, monkeypatch, tmp_path
):
    bad = certificate(tmp_path, host, until=until)
    monkeypatch.setenv("SSL_CERT_FILE", str(bad.path))
    with Redis(bad) as impostor:
        hold(monkeypatch, f"rediss://:{TOKEN}@127.0.0.1:{impostor.port}")
        with pytest.raises(ssl.SSLCertVerificationError, match=reason):
            call()
    assert impostor.asked == []


def test_a_cache_without_tls_is_not_spoken_to(redis):
    redis.encrypted = False
    with pytest.raises(ssl.SSLError):
        call()
    assert redis.asked == []


@pytest.mark.parametrize(
    "held",
    [
        "redis://:{token}@127.0.0.1:6379/0",
        "rediss://127.0.0.1:6379/0",
        "rediss://:{token}@:6379/0",
        "rediss://:{token}/x@127.0.0.1:6379/0",
        "rediss://:{token}@127.0.0.1:{token}",
        "rediss://:{token}@[127.0.0.1:6379",
        '{{"url": "rediss://:{token}@127.0.0.1:6379/0"}}',
        "",
    ],
)
def test_a_secret_that_holds_no_such_address_is_refused_without_being_shown(
    held, redis, monkeypatch, caplog
):
    secrets = boto3.client("secretsmanager")
    answer = {"SecretString": held.format(token=TOKEN)}
    monkeypatch.setattr(secrets, "get_secret_value", lambda **_: answer)
    monkeypatch.setattr(handler.boto3, "client", lambda _service, config: secrets)
    with pytest.raises(ValueError, match="holds no address of the form rediss://") as refused:
        call()
    assert TOKEN not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert redis.asked == []


def test_the_token_is_neither_logged_nor_part_of_an_error(redis, caplog):
    caplog.set_level(logging.DEBUG, logger=handler.log.name)
    for broken in (b"-ERR no\r\n", b"!\r\n", None):
        redis.answers["AUTH"] = broken
        with pytest.raises((handler.RedisError, ConnectionError)) as error:
            call()
        assert TOKEN not in str(error.value)
    ours = [each for each in caplog.records if not each.name.startswith("botocore")]
    assert TOKEN not in " ".join(str(vars(record)) for record in ours)


# What goes wrong on the way


@pytest.mark.parametrize("word", ["AUTH", "LLEN", "HLEN"])
def test_a_cache_that_hangs_up_is_an_error_and_the_retry_counts(word, redis):
    redis.answers[word] = None
    with pytest.raises(ConnectionError, match=f"broke off in its answer to {word}"):
        call()
    assert published() == {}
    redis.answers.clear()
    assert call()["backlot-dev-mail"] == [7, 4]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak Redis's protocol"),
        (b":seven\r\n", "does not speak Redis's protocol; to LLEN: seven"),
        (b":-1\r\n", "does not speak Redis's protocol"),
        (b"$1\r\n7\r\n", "does not speak Redis's protocol"),
        (b":" + b"7" * 5000 + b"\r\n", "broke off in its answer"),
        (b"\xff\xfe\r\n", "does not speak Redis's protocol"),
        (b"\r\n", "does not speak Redis's protocol"),
    ],
)
def test_an_answer_that_makes_no_sense_ends_the_talk(answer, reason, redis):
    redis.answers["LLEN"] = answer
    with pytest.raises(ConnectionError, match=reason):
        call()
    assert published() == {}


@pytest.mark.parametrize("word", ["AUTH", "LLEN"])
def test_a_cache_that_does_not_answer_is_given_up(word, redis, monkeypatch):
    monkeypatch.setattr(handler, "REDIS_SECONDS", 0.2)
    redis.answers[word] = b""
    with pytest.raises(TimeoutError):
        call()
    assert published() == {}


def test_a_cache_that_is_not_there_is_an_error(redis, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    hold(monkeypatch, f"rediss://:{TOKEN}@127.0.0.1:{port}")
    with pytest.raises(ConnectionRefusedError):
        call()


def test_a_secret_that_is_gone_is_an_error(redis, monkeypatch):
    monkeypatch.setenv("SECRET", "arn:aws:secretsmanager:us-east-1:123456789012:secret:none")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        call()
    assert redis.asked == []


@pytest.mark.parametrize("service", ["secretsmanager", "cloudwatch"])
def test_a_vpc_without_a_way_to_aws_is_an_error_within_seconds(service, redis, monkeypatch):
    client: Callable[..., Any] = boto3.client
    patience: Any = handler.PATIENCE
    configs: list[Any] = []

    def unreachable(**_: Any) -> None:
        raise ConnectTimeoutError(endpoint_url=f"https://{service}.us-east-1.amazonaws.com")

    def made(name: str, config: Any) -> Any:
        configs.append(config)
        answers = client(name, config=config)
        if name == service:
            for operation in ("get_secret_value", "put_metric_data"):
                setattr(answers, operation, unreachable)
        return answers

    with monkeypatch.context() as patch:
        patch.setattr(handler.boto3, "client", made)
        with pytest.raises(ConnectTimeoutError):
            call()
    assert set(map(id, configs)) == {id(patience)}
    attempts = patience.retries["total_max_attempts"]
    assert (patience.connect_timeout + patience.read_timeout) * attempts == 16


@pytest.mark.parametrize("queues", ["", "not JSON", '{"mail": {"key": "celery"}}'])
def test_queues_that_are_not_told_properly_are_an_error(queues, redis, monkeypatch):
    monkeypatch.setenv("QUEUES", queues)
    with pytest.raises((ValueError, KeyError)):
        call()
    assert published() == {}
