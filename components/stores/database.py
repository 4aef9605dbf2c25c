"""The database: PostgreSQL on RDS, its replicas, and all that is needed to run and watch them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.access import Access, Path
from components.containers import ContainerSecret
from components.functions import function_panels
from components.grants import ServiceRole, Statement, service_role
from components.ground import Ground
from components.naming import physical_name
from components.observe import Alarm, Metric, Panel
from components.security_groups import security_group
from components.stores.database_login import PORT, LoginArgs, login
from components.stores.database_rotation import Restartable, restart_when_rotated
from components.stores.final_snapshot import final_snapshot_identifier
from settings.database import DatabaseSettings
from settings.instances import max_connections, memory_gib
from settings.stack import Settings

MONITORING_SECONDS = 60
"""Between two points of Enhanced Monitoring (M66)."""

CA = "rds-ca-rsa2048-g1"
"""Who signs the server's certificate; valid until 2061, and in every client's RDS bundle."""

LOG_KINDS = ("postgresql", "upgrade")

MASTER_PASSWORD_LENGTH = 40

GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    settings: DatabaseSettings
    ground: Ground
    in_backup_plan: bool = False
    """True: AWS Backup has taken over the automated backups, their days and their hour."""

    @classmethod
    def of(cls, stack: Settings, ground: Ground) -> DatabaseArgs:
        return cls(
            settings=stack.database,
            ground=ground,
            in_backup_plan=stack.backups is not None and stack.database.backup_days > 0,
        )


class Database(pulumi.ComponentResource):
    """PostgreSQL on RDS: primary, replicas, credentials (M57-M68).

    The instances have fixed names, `<prefix>-database` and `<prefix>-database-replica-1`. RDS makes
    the log groups of an instance by its name and keeps them for ever; with the name known they are
    made first, and get their retention and key. It also means that replacing an instance deletes
    the old one first, which `protect` and `deletion_protection` are there to refuse.

    Cost: per instance and month, on demand: db.t4g.micro 12 USD, db.t4g.medium 47 USD,
    db.r6g.large 164 USD, db.r6g.xlarge 329 USD; gp3 0.115 USD per GB. Multi-AZ doubles both, each
    replica adds its own. Backups beyond the size of the storage 0.095 USD per GB. Database Insights
    nothing as `standard`; as `advanced` 9.14 USD per vCPU, of every instance (us-east-1, 2026).
    """

    identifier: pulumi.Output[str]
    """Of the primary."""
    arn: pulumi.Output[str]
    subnet_group_name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    """Address and port of the primary."""
    address: pulumi.Output[str]
    port: int
    replica_endpoints: Sequence[pulumi.Output[str]]
    replica_addresses: Sequence[pulumi.Output[str]]
    identifiers: Sequence[pulumi.Output[str]]
    """Of every instance, the primary first."""
    security_group_id: pulumi.Output[str]
    secrets: tuple[ContainerSecret, ...]
    """`DATABASE_URL`; `DATABASE_REPLICA_URL` when there are replicas; `PGUSER` and `PGPASSWORD`
    when RDS keeps the password."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:stores:Database", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self)
        # Everything but the data can be made anew, and must not stand in the way of a change.
        child = pulumi.ResourceOptions(parent=self, protect=False)
        members = security_group(f"{name}-group", args.ground.vpc_id, "Database", child)
        shared = _Shared(
            args=args,
            members=members,
            parameters=_parameter_group(f"{name}-parameters", args.settings, child),
            monitoring=_monitoring_role(f"{name}-monitoring", args.ground, child),
        )
        password = _master_password(f"{name}-password", args.settings, child)
        primary = _primary(name, shared, password, kept, child)
        replicas = [
            _replica(name, number, shared, primary, child)
            for number in range(1, args.settings.replicas.count + 1)
        ]
        entry = login(
            name,
            LoginArgs(
                settings=args.settings,
                ground=args.ground,
                primary=primary,
                replicas=replicas,
                password=password,
            ),
            child,
        )

        self._ground = args.ground
        self._rotated_secret_arn = entry.rotated_secret_arn
        self._connect = entry.connect
        self.identifier = primary.identifier
        self.arn = primary.arn
        self.subnet_group_name = primary.db_subnet_group_name
        self.endpoint = primary.endpoint
        self.address = primary.address
        self.port = PORT
        self.replica_endpoints = [replica.endpoint for replica in replicas]
        self.replica_addresses = [replica.address for replica in replicas]
        self.identifiers = [instance.identifier for instance in (primary, *replicas)]
        self.security_group_id = members.id
        self.secrets = entry.secrets
        watched = _watched(args.settings, primary, replicas)
        self.alarms = (*(alarm for one in watched for alarm in _alarms(one)), *entry.alarms)
        self.panels = (*_panels(watched), *function_panels(entry.alarms))
        self.register_outputs(
            {"endpoint": self.endpoint, "replica_endpoints": self.replica_endpoints}
        )

    def grant_connect(self) -> tuple[Statement, ...]:
        """Logging in by IAM token; nothing when a password does."""
        return self._connect

    def access(self) -> Access:
        """What a workload needs to use the database: where it is, how to log in, and the way."""
        return Access(
            secrets=self.secrets,
            statements=self.grant_connect(),
            paths=(Path(to="database", group_id=self.security_group_id, port=self.port),),
        )

    def restart_after_rotation(self, workloads: Sequence[Restartable]) -> None:
        """Start `workloads` anew whenever the password has changed.

        A secret is read once, when a task or instance starts. Open connections outlive a rotation;
        what is opened between the rotation and the replacement, a few minutes, is refused.

        Nothing to do for IAM logins. Call it before the alarms are made: it adds one, and a
        panel.
        """
        if self._rotated_secret_arn is None:
            return
        alarms = restart_when_rotated(
            f"{self.pulumi_resource_name}-restart",
            self._rotated_secret_arn,
            workloads,
            self._ground,
            pulumi.ResourceOptions(parent=self, protect=False),
        )
        self.alarms = (*self.alarms, *alarms)
        self.panels = (*self.panels, *function_panels(alarms))


