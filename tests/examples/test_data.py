"""The briefs' data: PostgreSQL, Redis, buckets, and who may sign in."""

from __future__ import annotations

from tests.examples.systems import System, asks
from tests.recorder import Node, Recorded


def primary(graph: Recorded) -> Node:
    return graph.one("rds.Instance", "database-primary")


def replicas(graph: Recorded) -> list[str]:
    return [
        node["instance_class"]
        for node in graph.all("rds.Instance")
        if node.name != "database-primary"
    ]


def cache(graph: Recorded) -> Node:
    return graph.one("elasticache.ReplicationGroup")


def purposes(graph: Recorded) -> set[str]:
    return {name.removeprefix("buckets-") for name in graph.names("s3.Bucket")}


@asks("M57", zapcut="16", aivp="17", ai_film_studio="17", muejam="15", autoblog="15")
def test_the_database_is_postgresql_of_the_briefs_major_version(
    system: System, figure: str
) -> None:
    seen = system.everywhere(
        lambda graph: (primary(graph)["engine"], primary(graph)["engine_version"])
    )
    assert seen == ("postgres", figure)


@asks(
    "M58",
    zapcut={"dev": "db.t3.micro", "staging": "db.t3.micro", "production": "db.r6g.large"},
    ai_film_studio={
        "dev": "db.t3.micro",
        "sandbox": "db.t3.small",
        "staging": "db.t3.medium",
        "production": "db.r6g.xlarge",
    },
    muejam={"dev": "db.t3.small", "staging": "db.t3.medium", "production": "db.r6g.xlarge"},
)
def test_the_database_has_the_briefs_class(system: System, figure: dict[str, str]) -> None:
    assert system.each(lambda graph: primary(graph)["instance_class"]) == figure


@asks("M59", zapcut=(100, 500), muejam=(100, 500))
def test_storage_is_gp3_and_grows_as_the_brief_says(
    system: System, figure: tuple[int, int]
) -> None:
    seen = system.everywhere(
        lambda graph: (
            primary(graph)["allocated_storage"],
            primary(graph)["max_allocated_storage"],
        )
    )
    assert seen == figure
    assert system.everywhere(lambda graph: primary(graph)["storage_type"]) == "gp3"


@asks("M59", autoblog="gp3")
def test_storage_is_gp3(system: System, figure: str) -> None:
    assert system.everywhere(lambda graph: primary(graph)["storage_type"]) == figure


@asks("M60", ai_film_studio=True, autoblog=True)
def test_storage_is_encrypted(system: System, figure: bool) -> None:
    assert system.everywhere(lambda graph: primary(graph)["storage_encrypted"]) is figure


@asks(
    "M61",
    zapcut={"dev": False, "staging": False, "production": True},
    ai_film_studio={"dev": True, "sandbox": True, "staging": True, "production": True},
    muejam={"dev": False, "staging": True, "production": True},
)
def test_the_database_has_a_standby_where_the_brief_wants_one(
    system: System, figure: dict[str, bool]
) -> None:
    assert system.each(lambda graph: primary(graph)["multi_az"]) == figure


@asks(
    "M62",
    ai_film_studio={
        "dev": [],
        "sandbox": [],
        "staging": ["db.t3.medium"],
        "production": ["db.r6g.xlarge"],
    },
    muejam={
        "dev": [],
        "staging": ["db.t3.medium"],
        "production": ["db.r6g.large", "db.r6g.large"],
    },
    autoblog={"dev": [], "staging": [], "production": ["db.t4g.large"]},
)
def test_replicas_are_as_many_and_as_large_as_the_brief_says(
    system: System, figure: dict[str, list[str]]
) -> None:
    assert system.each(replicas) == figure


@asks(
    "M63",
    zapcut={"dev": 7, "staging": 7, "production": 7},
    autoblog={"dev": 7, "staging": 7, "production": 30},
)
def test_backups_are_kept_as_long_as_the_brief_says(system: System, figure: dict[str, int]) -> None:
    assert system.each(lambda graph: primary(graph)["backup_retention_period"]) == figure
    seen = system.everywhere(
        lambda graph: (primary(graph)["backup_window"], primary(graph)["maintenance_window"])
    )
    assert seen == ("03:00-04:00", "sun:04:00-sun:05:00")


@asks("M64", autoblog={"dev": False, "staging": False, "production": True})
def test_only_production_refuses_deletion_and_leaves_a_snapshot(
    system: System, figure: dict[str, bool]
) -> None:
    assert system.each(lambda graph: primary(graph)["deletion_protection"]) == figure
    assert system.each(lambda graph: not primary(graph)["skip_final_snapshot"]) == figure


@asks("M65", aivp=("postgres17", "1000"), autoblog=("postgres15", "1000"))
def test_statements_above_a_second_are_logged_and_not_every_one(
    system: System, figure: tuple[str, str]
) -> None:
    for graph in system.values():
        group = graph.one("rds.ParameterGroup")
        told = {one["name"]: one["value"] for one in group["parameters"]}
        assert (group["family"], told["log_min_duration_statement"]) == figure
        assert told["log_statement"] == "ddl"
        assert "postgresql" in primary(graph)["enabled_cloudwatch_logs_exports"]


