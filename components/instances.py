"""Instances that run our code, be it the API or workers: how they are made and what they boot."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from components.access import Access
from components.containers import LOG_BUFFER, read_statements
from components.grants import ServiceRole, Statement, service_role, together
from components.ground import Ground, Place
from components.logs import grant_write
from components.registry import pull_images
from components.workload import Restart

IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
"""Where AWS publishes the newest Amazon Linux 2023 image.
https://docs.aws.amazon.com/linux/al2023/ug/ec2.html"""

BOOT_SCRIPT = Path(__file__).with_name("instance_boot.sh")
"""Of an instance that runs a container."""
HOST_BOOT_SCRIPT = Path(__file__).with_name("instance_boot_host.sh")
"""Of an instance whose own image holds what it runs."""
LAUNCHER = Path(__file__).with_name("instance_launch.py")

USER_DATA_BYTES = 16384
"""What EC2 takes, before base64.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html"""

COUNTED: Mapping[str, Any] = {
    "enabled_metrics": [
        aws.autoscaling.Metric.GROUP_DESIRED_CAPACITY,
        aws.autoscaling.Metric.GROUP_IN_SERVICE_INSTANCES,
        aws.autoscaling.Metric.GROUP_PENDING_INSTANCES,
    ],
    "metrics_granularity": "1Minute",
}
"""What every group tells of its size, for free: alarms and scaling read it."""

KILL_SECONDS = 10
"""What Docker has for its own part when systemd stops a container."""