@dataclass(frozen=True, kw_only=True)
class _Shared:
    """What primary and replicas have in common."""

    args: DatabaseArgs
    members: aws.ec2.SecurityGroup
    parameters: aws.rds.ParameterGroup
    monitoring: ServiceRole

    def inputs(self) -> dict[str, Any]:
        settings, ground = self.args.settings, self.args.ground
        return {
            "publicly_accessible": False,
            "vpc_security_group_ids": [self.members.id],
            "parameter_group_name": self.parameters.name,
            "storage_type": "gp3",
            "max_allocated_storage": (
                settings.storage_gb.maximum
                if settings.storage_gb.maximum > settings.storage_gb.initial
                else None
            ),
            "storage_encrypted": True,
            "kms_key_id": ground.data_key_arn,
            "ca_cert_identifier": CA,
            "iam_database_authentication_enabled": settings.credentials == "iam",
            "auto_minor_version_upgrade": True,
            "maintenance_window": settings.maintenance_window,
            "copy_tags_to_snapshot": True,
            "database_insights_mode": settings.insights,
            "performance_insights_enabled": True,
            "performance_insights_retention_period": settings.insights_days,
            "performance_insights_kms_key_id": ground.data_key_arn,
            "monitoring_interval": MONITORING_SECONDS,
            "monitoring_role_arn": self.monitoring.arn,
            "enabled_cloudwatch_logs_exports": list(LOG_KINDS),
        }


def _parameter_group(
    name: str, settings: DatabaseSettings, opts: pulumi.ResourceOptions
) -> aws.rds.ParameterGroup:
    return aws.rds.ParameterGroup(
        name,
        family=f"postgres{settings.engine_version}",
        parameters=[
            {"name": "log_min_duration_statement", "value": str(settings.slow_query_ms)},
            # Every statement would be costly to keep, and full of personal data.
            {"name": "log_statement", "value": "ddl"},
            {"name": "rds.force_ssl", "value": "1"},
        ],
        opts=opts,
    )


def _monitoring_role(name: str, ground: Ground, opts: pulumi.ResourceOptions) -> ServiceRole:
    return service_role(
        name,
        "monitoring.rds.amazonaws.com",
        (),
        opts,
        account_id=ground.account_id,
        managed_policies={
            "policy": "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
        },
    )


