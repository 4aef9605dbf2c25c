"""The API on Elastic Beanstalk: instances that Beanstalk starts, updates and watches by itself."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.access import Access, combined, open_paths
from components.api.beanstalk_options import EXTENSION, PROXY, PROXY_PORT, option_settings
from components.api.contract import ApiArgs
from components.api.gates import ReleaseGates
from components.api.one_off import workflow_gates
from components.api.targets import (
    EVERY_PATH_PRIORITY,
    RELEASE_PERIOD,
    ApiSignals,
    RequestSignals,
    api_alarms,
    api_panels,
    paths,
    release_alarms,
)
from components.containers import read_statements
from components.grants import ServiceRole, Statement, service_role, together
from components.ground import Ground
from components.instances import SESSIONS
from components.naming import physical_name
from components.observe import Alarm, Expression, Metric, Panel
from components.registry import pull_images
from components.security_groups import allow_https_out, connect, security_group
from components.stores.buckets import Bucket
from components.workload import Restart
from settings.api import ApiSettings, BeanstalkSize

BEANSTALK = "elasticbeanstalk.amazonaws.com"

PLATFORM = r"^64bit Amazon Linux 2023 v[\d.]+ running Docker$"
"""Versions from January 2026 on read one key of a secret, which DATABASE_URL is.
https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.secrets.env-vars.html"""

SERVICE_POLICIES = {
    "health": "arn:aws:iam::aws:policy/service-role/AWSElasticBeanstalkEnhancedHealth",
    "updates": "arn:aws:iam::aws:policy/AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy",
}
"""Beanstalk demands these of its role, and widens them with what it learns to do.
https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/iam-servicerole.html"""

READY_MINUTES = 60
"""How long `pulumi up` waits for the environment, whichever way it goes: a deployment starts
instances, waits for their health, and ends the old ones, some of it batch by batch. A bound of
300 s here would call every one of them failed."""

VERSIONS = 20
"""Kept by Beanstalk, of those that something else than this program has made. An account may have
1000 in a region."""

LABEL_LENGTH = 100
DIGITS = 8

CPU_HIGH_PERCENT = 70
"""MueJam's figure for a group of instances (M96)."""

LOGS = {
    "container": "var/log/eb-docker/containers/eb-current-app/stdouterr.log",
    "access": "var/log/nginx/access.log",
    "errors": "var/log/nginx/error.log",
    "engine": "var/log/eb-engine.log",
    "hooks": "var/log/eb-hooks.log",
    "docker": "var/log/docker",
    "docker-events": "var/log/docker-events.log",
    "health": "environment-health.log",
}
"""Everything that the Docker platform streams, below `/aws/elasticbeanstalk/<environment>/`.
https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.html"""


