"""What an Elastic Beanstalk environment is told: its option settings, and what no option says.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.access import Access
from components.api.contract import ApiArgs
from components.api.targets import DEREGISTRATION_SECONDS
from components.containers import ContainerSecret
from components.grants import ServiceRole
from components.ground import Ground
from settings.api import ApiSettings, BeanstalkSize

PROXY_PORT = 80
"""Where the platform's nginx listens on an instance; it hands on to the container's port, which
nothing else reaches."""

COMMAND_SECONDS = 300
"""Zapcut's recovery wait (M41): how long an instance may take over a new version, the pull of its
image included, before it counts as failed. Beanstalk adds 240 s by itself.
https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html"""

GRACE_SECONDS = 600
"""From its launch until an instance that does not answer is replaced: more than COMMAND_SECONDS and
what Beanstalk adds."""

BATCH_PERCENT = 25
"""Share of the instances that `rolling` changes at a time."""

UPDATE_WINDOW = "Sun:04:00"
"""When Beanstalk may take up a newer version of the platform, in UTC."""

SCALING_MINUTES = 5
"""For so long CPU is above or below its bound before an instance comes or goes."""

RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653)
"""What Beanstalk accepts; CloudWatch Logs knows a few more."""

GROUP_METRICS = ("GroupDesiredCapacity", "GroupInServiceInstances")

HEALTH_METRICS = (
    "ApplicationRequests5xx",
    "InstancesDegraded",
    "InstancesOk",
    "InstancesSevere",
)
"""What Beanstalk publishes of its own judgement, beside EnvironmentHealth, which is free."""

EXTENSION = {
    "Resources": {
        "AWSEBAutoScalingGroup": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "Properties": {
                "HealthCheckType": "ELB",
                "HealthCheckGracePeriod": GRACE_SECONDS,
                "MetricsCollection": [{"Granularity": "1Minute", "Metrics": list(GROUP_METRICS)}],
            },
        },
        "AWSEBEC2LaunchTemplate": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {
                "LaunchTemplateData": {
                    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
                }
            },
        },
    }
}
"""What no option says: an instance whose container stopped answering is replaced, the group reports
how many run, and the container, one hop behind the instance, gets its role's credentials.
https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environmentconfig-autoscaling-healthchecktype.html
https://github.com/aws/elastic-beanstalk-roadmap/issues/242"""

PROXY = """\
client_max_body_size 0;
proxy_read_timeout 4000s;
proxy_send_timeout 4000s;
"""
"""How large a request may be is the API's to say, and how long it may take the load balancer's,
whose limit is 4000 s. nginx by itself turns away more than 1 MB and waits 60 s.
https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.proxy.html"""

Options = Mapping[str, Mapping[str, pulumi.Input[str]]]
"""Value by name by namespace. Beanstalk takes text alone."""


def option_settings(
    args: ApiArgs,
    size: BeanstalkSize,
    access: Access,
    *,
    service: ServiceRole,
    profile: aws.iam.InstanceProfile,
    security_group_id: pulumi.Input[str],
) -> list[aws.elasticbeanstalk.EnvironmentSettingArgs]:
    """All of them, sorted: Beanstalk keeps no order, and no diff may show one.

    `service` is the role under which Beanstalk looks after the environment; the instances have
    `profile` and stand in the security group.
    """
    parts = (
        _placed(args, security_group_id),
        _instances(size, args.settings, profile),
        _scaled(size, args.settings),
        _deployed(size),
        _watched(args.ground, service),
        _variables(access),
    )
    values = {
        (namespace, option): value
        for part in parts
        for namespace, named in part.items()
        for option, value in named.items()
    }
    return [
        aws.elasticbeanstalk.EnvironmentSettingArgs(
            namespace=namespace, name=option, value=values[namespace, option]
        )
        for namespace, option in sorted(values)
    ]


def _placed(args: ApiArgs, group_id: pulumi.Input[str]) -> Options:
    """Where the instances stand, and behind what.

    On a load balancer that it does not own, Beanstalk makes a rule for the environment's own name
    alone and never changes it; what brings users is a rule of ours to the same target group. This
    one makes the load balancer watch the instances before, and stands at the listener that serves,
    not at the one for plain HTTP.
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-alb-shared.html
    """
    health = args.settings.health
    subnets = pulumi.Output.from_input(args.ground.private_subnet_ids).apply(",".join)
    return {
        "aws:ec2:vpc": {
            "VPCId": args.ground.vpc_id,
            "Subnets": subnets,
            # It asks for these even when the load balancer is another's.
            "ELBSubnets": subnets,
            "AssociatePublicIpAddress": "false",
        },
        "aws:elasticbeanstalk:environment": {
            "EnvironmentType": "LoadBalanced",
            "LoadBalancerType": "application",
            "LoadBalancerIsShared": "true",
        },
        "aws:elbv2:loadbalancer": {
            "SharedLoadBalancer": args.load_balancer.arn,
            # Without, Beanstalk would add a group of its own to the load balancer.
            "SecurityGroups": args.load_balancer.security_group_id,
        },
        f"aws:elbv2:listener:{args.load_balancer.listener_port}": {"Rules": "default"},
        "aws:elasticbeanstalk:environment:process:default": {
            "Port": str(PROXY_PORT),
            "Protocol": "HTTP",
            "HealthCheckPath": health.path,
            "HealthCheckInterval": str(health.interval_seconds),
            "HealthCheckTimeout": str(health.timeout_seconds),
            "HealthyThresholdCount": "2",
            "UnhealthyThresholdCount": str(health.retries),
            "MatcherHTTPCode": "200",
            "DeregistrationDelay": str(DEREGISTRATION_SECONDS),
        },
        "aws:autoscaling:launchconfiguration": {
            "SecurityGroups": group_id,
            # It would let anybody in who reaches the instance.
            "DisableDefaultEC2SecurityGroup": "true",
        },
    }


