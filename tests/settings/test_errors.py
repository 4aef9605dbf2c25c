"""What pydantic finds, as sentences: what was given, what is allowed, what to do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from settings.errors import explain
from settings.fields import Section
from tests.settings.stack_files import REMOVED, refused

RETENTIONS = (
    "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, "
    "3288, 3653"
)
PATTERN = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"


@pytest.mark.parametrize(
    ("path", "given", "says"),
    [
        (
            "platform.protect",
            "yes",
            'backlot:platform: protect: "yes" is text; give true or false',
        ),
        ("platform.protect", 1, "backlot:platform: protect: 1 is a number; give true or false"),
        (
            "database.engine_version",
            17,
            'backlot:database: engine_version: 17 is a number; give text in quotes such as "17"',
        ),
        (
            "database.backup_days",
            7.5,
            "backlot:database: backup_days: 7.5 is a number; give a whole number, 0 to 35",
        ),
        (
            "database.backup_days",
            True,
            "backlot:database: backup_days: true is a boolean; give a whole number, 0 to 35",
        ),
        (
            "database.backup_days",
            None,
            "backlot:database: backup_days: null is nothing; give a whole number, 0 to 35",
        ),
        (
            "database.backup_days",
            36,
            "backlot:database: backup_days: 36 is too large; give a whole number, 0 to 35",
        ),
        (
            "api.cpu_target",
            0,
            "backlot:api: cpu_target: 0 is too small; give a whole number, 1 to 99",
        ),
        (
            "api.memory_target",
            100,
            "backlot:api: memory_target: 100 is too large; give a whole number, 1 to 99",
        ),
        (
            "database.slow_query_ms",
            0,
            "backlot:database: slow_query_ms: 0 is too small; give a whole number, at least 1",
        ),
        (
            "database.storage_gb",
            100,
            "backlot:database: storage_gb: 100 is a number; give a mapping with initial, maximum",
        ),
        (
            "database.storage_gb.initial",
            REMOVED,
            (
                "backlot:database: storage_gb.initial: missing; give a whole number, 20 to 65536. "
                "GB of gp3 to begin with."
            ),
        ),
        (
            "database.instance_class",
            REMOVED,
            (
                "backlot:database: instance_class: missing; give text in quotes such as "
                '"db.t4g.medium". The primary\'s size: its memory, CPUs and most of its price.'
            ),
        ),
        (
            "database.instance_class",
            "t4g.medium",
            (
                'backlot:database: instance_class: "t4g.medium" is malformed; give text in quotes '
                r'such as "db.t4g.medium" (pattern ^db\.[a-z][a-z0-9-]*\.[a-z0-9]+$)'
            ),
        ),
        (
            "database.credentials",
            "rotatd",
            (
                'backlot:database: credentials: "rotatd" is not allowed; did you mean rotated? '
                "give one of managed, rotated, iam"
            ),
        ),
        (
            "logs.retention_days",
            8,
            f"backlot:logs: retention_days: 8 is not allowed; give one of {RETENTIONS}",
        ),
        (
            "logs.retention_days",
            "7",
            (
                'backlot:logs: retention_days: "7" is not allowed; did you mean 7? '
                f"give one of {RETENTIONS}"
            ),
        ),
        (
            "api.kind",
            "lambda",
            'backlot:api: kind: "lambda" is not allowed; give fargate',
        ),
        (
            "network.zones",
            "a",
            'backlot:network: zones: "a" is text; give a list, 2 to 6 entries',
        ),
        (
            "network.zones",
            ["a"],
            (
                'backlot:network: zones: ["a"] is too short: it has 1 entry; '
                "give a list, 2 to 6 entries"
            ),
        ),
        (
            "network.zones",
            ["a", "a"],
            'backlot:network: zones: ["a", "a"] names a more than once; name each once',
        ),
        (
            "network.zones",
            ["a", "z"],
            (
                'backlot:network: zones[1]: "z" is malformed; give text in quotes such as "a" '
                "(pattern ^[a-h]$)"
            ),
        ),
        (
            "network.cidr",
            "10.0.0.1/16",
            (
                'backlot:network: cidr: "10.0.0.1/16" must be an IPv4 network such as 10.0.0.0/16 '
                "(10.0.0.1/16 has host bits set)"
            ),
        ),
        (
            "platform.name",
            "a" * 21,
            (
                f'backlot:platform: name: "{"a" * 21}" is too long: it has 21 characters; '
                'give text in quotes, at most 20 characters such as "studio"'
            ),
        ),
        (
            "queues",
            {},
            "backlot:queues: {} is too short: it has 0 entries; give a mapping of keys to values",
        ),
        (
            "queues",
            {"Render": {}, "render": {}},
            (
                'backlot:queues: Render: "Render" is malformed; give text in quotes, at most 24 '
                f'characters such as "render" (pattern {PATTERN})'
            ),
        ),
        (
            "queues.render.max_receives",
            0,
            "backlot:queues: render.max_receives: 0 is too small; give a whole number, 1 to 1000",
        ),
        (
            "workers.render",
            ["gpu"],
            (
                'backlot:workers: render: ["gpu"] is a list; give a mapping with kind, queue, '
                "image, gpu_class, min_workers, max_workers, on_demand_percent, job_seconds, "
                "job_limit_seconds, target_wait_seconds"
            ),
        ),
        (
            "workers.render.secrets",
            ["replicate", 5],
            (
                "backlot:workers: render.secrets[1]: 5 is a number; give text in quotes, at most "
                '24 characters such as "render"'
            ),
        ),
        (
            "budget.monthly_dollars",
            5,
            "backlot:budget: monthly_dollars: unknown key; allowed: monthly_usd",
        ),
        (
            "keys.rotation_day",
            90,
            (
                "backlot:keys: rotation_day: unknown key; did you mean rotation_days? "
                "allowed: customer_managed, rotation_days, deletion_days"
            ),
        ),
    ],
)
def test_a_wrong_value_is_answered_with_the_allowed_ones(path: str, given: Any, says: str) -> None:
    assert refused({path: given}) == [says]


def test_a_misspelt_key_is_one_error_and_not_also_a_missing_one() -> None:
    change = {"budget.monthly_usd": REMOVED, "budget.montly_usd": 335}

    assert refused(change) == [
        "backlot:budget: montly_usd: unknown key; did you mean monthly_usd? allowed: monthly_usd"
    ]


def test_a_long_value_is_cut() -> None:
    [line] = refused({"cache.node_type": "x" * 500})

    assert f'node_type: "{"x" * 58}… is malformed' in line


class Truck(Section):
    kind: Literal["truck"]
    wheels: int


class Boat(Section):
    kind: Literal["boat"]
    sails: int


Vehicles = dict[str, Annotated[Truck | Boat, Field(discriminator="kind")]]


class Fleet(Section):
    vehicles: Vehicles


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '{"red": {"kind": "bot"}}',
            'red: kind "bot" is not allowed; did you mean boat? give one of boat, truck',
        ),
        ('{"red": {}}', "red: kind is missing; give one of boat, truck"),
        (
            '{"red": {"kind": "boat", "sails": "two"}}',
            'red.sails: "two" is text; give a whole number',
        ),
        (
            '{"red": {"kind": "boat", "sails": 1, "wheels": 2}}',
            "red.wheels: unknown key; allowed: kind, sails",
        ),
    ],
)
def test_a_variant_is_told_by_its_kind_and_leaves_no_trace_in_the_path(
    text: str, says: str
) -> None:
    schema = Fleet.model_json_schema()
    adapter = TypeAdapter(Vehicles)

    with pytest.raises(ValidationError) as found:
        adapter.validate_json(text, strict=True)

    problems = explain("vehicles", found.value.errors(), schema)
    assert [str(problem) for problem in problems] == [f"backlot:vehicles: {says}"]