def _master_password(
    name: str, settings: DatabaseSettings, opts: pulumi.ResourceOptions
) -> pulumi.Output[str] | None:
    if settings.credentials == "managed":
        return None
    # Letters and digits: it stands in a URL.
    return random.RandomPassword(
        name, length=MASTER_PASSWORD_LENGTH, special=False, opts=opts
    ).result


def _log_groups(
    name: str, what: str, ground: Ground, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    return [
        ground.logs.group(f"{name}-{kind}-logs", "aws/rds/instance", f"{what}/{kind}", opts)
        for kind in LOG_KINDS
    ]


def _primary(
    name: str,
    shared: _Shared,
    password: pulumi.Output[str] | None,
    kept: pulumi.ResourceOptions,
    opts: pulumi.ResourceOptions,
) -> aws.rds.Instance:
    settings, ground = shared.args.settings, shared.args.ground
    identifier = physical_name("database", ground.prefix, "database")
    subnets = aws.rds.SubnetGroup(
        f"{name}-subnets", subnet_ids=ground.database_subnet_ids, opts=opts
    )
    final_snapshot = None
    if settings.final_snapshot:
        final_snapshot = final_snapshot_identifier(
            f"{name}-final-snapshot",
            ground,
            "database",
            {"database_name": settings.database_name, "username": settings.username},
            opts,
        )
    return aws.rds.Instance(
        f"{name}-primary",
        identifier=identifier,
        engine="postgres",
        engine_version=settings.engine_version,
        # The stack file's version is the decision; without this RDS asks for a second one.
        allow_major_version_upgrade=True,
        engine_lifecycle_support="open-source-rds-extended-support-disabled",
        instance_class=settings.instance_class,
        allocated_storage=settings.storage_gb.initial,
        multi_az=settings.multi_az,
        db_subnet_group_name=subnets.name,
        port=PORT,
        db_name=settings.database_name,
        username=settings.username,
        # Sent once: RDS never tells it, so what a rotation made of it is no change. It must not be
        # among the ignored ones, or leaving `managed` would send none, which RDS refuses.
        password=password,
        manage_master_user_password=True if password is None else None,
        master_user_secret_kms_key_id=ground.data_key_arn if password is None else None,
        backup_retention_period=settings.backup_days,
        backup_window=settings.backup_window,
        delete_automated_backups=not settings.final_snapshot,
        deletion_protection=settings.deletion_protection,
        skip_final_snapshot=not settings.final_snapshot,
        final_snapshot_identifier=final_snapshot,
        apply_immediately=False,
        **shared.inputs(),
        opts=pulumi.ResourceOptions.merge(
            kept,
            pulumi.ResourceOptions(
                depends_on=_log_groups(f"{name}-primary", "database", ground, opts),
                # RDS refuses both from anybody but AWS Backup, which moves the window out of the
                # way of its own jobs. A change of `backup_days` reaches RDS through the plan.
                # https://docs.aws.amazon.com/aws-backup/latest/devguide/point-in-time-recovery.html
                ignore_changes=(
                    ["backup_retention_period", "backup_window"]
                    if shared.args.in_backup_plan
                    else None
                ),
            ),
        ),
    )


def _replica(
    name: str,
    number: int,
    shared: _Shared,
    primary: aws.rds.Instance,
    opts: pulumi.ResourceOptions,
) -> aws.rds.Instance:
    """A copy for reading. It holds nothing of its own, so nothing stops its deletion."""
    settings, ground = shared.args.settings, shared.args.ground
    what = f"database-replica-{number}"
    return aws.rds.Instance(
        f"{name}-replica-{number}",
        identifier=physical_name("database", ground.prefix, what),
        replicate_source_db=primary.identifier,
        instance_class=replica_class(settings),
        backup_retention_period=0,
        skip_final_snapshot=True,
        apply_immediately=False,
        **shared.inputs(),
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                depends_on=_log_groups(f"{name}-replica-{number}", what, ground, opts)
            ),
        ),
    )


def replica_class(settings: DatabaseSettings) -> str:
    """The replicas' own class, or the primary's."""
    return settings.replicas.instance_class or settings.instance_class


