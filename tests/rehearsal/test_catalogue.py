"""Every entry of the catalogue against the SDK's class and the API's model it stands between."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
import pytest

import rehearsal.catalogue
from rehearsal import sdk, shapes
from rehearsal.catalogue import find, names
from rehearsal.catalogue.entry import Call, Entry
from tests.rehearsal.samples import SAMPLES

DATABASE = "aws:rds/instance:Instance"

SESSION = botocore.session.get_session()

UNPLACED = {
    "aws:apigatewayv2/api:Api": {"body", "failOnWarnings"},
    DATABASE: {
        "restoreToPointInTime",
        "s3Import",
        "snapshotIdentifier",
    },
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": {
        "elasticsearchConfiguration",
        "httpEndpointConfiguration",
        "icebergConfiguration",
        "opensearchConfiguration",
        "opensearchserverlessConfiguration",
        "redshiftConfiguration",
        "snowflakeConfiguration",
        "splunkConfiguration",
    },
    "aws:s3/bucket:Bucket": {
        "accelerationStatus",
        "corsRules",
        "grants",
        "lifecycleRules",
        "logging",
        "objectLockConfiguration",
        "policy",
        "replicationConfiguration",
        "requestPayer",
        "serverSideEncryptionConfiguration",
        "versioning",
        "website",
    },
}
"""Properties the rehearsal reports as unplaced: restoring, importing, what has a resource of its
own, and streams to anything but a bucket."""

OR = {
    "aws:autoscaling/attachment:Attachment": {"elb"},
    "aws:elasticache/replicationGroup:ReplicationGroup": {"authTokenWo"},
    DATABASE: {"passwordWo", "replicateSourceDb"},
    "aws:secretsmanager/secretVersion:SecretVersion": {"secretStringWo"},
    "aws:ssm/parameter:Parameter": {"insecureValue", "valueWo"},
}
"""Properties that stand for another one; both together would land on one member."""

REPLICA = {
    *("characterSetName", "dbName", "engineLifecycleSupport", "licenseModel"),
    *("manageMasterUserPassword", "masterUserSecretKmsKeyId", "ncharCharacterSetName"),
    *("password", "passwordWo", "timezone", "restoreToPointInTime", "s3Import"),
    "snapshotIdentifier",
}
"""Properties of a database that a replica has from its source, so that giving them is an error."""


def entries() -> Iterator[tuple[str, Entry]]:
    for module in pkgutil.iter_modules(rehearsal.catalogue.__path__):
        found = importlib.import_module(f"rehearsal.catalogue.{module.name}")
        for name, entry in getattr(found, "ENTRIES", {}).items():
            token = module.name.rstrip("_")
            yield f"aws:{token}/{name[0].lower()}{name[1:]}:{name}", entry


ENTRIES = dict(entries())


def calls(entry: Entry) -> list[Call]:
    return [entry, *(call for call in entry.then if isinstance(call, Call))]


def operation(entry: Entry, call: Call) -> Any:
    model = SESSION.get_service_model(call.service or entry.service)
    return model.operation_model(call.operation)


def value_of(annotation: Any, property: str, depth: int = 0) -> Any:
    """A value of the right shape for a property of the SDK's class, every block of it filled."""
    nested, many = sdk.block(annotation)
    if nested and "PolicyDocument" in nested.cls.__name__:
        return "{}"
    if nested and depth < 5:
        block = {key: value_of(a, key, depth + 1) for key, a in nested.properties.items()}
        return [block] if many else block
    if sdk.is_list(annotation):
        return ["x"]
    kind = sdk.scalar(annotation)
    if kind is bool:
        return True
    if kind in (int, float):
        return 5
    if kind is str:
        return "{}" if "olicy" in property else "x"
    return {"a": "b"} if "Mapping" in str(annotation) else "x"


def unplaced(type: str, entry: Entry, without: set[str]) -> list[str]:
    """The problems of a resource that gives every property its class has."""
    given: dict[str, Any] = {
        key: value_of(annotation, key)
        for key, annotation in sdk.inputs(type).items()
        if key != "region" and key not in without
    }
    if entry.prepare:
        given = entry.prepare(given)
    later = calls(entry)[1:]
    claimed = frozenset().union(*(call.claims() for call in later))
    problems: list[str] = []
    for call in calls(entry):
        if call is entry:
            mine: Any = {key: value for key, value in given.items() if key not in claimed}
        elif call.each:
            items = given.get(call.each) or [{}]
            mine = items[0] if isinstance(items[0], Mapping) else {call.each: items[0]}
        else:
            mine = {key: value for key, value in given.items() if key in call.claims()}
        placed = shapes.place(mine, operation(entry, call), call)
        problems += [str(problem) for problem in placed.problems]
    return problems


@pytest.mark.parametrize("type", ENTRIES)
def test_the_sdk_has_the_type(type: str) -> None:
    assert sdk.resource_class(type) is not None
    assert find(type) is ENTRIES[type]


@pytest.mark.parametrize("type", ENTRIES)
def test_every_property_of_the_class_has_a_place_or_a_reason(type: str) -> None:
    without = UNPLACED.get(type, set()) | OR.get(type, set())
    assert unplaced(type, ENTRIES[type], without) == []


@pytest.mark.parametrize("type", UNPLACED)
def test_what_the_rehearsal_does_not_place_is_said(type: str) -> None:
    without = OR.get(type, set())
    paths = {problem.partition(":")[0] for problem in unplaced(type, ENTRIES[type], without)}
    assert paths == UNPLACED[type]


def test_every_property_of_a_replica_has_a_place_or_a_reason() -> None:
    replica = ENTRIES[DATABASE].variants["replicateSourceDb"]
    assert unplaced(DATABASE, replica, REPLICA) == []


@pytest.mark.parametrize("type", ENTRIES)
def test_every_output_is_a_property_of_the_class(type: str) -> None:
    entry = ENTRIES[type]
    for variant in (entry, *entry.variants.values()):
        assert set(variant.outputs) - sdk.outputs(type) == set()


@pytest.mark.parametrize("type", ENTRIES)
def test_what_an_entry_says_is_about_properties_that_exist(type: str) -> None:
    entry, known = ENTRIES[type], set(sdk.inputs(type))
    assert {path.partition(".")[0] for path in (*entry.limits, *entry.documents)} <= known
    if not entry.prepare:
        said = (*entry.rename, *entry.lift, *entry.ignore)
        assert {path.partition(".")[0] for path in said} <= known


@pytest.mark.parametrize("type", ENTRIES)
def test_a_withheld_member_is_one_of_the_operation(type: str) -> None:
    entry = ENTRIES[type]
    for call in calls(entry):
        shape = shapes.input_of(operation(entry, call))
        assert set(call.withheld) <= set(shapes.members_of(shape) if shape else ())


@pytest.mark.parametrize("type", ENTRIES)
def test_every_type_has_a_sample_that_is_really_made(type: str) -> None:
    assert type in {sample.type for sample in SAMPLES}


@pytest.mark.parametrize("type", names.AUTO_NAMES)
def test_every_named_type_is_one_of_the_sdk_and_names_one_of_its_inputs(type: str) -> None:
    rule = names.AUTO_NAMES[type]
    assert rule.property in sdk.inputs(type)
    assert not rule.fifo or rule.fifo in sdk.inputs(type)


def test_an_unknown_type_has_no_entry() -> None:
    assert find("aws:nowhere/thing:Thing") is None
    assert find("aws:sqs/nothing:Nothing") is None
    assert find("gcp:storage/bucket:Bucket") is None
