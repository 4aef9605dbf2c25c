"""A small clean program with two API platforms: blue/green on Fargate, and Elastic Beanstalk.

Its graph has no finding. The tests copy it, break one thing, and read the findings.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from tests.recorder import aws_provider
from tests.rehearsal.samples_api import trust

DOCKERRUN = json.dumps({"AWSEBDockerrunVersion": "1"})


def platforms() -> None:
    """Blue/green on Fargate and an environment of Beanstalk, behind one load balancer."""
    opts = pulumi.ResourceOptions(provider=aws_provider())
    vpc = aws.ec2.Vpc("studio", cidr_block="10.0.0.0/16", opts=opts)
    subnets = [
        aws.ec2.Subnet(
            f"public-{letter}",
            vpc_id=vpc.id,
            cidr_block=f"10.0.{third}.0/24",
            availability_zone=f"us-east-1{letter}",
            opts=opts,
        ).id
        for third, letter in enumerate("ab")
    ]
    group = aws.ec2.SecurityGroup("api", vpc_id=vpc.id, description="API", opts=opts)
    balancer = aws.lb.LoadBalancer("api", security_groups=[group.id], subnets=subnets, opts=opts)
    listener = aws.lb.Listener(
        "http",
        load_balancer_arn=balancer.arn,
        port=80,
        protocol="HTTP",
        default_actions=[
            {
                "type": "fixed-response",
                "fixed_response": {"content_type": "text/plain", "status_code": "404"},
            }
        ],
        opts=opts,
    )
    alarm = aws.cloudwatch.MetricAlarm(
        "api-errors",
        namespace="AWS/ApplicationELB",
        metric_name="HTTPCode_Target_5XX_Count",
        dimensions={"LoadBalancer": balancer.arn_suffix},
        comparison_operator="GreaterThanThreshold",
        statistic="Sum",
        period=60,
        evaluation_periods=1,
        threshold=5,
        opts=opts,
    )
    _fargate(vpc, subnets, group, listener, alarm, opts)
    _beanstalk(vpc, subnets, group, balancer, opts)


def _role(name: str, service: str, opts: pulumi.ResourceOptions) -> aws.iam.Role:
    return aws.iam.Role(name, assume_role_policy=trust(service), opts=opts)


def _fargate(
    vpc: aws.ec2.Vpc,
    subnets: list[pulumi.Output[str]],
    group: aws.ec2.SecurityGroup,
    listener: aws.lb.Listener,
    alarm: aws.cloudwatch.MetricAlarm,
    opts: pulumi.ResourceOptions,
) -> None:
    blue, green = (
        aws.lb.TargetGroup(
            f"api-{colour}",
            port=8000,
            protocol="HTTP",
            target_type="ip",
            vpc_id=vpc.id,
            opts=opts,
        )
        for colour in ("blue", "green")
    )
    rules = [
        aws.lb.ListenerRule(
            f"api-{name}",
            listener_arn=listener.arn,
            priority=priority,
            actions=[
                {
                    "type": "forward",
                    "forward": {
                        "target_groups": [
                            {"arn": blue.arn, "weight": 100},
                            {"arn": green.arn, "weight": 0},
                        ]
                    },
                }
            ],
            conditions=[{"host_header": {"values": [f"{name}.studio.example"]}}],
            opts=opts,
        )
        for priority, name in ((10, "production"), (20, "test"))
    ]
    shift = _role("shift", "ecs", opts)
    smoke = aws.lambda_.Function(
        "smoke",
        role=_role("smoke", "lambda", opts).arn,
        runtime="python3.13",
        handler="index.handler",
        code=pulumi.AssetArchive({"index.py": pulumi.StringAsset("")}),
        opts=opts,
    )
    aws.ecs.Service(
        "api",
        cluster=aws.ecs.Cluster("studio", opts=opts).arn,
        task_definition=aws.ecs.TaskDefinition(
            "api",
            family="api",
            cpu="512",
            memory="1024",
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            container_definitions=json.dumps(
                [{"name": "api", "image": "api:1", "portMappings": [{"containerPort": 8000}]}]
            ),
            opts=opts,
        ).arn,
        launch_type="FARGATE",
        network_configuration={"subnets": subnets, "security_groups": [group.id]},
        alarms={"enable": True, "rollback": True, "alarm_names": [alarm.name]},
        deployment_maximum_percent=200,
        deployment_minimum_healthy_percent=100,
        deployment_configuration={
            "strategy": "BLUE_GREEN",
            "bake_time_in_minutes": "10",
            "lifecycle_hooks": [
                {
                    "hook_target_arn": smoke.arn,
                    "role_arn": shift.arn,
                    "lifecycle_stages": ["POST_TEST_TRAFFIC_SHIFT"],
                    "hook_details": json.dumps({"path": "/health"}),
                },
                {
                    "target_type": "PAUSE",
                    "lifecycle_stages": ["PRE_SCALE_UP"],
                    "timeout_configuration": {"timeout_in_minutes": "60", "action": "ROLLBACK"},
                },
            ],
        },
        load_balancers=[
            {
                "target_group_arn": blue.arn,
                "container_name": "api",
                "container_port": 8000,
                "advanced_configuration": {
                    "alternate_target_group_arn": green.arn,
                    "production_listener_rule": rules[0].arn,
                    "test_listener_rule": rules[1].arn,
                    "role_arn": shift.arn,
                },
            }
        ],
        opts=opts,
    )


def _beanstalk(
    vpc: aws.ec2.Vpc,
    subnets: list[pulumi.Output[str]],
    group: aws.ec2.SecurityGroup,
    balancer: aws.lb.LoadBalancer,
    opts: pulumi.ResourceOptions,
) -> None:
    service = _role("beanstalk", "elasticbeanstalk", opts)
    profile = aws.iam.InstanceProfile("web", role=_role("web", "ec2", opts).name, opts=opts)
    bucket = aws.s3.Bucket("bundles", opts=opts)
    aws.s3.BucketPolicy(
        "bundles",
        bucket=bucket.bucket,
        policy=bucket.arn.apply(
            lambda arn: json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Deny",
                            "Principal": "*",
                            "Action": "s3:*",
                            "Resource": [arn, f"{arn}/*"],
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ],
                }
            )
        ),
        opts=opts,
    )
    bundle = aws.s3.BucketObjectv2(
        "bundle",
        bucket=bucket.bucket,
        key="web/bundle.zip",
        source=pulumi.AssetArchive({"Dockerrun.aws.json": pulumi.StringAsset(DOCKERRUN)}),
        opts=opts,
    )
    application = aws.elasticbeanstalk.Application(
        "web",
        appversion_lifecycle={
            "service_role": service.arn,
            "max_count": 20,
            "delete_source_from_s3": True,
        },
        opts=opts,
    )
    version = aws.elasticbeanstalk.ApplicationVersion(
        "web", application=application.name, bucket=bundle.bucket, key=bundle.key, opts=opts
    )
    stack = aws.elasticbeanstalk.get_solution_stack_output(
        most_recent=True, name_regex=r"^64bit Amazon Linux 2023 .* running Docker$"
    )
    environment = aws.elasticbeanstalk.Environment(
        "web-environment",
        application=application.name,
        version=version.name,
        solution_stack_name=stack.name,
        settings=[
            {"namespace": f"aws:{namespace}", "name": name, "value": value}
            for namespace, name, value in (
                ("autoscaling:launchconfiguration", "IamInstanceProfile", profile.name),
                ("autoscaling:launchconfiguration", "SecurityGroups", group.id),
                ("ec2:vpc", "VPCId", vpc.id),
                ("ec2:vpc", "Subnets", pulumi.Output.all(*subnets).apply(",".join)),
                ("elasticbeanstalk:environment", "LoadBalancerIsShared", "true"),
                ("elasticbeanstalk:environment", "LoadBalancerType", "application"),
                ("elasticbeanstalk:environment", "ServiceRole", service.arn),
                ("elbv2:loadbalancer", "SharedLoadBalancer", balancer.arn),
                ("elbv2:listener:80", "Rules", "web"),
                ("elbv2:listenerrule:web", "HostHeaders", "web.studio.example"),
                ("elbv2:listenerrule:web", "Priority", "30"),
            )
        ],
        opts=opts,
    )
    aws.cloudwatch.MetricAlarm(
        "web-unwell",
        namespace="AWS/ElasticBeanstalk",
        metric_name="EnvironmentHealth",
        dimensions={"EnvironmentName": environment.name},
        comparison_operator="GreaterThanThreshold",
        statistic="Maximum",
        period=60,
        evaluation_periods=5,
        threshold=15,
        opts=opts,
    )
    aws.cloudwatch.MetricAlarm(
        "web-busy",
        namespace="AWS/EC2",
        metric_name="CPUUtilization",
        dimensions={"AutoScalingGroupName": environment.autoscaling_groups[0]},
        comparison_operator="GreaterThanThreshold",
        statistic="Average",
        period=300,
        evaluation_periods=3,
        threshold=80,
        opts=opts,
    )
