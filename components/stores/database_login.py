"""Who knows the database's password, and what its users are given instead of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.containers import ContainerSecret
from components.grants import Statement
from components.ground import Ground
from components.observe import Alarm
from components.stores.arns import neighbour
from components.stores.connection_secret import connection_secret, container_secret
from components.stores.database_rotation import PASSWORD, rotate_by_function
from settings.database import DatabaseSettings

PORT = 5432


@dataclass(frozen=True, kw_only=True)
class LoginArgs:
    settings: DatabaseSettings
    ground: Ground
    primary: aws.rds.Instance
    replicas: Sequence[aws.rds.Instance]
    password: pulumi.Output[str] | None
    """The master password; absent when RDS makes and keeps it."""


@dataclass(frozen=True, kw_only=True)
class Login:
    secrets: tuple[ContainerSecret, ...]
    rotated_secret_arn: pulumi.Output[str] | None = None
    """The secret whose rotation leaves running containers with an old password."""
    connect: tuple[Statement, ...] = ()
    alarms: tuple[Alarm, ...] = ()


def login(name: str, args: LoginArgs, opts: pulumi.ResourceOptions) -> Login:
    """The way in that `credentials` asks for.

    - `managed`: RDS keeps the password in a secret of its own and rotates it. The URLs come without
      user and password; libpq and asyncpg take those from `PGUSER` and `PGPASSWORD`.
    - `rotated`: the password is part of the URLs, and the function `rotate_database` changes it.
    - `iam`: there is no password to know. The client asks RDS for a token of 15 minutes. The master
      password, which the very first login needs, lies in a secret that nothing mounts.
    """
    if args.password is None:
        return _managed(name, args, opts)
    if args.settings.credentials == "rotated":
        return _rotated(name, args, args.password, opts)
    return _by_token(name, args, args.password, opts)


def _managed(name: str, args: LoginArgs, opts: pulumi.ResourceOptions) -> Login:
    _, version = connection_secret(
        f"{name}-connection", "database", _connection(args, ""), args.ground, opts
    )
    keeper_arn = args.primary.master_user_secrets.apply(lambda made: str(made[0].secret_arn))
    aws.secretsmanager.SecretRotation(
        f"{name}-rotation",
        secret_id=keeper_arn,
        rotate_immediately=False,
        rotation_rules={"automatically_after_days": args.settings.rotation_days},
        opts=opts,
    )
    return Login(
        secrets=(
            *_urls(args, version),
            *(
                container_secret(variable, keeper_arn, "DatabaseLogin", args.ground, key=key)
                for variable, key in (("PGUSER", "username"), ("PGPASSWORD", "password"))
            ),
        ),
        rotated_secret_arn=keeper_arn,
    )


def _rotated(
    name: str, args: LoginArgs, password: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> Login:
    template = _connection(args, f"{args.settings.username}:{PASSWORD}@", password=PASSWORD)
    connection, version = connection_secret(
        f"{name}-connection",
        "database",
        pulumi.Output.all(template, password).apply(
            lambda both: both[0].replace(PASSWORD, both[1])
        ),
        args.ground,
        opts,
        rotated=True,
    )
    alarm = rotate_by_function(
        f"{name}-rotation",
        args.primary,
        connection,
        version,
        template,
        args.settings.rotation_days,
        args.ground,
        opts,
    )
    return Login(secrets=_urls(args, version), rotated_secret_arn=connection.arn, alarms=(alarm,))


def _by_token(
    name: str, args: LoginArgs, password: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> Login:
    username = args.settings.username
    _, version = connection_secret(
        f"{name}-connection", "database", _connection(args, f"{username}@"), args.ground, opts
    )
    connection_secret(
        f"{name}-master",
        "database-master",
        pulumi.Output.json_dumps({"username": username, "password": password}),
        args.ground,
        opts,
    )
    return Login(
        secrets=_urls(args, version),
        connect=(
            Statement(
                sid="ConnectDatabase",
                actions=["rds-db:connect"],
                # A replica is a database of its own to IAM.
                resources=[
                    neighbour(
                        instance.arn,
                        "rds-db",
                        pulumi.Output.concat("dbuser:", instance.resource_id, "/", username),
                    )
                    for instance in (args.primary, *args.replicas)
                ],
            ),
        ),
    )


def _urls(
    args: LoginArgs, version: aws.secretsmanager.SecretVersion
) -> tuple[ContainerSecret, ...]:
    keys = {"DATABASE_URL": "url"}
    if args.replicas:
        keys["DATABASE_REPLICA_URL"] = "replica_url"
    return tuple(
        container_secret(variable, version.secret_arn, "DatabaseConnection", args.ground, key=key)
        for variable, key in keys.items()
    )


def _connection(args: LoginArgs, user: str, password: str | None = None) -> pulumi.Output[str]:
    """Where the database is, as JSON. `user` is the part of the URLs before the host."""
    database = args.settings.database_name
    document: dict[str, pulumi.Input[str] | int] = {
        "engine": "postgres",
        "host": args.primary.address,
        "port": PORT,
        "dbname": database,
        "username": args.settings.username,
        "url": pulumi.Output.concat(
            f"postgresql://{user}", args.primary.address, f":{PORT}/{database}?sslmode=require"
        ),
    }
    if password is not None:
        document["password"] = password
    if args.replicas:
        hosts = pulumi.Output.all(*(replica.address for replica in args.replicas)).apply(
            lambda addresses: ",".join(f"{address}:{PORT}" for address in addresses)
        )
        # libpq 16 and newer begin with a random host, which spreads the readers.
        document["replica_url"] = pulumi.Output.concat(
            f"postgresql://{user}",
            hosts,
            f"/{database}?sslmode=require&load_balance_hosts=random",
        )
    return pulumi.Output.json_dumps(document)
