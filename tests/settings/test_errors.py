"""What pydantic finds, as sentences: what was given, what is allowed, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from settings import Settings
from settings.errors import explain
from settings.fields import Section
from tests.settings.stack_files import REMOVED, refused

RSA_4096 = """-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAoPoIVNfSjxY6t8F1Oonx
o1+La0+VnICUZjZ4OipDuTXMbaeDVX12hEnbW4prK0NEcsK84NFGhbQ8m46BQLvU
/h4FfRsu1ZD3kCr4VY4Yg2uEgjpI9ASn/tpIhdokZ0zRfGhYWN46JWnn8/PpLUAO
LNSwiVV1WoD+5lqvrm6EDsnlBA0p5+0UYq51GuGf6LCCtUcluhX2nfWoDjzTUOsi
fPcOAaf0eiFjuh3yOfGuVaPrIjobx4y7iZKdl0iZySRiGSannBILu8QNBb95XCcx
rhihy1pjen3N3cK9uwmEaYqnjm7cNIlwYLocmbhQfo3lndYDQyzuzB3KrqwQeYPT
8uwDQTN2OX/ec64O6pM4mDt+vnbuYDvzKVBUlYbd3uBZ8E7v43zyiyfzQ9ShUai2
67230H9ojsOkVwjoQXTx+a8La02HhkDV9VqNveigfoFmyrPOgG2q9kQdIiWCo+mp
xymhWdXBFFpOV0NT4fnhaYol+MI8mZzwrkxrZ2SgvDDJTQ3wTpD4oNe62GWD2CSb
H2wIsB4/liRFiamcTuGlydoOlQZT7I/lJGOhMOQNkCmprXwH7WTpWUpIejte2tLN
ZujGnwN5KWoZNO4dYau+itPwsyTxvpeAfjn9VKDQGumWZRYCt6aqZ+O1ubqbBEzW
gCcuvp2M0PqeShTQB9PeU2UCAwEAAQ==
-----END PUBLIC KEY-----"""
"""Its private half was thrown away."""

RETENTIONS = (
    "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, "
    "3288, 3653"
)
NAME_RULE = "use lower-case letters, digits and single hyphens, beginning with a letter"


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
            'backlot:database: engine_version: 17 is a number; write "17"',
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
            "backlot:database: backup_days: has nothing behind it; give a whole number, 0 to 35",
        ),
        (
            "database.backup_days",
            36,
            "backlot:database: backup_days: 36 is too large; give a whole number, 0 to 35",
        ),
        (
            "api.fargate.cpu_target",
            0,
            "backlot:api: fargate.cpu_target: 0 is too small; give a whole number, 1 to 99",
        ),
        (
            "api.fargate.memory_target",
            100,
            "backlot:api: fargate.memory_target: 100 is too large; give a whole number, 1 to 99",
        ),
        (
            "api.deployment.canary",
            {"percent": 100},
            (
                "backlot:api: deployment.canary.percent: 100 is too large; give a number, "
                "0.1 to 99.9"
            ),
        ),
        (
            "api.deployment.linear",
            {"step_percent": "ten"},
            ('backlot:api: deployment.linear.step_percent: "ten" is text; give a number, 3 to 100'),
        ),
        (
            "workers.render.success_alarm",
            0,
            (
                "backlot:workers: render.success_alarm: 0 is too small; give a number above 0, "
                "at most 1"
            ),
        ),
        (
            "services.admin",
            {
                "image": "api:1.0.0",
                "cpu": 256,
                "memory": 512,
                "min_tasks": 1,
                "max_tasks": 2,
                "route": {"paths": ["/admin/*", "/*"], "priority": 10},
            },
            (
                'backlot:services: admin.route.paths[1]: "/*" matches every path, so the API would '
                "get no request; give a narrower one, such as /admin/*"
            ),
        ),
        (
            "services.admin",
            {
                "image": "api:1.0.0",
                "cpu": 256,
                "memory": 512,
                "min_tasks": 1,
                "max_tasks": 2,
                "route": {"paths": ["*"], "priority": 10},
            },
            (
                'backlot:services: admin.route.paths[0]: "*" does not fit; give a path that begins '
                "with /, in which * stands for anything, at most 128 characters, such as /admin/*"
            ),
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
                "backlot:database: instance_class: missing; give an RDS instance class, db. "
                "included, such as db.t4g.medium. The primary's size: its memory, CPUs and "
                "most of its price."
            ),
        ),
        (
            "database.instance_class",
            "t4g.medium",
            (
                'backlot:database: instance_class: "t4g.medium" does not fit; give an RDS '
                "instance class, db. included, such as db.t4g.medium"
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
            "api.beanstalk.strategy",
            "canary",
            (
                'backlot:api: beanstalk.strategy: "canary" moves traffic between two versions by '
                "weight, which only kind: fargate can; Elastic Beanstalk replaces instances: give "
                "immutable or rolling"
            ),
        ),
        (
            "api.kind",
            "lambda",
            'backlot:api: kind: "lambda" is not allowed; give one of fargate, ec2, beanstalk',
        ),
        (
            "network.zones",
            "a",
            'backlot:network: zones: "a" is text; give a list such as [a, b], 2 to 6 entries',
        ),
        (
            "network.zones",
            ["a"],
            (
                'backlot:network: zones: ["a"] is too short: it has 1 entry; '
                "give a list such as [a, b], 2 to 6 entries"
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
            ('backlot:network: zones[1]: "z" does not fit; give one letter from a to h, such as a'),
        ),
        (
            "network.cidr",
            "10.0.0.1/16",
            (
                'backlot:network: cidr: "10.0.0.1/16" does not begin where a /16 does; '
                "did you mean 10.0.0.0/16?"
            ),
        ),
        (
            "platform.name",
            "a" * 21,
            (
                f'backlot:platform: name: "{"a" * 21}" is too long: it has 21 characters; '
                f"{NAME_RULE}, at most 20 characters, such as studio"
            ),
        ),
        (
            "canary",
            {"steps": {}},
            (
                "backlot:canary: steps: {} holds nothing; give at least one, such as "
                "health: {path: /health}"
            ),
        ),
        (
            "queues",
            {"Render": {}, "render": {}},
            (
                f'backlot:queues: Render: "Render" does not fit; {NAME_RULE}, at most 24 '
                "characters, such as render"
            ),
        ),
        (
            "queues.render.max_receives",
            0,
            "backlot:queues: render.max_receives: 0 is too small; give a whole number, 1 to 1000",
        ),
        (
            "workers.render.instance_types",
            {"g6.xlarge": 2, "g5.xlarge": 1},
            (
                'backlot:workers: render.instance_types: {"g6.xlarge": 2, "g5.xlarge": 1} gives '
                "weights, and what fills these fleets counts instances, not weights; give the "
                "types alone: [g6.xlarge, g5.xlarge]"
            ),
        ),
        (
            "workers.render.warm_pool",
            {"min_size": 1},
            (
                "backlot:workers: render.warm_pool: unknown key; allowed: queue, command, "
                "min_workers, max_workers, job_seconds, job_limit_seconds, target_wait_seconds, "
                "heartbeat_seconds, protection_minutes, scale_in_seconds, schedules, "
                "success_alarm, environment, secrets, kind, image, gpu_class, instance_types, ami, "
                "on_demand_base, on_demand_percent, overflow, capacity_rebalance, cpu, memory, "
                "root_gb, max_step"
            ),
        ),
        (
            "workers.render",
            ["gpu"],
            (
                'backlot:workers: render: ["gpu"] is a list; give a mapping with kind, one of '
                "ec2, fargate, gpu"
            ),
        ),
        (
            "workers.render.secrets",
            ["replicate", 5],
            (
                f"backlot:workers: render.secrets[1]: 5 is a number; {NAME_RULE}, at most "
                "24 characters, such as render"
            ),
        ),
        (
            "budget.monthly_dollars",
            5,
            "backlot:budget: monthly_dollars: unknown key; allowed: monthly_usd, anomaly_usd",
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


@pytest.mark.parametrize(
    ("path", "given", "says"),
    [
        (
            "platform.name",
            "Acme",
            f'name: "Acme" does not fit; {NAME_RULE}, at most 20 characters, such as acme',
        ),
        (
            "platform.name",
            "My Lot",
            f'name: "My Lot" does not fit; {NAME_RULE}, at most 20 characters, such as my-lot',
        ),
        ("network.zones", "a, b", 'zones: "a, b" is text; write [a, b]'),
        (
            "network.zones",
            ["us-east-1a", "b"],
            'zones[0]: "us-east-1a" is a zone\'s whole name; give the letter alone: a',
        ),
        (
            "database.engine_version",
            "13",
            'engine_version: "13" is not allowed; give one of "14", "15", "16", "17", "18"',
        ),
        (
            "database.engine_version",
            "17.2",
            (
                'engine_version: "17.2" has a minor version; give the major version alone: "17"; '
                "RDS keeps the minor one current"
            ),
        ),
        (
            "database.engine_version",
            17.2,
            (
                'engine_version: 17.2 has a minor version; give the major version alone: "17"; '
                "RDS keeps the minor one current"
            ),
        ),
        ("cache.engine_version", 7.1, 'engine_version: 7.1 is a number; write "7.1"'),
        ("cache.engine_version", 8, 'engine_version: 8 is a number; write "8.0"'),
        (
            "cache.engine_version",
            "8",
            (
                'engine_version: "8" does not fit; give the major and the minor version, in '
                'quotes, such as "8.0"'
            ),
        ),
        ("network.flow_logs", False, 'flow_logs: false is a boolean; write "off"'),
        ("api.environment", {"PORT": 8000}, 'environment.PORT: 8000 is a number; write "8000"'),
        ("api.image", "api", 'image: "api" names no version; give a tag or a digest: api:1.0.0'),
        (
            "api.image",
            "localhost:5000/api",
            (
                'image: "localhost:5000/api" names no version; give a tag or a digest: '
                "localhost:5000/api:1.0.0"
            ),
        ),
        (
            "domain",
            {"zone": "https://studio.example/", "api": "api.studio.example"},
            (
                'zone: "https://studio.example/" is a URL; give the name without https://: '
                "studio.example"
            ),
        ),
        (
            "buckets.cors_origins",
            ["https://app.studio.example/"],
            (
                'cors_origins[0]: "https://app.studio.example/" does not fit; give http:// or '
                "https:// and a host in lower case, without a path, such as https://app.studio.example"
            ),
        ),
        (
            "cdn.signing_keys",
            {"signing-2026-11": RSA_4096},
            (
                'signing_keys.signing-2026-11: "-----BEGIN PUBLIC KEY-----\\nMIICIjANBgkqhkiG9w0'
                "BAQEFAAOCAg… is of a kind that CloudFront does not read; give RSA of 2048 bits, "
                "or the curve P-256"
            ),
        ),
        (
            "cdn.signing_keys",
            {"signing-2026-11": "-----BEGIN PUBLIC KEY-----\nMIIB\nIjA\n-----END PUBLIC KEY-----"},
            (
                'signing_keys.signing-2026-11: "-----BEGIN PUBLIC KEY-----\\nMIIB\\nIjA\\n-----END '
                "PUBLIC KEY… is cut short or altered; give the whole file"
            ),
        ),
        (
            "network.cidr",
            "10.2.0.0",
            'cidr: "10.2.0.0" has no prefix length; write 10.2.0.0/16',
        ),
        (
            "network.cidr",
            "10.2.1.0/16",
            'cidr: "10.2.1.0/16" does not begin where a /16 does; did you mean 10.2.0.0/16?',
        ),
        (
            "network.cidr",
            "10.2.0.0/33",
            'cidr: "10.2.0.0/33" is no IPv4 network; give one such as 10.0.0.0/16',
        ),
        (
            "notices.critical",
            None,
            (
                "critical: has nothing behind it; give a list such as [oncall@studio.example], "
                "or remove the key"
            ),
        ),
        (
            "queues",
            {"render": None},
            (
                "render: has nothing behind it; give a mapping with any of visibility_seconds, "
                "max_receives, retention_days, dead_letter_days, backlog_alarm, age_alarm_seconds, "
                "or {}"
            ),
        ),
        (
            "network.nat",
            None,
            "nat: has nothing behind it; give one of none, single, per_zone",
        ),
        (
            "platform.account_ids",
            "production",
            'account_ids: "production" is text; give a list such as ["123456789012"]',
        ),
        (
            "api.architecture",
            "amd64",
            (
                'architecture: "amd64" is not allowed; did you mean x86_64? '
                "give one of arm64, x86_64"
            ),
        ),
        (
            "api.architecture",
            "aarch64",
            (
                'architecture: "aarch64" is not allowed; did you mean arm64? '
                "give one of arm64, x86_64"
            ),
        ),
        (
            "cdn.price_class",
            "10",
            ('price_class: "10" is not allowed; did you mean "100"? give one of "100", "200", all'),
        ),
        (
            "api.deployment.migration.command",
            "alembic upgrade head",
            (
                'deployment.migration.command: "alembic upgrade head" is text; '
                "write [alembic, upgrade, head]"
            ),
        ),
        (
            "api.command",
            "python -c 'print(1, 2)' 8000",
            (
                "command: \"python -c 'print(1, 2)' 8000\" is text; "
                'write [python, -c, "print(1, 2)", "8000"]'
            ),
        ),
        (
            "api.command",
            "it's",
            'command: "it\'s" is text; give a list',
        ),
        (
            "notices.warning",
            "oncall@studio.example",
            'warning: "oncall@studio.example" is text; write [oncall@studio.example]',
        ),
        (
            "redis_queues",
            ["celery"],
            (
                "was given a list; give a mapping, the name as the key, such as celery: {}. "
                "Queues in the cache, for Celery with Redis as its broker."
            ),
        ),
        (
            "workers.render.schedules",
            [{"at": "20:00"}],
            (
                'render.schedules: [{"at": "20:00"}] is a list; give a mapping, the name as the '
                "key, such as render"
            ),
        ),
        (
            "domain",
            "studio.example",
            (
                'was given "studio.example"; give a mapping with zone, api. The DNS zone and the '
                "names in it. Absent: the load balancer's own name, plain HTTP."
            ),
        ),
        (
            "platform.account_ids",
            [123456789012],
            'account_ids[0]: 123456789012 is a number; write "123456789012"',
        ),
        (
            "platform.account_ids",
            [12345678901],
            (
                "account_ids[0]: 12345678901 is a number; give 12 digits, in quotes so that a "
                'leading zero stays, such as "123456789012"'
            ),
        ),
    ],
)
def test_a_newcomers_slip_is_answered_with_what_was_meant(path: str, given: Any, says: str) -> None:
    [line, *_] = refused({path: given, "load_balancer.plain_http": path != "domain"})

    assert line == f"backlot:{path.partition('.')[0]}: {says}"


def test_a_third_party_key_among_the_shells_is_sent_elsewhere_and_never_shown() -> None:
    says = (
        "values never stand here; remove it, and give it with "
        "`pulumi config set --secret backlot-secrets:jwt`"
    )

    assert refused({"secrets.jwt": {"environment": "JWT_SECRET", "value": "hunter2"}}) == [
        f"backlot:secrets: jwt.value: {says}"
    ]
    assert refused({"secrets.jwt": "hunter2"}) == [f"backlot:secrets: jwt: {says}"]
    assert refused({"secrets.jwt": 4711}) == [f"backlot:secrets: jwt: {says}"]


def test_a_third_party_key_in_the_place_of_its_variable_is_never_shown() -> None:
    assert refused({"secrets.jwt.environment": "hunter2"}) == [
        (
            'backlot:secrets: jwt.environment: "…" does not fit; use capital letters, digits and '
            "underscores, beginning with a letter, such as OPENAI_API_KEY"
        )
    ]


def test_a_number_too_large_for_any_reader_is_still_answered() -> None:
    [line] = refused({"cache.engine_version": 10**400})

    assert line.endswith(
        'is a number; give the major and the minor version, in quotes, such as "8.0"'
    )


def test_an_unreadable_engine_does_not_also_cost_the_version_that_follows_it() -> None:
    assert refused({"cache.engine": "vlakey"}) == [
        (
            'backlot:cache: engine: "vlakey" is not allowed; did you mean valkey? '
            "give one of valkey, redis"
        )
    ]


def forms(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every part of a schema that asks for text of a form."""
    if isinstance(node, Mapping):
        if isinstance(node.get("pattern"), str):
            yield node
        for inner in node.values():
            yield from forms(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from forms(inner)


def test_every_form_of_text_is_put_in_words() -> None:
    found = list(forms(Settings.model_json_schema()))

    assert len(found) > 20
    for node in found:
        assert node["patternErrorMessage"].startswith(("give ", "use ")), node
        assert not set("^$[]\\") & set(node["patternErrorMessage"]), node


def test_a_misspelt_key_is_one_error_and_not_also_a_missing_one() -> None:
    change = {"budget.monthly_usd": REMOVED, "budget.montly_usd": 335}

    assert refused(change) == [
        (
            "backlot:budget: montly_usd: unknown key; did you mean monthly_usd? allowed: "
            "monthly_usd, anomaly_usd"
        )
    ]


@pytest.mark.parametrize(
    ("path", "given", "home"),
    [
        ("api.cpu", 256, "api: cpu: unknown key here; cpu belongs under fargate"),
        (
            "api.deployment.strategy",
            "rolling",
            (
                "api: deployment.strategy: unknown key here; strategy belongs under fargate or "
                "under beanstalk"
            ),
        ),
        (
            "api.ec2.approval_minutes",
            30,
            ("api: ec2.approval_minutes: unknown key here; approval_minutes belongs under fargate"),
        ),
        (
            "api.fargate.image",
            "api:1.0.0",
            "api: fargate.image: unknown key here; image belongs directly under backlot:api",
        ),
        (
            "api.percent",
            5,
            "api: percent: unknown key here; percent belongs under deployment.canary",
        ),
        (
            "workers.render.after_seconds",
            600,
            (
                "workers: render.after_seconds: unknown key here; after_seconds belongs under "
                "render.overflow"
            ),
        ),
        ("database.initial", 20, "database: initial: unknown key here; initial belongs under stor"),
    ],
)
def test_a_key_that_stands_one_mapping_away_is_sent_home(path: str, given: Any, home: str) -> None:
    [line] = refused({path: given})

    assert line.startswith(f"backlot:{home}")
    assert "; allowed here: " in line


def test_a_key_that_is_sent_home_does_not_hide_what_is_missing_where_it_stood() -> None:
    change = {
        "api.deployment.bake_minutes": REMOVED,
        "api.deployment.step_bake_minutes": 5,
    }

    assert [line.partition(";")[0] for line in refused(change)] == [
        "backlot:api: deployment.bake_minutes: missing",
        "backlot:api: deployment.step_bake_minutes: unknown key here",
    ]


def test_a_key_that_another_section_knows_is_only_unknown() -> None:
    [line] = refused({"budget.cpu": 256})

    assert line == "backlot:budget: cpu: unknown key; allowed: monthly_usd, anomaly_usd"


def test_a_long_value_is_cut() -> None:
    [line] = refused({"cache.node_type": "x" * 500})

    assert f'node_type: "{"x" * 58}… does not fit' in line


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