SESSIONS = (
    Statement(
        sid="OpenSessions",
        actions=[
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        # An agent speaks of its own instance alone.
        resources=["*"],
    ),
    Statement(
        sid="HearCommands",
        actions=[
            "ec2messages:AcknowledgeMessage",
            "ec2messages:DeleteMessage",
            "ec2messages:FailMessage",
            "ec2messages:GetEndpoint",
            "ec2messages:GetMessages",
            "ec2messages:SendReply",
        ],
        # IAM knows no resource for them.
        resources=["*"],
    ),
)
"""To be looked into with Session Manager, which asks for no key and no open port (M42), and to be
sent commands, which agents older than 3.3.40 hear in their own way.

AWS's policy for it, AmazonSSMManagedInstanceCore, is not attached: it lets an instance read every
parameter of the account.
https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html"""

HEALTHY_PERCENT = 100
HEALTHY_PERCENT_MOST = 150
"""Of the wanted instances, whenever some are replaced: new ones come before old ones go, half of
the group at once."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What an instance runs from its first boot on, and starts again whenever it ends."""

    name: str
    """Of its systemd unit, and of its container: `worker`."""
    image: pulumi.Input[str] | None
    """Of its container. None: `command` is run on the instance itself, as root; the machine image
    brings that, Python 3.9, the AWS CLI and cloud-init."""
    command: Sequence[str]
    """Replaces the container image's own; empty keeps it."""
    access: Access
    region: str
    log_group: aws.cloudwatch.LogGroup
    """Gets its output, line by line. Without a container the CloudWatch agent brings it there, from
    a file; where the machine image lacks the agent, it is installed from Amazon Linux's own
    repository."""
    stop_seconds: int
    """From SIGTERM to SIGKILL."""
    ready_hook: str | None = None
    """The lifecycle hook of its group that holds a new instance until the program can start. It
    then starts once the instance is in service, and is told GROUP and INSTANCE_ID."""

    def user_data(self) -> pulumi.Output[str]:
        """What the instance is told at its first boot, in base64. It names secrets and holds none.

        Raises ValueError, once all is known, when it is more than EC2 takes.
        """
        spec: dict[str, object] = {
            "name": self.name,
            "command": list(self.command),
            "environment": {"AWS_REGION": self.region, **self.access.environment},
            "secrets": {secret.environment: secret.value_from for secret in self.access.secrets},
            "region": self.region,
        }
        if self.image is not None:
            spec |= {
                "image": self.image,
                "log_group": self.log_group.name,
                "log_buffer": LOG_BUFFER,
                "stop_seconds": self.stop_seconds,
            }
        if self.ready_hook is not None:
            spec["ready_hook"] = self.ready_hook
        told = pulumi.Output.json_dumps(spec, sort_keys=True)
        return pulumi.Output.all(told, self.log_group.name).apply(lambda both: self._script(*both))

    def _script(self, spec: str, log_group: str) -> str:
        template = HOST_BOOT_SCRIPT if self.image is None else BOOT_SCRIPT
        script = template.read_text(encoding="utf-8")
        for placeholder, value in {
            "@launcher@": LAUNCHER.read_text(encoding="utf-8").rstrip(),
            "@logs@": _agent(self.name, log_group),
            "@name@": self.name,
            "@patience_seconds@": str(self.stop_seconds + KILL_SECONDS),
            # Last, since what it holds is not ours and is to stay as it is.
            "@spec@": spec,
        }.items():
            script = script.replace(placeholder, value)
        data = script.encode()
        if len(data) > USER_DATA_BYTES:
            raise ValueError(
                f"what an instance is told at boot has {len(data)} bytes, and EC2 takes "
                f"{USER_DATA_BYTES}; shorten the environment of {self.name}, or let it read that "
                "from elsewhere"
            )
        return base64.b64encode(data).decode()


def _agent(name: str, log_group: str) -> str:
    """What the CloudWatch agent is told to read.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Agent-Configuration-File-Details.html
    """
    output = {
        "file_path": f"/var/log/{name}/output.log",
        "log_group_name": log_group,
        "log_stream_name": f"{name}/{{instance_id}}",
    }
    return json.dumps({"logs": {"logs_collected": {"files": {"collect_list": [output]}}}})


def newest_image(architecture: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """The id of the newest Amazon Linux 2023 for `architecture`, `arm64` or `x86_64`."""
    # The plain copy: `value` is marked secret and would hide the image from every preview.
    return aws.ssm.get_parameter_output(
        name=IMAGE_PARAMETER.format(architecture=architecture),
        opts=pulumi.InvokeOptions(parent=opts.parent),
    ).insecure_value


def instance_role(
    name: str,
    image: pulumi.Input[str] | None,
    access: Access,
    log_group: aws.cloudwatch.LogGroup,
    place: Place,
    opts: pulumi.ResourceOptions,
) -> ServiceRole:
    """What the instance does at start, and what its program does then: there is one role."""
    statements = (
        *SESSIONS,
        *pull_images(image, place),
        grant_write(log_group),
        *together((*read_statements(access.secrets), *access.statements)),
    )
    return service_role(name, "ec2.amazonaws.com", statements, opts)


def instance_tags(ground: Ground, what: str) -> dict[str, str]:
    """The stack's tags, which the provider's defaults do not bring to instances of a group."""
    return {**ground.tags, "Name": f"{ground.prefix}-{what}"}


def group_tags(tags: Mapping[str, str]) -> list[aws.autoscaling.GroupTagArgs]:
    return [
        aws.autoscaling.GroupTagArgs(key=key, value=value, propagate_at_launch=True)
        for key, value in tags.items()
    ]


def launch_template(
    name: str,
    *,
    role: ServiceRole,
    security_group_id: pulumi.Input[str],
    image_id: pulumi.Input[str],
    instance_type: str,
    root_gb: int,
    key_name: str | None,
    program: Program,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
    by_the_minute: bool = False,
) -> aws.ec2.LaunchTemplate:
    """Instances that run `program` on Amazon Linux 2023, or on an image made from it.

    `by_the_minute`: their own metrics come every minute and not every five, for 2.10 USD a month.
    """
    profile = aws.iam.InstanceProfile(f"{name}-instance", role=role.name, opts=opts)
    return aws.ec2.LaunchTemplate(
        f"{name}-template",
        image_id=image_id,
        instance_type=instance_type,
        key_name=key_name,
        iam_instance_profile={"arn": profile.arn},
        vpc_security_group_ids=[security_group_id],
        monitoring={"enabled": True} if by_the_minute else None,
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        block_device_mappings=[
            {
                "device_name": "/dev/xvda",
                "ebs": {
                    "volume_type": "gp3",
                    "volume_size": root_gb,
                    "encrypted": "true",
                    "delete_on_termination": "true",
                },
            }
        ],
        tag_specifications=[
            {"resource_type": "instance", "tags": tags},
            {"resource_type": "volume", "tags": tags},
        ],
        user_data=program.user_data(),
        update_default_version=True,
        opts=opts,
    )


def restart_of_group(group: aws.autoscaling.Group) -> Restart:
    """Every instance replaced by one like it, new ones first."""
    return Restart(
        target={"platform": "autoscaling", "group": group.name},
        statements=[
            Statement(
                sid="ReplaceInstances",
                actions=["autoscaling:StartInstanceRefresh"],
                resources=[group.arn],
            ),
            Statement(
                sid="SeeInstances",
                actions=["autoscaling:DescribeAutoScalingGroups", "ec2:DescribeInstances"],
                # Neither listing knows resources.
                resources=["*"],
            ),
        ],
    )
