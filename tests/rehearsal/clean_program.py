"""A small clean program with one of everything that the whole-graph checks look at.

Its graph has no finding. The tests of the checks copy it, break one thing, and read the findings.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from tests.recorder import aws_provider

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            }
        ],
    }
)


def clean_program() -> None:
    provider = aws_provider()
    opts = pulumi.ResourceOptions(provider=provider)
    network = awsx.ec2.Vpc(
        "studio",
        cidr_block="10.0.0.0/16",
        availability_zone_names=["us-east-1a", "us-east-1b"],
        subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
        subnet_specs=[
            awsx.ec2.SubnetSpecArgs(
                type=awsx.ec2.SubnetType.PUBLIC, cidr_blocks=["10.0.0.0/24", "10.0.1.0/24"]
            ),
            awsx.ec2.SubnetSpecArgs(
                type=awsx.ec2.SubnetType.PRIVATE, cidr_blocks=["10.0.16.0/20", "10.0.32.0/20"]
            ),
        ],
        nat_gateways=awsx.ec2.NatGatewayConfigurationArgs(
            strategy=awsx.ec2.NatGatewayStrategy.SINGLE
        ),
        enable_dns_hostnames=True,
        opts=pulumi.ResourceOptions(providers=[provider]),
    )
    group = aws.ec2.SecurityGroup("api", vpc_id=network.vpc_id, description="API", opts=opts)
    aws.vpc.SecurityGroupIngressRule(
        "api-from-itself",
        security_group_id=group.id,
        referenced_security_group_id=group.id,
        ip_protocol="tcp",
        from_port=8000,
        to_port=8000,
        opts=opts,
    )
    topic = aws.sns.Topic("alarms", opts=opts)
    _queues(topic, opts)
    _stores(network, group, opts)
    _api(network, group, topic, opts)
    _fleet(network, group, opts)


def _queues(topic: aws.sns.Topic, opts: pulumi.ResourceOptions) -> None:
    dead = aws.sqs.Queue("render-dead", message_retention_seconds=1209600, opts=opts)
    queue = aws.sqs.Queue(
        "render",
        visibility_timeout_seconds=900,
        redrive_policy=dead.arn.apply(
            lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
        ),
        opts=opts,
    )
    age = aws.cloudwatch.MetricAlarm(
        "render-age",
        namespace="AWS/SQS",
        metric_name="ApproximateAgeOfOldestMessage",
        dimensions={"QueueName": queue.name},
        comparison_operator="GreaterThanThreshold",
        statistic="Maximum",
        period=60,
        evaluation_periods=5,
        datapoints_to_alarm=5,
        threshold=900,
        alarm_actions=[topic.arn],
        opts=opts,
    )
    aws.cloudwatch.CompositeAlarm(
        "render-unwell",
        alarm_name="render-unwell",
        alarm_rule=age.name.apply(lambda name: f'ALARM("{name}")'),
        opts=opts,
    )


def _stores(
    network: awsx.ec2.Vpc, group: aws.ec2.SecurityGroup, opts: pulumi.ResourceOptions
) -> None:
    key = aws.kms.Key("data", deletion_window_in_days=30, enable_key_rotation=True, opts=opts)
    aws.rds.Instance(
        "database",
        engine="postgres",
        engine_version="17",
        instance_class="db.t4g.medium",
        allocated_storage=50,
        storage_encrypted=True,
        kms_key_id=key.arn,
        username="studio",
        manage_master_user_password=True,
        backup_retention_period=7,
        db_subnet_group_name=aws.rds.SubnetGroup(
            "database", subnet_ids=network.private_subnet_ids, opts=opts
        ).name,
        parameter_group_name=aws.rds.ParameterGroup(
            "database", family="postgres17", opts=opts
        ).name,
        vpc_security_group_ids=[group.id],
        opts=opts,
    )
    cache = aws.elasticache.ReplicationGroup(
        "cache",
        description="Sessions",
        engine="valkey",
        engine_version="8.0",
        node_type="cache.t4g.small",
        num_cache_clusters=2,
        automatic_failover_enabled=True,
        at_rest_encryption_enabled=True,
        transit_encryption_enabled=True,
        subnet_group_name=aws.elasticache.SubnetGroup(
            "cache", subnet_ids=network.private_subnet_ids, opts=opts
        ).name,
        security_group_ids=[group.id],
        opts=opts,
    )
    aws.cloudwatch.MetricAlarm(
        "cache-memory",
        comparison_operator="GreaterThanThreshold",
        evaluation_periods=3,
        threshold=80,
        metric_queries=[
            aws.cloudwatch.MetricAlarmMetricQueryArgs(
                id="used",
                return_data=True,
                metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                    namespace="AWS/ElastiCache",
                    metric_name="DatabaseMemoryUsagePercentage",
                    dimensions={
                        "CacheClusterId": cache.replication_group_id.apply(
                            lambda name: f"{name}-002"
                        )
                    },
                    period=60,
                    stat="Average",
                ),
            )
        ],
        opts=opts,
    )


def _api(
    network: awsx.ec2.Vpc,
    group: aws.ec2.SecurityGroup,
    topic: aws.sns.Topic,
    opts: pulumi.ResourceOptions,
) -> None:
    role = aws.iam.Role("api", assume_role_policy=TRUST, opts=opts)
    logs = aws.cloudwatch.LogGroup("api", retention_in_days=30, opts=opts)
    secret = aws.secretsmanager.Secret("openai", opts=opts)
    balancer = aws.lb.LoadBalancer(
        "api", security_groups=[group.id], subnets=network.public_subnet_ids, opts=opts
    )
    targets = aws.lb.TargetGroup(
        "api",
        port=8000,
        protocol="HTTP",
        target_type="ip",
        vpc_id=network.vpc_id,
        health_check=aws.lb.TargetGroupHealthCheckArgs(path="/health", interval=30),
        opts=opts,
    )
    certificate = aws.acm.Certificate(
        "api", domain_name="api.studio.example", validation_method="DNS", opts=opts
    )
    aws.lb.Listener(
        "https",
        load_balancer_arn=balancer.arn,
        port=443,
        protocol="HTTPS",
        certificate_arn=certificate.arn,
        default_actions=[
            aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=targets.arn)
        ],
        opts=opts,
    )
    cluster = aws.ecs.Cluster("studio", opts=opts)
    aws.ecs.ClusterCapacityProviders(
        "studio", cluster_name=cluster.name, capacity_providers=["FARGATE"], opts=opts
    )
    task = aws.ecs.TaskDefinition(
        "api",
        family="api",
        cpu="512",
        memory="1024",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        execution_role_arn=role.arn,
        task_role_arn=role.arn,
        container_definitions=pulumi.Output.json_dumps(
            [
                {
                    "name": "api",
                    "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/api:1",
                    "essential": True,
                    "portMappings": [{"containerPort": 8000}],
                    "secrets": [
                        {
                            "name": "OPENAI_API_KEY",
                            "valueFrom": pulumi.Output.concat(secret.arn, ":key::"),
                        }
                    ],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": logs.name,
                            "awslogs-region": "us-east-1",
                            "awslogs-stream-prefix": "api",
                        },
                    },
                }
            ]
        ),
        opts=opts,
    )
    service = aws.ecs.Service(
        "api",
        cluster=cluster.arn,
        task_definition=task.arn,
        desired_count=2,
        capacity_provider_strategies=[
            aws.ecs.ServiceCapacityProviderStrategyArgs(capacity_provider="FARGATE", weight=1)
        ],
        network_configuration=aws.ecs.ServiceNetworkConfigurationArgs(
            subnets=network.private_subnet_ids, security_groups=[group.id]
        ),
        load_balancers=[
            aws.ecs.ServiceLoadBalancerArgs(
                container_name="api", container_port=8000, target_group_arn=targets.arn
            )
        ],
        opts=opts,
    )
    scalable = aws.appautoscaling.Target(
        "api",
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=pulumi.Output.concat("service/", cluster.name, "/", service.name),
        min_capacity=2,
        max_capacity=10,
        opts=opts,
    )
    aws.appautoscaling.Policy(
        "api-cpu",
        policy_type="TargetTrackingScaling",
        service_namespace=scalable.service_namespace,
        scalable_dimension=scalable.scalable_dimension,
        resource_id=scalable.resource_id,
        target_tracking_scaling_policy_configuration=(
            aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                target_value=60,
                predefined_metric_specification=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                    predefined_metric_type="ECSServiceAverageCPUUtilization"
                ),
            )
        ),
        opts=opts,
    )
    aws.cloudwatch.MetricAlarm(
        "api-cpu",
        namespace="AWS/ECS",
        metric_name="CPUUtilization",
        dimensions={"ClusterName": cluster.name, "ServiceName": service.name},
        comparison_operator="GreaterThanThreshold",
        statistic="Average",
        period=60,
        evaluation_periods=3,
        threshold=80,
        alarm_actions=[topic.arn],
        opts=opts,
    )


def _fleet(
    network: awsx.ec2.Vpc, group: aws.ec2.SecurityGroup, opts: pulumi.ResourceOptions
) -> None:
    role = aws.iam.Role("gpu", assume_role_policy=TRUST, opts=opts)
    aws.iam.RolePolicyAttachment(
        "gpu",
        role=role.name,
        policy_arn="arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
        opts=opts,
    )
    profile = aws.iam.InstanceProfile("gpu", role=role.name, opts=opts)
    template = aws.ec2.LaunchTemplate(
        "gpu",
        instance_type="g5.xlarge",
        image_id=aws.ssm.get_parameter_output(
            name="/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id",
            opts=pulumi.InvokeOptions(provider=opts.provider),
        ).insecure_value,
        iam_instance_profile=aws.ec2.LaunchTemplateIamInstanceProfileArgs(arn=profile.arn),
        vpc_security_group_ids=[group.id],
        opts=opts,
    )
    aws.autoscaling.Group(
        "gpu",
        min_size=0,
        max_size=4,
        vpc_zone_identifiers=network.private_subnet_ids,
        mixed_instances_policy=aws.autoscaling.GroupMixedInstancesPolicyArgs(
            launch_template=aws.autoscaling.GroupMixedInstancesPolicyLaunchTemplateArgs(
                launch_template_specification=aws.autoscaling.GroupMixedInstancesPolicyLaunchTemplateLaunchTemplateSpecificationArgs(
                    launch_template_id=template.id,
                    version=template.latest_version.apply(str),
                ),
                overrides=[
                    aws.autoscaling.GroupMixedInstancesPolicyLaunchTemplateOverrideArgs(
                        instance_type="g5.xlarge"
                    ),
                    aws.autoscaling.GroupMixedInstancesPolicyLaunchTemplateOverrideArgs(
                        instance_type="g4dn.xlarge"
                    ),
                ],
            )
        ),
        opts=opts,
    )
