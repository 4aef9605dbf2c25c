"""What AWS would refuse, planted in one program: every fault is found, each at its own line."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.graph import Finding, Graph
from rehearsal.provider import MotoProvider
from rehearsal.run import rehearse
from tests.projects import write_project

PROGRAM = """
    import json
    import pulumi
    import pulumi_aws as aws

    opts = pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-east-1"))
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
    subnets = [
        aws.ec2.Subnet(name, vpc_id=vpc.id, cidr_block=cidr, opts=opts)
        for name, cidr in {"a": "10.0.0.0/24", "b": "10.0.1.0/24"}.items()
    ]
    fargate = {
        "requires_compatibilities": ["FARGATE"],
        "network_mode": "awsvpc",
        "container_definitions": json.dumps([{"name": "api", "image": "api:1"}]),
        "opts": opts,
    }
    database = {
        "engine": "postgres",
        "instance_class": "db.t4g.micro",
        "allocated_storage": 20,
        "username": "app",
        "password": "long-enough-1",
        "skip_final_snapshot": True,
        "opts": opts,
    }
    nobody = "arn:aws:iam::123456789012:role/nobody"

    aws.lb.LoadBalancer("a-door-with-a-far-too-long-name", subnets=subnets, opts=opts)
    aws.ec2.LaunchTemplate("machine", image_id="ami-12345678", instance_type="g9.huge", opts=opts)
    aws.ecs.TaskDefinition("pair", family="pair", cpu="256", memory="4096", **fargate)
    aws.rds.Instance("database", engine_version="99", **database)
    aws.sqs.Queue("queue", visibility_timeout_seconds=50000, opts=opts)
    aws.lb.TargetGroup("targets", vpc_id=vpc.id, port=80, protocol="HTTP",
        health_check={"pth": "/health"}, opts=opts)
    aws.ecs.TaskDefinition("roleless", family="roleless", cpu="256", memory="512",
        execution_role_arn=nobody, **fargate)

    good = aws.sqs.Queue("good", opts=opts)
    pulumi.export("good", good.url)
"""

FAULTS = {
    "a-door-with-a-far-too-long-name": ("name", "has 39 characters"),
    "machine": ("model", 'instanceType: "g9.huge" is not one of'),
    "pair": ("cfn-lint", "Cpu '256' is not compatible with memory '4096'"),
    "database": ("cfn-lint", "engineVersion: '99' is not one of"),
    "queue": ("model", "visibilityTimeoutSeconds: 50000 given, 0 to 43200 allowed"),
    "targets": ("shape", "healthCheck.pth: no such property"),
    "roleless": ("reference", "'arn:aws:iam::123456789012:role/nobody' is no role"),
}


@pytest.fixture(scope="module", name="graph")
def _graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    directory = tmp_path_factory.mktemp("faulty")
    write_project(directory, PROGRAM)
    with MotoProvider() as provider:
        return rehearse(directory, "dev", "Pulumi.dev.yaml", provider)


def about(graph: Graph, name: str) -> list[Finding]:
    return [finding for finding in graph.findings if finding.urn.endswith(f"::{name}")]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_once_and_at_its_line(name: str, graph: Graph) -> None:
    check, message = FAULTS[name]

    [found] = about(graph, name)
    assert (found.check, found.severity) == (check, "error")
    assert message in found.message
    file, _, line = found.source.partition(":")
    written = (Path(graph.program_dir) / file).read_text().splitlines()
    assert f'"{name}"' in written[int(line) - 1]


def test_nothing_else_is_found_and_the_run_goes_on_to_the_end(graph: Graph) -> None:
    assert len(graph.findings) == len(FAULTS)
    assert graph.outputs["good"].startswith("https://sqs.us-east-1.amazonaws.com/")