@asks("M66", muejam=60, autoblog=60)
def test_the_database_is_looked_at_every_minute_by_a_role_of_its_own(
    system: System, figure: int
) -> None:
    for graph in system.values():
        assert primary(graph)["performance_insights_enabled"] is True
        assert primary(graph)["monitoring_interval"] == figure
        role = graph.one("iam.Role", "database-monitoring")
        assert primary(graph)["monitoring_role_arn"] == role.outputs["arn"]


@asks("M67", zapcut="zapcut-{stack}", aivp="aivp-{stack}", ai_film_studio="filmstudio-{stack}")
def test_the_databases_login_lies_in_secrets_manager(system: System, figure: str) -> None:
    for stack, graph in system.items():
        secret = graph.one("secretsmanager.Secret", "database-connection")
        assert secret["name"] == f"{figure.format(stack=stack)}/database"
        managed = primary(graph).get("manage_master_user_password", False)
        assert managed or "password" in primary(graph).secret_inputs


@asks("M68", muejam=False, autoblog=False)
def test_the_database_is_not_public_and_has_its_own_groups(system: System, figure: bool) -> None:
    for graph in system.values():
        assert primary(graph)["publicly_accessible"] is figure
        assert primary(graph)["db_subnet_group_name"] == graph.one("rds.SubnetGroup")["name"]
        group = graph.one("ec2.SecurityGroup", "database-group")
        assert primary(graph)["vpc_security_group_ids"] == [group.id]


@asks(
    "M69",
    zapcut={
        "dev": ("cache.t4g.micro", 1),
        "staging": ("cache.t4g.micro", 1),
        "production": ("cache.t4g.medium", 2),
    },
    muejam={
        "dev": ("cache.t3.small", 1),
        "staging": ("cache.t3.medium", 2),
        "production": ("cache.r6g.large", 3),
    },
    autoblog={
        "dev": ("cache.t4g.micro", 1),
        "staging": ("cache.t4g.micro", 1),
        "production": ("cache.t4g.medium", 3),
    },
)
def test_the_cache_has_the_briefs_nodes(system: System, figure: dict[str, tuple[str, int]]) -> None:
    seen = system.each(
        lambda graph: (cache(graph)["node_type"], cache(graph)["num_cache_clusters"])
    )
    assert seen == figure


@asks(
    "M70",
    muejam={"dev": False, "staging": True, "production": True},
    autoblog={"dev": False, "staging": False, "production": True},
)
def test_the_cache_fails_over_where_the_brief_wants_it(
    system: System, figure: dict[str, bool]
) -> None:
    assert system.each(lambda graph: cache(graph)["automatic_failover_enabled"]) == figure
    assert system.each(lambda graph: cache(graph)["multi_az_enabled"]) == figure


@asks("M71", muejam="auth_token")
def test_the_cache_wants_a_token_that_nobody_sees(system: System, figure: str) -> None:
    assert all(figure in cache(graph).secret_inputs for graph in system.values())


@asks("M72", ai_film_studio=(True, True), autoblog=(True, True))
def test_the_cache_is_encrypted_at_rest_and_on_the_way(
    system: System, figure: tuple[bool, bool]
) -> None:
    seen = system.everywhere(
        lambda graph: (
            cache(graph)["transit_encryption_enabled"],
            cache(graph)["at_rest_encryption_enabled"],
        )
    )
    assert seen == figure


@asks("M73", muejam=("redis7", "7.0"), autoblog=("redis7", "7.1"))
def test_the_cache_has_a_parameter_group_of_its_family(
    system: System, figure: tuple[str, str]
) -> None:
    for graph in system.values():
        group = graph.one("elasticache.ParameterGroup")
        assert cache(graph)["parameter_group_name"] == group["name"]
        assert (group["family"], cache(graph)["engine_version"]) == figure


@asks(
    "M74",
    zapcut={"media"},
    aivp={"media", "releases"},
    ai_film_studio={"media", "static"},
    muejam={"media", "static", "backups"},
)
def test_every_purpose_has_a_bucket(system: System, figure: set[str]) -> None:
    assert all(figure <= purposes(graph) for graph in system.values())


@asks("M75", zapcut="Enabled", ai_film_studio="Enabled", muejam="Enabled")
def test_every_bucket_keeps_its_versions(system: System, figure: str) -> None:
    for graph in system.values():
        versioned = {
            one["bucket"]: one["versioning_configuration"]["status"]
            for one in graph.all("s3.BucketVersioning")
        }
        assert versioned == {one["bucket"]: figure for one in graph.all("s3.Bucket")}


@asks("M76", zapcut="aws:kms", ai_film_studio="aws:kms")
def test_every_bucket_is_encrypted_with_our_key_in_production(system: System, figure: str) -> None:
    graph = system.production
    rules = {
        one["bucket"]: one["rules"][0]["apply_server_side_encryption_by_default"]["sse_algorithm"]
        for one in graph.all("s3.BucketServerSideEncryptionConfiguration")
    }
    assert set(rules) == {one["bucket"] for one in graph.all("s3.Bucket")}
    # The load balancer can write its log under S3's own key alone.
    logs = graph.one("s3.Bucket", "buckets-logs")["bucket"]
    assert {bucket: rule for bucket, rule in rules.items() if bucket != logs} == dict.fromkeys(
        rules.keys() - {logs}, figure
    )