@dataclass(frozen=True, kw_only=True)
class _Watched:
    """An instance, and what its alarms are measured against."""

    label: str
    """`primary`, `replica-1`."""
    prefix: str
    """Leads the names of its alarms; empty for the primary."""
    identifier: pulumi.Output[str]
    instance_class: str
    initial_gb: int
    replicates: bool

    def metric(self, name: str, period: int = 300, label: str = "") -> Metric:
        return Metric(
            namespace="AWS/RDS",
            name=name,
            dimensions={"DBInstanceIdentifier": self.identifier},
            period=period,
            label=label or self.label,
        )


def _watched(
    settings: DatabaseSettings, primary: aws.rds.Instance, replicas: Sequence[aws.rds.Instance]
) -> Sequence[_Watched]:
    return (
        _Watched(
            label="primary",
            prefix="",
            identifier=primary.identifier,
            instance_class=settings.instance_class,
            initial_gb=settings.storage_gb.initial,
            replicates=False,
        ),
        *(
            _Watched(
                label=f"replica-{number}",
                prefix=f"replica-{number}-",
                identifier=replica.identifier,
                instance_class=replica_class(settings),
                initial_gb=settings.storage_gb.initial,
                replicates=True,
            )
            for number, replica in enumerate(replicas, start=1)
        ),
    )


def _alarms(one: _Watched) -> tuple[Alarm, ...]:
    admitted = max_connections(one.instance_class)
    alarms = (
        Alarm(
            name=f"{one.prefix}cpu-high",
            summary=f"The {one.label} has been above 80 % CPU for 15 minutes.",
            watch=one.metric("CPUUtilization"),
            comparison="above",
            threshold=80,
            evaluation_periods=3,
            severity="warning",
            runbook="database.md#cpu-high",
        ),
        Alarm(
            name=f"{one.prefix}connections",
            summary=f"The {one.label} has given out 80 % of its {admitted} connections.",
            watch=one.metric("DatabaseConnections"),
            comparison="above",
            threshold=int(admitted * 0.8),
            evaluation_periods=3,
            severity="warning",
            runbook="database.md#connections",
        ),
        Alarm(
            name=f"{one.prefix}storage-low",
            summary=f"The {one.label} is nearly full and has stopped growing; it halts when full.",
            # RDS grows the storage after five minutes below a tenth of it. So when it stays below
            # a tenth of the first size for a quarter of an hour, growing has failed or is used up.
            watch=one.metric("FreeStorageSpace"),
            comparison="below",
            threshold=one.initial_gb * GIB // 10,
            evaluation_periods=3,
            severity="critical",
            runbook="database.md#storage-low",
        ),
        Alarm(
            name=f"{one.prefix}memory-low",
            summary=f"The {one.label} has less than a tenth of its memory free; it may swap.",
            watch=one.metric("FreeableMemory"),
            comparison="below",
            threshold=int(memory_gib(one.instance_class) * GIB) // 10,
            evaluation_periods=3,
            severity="warning",
            runbook="database.md#memory-low",
        ),
    )
    if not one.replicates:
        return alarms
    return (
        *alarms,
        Alarm(
            name=f"{one.prefix}lag",
            summary=f"What {one.label} answers is more than a second old.",
            watch=one.metric("ReplicaLag", period=60),
            comparison="above",
            threshold=1,
            evaluation_periods=5,
            severity="warning",
            runbook="database.md#replica-lag",
        ),
    )


def _panels(watched: Sequence[_Watched]) -> tuple[Panel, ...]:
    primary = watched[0]
    panels = (
        _panel("CPU", "percent", "CPUUtilization", watched),
        _panel("Connections", "connections", "DatabaseConnections", watched),
        _panel("Free storage", "bytes", "FreeStorageSpace", watched),
        _panel("Free memory", "bytes", "FreeableMemory", watched),
        Panel(
            group="Database",
            title="Disk latency",
            unit="seconds",
            metrics=[
                primary.metric("ReadLatency", label="read"),
                primary.metric("WriteLatency", label="write"),
            ],
        ),
    )
    replicas = [one for one in watched if one.replicates]
    if not replicas:
        return panels
    return (*panels, _panel("Replica lag", "seconds", "ReplicaLag", replicas))


def _panel(title: str, unit: str, metric: str, watched: Sequence[_Watched]) -> Panel:
    return Panel(
        group="Database",
        title=title,
        unit=unit,
        metrics=[one.metric(metric) for one in watched],
    )