class BeanstalkApi(pulumi.ComponentResource):
    """The API as an Elastic Beanstalk environment on the Docker platform (M40, M41).

    What runs is the image, as everywhere. A version is a small zip that names it; its label is the
    build's tag or digest and eight digits, new for every change of what is in the zip.

    `immutable` starts new instances beside the old, and ends them when one of them fails (M115).
    `rolling` changes the instances batch by batch, with one batch more meanwhile; when one fails it
    stops there, and both versions run until somebody deploys. Either way the update fails.

    What Beanstalk does not promise: users meet new instances before the smoke test does, there is
    no bake, and the release alarms end nothing. A delivery workflow reads them and goes back by
    deploying the image before; its version is made anew.

    An environment begins on the newest version of the platform and from then on moves within its
    own window, to newer minor versions too; an update of the stack never moves it. It keeps its
    load balancer: Beanstalk refuses another one until the environment and the rule that leads to it
    are gone (`pulumi destroy --target <its URN> --target-dependents`).

    The disks are encrypted where the account encrypts EBS volumes by default; Beanstalk has no
    option for it. https://github.com/aws/elastic-beanstalk-roadmap/issues/202
    The variables, secrets' names included, have 4096 bytes together.

    Cost: the instances, 12 USD a month for a t4g.small and 49 USD for a t4g.large, each with 2.40
    USD for 30 GB of disk and 2.10 USD for metrics by the minute; 1.20 USD for the environment's
    own metrics; a deployment runs up to twice the instances for its minutes. Beanstalk itself is
    free (us-east-1, 2026).
    """

    url: pulumi.Output[str]
    role_name: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    environment_name: pulumi.Output[str]
    deploy_handle: pulumi.Output[str]
    """`<application>/<environment>`."""
    restart: Restart
    gates: ReleaseGates
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: ApiArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:api:BeanstalkApi", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ground, size = args.ground, _size(args.settings)
        bundles = _bundles(args)
        # The container is told no region, and the SDKs will not guess one.
        region = Access(environment={"AWS_REGION": ground.region})
        access = combined([region, args.all_access()])
        called = physical_name("environment", ground.prefix, "api")

        logs = _logs(f"{name}-logs", called, ground, child)
        service = _service_role(f"{name}-service", bundles, logs["health"], child)
        role = service_role(
            f"{name}-instance",
            "ec2.amazonaws.com",
            together(
                [
                    *SESSIONS,
                    *pull_images(args.image, ground),
                    *_agents(called, bundles, ground),
                    *_reading(access),
                    *access.statements,
                ]
            ),
            child,
        )
        profile = aws.iam.InstanceProfile(f"{name}-instance", role=role.name, opts=child)
        instances = security_group(f"{name}-instances", ground.vpc_id, "API instances", child)
        way_out = allow_https_out(f"{name}-instances-https-out", instances.id, child)
        connect(
            f"{name}-from-door",
            source=args.load_balancer.security_group_id,
            target=instances.id,
            port=PROXY_PORT,
            opts=child,
        )
        open_paths(name, access.paths, instances.id, child)

        application = _application(f"{name}-application", called, service, child)
        version = _version(f"{name}-version", args, application, bundles, child)
        environment = _environment(
            f"{name}-environment",
            called,
            application,
            version,
            option_settings(
                args,
                size,
                access,
                service=service,
                profile=profile,
                # Through the rule: an instance that reaches nobody never becomes ready.
                security_group_id=way_out.security_group_id,
            ),
            list(logs.values()),
            child,
        )
        group_name = environment.autoscaling_groups[0]
        target_group_arn = _target_group_arn(group_name, child)
        aws.lb.ListenerRule(
            f"{name}-rule",
            listener_arn=args.load_balancer.listener_arn,
            priority=EVERY_PATH_PRIORITY,
            conditions=paths("/*"),
            actions=[{"type": "forward", "target_group_arn": target_group_arn}],
            opts=child,
        )

        requests = RequestSignals(
            load_balancer=args.load_balancer.arn_suffix,
            target_groups={"live": target_group_arn.apply(lambda arn: arn.rpartition(":")[2])},
        )
        for alarm in release_alarms(replace(requests, period=RELEASE_PERIOD)):
            args.alarms.make(name, alarm, self)
        self.gates = workflow_gates(name, args, access, instances.id, child)

        self.url = args.load_balancer.url
        self.role_name = role.name
        self.role_arn = role.arn
        self.security_group_id = instances.id
        self.log_group_name = logs["container"].name
        self.environment_name = environment.name
        self.deploy_handle = pulumi.Output.concat(application.name, "/", environment.name)
        self.restart = _restart(environment)
        signals = _signals(requests, environment.name, group_name)
        self.alarms = api_alarms(signals, minimum=size.min_instances, cpu_percent=CPU_HIGH_PERCENT)
        self.panels = api_panels(signals)
        self.register_outputs(
            {
                "url": self.url,
                "environment_name": self.environment_name,
                "log_group_name": self.log_group_name,
                "role_name": self.role_name,
                "deploy_handle": self.deploy_handle,
            }
        )


def _size(settings: ApiSettings) -> BeanstalkSize:
    if settings.beanstalk is None:
        raise ValueError("an API on Elastic Beanstalk needs its size under `beanstalk`")
    return settings.beanstalk


def _bundles(args: ApiArgs) -> Bucket:
    if args.bundles is None:
        raise ValueError("an API on Elastic Beanstalk needs a bucket for its versions: `bundles`")
    return args.bundles


def _logs(
    name: str, environment: str, ground: Ground, opts: pulumi.ResourceOptions
) -> Mapping[str, aws.cloudwatch.LogGroup]:
    """Every group that Beanstalk would make for itself, and without our key (M88)."""
    return {
        what: ground.logs.group_called(
            f"{name}-{what}", f"/aws/elasticbeanstalk/{environment}/{path}", opts
        )
        for what, path in LOGS.items()
    }


def _service_role(
    name: str,
    bundles: Bucket,
    health_log: aws.cloudwatch.LogGroup,
    opts: pulumi.ResourceOptions,
) -> ServiceRole:
    """Under which Beanstalk looks after the environment."""
    return service_role(
        name,
        BEANSTALK,
        (
            Statement(
                sid="WriteHealthLog",
                actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[pulumi.Output.concat(health_log.arn, ":*")],
            ),
            Statement(
                sid="DeleteOldBundles",
                actions=["s3:DeleteObject"],
                resources=[pulumi.Output.concat(bundles.arn, "/api/*")],
            ),
        ),
        opts,
        external_id="elasticbeanstalk",
        managed_policies=SERVICE_POLICIES,
    )


