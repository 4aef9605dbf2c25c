"""Security groups that know each other by reference, one rule a resource."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

ANYWHERE = "0.0.0.0/0"


def security_group(
    name: str, vpc_id: pulumi.Input[str], description: str, opts: pulumi.ResourceOptions
) -> aws.ec2.SecurityGroup:
    """A group without rules. `description` must never change: AWS would replace the group."""
    return aws.ec2.SecurityGroup(name, vpc_id=vpc_id, description=description, opts=opts)


def connect(
    name: str,
    *,
    source: pulumi.Input[str],
    target: pulumi.Input[str],
    port: int,
    opts: pulumi.ResourceOptions,
) -> None:
    """Let the members of group `source` reach the members of group `target` on a TCP port."""
    aws.vpc.SecurityGroupEgressRule(
        f"{name}-out",
        security_group_id=source,
        referenced_security_group_id=target,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=opts,
    )
    aws.vpc.SecurityGroupIngressRule(
        f"{name}-in",
        security_group_id=target,
        referenced_security_group_id=source,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=opts,
    )


def allow_https_out(
    name: str, group: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> aws.vpc.SecurityGroupEgressRule:
    """Let the members reach AWS and third parties over TLS, through NAT or an endpoint."""
    return aws.vpc.SecurityGroupEgressRule(
        name,
        security_group_id=group,
        cidr_ipv4=ANYWHERE,
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        opts=opts,
    )