@asks(
    "M77",
    ai_film_studio="TlsOnly",
    muejam="TlsOnly",
)
def test_no_bucket_is_public_and_each_has_a_policy(system: System, figure: str) -> None:
    for graph in system.values():
        buckets = {one["bucket"] for one in graph.all("s3.Bucket")}
        blocks = graph.all("s3.BucketPublicAccessBlock")
        assert {one["bucket"] for one in blocks} == buckets
        for block in blocks:
            assert block["block_public_policy"]
            assert block["restrict_public_buckets"]
        policies = graph.all("s3.BucketPolicy")
        assert {one["bucket"] for one in policies} == buckets
        assert all(f'"{figure}"' in one["policy"] for one in policies)


@asks("M78", muejam=90)
def test_backups_are_kept_ninety_days(system: System, figure: int) -> None:
    for graph in system.values():
        lifecycle = graph.one("s3.BucketLifecycleConfiguration", "buckets-backups-lifecycle")
        [expire] = [rule for rule in lifecycle["rules"] if rule["id"] == "expire"]
        assert expire["expiration"] == {"days": figure}


@asks("M79", ai_film_studio="INTELLIGENT_TIERING")
def test_media_that_nobody_reads_gets_cheaper_by_itself(system: System, figure: str) -> None:
    for graph in system.values():
        lifecycle = graph.one("s3.BucketLifecycleConfiguration", "buckets-media-lifecycle")
        [tier] = [rule for rule in lifecycle["rules"] if rule["id"] == "tier"]
        assert tier["transitions"] == [{"days": 0, "storage_class": figure}]


@asks("M80", aivp={"releases/*", "releases/*.yml"})
def test_installers_and_their_feed_are_served_from_a_bucket(
    system: System, figure: set[str]
) -> None:
    for graph in system.values():
        behaviours = graph.one("cloudfront.Distribution", "cdn-media")["ordered_cache_behaviors"]
        assert {one["path_pattern"] for one in behaviours} == figure
        assert {one["target_origin_id"] for one in behaviours} == {"releases"}
        # The feed says which version is newest, and must not be an hour old.
        feed, installers = (one["cache_policy_id"] for one in behaviours)
        assert feed != installers


@asks("M81", zapcut={"dev": "INACTIVE", "staging": "INACTIVE", "production": "ACTIVE"})
def test_people_sign_in_to_a_pool_that_production_keeps(
    system: System, figure: dict[str, str]
) -> None:
    assert system.each(lambda graph: graph.one("cognito.UserPool")["deletion_protection"]) == figure
    for graph in system.values():
        client = graph.one("cognito.UserPoolClient")
        assert client["user_pool_id"] == graph.one("cognito.UserPool").id
        [callback] = client["callback_urls"]
        assert callback.startswith("https://app.")


@asks(
    "M82",
    zapcut={"anthropic", "openai", "replicate"},
    aivp={"openai", "replicate", "suno", "jwt", "sentry"},
)
def test_third_party_keys_have_a_secret_each(system: System, figure: set[str]) -> None:
    for stack, graph in system.items():
        lead = f"{system.name}-{stack}/api-keys/"
        named = {
            secret["name"].removeprefix(lead)
            for secret in graph.all("secretsmanager.Secret")
            if secret["name"].startswith(lead)
        }
        assert named == figure


@asks("M83", autoblog="/autoblog-{stack}/api-keys/openai")
def test_the_openai_key_is_an_ssm_parameter(system: System, figure: str) -> None:
    for stack, graph in system.items():
        parameter = graph.one("ssm.Parameter", "secrets-openai")
        assert (parameter["name"], parameter["type"]) == (
            figure.format(stack=stack),
            "SecureString",
        )


@asks("M84", ai_film_studio={"keys-data", "keys-logs"})
def test_data_and_logs_have_keys_that_rotate(system: System, figure: set[str]) -> None:
    for graph in system.values():
        keys = {key.name: key["enable_key_rotation"] for key in graph.all("kms.Key")}
        assert figure <= set(keys)
        assert set(keys.values()) == {True}


@asks(
    "M85",
    zapcut={"worker-video-instance", "api-service", "upkeep-function"},
    ai_film_studio={"api-task", "worker-render-task", "api-execution"},
)
def test_no_role_of_ours_is_granted_every_action_of_a_service(
    system: System, figure: set[str]
) -> None:
    graph = system.production
    assert figure <= set(graph.names("iam.Role"))
    granted = [
        (policy.name, action)
        for policy in graph.all("iam.RolePolicy")
        for statement in policy.json("policy")["Statement"]
        for action in statement["Action"]
    ]
    assert granted
    assert [one for one in granted if one[1].endswith(":*") or one[1] == "*"] == []
