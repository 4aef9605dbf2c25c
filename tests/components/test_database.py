"""The database: components/stores/database*.py."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.grants import Statement
from components.observe import Alarm
from components.stores.database import Database, DatabaseArgs
from components.workload import Restart
from settings.backups import BackupsSettings
from settings.database import DatabaseSettings
from tests.components.parts import DATA_KEY, export_watched, ground
from tests.recorder import Node, Recorded, aws_provider, record, recorded_once, with_aws

GIB = 1024**3


class Service:
    def __init__(self, name: str) -> None:
        cluster, service = f"{name}-cluster", f"{name}-service"
        self.restart = Restart.of_service(
            ground(), pulumi.Output.from_input(cluster), pulumi.Output.from_input(service)
        )


class Group:
    restart = Restart(
        target={"platform": "autoscaling", "group": "api-group"},
        statements=[
            Statement(
                sid="ReplaceInstances",
                actions=["autoscaling:StartInstanceRefresh"],
                resources=["arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:api"],
            )
        ],
    )


def settings(**changes: Any) -> DatabaseSettings:
    return DatabaseSettings.model_validate(
        {
            "engine_version": "17",
            "instance_class": "db.t4g.micro",
            "storage_gb": {"initial": 20, "maximum": 100},
            "multi_az": False,
            "credentials": "managed",
            "backup_days": 7,
            "deletion_protection": False,
            "final_snapshot": False,
            **changes,
        }
    )


@recorded_once
def recorded_database(
    *,
    data_key_arn: str | None = None,
    protect: bool | None = None,
    restart: bool = False,
    in_backup_plan: bool = False,
    **changes: Any,
) -> tuple[Database, Recorded]:
    made: list[Database] = []

    def program() -> None:
        database = Database(
            "database",
            DatabaseArgs(
                settings=settings(**changes),
                ground=ground(data_key_arn=data_key_arn),
                in_backup_plan=in_backup_plan,
            ),
            pulumi.ResourceOptions.merge(
                with_aws(aws_provider()), pulumi.ResourceOptions(protect=protect)
            ),
        )
        if restart:
            database.restart_after_rotation([Service("api"), Service("worker"), Group()])
        made.append(database)
        access = database.access()
        pulumi.export("values", {one.environment: one.value_from for one in access.secrets})
        pulumi.export(
            "reads", [statement.rendered() for one in access.secrets for statement in one.read]
        )
        pulumi.export("statements", [statement.rendered() for statement in access.statements])
        pulumi.export("replicas", database.replica_endpoints)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in database.alarms})

    recorded = record(program)
    return made[0], recorded


def primary(recorded: Recorded) -> Node:
    return recorded.one("rds.Instance", "database-primary")


def alarm(database: Database, name: str) -> Alarm:
    return next(alarm for alarm in database.alarms if alarm.name == name)


def written(recorded: Recorded, name: str = "database-connection") -> dict[str, Any]:
    secret = recorded.one("secretsmanager.Secret", name)
    [version] = [
        version
        for version in recorded.all("secretsmanager.SecretVersion")
        if version["secret_id"] == secret.id
    ]
    return version.json("secret_string")


def statements(recorded: Recorded, policy: str) -> dict[str, dict[str, Any]]:
    document = recorded.one("iam.RolePolicy", policy).json("policy")
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_postgresql_is_pinned_to_its_major_version_only():  # M57
    _, recorded = recorded_database(engine_version="16")
    assert primary(recorded)["engine"] == "postgres"
    assert primary(recorded)["engine_version"] == "16"
    assert primary(recorded)["auto_minor_version_upgrade"] is True
    assert recorded.one("rds.ParameterGroup")["family"] == "postgres16"


def test_old_versions_never_slip_into_paid_extended_support():  # B26
    _, recorded = recorded_database()
    assert (
        primary(recorded)["engine_lifecycle_support"] == "open-source-rds-extended-support-disabled"
    )
    assert primary(recorded)["ca_cert_identifier"] == "rds-ca-rsa2048-g1"


@pytest.mark.parametrize(("mode", "days"), [("standard", 7), ("advanced", 465)])
def test_database_insights_are_as_deep_as_the_settings_on_every_instance(mode, days):  # B26
    _, recorded = recorded_database(
        insights=mode, insights_days=days, credentials="rotated", replicas={"count": 1}
    )
    instances = recorded.all("rds.Instance")
    assert len(instances) == 2
    for instance in instances:
        assert instance["database_insights_mode"] == mode
        assert instance["performance_insights_retention_period"] == days


def test_what_aws_backup_has_taken_over_is_left_to_it():  # B45
    _, recorded = recorded_database(in_backup_plan=True)
    assert primary(recorded).ignore_changes == ["backup_retention_period", "backup_window"]
    # Until it takes them over, and again when it gives them back, they are the settings'.
    assert primary(recorded)["backup_retention_period"] == 7
    assert primary(recorded)["backup_window"] == "03:00-04:00"


def test_without_a_backup_plan_a_change_of_the_backups_is_made_on_rds():  # M63
    assert primary(recorded_database()[1]).ignore_changes == []


@pytest.mark.parametrize(
    ("backups", "days", "taken_over"),
    [(None, 7, False), (BackupsSettings(), 0, False), (BackupsSettings(), 7, True)],
)
def test_a_plan_takes_over_what_there_is_of_automated_backups(backups, days, taken_over):
    stack: Any = SimpleNamespace(database=settings(backup_days=days), backups=backups)
    assert DatabaseArgs.of(stack, ground()).in_backup_plan is taken_over


def test_what_a_backup_and_a_restore_need_of_it_is_known():  # B45
    def program() -> None:
        args = DatabaseArgs(settings=settings(), ground=ground())
        database = Database("database", args, with_aws(aws_provider()))
        pulumi.export("known", [database.identifier, database.arn, database.subnet_group_name])

    recorded = record(program)
    assert recorded.outputs["known"] == [
        "backlot-dev-database",
        "arn:aws:rds:us-east-1:123456789012:db:backlot-dev-database",
        recorded.one("rds.SubnetGroup").outputs["name"],
    ]


@pytest.mark.parametrize("instance_class", ["db.t4g.micro", "db.t4g.medium", "db.r6g.xlarge"])
def test_the_class_is_the_settings(instance_class):  # M58
    _, recorded = recorded_database(instance_class=instance_class)
    assert primary(recorded)["instance_class"] == instance_class


def test_storage_is_gp3_and_grows_by_itself():  # M59
    _, recorded = recorded_database(storage_gb={"initial": 100, "maximum": 500})
    instance = primary(recorded)
    assert instance["storage_type"] == "gp3"
    assert instance["allocated_storage"] == 100
    assert instance["max_allocated_storage"] == 500
    # gp3 refuses them below 400 GB.
    assert "iops" not in instance
    assert "storage_throughput" not in instance


def test_storage_that_may_not_grow_has_no_maximum():  # M59
    _, recorded = recorded_database(storage_gb={"initial": 100, "maximum": 100})
    assert "max_allocated_storage" not in primary(recorded)


@pytest.mark.parametrize("credentials", ["managed", "rotated", "iam"])
@pytest.mark.parametrize("key", [None, DATA_KEY])
def test_everything_at_rest_is_encrypted(credentials, key):  # M60
    _, recorded = recorded_database(credentials=credentials, data_key_arn=key)
    instance = primary(recorded)
    assert instance["storage_encrypted"] is True
    assert instance.get("kms_key_id") == key
    assert instance.get("performance_insights_kms_key_id") == key
    assert instance.get("master_user_secret_kms_key_id") == (
        key if credentials == "managed" else None
    )
    assert {secret.get("kms_key_id") for secret in recorded.all("secretsmanager.Secret")} == {key}


@pytest.mark.parametrize("multi_az", [True, False])
def test_a_standby_stands_in_another_zone_when_asked_for(multi_az):  # M61
    _, recorded = recorded_database(multi_az=multi_az)
    assert primary(recorded)["multi_az"] is multi_az


def test_replicas_have_their_own_class_and_follow_the_primary():  # M62
    database, recorded = recorded_database(
        credentials="rotated", replicas={"count": 2, "instance_class": "db.r6g.large"}
    )
    assert recorded.names("rds.Instance") == [
        "database-primary",
        "database-replica-1",
        "database-replica-2",
    ]
    for number in (1, 2):
        replica = recorded.one("rds.Instance", f"database-replica-{number}")
        assert replica["identifier"] == f"backlot-dev-database-replica-{number}"
        assert replica["replicate_source_db"] == "backlot-dev-database"
        assert replica["instance_class"] == "db.r6g.large"
        assert replica["parameter_group_name"] == primary(recorded)["parameter_group_name"]
        assert replica["vpc_security_group_ids"] == primary(recorded)["vpc_security_group_ids"]
        assert replica["auto_minor_version_upgrade"] is True
        assert replica["storage_encrypted"] is True
        assert replica["publicly_accessible"] is False
        assert replica["backup_retention_period"] == 0
        # What RDS takes from the source, and refuses to hear again.
        for inherited in ("engine", "engine_version", "username", "password", "db_name"):
            assert inherited not in replica
        assert "db_subnet_group_name" not in replica
    assert len(database.replica_addresses) == 2
    assert len(recorded.outputs["replicas"]) == 2


def test_a_replica_takes_the_primarys_class_unless_it_has_its_own():  # M62
    _, recorded = recorded_database(
        credentials="rotated", instance_class="db.t4g.medium", replicas={"count": 1}
    )
    assert recorded.one("rds.Instance", "database-replica-1")["instance_class"] == "db.t4g.medium"


def test_there_are_no_replicas_unless_asked_for():  # M62
    database, recorded = recorded_database()
    assert recorded.names("rds.Instance") == ["database-primary"]
    assert database.replica_endpoints == []
    assert not [alarm.name for alarm in database.alarms if "replica" in alarm.name]


def test_backups_and_windows_are_the_settings():  # M63
    _, recorded = recorded_database(backup_days=30)
    instance = primary(recorded)
    assert instance["backup_retention_period"] == 30
    assert instance["backup_window"] == "03:00-04:00"
    assert instance["maintenance_window"] == "sun:04:00-sun:05:00"
    assert instance["copy_tags_to_snapshot"] is True
    assert instance["apply_immediately"] is False


def test_a_database_worth_keeping_leaves_a_snapshot_and_its_backups():  # M64
    _, recorded = recorded_database(final_snapshot=True, deletion_protection=True)
    instance = primary(recorded)
    assert instance["deletion_protection"] is True
    assert instance["skip_final_snapshot"] is False
    assert instance["final_snapshot_identifier"].startswith("backlot-dev-database-final-")
    assert instance["delete_automated_backups"] is False


@pytest.mark.parametrize("key", [None, DATA_KEY])
def test_a_database_that_aws_replaces_leaves_its_snapshot_under_another_name(key):  # M64
    _, recorded = recorded_database(final_snapshot=True, data_key_arn=key)
    assert recorded.one("random.RandomId")["keepers"] == {
        "database_name": "app",
        "username": "app",
        "key": key or "",
    }


def test_a_throwaway_database_leaves_nothing():  # M64
    _, recorded = recorded_database()
    instance = primary(recorded)
    assert instance["deletion_protection"] is False
    assert instance["skip_final_snapshot"] is True
    assert "final_snapshot_identifier" not in instance
    assert instance["delete_automated_backups"] is True
    assert recorded.all("random.RandomId") == []


def test_protection_covers_the_data_and_leaves_everything_else_free_to_change():
    _, recorded = recorded_database(
        protect=True, credentials="rotated", replicas={"count": 1}, restart=True
    )
    protected = [node.name for node in recorded.nodes if node.protect]
    assert protected == ["database-primary", "database"]


def test_slow_statements_and_ddl_are_logged_and_nothing_passes_without_tls():  # M65, B26
    _, recorded = recorded_database()
    parameters = {
        parameter["name"]: parameter["value"]
        for parameter in recorded.one("rds.ParameterGroup")["parameters"]
    }
    assert parameters == {
        "log_min_duration_statement": "1000",
        "log_statement": "ddl",
        "rds.force_ssl": "1",
    }


def test_the_log_groups_stand_before_rds_would_make_them():  # M65, M88
    _, recorded = recorded_database(credentials="rotated", replicas={"count": 1})
    for instance, name in (
        ("database-primary", "backlot-dev-database"),
        ("database-replica-1", "backlot-dev-database-replica-1"),
    ):
        node = recorded.one("rds.Instance", instance)
        assert node["identifier"] == name
        assert node["enabled_cloudwatch_logs_exports"] == ["postgresql", "upgrade"]
        for kind in ("postgresql", "upgrade"):
            group = recorded.one("cloudwatch.LogGroup", f"{instance}-{kind}-logs")
            assert group["name"] == f"/aws/rds/instance/{name}/{kind}"
            assert group["retention_in_days"] == 7
            assert group.urn in node.resource.dependencies


def test_insights_and_enhanced_monitoring_are_on():  # M66
    _, recorded = recorded_database()
    instance = primary(recorded)
    assert instance["performance_insights_enabled"] is True
    assert instance["performance_insights_retention_period"] == 7
    assert instance["monitoring_interval"] == 60
    role = recorded.one("iam.Role", "database-monitoring")
    assert instance["monitoring_role_arn"] == role.outputs["arn"]
    [trust] = role.json("assume_role_policy")["Statement"]
    assert trust["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}
    [policy] = recorded.all("iam.RolePolicyAttachment")
    assert policy["policy_arn"].endswith(":policy/service-role/AmazonRDSEnhancedMonitoringRole")
    # RDS refuses a role that may not write yet.
    assert policy.urn in instance.resource.dependencies


def test_rds_keeps_the_password_and_rotates_it():  # M67
    _, recorded = recorded_database(credentials="managed", rotation_days=14)
    instance = primary(recorded)
    assert instance["manage_master_user_password"] is True
    assert "password" not in instance
    assert recorded.all("random.RandomPassword") == []
    rotation = recorded.one("secretsmanager.SecretRotation")
    assert rotation["secret_id"] == instance.outputs["master_user_secrets"][0]["secret_arn"]
    assert rotation["rotation_rules"] == {"automatically_after_days": 14}
    assert "rotation_lambda_arn" not in rotation


def test_containers_get_the_managed_login_beside_a_url_without_it():  # M67
    _, recorded = recorded_database(credentials="managed")
    keeper = primary(recorded).outputs["master_user_secrets"][0]["secret_arn"]
    connection = recorded.one("secretsmanager.Secret").outputs["arn"]
    assert recorded.outputs["values"] == {
        "DATABASE_URL": f"{connection}:url::",
        "PGPASSWORD": f"{keeper}:password::",
        "PGUSER": f"{keeper}:username::",
    }
    host = primary(recorded).outputs["address"]
    assert written(recorded)["url"] == f"postgresql://{host}:5432/app?sslmode=require"
    assert "password" not in written(recorded)


def test_a_rotated_password_is_part_of_the_url():  # M67
    _, recorded = recorded_database(credentials="rotated", rotation_days=10)
    instance = primary(recorded)
    assert "manage_master_user_password" not in instance
    connection = recorded.one("secretsmanager.Secret")
    assert recorded.outputs["values"] == {"DATABASE_URL": f"{connection.outputs['arn']}:url::"}
    secret = written(recorded)
    assert secret["password"] == instance["password"]
    assert secret["url"] == (
        f"postgresql://app:{secret['password']}@{instance.outputs['address']}:5432/app"
        "?sslmode=require"
    )
    rotation = recorded.one("secretsmanager.SecretRotation")
    assert rotation["secret_id"] == connection.id
    assert rotation["rotation_rules"] == {"automatically_after_days": 10}
    function = recorded.one("lambda.Function", "database-rotation")
    assert rotation["rotation_lambda_arn"] == function.outputs["arn"]


def test_a_password_is_made_of_what_a_url_needs_not_escape():
    _, recorded = recorded_database(credentials="rotated")
    password = recorded.one("random.RandomPassword")
    assert password["length"] == 40
    assert password["special"] is False


def test_after_the_first_day_the_password_belongs_to_the_rotation():
    _, recorded = recorded_database(credentials="rotated")
    version = recorded.one("secretsmanager.SecretVersion")
    assert version.ignore_changes == ["secret_string"]
    _, managed = recorded_database(credentials="managed")
    assert managed.one("secretsmanager.SecretVersion").ignore_changes == []


@pytest.mark.parametrize("credentials", ["managed", "rotated", "iam"])
def test_a_change_of_credentials_reaches_rds(credentials):  # M67
    _, recorded = recorded_database(credentials=credentials)
    # RDS refuses to stop managing a password without being given one in the same request.
    assert primary(recorded).ignore_changes == []


def test_a_database_that_begins_to_rotate_writes_its_secret_anew():  # M67
    _, managed = recorded_database(credentials="managed")
    _, rotated = recorded_database(credentials="rotated")
    before, after = (
        recorded.one("secretsmanager.SecretVersion") for recorded in (managed, rotated)
    )
    # A later one whose text is ignored would keep the URL without a login.
    assert before.name != after.name
    one = "secretsmanager.Secret"
    assert managed.one(one)["name"] == rotated.one(one)["name"] == "backlot-dev/database"


def test_the_rotation_starts_only_when_it_may_call_the_function():
    _, recorded = recorded_database(credentials="rotated")
    rotation = recorded.one("secretsmanager.SecretRotation")
    permission = recorded.one("lambda.Permission")
    assert permission.urn in rotation.resource.dependencies
    assert permission["principal"] == "secretsmanager.amazonaws.com"
    assert permission["source_account"] == "123456789012"
    version = recorded.one("secretsmanager.SecretVersion")
    assert version.urn in rotation.resource.dependencies


def test_the_rotation_may_change_this_database_and_this_secret_only():  # M85
    _, recorded = recorded_database(credentials="rotated", data_key_arn=DATA_KEY)
    granted = statements(recorded, "database-rotation")
    assert granted["ChangePassword"]["Resource"] == [primary(recorded).outputs["arn"]]
    assert granted["ChangePassword"]["Action"] == [
        "rds:DescribeDBInstances",
        "rds:ModifyDBInstance",
    ]
    assert granted["RotateSecret"]["Resource"] == [
        recorded.one("secretsmanager.Secret").outputs["arn"]
    ]
    assert granted["UseDataKey"]["Resource"] == [DATA_KEY]
    for statement in granted.values():
        assert "*" not in statement["Resource"]


def test_the_rotation_is_told_where_the_database_is_and_no_password():
    _, recorded = recorded_database(credentials="rotated", replicas={"count": 1})
    variables = recorded.one("lambda.Function")["environment"]["variables"]
    assert variables["DATABASE"] == "backlot-dev-database"
    template = json.loads(variables["CONNECTION"])
    password = written(recorded)["password"]
    assert password not in variables["CONNECTION"]
    assert template["password"] == "{password}"
    # What it writes is what the first version held, but for the password.
    assert json.loads(variables["CONNECTION"].replace("{password}", password)) == written(recorded)


def test_readers_are_spread_over_the_replicas():  # M62
    _, recorded = recorded_database(credentials="rotated", replicas={"count": 2})
    one, two = (
        recorded.one("rds.Instance", f"database-replica-{number}").outputs["address"]
        for number in (1, 2)
    )
    secret = written(recorded)
    assert secret["replica_url"] == (
        f"postgresql://app:{secret['password']}@{one}:5432,{two}:5432/app"
        "?sslmode=require&load_balance_hosts=random"
    )
    arn = recorded.one("secretsmanager.Secret").outputs["arn"]
    assert recorded.outputs["values"]["DATABASE_REPLICA_URL"] == f"{arn}:replica_url::"


def test_no_replica_url_without_replicas():
    _, recorded = recorded_database(credentials="rotated")
    assert "replica_url" not in written(recorded)
    assert "DATABASE_REPLICA_URL" not in recorded.outputs["values"]


def test_iam_logins_need_no_password():  # M67
    _, recorded = recorded_database(credentials="iam", replicas={"count": 1})
    assert primary(recorded)["iam_database_authentication_enabled"] is True
    assert recorded.outputs["values"].keys() == {"DATABASE_URL", "DATABASE_REPLICA_URL"}
    host = primary(recorded).outputs["address"]
    assert written(recorded)["url"] == f"postgresql://app@{host}:5432/app?sslmode=require"
    [connect] = recorded.outputs["statements"]
    assert connect["Action"] == ["rds-db:connect"]
    assert connect["Resource"] == [
        f"arn:aws:rds-db:us-east-1:123456789012:dbuser:{instance.outputs['resource_id']}/app"
        for instance in recorded.all("rds.Instance")
    ]
    assert recorded.all("secretsmanager.SecretRotation") == []


def test_the_master_password_of_iam_logins_is_mounted_nowhere():
    _, recorded = recorded_database(credentials="iam")
    master = recorded.one("secretsmanager.Secret", "database-master")
    assert written(recorded, "database-master")["password"] == primary(recorded)["password"]
    for value in recorded.outputs["values"].values():
        assert master.outputs["arn"] not in value


@pytest.mark.parametrize("credentials", ["managed", "rotated"])
def test_passwords_and_iam_logins_exclude_each_other(credentials):
    _, recorded = recorded_database(credentials=credentials)
    assert primary(recorded)["iam_database_authentication_enabled"] is False
    assert recorded.outputs["statements"] == []


@pytest.mark.parametrize("credentials", ["rotated", "iam"])
def test_passwords_are_secret_wherever_they_stand(credentials):
    _, recorded = recorded_database(credentials=credentials)
    password = primary(recorded)["password"]
    assert "password" in primary(recorded).secret_inputs
    for node in recorded.nodes:
        for key, value in node.inputs.items():
            if password in json.dumps(value):
                assert key in node.secret_inputs, f"{node} shows the password in {key}"
    assert password not in json.dumps(recorded.outputs)


def test_containers_may_read_what_they_mount_and_nothing_else():  # M85
    _, recorded = recorded_database(credentials="managed", data_key_arn=DATA_KEY)
    keeper = primary(recorded).outputs["master_user_secrets"][0]["secret_arn"]
    connection = recorded.one("secretsmanager.Secret").outputs["arn"]
    reads = {statement["Sid"]: statement for statement in recorded.outputs["reads"]}
    assert {sid: (one["Action"], one["Resource"]) for sid, one in reads.items()} == {
        "ReadDatabaseConnection": (["secretsmanager:GetSecretValue"], [connection]),
        "DecryptDatabaseConnection": (["kms:Decrypt"], [DATA_KEY]),
        "ReadDatabaseLogin": (["secretsmanager:GetSecretValue"], [keeper]),
        "DecryptDatabaseLogin": (["kms:Decrypt"], [DATA_KEY]),
    }


def test_the_database_is_private_and_has_a_group_without_rules():  # M68
    database, recorded = recorded_database()
    assert primary(recorded)["publicly_accessible"] is False
    group = recorded.one("ec2.SecurityGroup")
    assert primary(recorded)["vpc_security_group_ids"] == [group.id]
    assert "ingress" not in group
    assert "egress" not in group
    assert recorded.one("rds.SubnetGroup")["subnet_ids"] == [
        "subnet-database-a",
        "subnet-database-b",
    ]
    [path] = database.access().paths
    assert (path.to, path.port) == ("database", 5432)


@pytest.mark.parametrize("credentials", ["managed", "rotated", "iam"])
def test_no_task_starts_before_the_database_stands_and_its_secret_has_a_value(credentials):
    def program() -> None:
        provider = aws_provider()
        arguments = DatabaseArgs(settings=settings(credentials=credentials), ground=ground())
        for secret in Database("database", arguments, with_aws(provider)).secrets:
            opts = pulumi.ResourceOptions(provider=provider)
            aws.ssm.Parameter(secret.environment, type="String", value=secret.value_from, opts=opts)

    recorded = record(program)
    [version] = [
        version
        for version in recorded.all("secretsmanager.SecretVersion")
        if version.name.startswith("database-connection-")
    ]
    assert primary(recorded).urn in version.resource.dependencies
    assert version.urn in recorded.one("ssm.Parameter", "DATABASE_URL").resource.dependencies
    for login in ("PGUSER", "PGPASSWORD") if credentials == "managed" else ():
        started = recorded.one("ssm.Parameter", login).resource.dependencies
        assert primary(recorded).urn in started


def test_services_are_restarted_when_the_password_has_changed():
    _, recorded = recorded_database(credentials="rotated", restart=True)
    secret = recorded.one("secretsmanager.Secret").outputs["arn"]
    function = recorded.one("lambda.Function", "database-restart")
    assert function["environment"]["variables"]["SECRET"] == secret
    assert json.loads(function["environment"]["variables"]["TARGETS"]) == [
        {"platform": "ecs", "cluster": "api-cluster", "service": "api-service"},
        {"platform": "ecs", "cluster": "worker-cluster", "service": "worker-service"},
        {"platform": "autoscaling", "group": "api-group"},
    ]
    rotated = recorded.one("cloudwatch.EventRule", "database-restart-rotated")
    assert rotated.json("event_pattern")["detail"] == {
        "eventName": ["RotationSucceeded"],
        "additionalEventData": {"SecretId": [secret]},
    }
    sweep = recorded.one("cloudwatch.EventRule", "database-restart-sweep")
    assert sweep["schedule_expression"] == "rate(5 minutes)"
    for rule in (rotated, sweep):
        target = recorded.one("cloudwatch.EventTarget", f"{rule.name}-target")
        assert target["arn"] == function.outputs["arn"]
        permission = recorded.one("lambda.Permission", f"{rule.name}-permission")
        assert permission["source_arn"] == rule.outputs["arn"]


def test_the_restart_may_touch_the_named_services_only():  # M85
    _, recorded = recorded_database(credentials="managed", restart=True)
    granted = statements(recorded, "database-restart")
    assert granted["RestartServices"]["Resource"] == [
        "arn:aws:ecs:us-east-1:123456789012:service/api-cluster/api-service",
        "arn:aws:ecs:us-east-1:123456789012:service/worker-cluster/worker-service",
    ]
    assert granted["ReplaceInstances"]["Resource"] == [
        "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:api"
    ]
    keeper = primary(recorded).outputs["master_user_secrets"][0]["secret_arn"]
    assert granted["SeeRotation"]["Resource"] == [keeper]


def test_nothing_is_restarted_for_logins_that_have_no_password():
    database, recorded = recorded_database(credentials="iam", restart=True)
    assert recorded.all("lambda.Function") == []
    assert recorded.all("cloudwatch.EventRule") == []
    assert "restart-failed" not in {alarm.name for alarm in database.alarms}


def test_cpu_is_high_above_80_percent_for_three_times_300_seconds():  # M95
    database, recorded = recorded_database()
    high = alarm(database, "cpu-high")
    assert (high.comparison, high.threshold, high.evaluation_periods) == ("above", 80, 3)
    assert recorded.outputs["alarms"]["cpu-high"] == {
        "metric": "AWS/RDS CPUUtilization",
        "statistic": "Average",
        "period": 300,
        "dimensions": {"DBInstanceIdentifier": "backlot-dev-database"},
    }


def test_connections_are_scarce_above_80_percent_of_what_the_class_admits():  # M95
    database, _ = recorded_database(instance_class="db.t4g.micro")
    # LEAST(DBInstanceClassMemory / 9531392, 5000), of 736 MiB: 80 connections.
    assert alarm(database, "connections").threshold == 64
    assert alarm(database, "connections").comparison == "above"
    larger, _ = recorded_database(instance_class="db.r6g.xlarge")
    assert alarm(larger, "connections").threshold > 2500


def test_a_replica_is_late_after_a_second_for_five_minutes():  # M95
    database, recorded = recorded_database(credentials="rotated", replicas={"count": 2})
    for number in (1, 2):
        lag = alarm(database, f"replica-{number}-lag")
        assert (lag.comparison, lag.threshold, lag.evaluation_periods) == ("above", 1, 5)
        watched = recorded.outputs["alarms"][lag.name]
        assert watched["metric"] == "AWS/RDS ReplicaLag"
        assert watched["period"] == 60
        assert watched["dimensions"] == {
            "DBInstanceIdentifier": f"backlot-dev-database-replica-{number}"
        }


def test_replicas_are_watched_against_their_own_class():  # M95
    database, _ = recorded_database(
        instance_class="db.r6g.xlarge",
        credentials="rotated",
        replicas={"count": 1, "instance_class": "db.t4g.micro"},
    )
    assert alarm(database, "replica-1-connections").threshold == 64


def test_storage_and_memory_are_short_below_a_tenth():
    database, _ = recorded_database(storage_gb={"initial": 100, "maximum": 500})
    storage = alarm(database, "storage-low")
    assert (storage.comparison, storage.threshold) == ("below", 10 * GIB)
    assert storage.severity == "critical"
    memory = alarm(database, "memory-low")
    assert (memory.comparison, memory.threshold) == ("below", GIB // 10)


def test_a_failed_rotation_and_a_failed_restart_are_heard_of():
    database, recorded = recorded_database(credentials="rotated", restart=True)
    assert alarm(database, "rotation-failed").severity == "warning"
    assert alarm(database, "restart-failed").severity == "critical"
    for name, function in (("rotation-failed", "rotation"), ("restart-failed", "restart")):
        node = recorded.one("lambda.Function", f"database-{function}")
        assert recorded.outputs["alarms"][name]["dimensions"] == {"FunctionName": node["name"]}


def test_panels_show_lag_only_where_there_are_replicas():
    without, _ = recorded_database()
    with_replica, _ = recorded_database(credentials="rotated", replicas={"count": 1})
    assert {panel.group for panel in with_replica.panels} == {"Database", "Functions"}
    assert {panel.group for panel in without.panels} == {"Database"}
    assert "Replica lag" not in [panel.title for panel in without.panels]
    assert "Replica lag" in [panel.title for panel in with_replica.panels]


def test_every_child_is_named_after_the_component_and_belongs_to_it():
    _, recorded = recorded_database(
        credentials="rotated", replicas={"count": 1}, final_snapshot=True, restart=True
    )
    component = recorded.one("backlot:stores:Database", "database")
    for node in recorded.nodes:
        if node.type.startswith(("aws:", "random:")):
            assert node.name.startswith("database-"), node
            assert node.parent == component.urn, node