def _instances(
    size: BeanstalkSize,
    settings: ApiSettings,
    profile: aws.iam.InstanceProfile,
) -> Options:
    key = {"EC2KeyName": size.key_name} if size.key_name else {}
    return {
        "aws:autoscaling:launchconfiguration": {
            "IamInstanceProfile": profile.arn,
            "DisableIMDSv1": "true",
            "RootVolumeType": "gp3",
            "RootVolumeSize": str(size.root_gb),
            # Scaling looks every minute.
            "MonitoringInterval": "1 minute",
            "LaunchTemplateTagPropagationEnabled": "true",
            **key,
        },
        "aws:ec2:instances": {
            "InstanceTypes": size.instance_type,
            "SupportedArchitectures": settings.architecture,
        },
    }


def _scaled(size: BeanstalkSize, settings: ApiSettings) -> Options:
    return {
        "aws:autoscaling:asg": {
            "MinSize": str(size.min_instances),
            "MaxSize": str(size.max_instances),
            "Cooldown": str(settings.cooldown_seconds),
        },
        "aws:autoscaling:trigger": {
            "MeasureName": "CPUUtilization",
            "Statistic": "Average",
            "Unit": "Percent",
            "Period": "1",
            "EvaluationPeriods": str(SCALING_MINUTES),
            "BreachDuration": str(SCALING_MINUTES),
            "UpperThreshold": str(size.cpu_high),
            "UpperBreachScaleIncrement": "1",
            "LowerThreshold": str(size.cpu_low),
            "LowerBreachScaleIncrement": "-1",
        },
    }


def _deployed(size: BeanstalkSize) -> Options:
    """How a version gets in, and a change of the instances (`updatepolicy`) alike."""
    policy: dict[str, pulumi.Input[str]] = {
        "DeploymentPolicy": "Immutable",
        "IgnoreHealthCheck": "false",
        "Timeout": str(COMMAND_SECONDS),
    }
    change = "Immutable"
    if size.strategy == "rolling":
        policy |= {
            "DeploymentPolicy": "RollingWithAdditionalBatch",
            "BatchSizeType": "Percentage",
            "BatchSize": str(BATCH_PERCENT),
        }
        change = "Health"
    return {
        "aws:elasticbeanstalk:command": policy,
        "aws:autoscaling:updatepolicy:rollingupdate": {
            "RollingUpdateEnabled": "true",
            "RollingUpdateType": change,
        },
    }


def _watched(ground: Ground, service: ServiceRole) -> Options:
    days = str(next(days for days in RETENTION_DAYS if days >= ground.logs.settings.retention_days))
    kept = {"RetentionInDays": days, "DeleteOnTerminate": "false"}
    return {
        # By ARN: Beanstalk takes a bare name for that of a role outside every path.
        # https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html
        "aws:elasticbeanstalk:environment": {"ServiceRole": service.arn},
        "aws:elasticbeanstalk:healthreporting:system": {
            "SystemType": "enhanced",
            "EnhancedHealthAuthEnabled": "true",
            "ConfigDocument": json.dumps(
                {
                    "CloudWatchMetrics": {
                        # 60 s is all that Beanstalk offers.
                        "Environment": dict.fromkeys(HEALTH_METRICS, 60),
                        "Instance": {},
                    },
                    "Version": 1,
                }
            ),
        },
        "aws:elasticbeanstalk:cloudwatch:logs": {"StreamLogs": "true", **kept},
        "aws:elasticbeanstalk:cloudwatch:logs:health": {"HealthStreamingEnabled": "true", **kept},
        "aws:elasticbeanstalk:managedactions": {
            "ManagedActionsEnabled": "true",
            "PreferredStartTime": UPDATE_WINDOW,
            "ServiceRoleForManagedUpdates": service.arn,
        },
        "aws:elasticbeanstalk:managedactions:platformupdate": {"UpdateLevel": "minor"},
    }


def _variables(access: Access) -> Options:
    return {
        "aws:elasticbeanstalk:application:environment": access.environment,
        "aws:elasticbeanstalk:application:environmentsecrets": {
            secret.environment: _source(secret) for secret in access.secrets
        },
    }


def _source(secret: ContainerSecret) -> pulumi.Output[str]:
    """ECS writes `<arn>:<json key>::`, with a stage and a version to follow; Beanstalk has neither.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.secrets.env-vars.html
    """
    return pulumi.Output.from_input(secret.value_from).apply(lambda arn: arn.removesuffix("::"))
