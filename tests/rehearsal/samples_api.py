"""Samples of what the API platforms need: blue/green on ECS, refreshed groups, Beanstalk.

They are wired into the studio of `samples`, whose names they refer to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

BALANCER = "aws:elbv2:loadbalancer"
BEANSTALK = "aws:elasticbeanstalk:"
RULE = "aws:elbv2:listenerrule:api"

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "aws:autoscaling:asg": {"MinSize": "1", "MaxSize": "4"},
    "aws:autoscaling:launchconfiguration": {
        "DisableDefaultEC2SecurityGroup": "true",
        "DisableIMDSv1": "true",
        "IamInstanceProfile": "{profile.name}",
        "RootVolumeSize": "20",
        "RootVolumeType": "gp3",
        "SecurityGroups": "{group.id}",
    },
    "aws:autoscaling:trigger": {
        "LowerThreshold": "20",
        "MeasureName": "CPUUtilization",
        "Unit": "Percent",
        "UpperThreshold": "70",
    },
    "aws:autoscaling:updatepolicy:rollingupdate": {
        "RollingUpdateEnabled": "true",
        "RollingUpdateType": "Health",
    },
    "aws:ec2:instances": {"InstanceTypes": "t4g.small", "SupportedArchitectures": "arm64"},
    "aws:ec2:vpc": {
        "ELBSubnets": "{private-a.id},{private-b.id}",
        "Subnets": "{private-a.id},{private-b.id}",
        "VPCId": "{vpc.id}",
    },
    f"{BEANSTALK}application:environment": {"STAGE": "dev"},
    f"{BEANSTALK}application:environmentsecrets": {"API_KEY": "{secret.arn}"},
    f"{BEANSTALK}cloudwatch:logs": {"RetentionInDays": "30", "StreamLogs": "true"},
    f"{BEANSTALK}cloudwatch:logs:health": {"HealthStreamingEnabled": "true"},
    f"{BEANSTALK}command": {
        "BatchSize": "1",
        "BatchSizeType": "Fixed",
        "DeploymentPolicy": "RollingWithAdditionalBatch",
        "Timeout": "900",
    },
    f"{BEANSTALK}environment": {
        "EnvironmentType": "LoadBalanced",
        "LoadBalancerIsShared": "true",
        "LoadBalancerType": "application",
        "ServiceRole": "{beanstalk-role.arn}",
    },
    f"{BEANSTALK}environment:process:default": {
        "HealthCheckPath": "/health",
        "MatcherHTTPCode": "200",
        "Port": "80",
        "Protocol": "HTTP",
    },
    f"{BEANSTALK}healthreporting:system": {
        "ConfigDocument": json.dumps(
            {"Version": 1, "CloudWatchMetrics": {"Environment": {"ApplicationRequests5xx": 60}}}
        ),
        "SystemType": "enhanced",
    },
    f"{BEANSTALK}managedactions": {
        "ManagedActionsEnabled": "true",
        "PreferredStartTime": "Sun:03:00",
        "ServiceRoleForManagedUpdates": "{beanstalk-role.arn}",
    },
    f"{BEANSTALK}managedactions:platformupdate": {"UpdateLevel": "minor"},
    f"{BEANSTALK}sns:topics": {"Notification Topic ARN": "{topic.arn}"},
    f"{BEANSTALK}xray": {"XRayEnabled": "true"},
    "aws:elbv2:listener:443": {"Rules": "api"},
    RULE: {"HostHeaders": "api.studio.example", "Priority": "20", "Process": "default"},
    BALANCER: {"SharedLoadBalancer": "{balancer.arn}"},
}


def trust(service: str) -> str:
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def settings(given: Mapping[str, Mapping[str, Any]] = SETTINGS) -> list[dict[str, Any]]:
    """Options by namespace as the list that an environment takes."""
    return [
        {"namespace": namespace, "name": name, "value": value}
        for namespace, values in given.items()
        for name, value in values.items()
    ]


API_SAMPLES: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    (
        "aws:lb/targetGroup:TargetGroup",
        "green",
        {"port": 8000, "protocol": "HTTP", "targetType": "ip", "vpcId": "{vpc.id}"},
    ),
    (
        "aws:lb/listenerRule:ListenerRule",
        "production-rule",
        {
            "listenerArn": "{listener.arn}",
            "priority": 30,
            "actions": [
                {
                    "type": "forward",
                    "forward": {
                        "targetGroups": [
                            {"arn": "{targets.arn}", "weight": 100},
                            {"arn": "{green.arn}", "weight": 0},
                        ]
                    },
                }
            ],
            "conditions": [{"pathPattern": {"values": ["/*"]}}],
        },
    ),
    (
        "aws:ecs/service:Service",
        "shifting",
        {
            "cluster": "{cluster.arn}",
            "taskDefinition": "{task.arn}",
            "launchType": "FARGATE",
            "networkConfiguration": {
                "subnets": ["{private-a.id}"],
                "securityGroups": ["{group.id}"],
            },
            "alarms": {"enable": True, "rollback": True, "alarmNames": ["{alarm.name}"]},
            "deploymentMaximumPercent": 200,
            "deploymentMinimumHealthyPercent": 100,
            "deploymentConfiguration": {
                "strategy": "CANARY",
                "bakeTimeInMinutes": "10",
                "canaryConfiguration": {"canaryPercent": 12.5, "canaryBakeTimeInMinutes": "5"},
                "lifecycleHooks": [
                    {
                        "hookTargetArn": "{function.arn}",
                        "roleArn": "{ecs-role.arn}",
                        "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
                        "hookDetails": json.dumps({"path": "/health", "retries": 3}),
                    },
                    {
                        "targetType": "PAUSE",
                        "lifecycleStages": ["POST_PRODUCTION_TRAFFIC_SHIFT"],
                        "timeoutConfiguration": {"timeoutInMinutes": "60", "action": "ROLLBACK"},
                    },
                ],
            },
            "loadBalancers": [
                {
                    "targetGroupArn": "{targets.arn}",
                    "containerName": "api",
                    "containerPort": 8000,
                    "advancedConfiguration": {
                        "alternateTargetGroupArn": "{green.arn}",
                        "productionListenerRule": "{production-rule.arn}",
                        "roleArn": "{ecs-role.arn}",
                    },
                }
            ],
        },
    ),
    (
        "aws:autoscaling/group:Group",
        "machines",
        {
            "minSize": 1,
            "maxSize": 2,
            "vpcZoneIdentifiers": ["{private-a.id}"],
            "launchTemplate": {"id": "{template.id}", "version": "1"},
            "healthCheckType": "ELB",
            "instanceMaintenancePolicy": {
                "minHealthyPercentage": 100,
                "maxHealthyPercentage": 150,
            },
            "instanceRefresh": {
                "strategy": "Rolling",
                "triggers": ["tag"],
                "preferences": {
                    "alarmSpecification": {"alarms": ["{alarm.name}"]},
                    "autoRollback": True,
                    "checkpointDelay": "300",
                    "checkpointPercentages": [50, 100],
                    "instanceWarmup": "60",
                    "maxHealthyPercentage": 150,
                    "minHealthyPercentage": 100,
                    "skipMatching": True,
                },
            },
        },
    ),
    (
        "aws:autoscaling/attachment:Attachment",
        "machines-behind",
        {
            "autoscalingGroupName": "{machines.name}",
            "lbTargetGroupArn": "{targets.arn}",
        },
    ),
    (
        "aws:autoscaling/trafficSourceAttachment:TrafficSourceAttachment",
        "machines-traffic",
        {
            "autoscalingGroupName": "{machines.name}",
            "trafficSource": {"identifier": "{green.arn}", "type": "elbv2"},
        },
    ),
    (
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "bundle",
        {
            "bucket": "{media.bucket}",
            "key": "bundles/api.zip",
            "source": {"archive": {"Dockerrun.aws.json": {"text": "{}"}}, "hash": "abc"},
            "serverSideEncryption": "aws:kms",
            "kmsKeyId": "{key.arn}",
            "contentType": "application/zip",
            "tags": {"Name": "bundle"},
        },
    ),
    ("aws:iam/role:Role", "ecs-role", {"assumeRolePolicy": trust("ecs")}),
    ("aws:iam/role:Role", "beanstalk-role", {"assumeRolePolicy": trust("elasticbeanstalk")}),
    (
        "aws:elasticbeanstalk/application:Application",
        "application",
        {
            "description": "the API",
            "appversionLifecycle": {
                "serviceRole": "{beanstalk-role.arn}",
                "maxCount": 20,
                "deleteSourceFromS3": True,
            },
            "tags": {"Name": "api"},
        },
    ),
    (
        "aws:elasticbeanstalk/applicationVersion:ApplicationVersion",
        "version",
        {
            "application": "{application.name}",
            "bucket": "{bundle.bucket}",
            "key": "{bundle.key}",
            "process": True,
            "forceDelete": True,
            "tags": {"Name": "api"},
        },
    ),
    (
        "aws:elasticbeanstalk/environment:Environment",
        "environment",
        {
            "application": "{application.name}",
            "solutionStackName": "64bit Amazon Linux 2023 v4.6.0 running Docker",
            "tier": "WebServer",
            "version": "{version.name}",
            "settings": settings(),
            "waitForReadyTimeout": "30m",
            "tags": {"Name": "api"},
        },
    ),
    (
        "aws:servicequotas/serviceQuota:ServiceQuota",
        "gpu-quota",
        {"serviceCode": "ec2", "quotaCode": "L-DB2E81BA", "value": 80},
    ),
)
"""Type, name and inputs of each."""
