"""Rules of the address space and of the ways out."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from settings import addresses
from settings.api import ApiSettings
from settings.invariants.base import Violation, Violations, invariant
from settings.network import NetworkSettings
from settings.redis_queues import RedisQueueSettings
from settings.regions import zone_letters
from settings.secrets import SecretSettings
from settings.services import ServiceSettings
from settings.workers import (
    Ec2FleetSettings,
    FargateFleetSettings,
    WorkerSettings,
    is_gpu,
)


@invariant
def network_is_private_and_of_a_size(network: NetworkSettings) -> Violations:
    cidr = ipaddress.IPv4Network(network.cidr)
    if not addresses.LARGEST_VPC <= cidr.prefixlen <= addresses.SMALLEST_VPC:
        yield Violation(
            "network",
            "cidr",
            f"{cidr} is a /{cidr.prefixlen}; give a /{addresses.LARGEST_VPC} to a "
            f"/{addresses.SMALLEST_VPC}: AWS allows no larger, and the database tier no smaller",
        )
    private = [
        ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    ]
    if not any(cidr.subnet_of(block) for block in private):
        yield Violation(
            "network",
            "cidr",
            f"{cidr} is not private; give a network inside "
            f"{', '.join(str(block) for block in private)}",
        )
    # Docker's bridge on the GPU hosts: what it shadows, a container cannot reach.
    if cidr.overlaps(ipaddress.IPv4Network("172.17.0.0/16")):
        yield Violation(
            "network",
            "cidr",
            f"{cidr} overlaps 172.17.0.0/16, which Docker uses on every host; give another",
        )


@invariant
def zones_are_in_order(network: NetworkSettings) -> Violations:
    in_order = sorted(network.zones)
    if list(network.zones) != in_order:
        yield Violation(
            "network",
            "zones",
            f"{', '.join(network.zones)} is out of order; give {', '.join(in_order)}",
        )


@invariant
def zones_exist_in_the_region(network: NetworkSettings, region: str) -> Violations:
    letters = zone_letters(region)
    for index, letter in enumerate(network.zones):
        if letter not in letters:
            yield Violation(
                "network",
                f"zones[{index}]",
                f"{region} has no zone {letter}; give letters out of {', '.join(letters)}",
            )


@invariant
def private_tier_has_room(
    network: NetworkSettings,
    api: ApiSettings,
    services: Mapping[str, ServiceSettings],
    workers: Mapping[str, WorkerSettings],
) -> Violations:
    try:
        room = addresses.plan(network.cidr, network.zones).private_addresses // 2
    except ValueError:
        return  # network_is_private_and_of_a_size says it
    # A deployment doubles tasks on Fargate; a GPU worker's instance and its task each hold an
    # address; of instances that are replaced there are half as many again, and a drain's beside.
    tasks = 2 * (api.largest + sum(service.max_tasks for service in services.values()))
    fleets = 2 * sum(_most_workers(fleet) for fleet in workers.values())
    endpoints = len(network.interface_endpoints) * len(network.zones)
    needed = tasks + fleets + endpoints
    if needed > room:
        yield Violation(
            "network",
            "cidr",
            f"{network.cidr} leaves {room} addresses, half of the private tier, and the stack can "
            f"take {needed} ({tasks} for the API and services during a deployment, "
            f"{fleets} for workers, "
            f"{endpoints} for endpoints); give a larger network or smaller fleets",
        )


def _most_workers(fleet: WorkerSettings) -> int:
    beside = 0
    if is_gpu(fleet) and fleet.overflow:
        beside = fleet.overflow.max_workers
    if isinstance(fleet, FargateFleetSettings) and fleet.beat:
        beside = 1
    return fleet.max_workers + beside


@invariant
def without_nat_aws_is_reached_by_endpoints(
    network: NetworkSettings,
    api: ApiSettings,
    workers: Mapping[str, WorkerSettings],
    secrets: Mapping[str, SecretSettings],
    redis_queues: Mapping[str, RedisQueueSettings],
) -> Violations:
    """Endpoints lead to AWS alone: without NAT, third parties such as openai are out of reach."""
    if network.nat != "none":
        return
    needed = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
    if workers:
        needed.append("sqs")
    if any(is_gpu(fleet) for fleet in workers.values()):
        needed += ["ecs", "ecs-agent", "ecs-telemetry"]
    if any(isinstance(fleet, Ec2FleetSettings) for fleet in workers.values()):
        needed += ["autoscaling", "ssm", "ssmmessages", "ec2messages"]
    if api.kind == "beanstalk":
        needed += ["cloudformation", "elasticbeanstalk", "elasticbeanstalk-health", "sqs"]
    if any(secret.store == "ssm" for secret in secrets.values()):
        needed.append("ssm")
    if redis_queues:
        needed.append("monitoring")
    present = network.interface_endpoints
    missing = [service for service in dict.fromkeys(needed) if service not in present]
    if missing:
        yield Violation(
            "network",
            "interface_endpoints",
            f"nat: none leaves no way to {', '.join(missing)}, which containers need to start; "
            "add them, or give nat: single or per_zone, without which third parties such as openai "
            "stay out of reach",
        )
