"""Every role assumed in moto, which lets its calls through and refuses it a neighbour's.

Unlike the evaluator, this is no code of ours: credentials of the role, a signed request, and the
decision of moto's enforcement. It checks less, so both are there. moto 5.2.5 knows the resource of
a request to S3 and to SQS by itself. Secrets Manager it must be told, by the hook that it has for
that; every other service it asks about `*`, where a grant of one resource is never found. It reads
no condition and no policy of a resource, so those are `test_roles.py`'s to prove.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import enable_iam_authentication
from moto.secretsmanager.responses import SecretsManagerResponse

from tests.iam.evaluate import Request
from tests.iam.places import PLACES, StackGraph
from tests.iam.roles import ACCOUNT, ELSEWHERE, REGION, Place, Role, arn, needed_by, neighbours
from tests.rows import proves

Aws = Callable[[str], Any]
"""A client of a service, with the credentials of whoever was last assumed."""


def _url(arn: str) -> str:
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{arn.rpartition(':')[2]}"


def _object(arn: str) -> dict[str, str]:
    bucket, _, key = arn.removeprefix("arn:aws:s3:::").partition("/")
    return {"Bucket": bucket, "Key": key}


CALLS: Mapping[str, Callable[[Aws, str], object]] = {
    "s3:DeleteObject": lambda aws, arn: aws("s3").delete_object(**_object(arn)),
    "s3:GetObject": lambda aws, arn: aws("s3").get_object(**_object(arn)),
    "s3:ListBucket": lambda aws, arn: aws("s3").list_objects_v2(Bucket=arn.rpartition(":")[2]),
    "s3:PutObject": lambda aws, arn: aws("s3").put_object(**_object(arn), Body=b"x"),
    "secretsmanager:GetSecretValue": lambda aws, arn: aws("secretsmanager").get_secret_value(
        SecretId=arn
    ),
    "sqs:GetQueueAttributes": lambda aws, arn: aws("sqs").get_queue_attributes(QueueUrl=_url(arn)),
    "sqs:ReceiveMessage": lambda aws, arn: aws("sqs").receive_message(
        QueueUrl=_url(arn), WaitTimeSeconds=0
    ),
    "sqs:SendMessage": lambda aws, arn: aws("sqs").send_message(
        QueueUrl=_url(arn), MessageBody="x"
    ),
}
"""The calls whose resource moto can tell, or can be told."""


@pytest.fixture
def _moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # It is asked for by ARN, which moto would not know: it draws the end of an ARN by itself.
    monkeypatch.setattr(
        SecretsManagerResponse,
        "_determine_resource",
        lambda self: self._get_param("SecretId"),
        raising=False,
    )
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield


class Account:
    """The in-memory AWS, with one set of clients for whoever asks."""

    def __init__(self) -> None:
        self.who = Credentials("testing", "testing")
        session = botocore.session.get_session()
        session._credentials = self.who  # pyright: ignore[reportAttributeAccessIssue]
        self._session = boto3.Session(botocore_session=session, region_name=REGION)
        self._clients: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
            self._clients[service] = self._session.client(service, config=config)
        return self._clients[service]

    def make(self, resource: str) -> None:
        """What a grant or a probe names must exist for moto to know whose it is."""
        if resource.startswith("arn:aws:sqs:"):
            self("sqs").create_queue(QueueName=resource.rpartition(":")[2])
        elif resource.startswith("arn:aws:s3:::") and "/" not in resource:
            self("s3").create_bucket(Bucket=resource.rpartition(":")[2])

    def assume(self, role: Role, name: str) -> dict[str, str]:
        iam = self("iam")
        trust = role.node["assume_role_policy"]
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
        for number, policy in enumerate(role.policies):
            iam.put_role_policy(
                RoleName=name, PolicyName=f"grants-{number}", PolicyDocument=json.dumps(policy)
            )
        session = self("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="proof")
        return session["Credentials"]

    def become(self, credentials: Mapping[str, str]) -> None:
        self.who.access_key = credentials["AccessKeyId"]
        self.who.secret_key = credentials["SecretAccessKey"]
        self.who.token = credentials["SessionToken"]

    def lets(self, request: Request) -> bool:
        """Whether the call came through; that there is nothing behind it is no refusal."""
        try:
            CALLS[request.action](self, request.resource)
        except ClientError as error:
            # To a service that speaks JSON moto refuses in XML, where the code is in the message.
            return "AccessDenied" not in str(error.response["Error"])
        return True


@dataclass(frozen=True, kw_only=True)
class Case:
    role: Role
    needed: Sequence[Request]
    probes: Sequence[Request]

    @property
    def requests(self) -> list[Request]:
        return [*self.needed, *self.probes]


def _probes(place: Place, needed: Sequence[Request]) -> list[Request]:
    """Another stack's, and of each kind the first in this stack that is not the role's own."""
    own = {(request.action, request.resource) for request in needed}
    probes: dict[str, Request] = {}
    for request in neighbours(place):
        foreign = ELSEWHERE in request.resource
        if request.action in CALLS and (request.action, request.resource) not in own:
            probes.setdefault(f"{request.action} {foreign}", request)
    return list(probes.values())


def _cases(place: Place) -> Iterator[Case]:
    for role in place.roles:
        needed = [request for request in needed_by(place, role) if request.action in CALLS]
        yield Case(role=role, needed=needed, probes=_probes(place, needed))


def _tried(cases: Sequence[Case]) -> tuple[list[str], list[str]]:
    """What was refused although it is needed, and what was let through although it is not."""
    account = Account()
    for resource in sorted({one.resource for case in cases for one in case.requests}):
        account.make(resource)
    sessions = [account.assume(case.role, f"role-{number}") for number, case in enumerate(cases)]
    refused: list[str] = []
    let_through: list[str] = []
    with enable_iam_authentication():
        for session, case in zip(sessions, cases, strict=True):
            account.become(session)
            name = case.role.node.name
            refused += [f"{name}: {one}" for one in case.needed if not account.lets(one)]
            let_through += [f"{name}: {one}" for one in case.probes if account.lets(one)]
    return refused, let_through


@proves("M85", "zapcut", "ai-film-studio")
@pytest.mark.usefixtures("_moto")
def test_every_role_is_let_to_its_own_and_refused_its_neighbours(stack_graph: StackGraph) -> None:
    # A variant has most of its roles in common with the stack it bends.
    distinct = {
        f"{case.role.arn} {case.role.policies}": case
        for stack, variant in PLACES
        for case in _cases(Place(stack_graph(stack, variant)))
    }

    assert _tried(list(distinct.values())) == ([], [])  # M85
    assert len(distinct) > 75
    assert sum(len(case.requests) for case in distinct.values()) > 1000


@pytest.mark.usefixtures("_moto")
def test_a_grant_that_is_gone_is_missed_and_a_neighbours_is_found(stack_graph: StackGraph) -> None:
    cases = _cases(Place(stack_graph("production")))
    [case] = [case for case in cases if case.role.node.name == "worker-render-task"]
    foreign = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sqs:ReceiveMessage",
                "Resource": arn("sqs", f"{ELSEWHERE}-render"),
            }
        ],
    }
    refused, let_through = _tried([replace(case, role=replace(case.role, policies=[foreign]))])
    assert len(refused) == len(case.needed) == 6
    assert let_through == [
        f"worker-render-task: sqs:ReceiveMessage on {arn('sqs', f'{ELSEWHERE}-render')}"
    ]