def _agents(environment: str, bundles: Bucket, ground: Ground) -> tuple[Statement, ...]:
    """What Beanstalk's own software on an instance needs.

    AWS's policy for it, AWSElasticBeanstalkWebTier, is not attached: it opens every bucket whose
    name begins with `elasticbeanstalk-`, in whatever account, and every environment's log, to
    code that answers the internet.
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/iam-instanceprofile.html
    """
    own_bucket = pulumi.Output.concat(
        "arn:aws:s3:::elasticbeanstalk-", ground.region, "-", ground.account_id
    )
    return (
        Statement(
            sid="ReportHealth",
            actions=["elasticbeanstalk:PutInstanceStatistics"],
            resources=[
                ground.arn("elasticbeanstalk", one)
                for one in (
                    f"application/{environment}",
                    f"environment/{environment}/{environment}",
                )
            ],
        ),
        Statement(
            sid="WriteLogs",
            actions=[
                "logs:CreateLogStream",
                "logs:DescribeLogGroups",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            resources=[ground.arn("logs", f"log-group:/aws/elasticbeanstalk/{environment}/*")],
        ),
        Statement(
            sid="ReadVersions",
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            # Beanstalk copies what it deploys to a bucket of its own.
            resources=[pulumi.Output.concat(own_bucket, "/resources/environments/*")],
        ),
        Statement(
            sid="ListVersions",
            actions=["s3:ListBucket"],
            resources=[own_bucket],
        ),
        Statement(
            sid="HandInLogs",
            actions=["s3:PutObject"],
            resources=[pulumi.Output.concat(own_bucket, "/resources/environments/logs/*")],
        ),
        *bundles.grant_read("api/*"),
    )


def _reading(access: Access) -> Iterator[Statement]:
    """Beanstalk reads an SSM parameter by another action than ECS."""
    for statement in read_statements(access.secrets):
        actions = [
            "ssm:GetParameter" if action == "ssm:GetParameters" else action
            for action in statement.actions
        ]
        yield replace(statement, actions=actions)


def _application(
    name: str, called: str, service: ServiceRole, opts: pulumi.ResourceOptions
) -> aws.elasticbeanstalk.Application:
    return aws.elasticbeanstalk.Application(
        name,
        name=called,
        appversion_lifecycle={
            "service_role": service.arn,
            "max_count": VERSIONS,
            "delete_source_from_s3": True,
        },
        opts=opts,
    )


def _version(
    name: str,
    args: ApiArgs,
    application: aws.elasticbeanstalk.Application,
    bundles: Bucket,
    opts: pulumi.ResourceOptions,
) -> aws.elasticbeanstalk.ApplicationVersion:
    # Beanstalk takes no label twice, and keeps the version before when its successor failed: under
    # a label of its own making, nobody could go back to that one.
    digits = random.RandomId(
        name, byte_length=DIGITS // 2, keepers={"zip": contents(args.settings)}, opts=opts
    )
    label = pulumi.Output.concat(build_label(args.settings), "-", digits.hex)
    bundle = aws.s3.BucketObjectv2(
        name,
        bucket=bundles.name,
        key=pulumi.Output.concat("api/", label, ".zip"),
        source=_bundle(args),
        opts=opts,
    )
    return aws.elasticbeanstalk.ApplicationVersion(
        name,
        name=label,
        application=application.name,
        bucket=bundle.bucket,
        key=bundle.key,
        opts=opts,
    )


def contents(settings: ApiSettings) -> str:
    """A word for what a version is made of: another port of the same image is another version."""
    made_of = json.dumps([settings.image, settings.port, settings.command, EXTENSION, PROXY])
    return hashlib.sha256(made_of.encode()).hexdigest()


def build_label(settings: ApiSettings) -> str:
    """The build's tag or digest (M41), with room for the digits that follow."""
    # A digest has a colon, which a file's name is better without.
    return settings.build_id.replace(":", "-")[: LABEL_LENGTH - DIGITS - 1]


def _bundle(args: ApiArgs) -> pulumi.Output[pulumi.AssetArchive]:
    """The version: which image to run, and what no option says of the instances.

    No `Logging`: it would lay a directory of the host over one of the container's, for the sake of
    files; what the container prints is streamed without it.
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/single-container-docker-configuration.html
    """
    settings = args.settings
    command = {"Command": shlex.join(settings.command)} if settings.command else {}
    dockerrun = pulumi.Output.json_dumps(
        {
            "AWSEBDockerrunVersion": "1",
            "Image": {"Name": args.image, "Update": "true"},
            "Ports": [{"ContainerPort": settings.port}],
            **command,
        }
    )
    return dockerrun.apply(
        lambda text: pulumi.AssetArchive(
            {
                "Dockerrun.aws.json": pulumi.StringAsset(text),
                ".ebextensions/instances.config": pulumi.StringAsset(json.dumps(EXTENSION)),
                ".platform/nginx/conf.d/api.conf": pulumi.StringAsset(PROXY),
            }
        )
    )


def _environment(
    name: str,
    called: str,
    application: aws.elasticbeanstalk.Application,
    version: aws.elasticbeanstalk.ApplicationVersion,
    settings: list[aws.elasticbeanstalk.EnvironmentSettingArgs],
    logs: list[aws.cloudwatch.LogGroup],
    opts: pulumi.ResourceOptions,
) -> aws.elasticbeanstalk.Environment:
    platform = aws.elasticbeanstalk.get_solution_stack_output(
        most_recent=True, name_regex=PLATFORM, opts=pulumi.InvokeOptions(parent=opts.parent)
    )
    return aws.elasticbeanstalk.Environment(
        name,
        name=called,
        application=application.name,
        tier="WebServer",
        solution_stack_name=platform.name,
        version=version.name,
        settings=settings,
        wait_for_ready_timeout=f"{READY_MINUTES}m",
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                # Beanstalk moves it by itself, and a release is no moment to move it too.
                ignore_changes=["solution_stack_name"],
                # An account has one environment of a name.
                delete_before_replace=True,
                depends_on=logs,
            ),
        ),
    )


