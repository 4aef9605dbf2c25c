"""Security groups and their rules: components/security_groups.py."""

from __future__ import annotations

import pulumi

from components.security_groups import allow_https_out, connect, security_group
from tests.recorder import Recorded, aws_provider, record


def recorded_groups() -> Recorded:
    def program() -> None:
        opts = pulumi.ResourceOptions(provider=aws_provider())
        workers = security_group("workers", "vpc-1", "Workers", opts)
        database = security_group("database", "vpc-1", "Database", opts)
        connect("workers-to-database", source=workers.id, target=database.id, port=5432, opts=opts)
        allow_https_out("workers-https-out", workers.id, opts)

    return record(program)


def test_a_group_has_no_rules_of_its_own():
    group = recorded_groups().one("ec2.SecurityGroup", "workers")
    assert (group["vpc_id"], group["description"]) == ("vpc-1", "Workers")
    assert "ingress" not in group
    assert "egress" not in group


def test_a_connection_is_one_rule_out_of_the_source_and_one_into_the_target():
    recorded = recorded_groups()
    workers = recorded.one("ec2.SecurityGroup", "workers").id
    database = recorded.one("ec2.SecurityGroup", "database").id
    out = recorded.one("vpc.SecurityGroupEgressRule", "workers-to-database-out")
    into = recorded.one("vpc.SecurityGroupIngressRule", "workers-to-database-in")
    assert out["security_group_id"] == into["referenced_security_group_id"] == workers
    assert into["security_group_id"] == out["referenced_security_group_id"] == database
    for rule in (out, into):
        assert (rule["ip_protocol"], rule["from_port"], rule["to_port"]) == ("tcp", 5432, 5432)


def test_a_connection_names_groups_and_never_addresses():
    recorded = recorded_groups()
    out = recorded.one("vpc.SecurityGroupEgressRule", "workers-to-database-out")
    assert "cidr_ipv4" not in out
    for rule in recorded.all("vpc.SecurityGroupIngressRule"):
        assert "cidr_ipv4" not in rule
        assert "cidr_ipv6" not in rule


def test_https_is_the_only_way_out_to_anywhere():
    rule = recorded_groups().one("vpc.SecurityGroupEgressRule", "workers-https-out")
    assert rule["cidr_ipv4"] == "0.0.0.0/0"
    assert (rule["ip_protocol"], rule["from_port"], rule["to_port"]) == ("tcp", 443, 443)