def _target_group_arn(
    group_name: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """The target group of the default process. Beanstalk does not say it; its instances' group
    does."""
    return aws.autoscaling.get_group_output(
        name=group_name, opts=pulumi.InvokeOptions(parent=opts.parent)
    ).target_group_arns[0]


def _restart(environment: aws.elasticbeanstalk.Environment) -> Restart:
    """Beanstalk fetches secrets when it starts the container, and so it starts it again."""
    return Restart(
        target={"platform": "beanstalk", "environment": environment.name},
        statements=[
            Statement(
                sid="RestartEnvironment",
                actions=[
                    "elasticbeanstalk:DescribeEnvironments",
                    "elasticbeanstalk:DescribeEvents",
                    "elasticbeanstalk:RestartAppServer",
                ],
                resources=[environment.arn],
            )
        ],
    )


@dataclass(frozen=True, kw_only=True)
class _Instances:
    """What tells how the instances of an environment do."""

    environment_name: pulumi.Input[str]
    group_name: pulumi.Input[str]

    def judged(self, name: str, label: str) -> Metric:
        """How many instances Beanstalk calls `InstancesDegraded`, `InstancesSevere`."""
        return Metric(
            namespace="AWS/ElasticBeanstalk",
            name=name,
            dimensions={"EnvironmentName": self.environment_name},
            statistic="Maximum",
            label=label,
        )

    def counted(self, name: str, label: str) -> Metric:
        """`GroupDesiredCapacity`, `GroupInServiceInstances`."""
        return Metric(
            namespace="AWS/AutoScaling",
            name=name,
            dimensions={"AutoScalingGroupName": self.group_name},
            statistic="Maximum",
            label=label,
        )

    def cpu(self) -> Metric:
        return Metric(
            namespace="AWS/EC2",
            name="CPUUtilization",
            dimensions={"AutoScalingGroupName": self.group_name},
            label="CPU",
        )


def _signals(
    requests: RequestSignals, environment_name: pulumi.Input[str], group_name: pulumi.Input[str]
) -> ApiSignals:
    instances = _Instances(environment_name=environment_name, group_name=group_name)
    running = instances.counted("GroupInServiceInstances", "running")
    return ApiSignals(
        requests=requests,
        unit="instance",
        unhealthy=Expression(
            text="FILL(degraded, 0) + FILL(severe, 0)",
            metrics={
                "degraded": instances.judged("InstancesDegraded", "degraded"),
                "severe": instances.judged("InstancesSevere", "severe"),
            },
            label="unhealthy",
        ),
        running=running,
        cpu=instances.cpu(),
        load=[instances.cpu()],
        capacity=[
            instances.counted("GroupDesiredCapacity", "wanted"),
            running,
            requests.total("HealthyHostCount", "healthy", "Minimum"),
        ],
    )
