"""Rules that hold between settings, checked before any AWS call.

Each rule is a function whose parameters are the sections it reads. It runs when all of those could
be read, so that one misspelt key hides no broken rule elsewhere.
"""

from __future__ import annotations

import inspect
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from settings import addresses
from settings.api import ApiSettings, BeanstalkSize, Ec2Size
from settings.backups import RULES_APART_HOURS, BackupsSettings
from settings.buckets import BucketsSettings
from settings.cache import CacheSettings
from settings.cdn import CdnSettings
from settings.database import DatabaseSettings
from settings.domain import DomainSettings
from settings.errors import Problem
from settings.fields import NAME_PATTERN, NAME_RULE
from settings.gpu import (
    FLEET_TYPES,
    GPU_CLASSES,
    GPU_INSTANCES,
    SOLD_IN,
    GpuClassName,
    QuotaSettings,
    fitting_types,
)
from settings.instances import architecture, memory_gib
from settings.keys import KeysSettings
from settings.load_balancer import LoadBalancerSettings
from settings.network import NetworkSettings
from settings.notices import NoticesSettings
from settings.platform import PlatformSettings
from settings.queues import QueueSettings
from settings.redis_queues import RedisQueueSettings
from settings.regions import zone_letters
from settings.registry import RegistrySettings
from settings.secrets import SecretSettings
from settings.services import ServiceSettings
from settings.users import UsersSettings
from settings.workers import (
    Ec2FleetSettings,
    FargateFleetSettings,
    GpuFleetSettings,
    WorkerSettings,
)

SQS_LONGEST_RECEIVE = 12 * 3600
EC2_JOB_LIMIT_SECONDS = 7080
"""What a lifecycle hook waits at most, 7200, less the margin in components/workers/drain.py.
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LifecycleHook.html"""
"""Seconds a message may stay with one receiver, renewals included."""
STAGE_MINUTES = 24 * 60
"""ECS ends a stage of a deployment, and with it a hook that still waits, after this long.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html"""
LONGEST_SILENCE = {"cloudfront": ("CloudFront", 600), "api_gateway": ("API Gateway", 30)}
"""Seconds after which what stands in front has hung up, whatever the load balancer does. CloudFront
waits 60 for an answer, and longer only on a WebSocket; API Gateway's HTTP APIs know none.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"""
ADVANCED_INSIGHTS_DAYS = 465
"""https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DatabaseInsights.html"""
SYSTEM_MIB = 2048
"""Memory of a GPU instance that the system, the ECS agent and Docker need."""
BUCKET_NAME_LIMIT = 63
"""S3's, and of all names that begin with `<platform.name>-<stack>` the first to be reached: queues
may have 80 characters, of which a queue's own name and `-dead-letter` take 37."""


@dataclass(frozen=True)
class Violation:
    """A broken rule: the section and path that a change would mend, and what to do."""

    section: str
    path: str
    message: str


Violations = Iterator[Violation]
Invariant = Callable[..., Violations]

INVARIANTS: list[Invariant] = []
_KEYS = {"stack": "stack name", "region": "aws:region"}


def invariant(rule: Invariant) -> Invariant:
    """Register a rule. Its parameters name the sections it reads, or `stack`, or `region`."""
    INVARIANTS.append(rule)
    return rule


def check(values: Mapping[str, Any]) -> list[Problem]:
    """Run every rule whose sections could be read, and list what is broken."""
    return [
        Problem(
            key=_KEYS.get(broken.section, f"backlot:{broken.section}"),
            path=broken.path,
            message=broken.message,
        )
        for rule in INVARIANTS
        if (sections := inspect.signature(rule).parameters.keys()) <= values.keys()
        for broken in rule(**{name: values[name] for name in sections})
    ]


@invariant
def names_fit_their_services(platform: PlatformSettings, stack: str, region: str) -> Violations:
    if not re.fullmatch(NAME_PATTERN, stack):
        yield Violation(
            "stack",
            "",
            f"{stack} becomes part of names; {NAME_RULE}, such as dev",
        )
    prefix = f"{platform.name}-{stack}"
    fits = BUCKET_NAME_LIMIT - len(f"-backups-{'0' * 12}-{region}-an")
    if len(prefix) > fits:
        yield Violation(
            "platform",
            "name",
            f"{prefix} leads every name and has {len(prefix)} characters; at most {fits} fit into "
            f"a bucket's name in {region}: shorten it or the stack's name",
        )


@invariant
def tags_leave_ours_alone(platform: PlatformSettings) -> Violations:
    for key in platform.tags:
        if key in ("Project", "Environment", "ManagedBy"):
            message = "is set by the platform itself; remove it"
        elif key.lower().startswith("aws:"):
            message = "begins with aws:, which AWS keeps for its own tags; rename it"
        else:
            continue
        yield Violation("platform", f"tags.{key}", message)


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
    if _is_gpu(fleet) and fleet.overflow:
        beside = fleet.overflow.max_workers
    if isinstance(fleet, FargateFleetSettings) and fleet.beat:
        beside = 1
    return fleet.max_workers + beside


def _is_gpu(fleet: WorkerSettings) -> TypeGuard[GpuFleetSettings]:
    return isinstance(fleet, GpuFleetSettings)


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
    if any(_is_gpu(fleet) for fleet in workers.values()):
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


@invariant
def replicas_need_own_credentials(database: DatabaseSettings) -> Violations:
    count = database.replicas.count
    if count and database.credentials == "managed":
        yield Violation(
            "database",
            "replicas.count",
            f"{_several(count, 'replica')} {'needs' if count == 1 else 'need'} credentials: "
            "rotated or iam (managed passwords cannot have replicas)",
        )


@invariant
def replicas_need_backups(database: DatabaseSettings) -> Violations:
    if database.replicas.count and database.backup_days == 0:
        yield Violation(
            "database",
            "backup_days",
            "0 turns backups off, and RDS makes replicas from them; give at least 1",
        )


@invariant
def advanced_insights_look_far_back(database: DatabaseSettings) -> Violations:
    if database.insights == "advanced" and database.insights_days < ADVANCED_INSIGHTS_DAYS:
        yield Violation(
            "database",
            "insights_days",
            f"insights: advanced keeps {ADVANCED_INSIGHTS_DAYS} days or more, and this is "
            f"{database.insights_days}; give {ADVANCED_INSIGHTS_DAYS}, or insights: standard",
        )


@invariant
def storage_has_room_to_grow(database: DatabaseSettings) -> Violations:
    """RDS asks for 10 % above the allocation, and warns by event below 26 %."""
    initial, maximum = database.storage_gb.initial, database.storage_gb.maximum
    least = -(-initial * 11 // 10)
    if maximum < least:
        yield Violation(
            "database",
            "storage_gb.maximum",
            f"{maximum} GB is too close to the initial {initial} GB; give at least {least} "
            "(10 % more), better 26 % more",
        )


@invariant
def database_classes_are_known(database: DatabaseSettings) -> Violations:
    yield from _known_class("database", "instance_class", database.instance_class)
    if database.replicas.instance_class:
        yield from _known_class(
            "database", "replicas.instance_class", database.replicas.instance_class
        )


@invariant
def cache_node_type_is_known(cache: CacheSettings) -> Violations:
    yield from _known_class("cache", "node_type", cache.node_type)


_SQL_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    all analyse analyze and any array as asc asymmetric both case cast check collate column
    constraint create current_catalog current_date current_role current_time current_timestamp
    current_user default deferrable desc distinct do else end except false fetch for foreign from
    grant group having in initially intersect into lateral leading limit localtime localtimestamp
    not null offset on only or order placing primary references returning select session_user some
    symmetric table then to trailing true union unique user using variadic when where window with
    """,
    )
)
"""PostgreSQL's reserved key words (its manual, appendix C)."""
_RESERVED_USERS = frozenset({"admin", "rdsadmin", "public", "none"})
_RESERVED_DATABASES = frozenset({"db", "rdsadmin", "template0", "template1"})


@invariant
def database_names_are_free(database: DatabaseSettings) -> Violations:
    name = database.username
    if name in _SQL_WORDS | _RESERVED_USERS or name.startswith(("pg_", "rds_")):
        yield Violation(
            "database",
            "username",
            f"{name} is reserved by RDS or PostgreSQL; give another, such as app",
        )
    if database.database_name in _SQL_WORDS | _RESERVED_DATABASES:
        yield Violation(
            "database",
            "database_name",
            f"{database.database_name} is reserved by RDS or PostgreSQL; give another, such as app",
        )


@invariant
def database_windows_keep_apart(database: DatabaseSettings) -> Violations:
    yield from _windows(
        "database",
        daily=("backup_window", database.backup_window),
        weekly=("maintenance_window", database.maintenance_window),
        least_minutes=30,
    )


@invariant
def cache_windows_keep_apart(cache: CacheSettings) -> Violations:
    yield from _windows(
        "cache",
        daily=("snapshot_window", cache.snapshot_window),
        weekly=("maintenance_window", cache.maintenance_window),
        least_minutes=60,
    )


CACHE_VERSIONS: Mapping[str, tuple[str, ...]] = {
    "valkey": ("7.2", "8.0", "8.1"),
    "redis": ("6.2", "7.0", "7.1"),
}
"""What ElastiCache offers and AWS still maintains, by engine."""


@invariant
def cache_version_belongs_to_its_engine(cache: CacheSettings) -> Violations:
    known = CACHE_VERSIONS[cache.engine]
    if cache.engine_version not in known:
        yield Violation(
            "cache",
            "engine_version",
            f"{cache.engine_version} is not a version of {cache.engine}; "
            f"give one of {', '.join(known)}",
        )


@invariant
def failover_needs_a_replica(cache: CacheSettings) -> Violations:
    if cache.failover and cache.nodes < 2:
        yield Violation(
            "cache",
            "failover",
            f"true needs a replica to promote, and nodes is {cache.nodes}; "
            "give nodes: 2 or more, or failover: false",
        )
    if cache.multi_az and not cache.failover:
        yield Violation(
            "cache",
            "multi_az",
            "true needs failover; give failover: true, or multi_az: false",
        )


@invariant
def dead_letters_outlive_messages(queues: Mapping[str, QueueSettings]) -> Violations:
    """A message's age is counted from its first queue, so a short-lived dead letter is lost."""
    for name, queue in queues.items():
        if queue.dead_letter_days < queue.retention_days:
            yield Violation(
                "queues",
                f"{name}.dead_letter_days",
                f"{queue.dead_letter_days} is less than retention_days, {queue.retention_days}, "
                "and a message keeps its age when it moves; give at least as many",
            )
        if queue.age_alarm_seconds >= queue.retention_days * 86400:
            yield Violation(
                "queues",
                f"{name}.age_alarm_seconds",
                f"{queue.age_alarm_seconds} can never be reached: messages expire after "
                f"{queue.retention_days * 86400} seconds; give less",
            )


@invariant
def queues_exist(
    workers: Mapping[str, WorkerSettings],
    queues: Mapping[str, QueueSettings],
    redis_queues: Mapping[str, RedisQueueSettings],
) -> Violations:
    known = [*queues, *redis_queues]
    for name, fleet in workers.items():
        if fleet.queue not in known:
            other = f"give one of {', '.join(known)}, or " if known else ""
            yield Violation(
                "workers",
                f"{name}.queue",
                f"there is no queue {fleet.queue}; {other}add it to backlot:queues",
            )


@invariant
def queues_are_told_apart(
    queues: Mapping[str, QueueSettings], redis_queues: Mapping[str, RedisQueueSettings]
) -> Violations:
    for name in queues:
        if f"{name}-dead-letter" in queues:
            yield Violation(
                "queues",
                f"{name}-dead-letter",
                f"is the name of {name}'s own dead-letter queue; give another",
            )
    for name in redis_queues:
        if name in queues:
            yield Violation(
                "redis_queues",
                name,
                f"{name} is in backlot:queues already, and a fleet could not say which it means; "
                "give another name",
            )


@invariant
def jobs_in_the_cache_stay_there(
    cache: CacheSettings, redis_queues: Mapping[str, RedisQueueSettings]
) -> Violations:
    """`volatile-lru` lets them be: a list of jobs never expires."""
    if redis_queues and cache.max_memory_policy.startswith("allkeys"):
        yield Violation(
            "cache",
            "max_memory_policy",
            f"{cache.max_memory_policy} drops any key when memory is full, jobs of "
            f"{', '.join(redis_queues)} (backlot:redis_queues) too; give noeviction, or "
            "volatile-lru",
        )


@invariant
def lists_count_their_own_jobs(redis_queues: Mapping[str, RedisQueueSettings]) -> Violations:
    """Of one Redis database: Celery keeps what is at work in one hash, for all its queues."""
    for field in ("key", "unacked_key"):
        by_key: dict[str, str] = {}
        for name, queue in redis_queues.items():
            key = getattr(queue, field)
            other = by_key.setdefault(key, name)
            if other != name:
                yield Violation(
                    "redis_queues",
                    f"{name}.{field}",
                    f"{key} is that of {other} too, and each would count the jobs of both; give "
                    "another, in the workers' own settings as well",
                )


@invariant
def jobs_fit_their_queue(
    workers: Mapping[str, WorkerSettings], queues: Mapping[str, QueueSettings]
) -> Violations:
    """A message must not come back while its job still runs."""
    for name, fleet in workers.items():
        queue = queues.get(fleet.queue)
        if queue is None:
            continue
        hidden = queue.visibility_seconds
        if fleet.heartbeat_seconds is None and hidden < fleet.job_limit_seconds:
            yield Violation(
                "queues",
                f"{fleet.queue}.visibility_seconds",
                f"{hidden} is less than the {fleet.job_limit_seconds} seconds a job of {name} may "
                "take, and it has no heartbeat: the job would run twice. "
                f"Give at least {fleet.job_limit_seconds}, or give {name} heartbeat_seconds",
            )
        if fleet.heartbeat_seconds is not None and hidden < 3 * fleet.heartbeat_seconds:
            yield Violation(
                "queues",
                f"{fleet.queue}.visibility_seconds",
                f"{hidden} is less than three heartbeats of {name}, {fleet.heartbeat_seconds} "
                "seconds each: one lost renewal would run the job twice. "
                f"Give at least {3 * fleet.heartbeat_seconds}",
            )


@invariant
def late_jobs_are_told_from_long_ones(
    workers: Mapping[str, WorkerSettings], queues: Mapping[str, QueueSettings]
) -> Violations:
    """SQS counts the age of a message until it is deleted, so a job at work grows old as well."""
    for name, fleet in workers.items():
        queue = queues.get(fleet.queue)
        longest = fleet.target_wait_seconds + fleet.job_limit_seconds
        if queue is not None and queue.age_alarm_seconds < longest:
            yield Violation(
                "queues",
                f"{fleet.queue}.age_alarm_seconds",
                f"{queue.age_alarm_seconds} would wake somebody for a job that is not late: one of "
                f"{name} may wait {fleet.target_wait_seconds} and work {fleet.job_limit_seconds} "
                f"seconds; give at least {longest}",
            )


@invariant
def job_times_are_possible(workers: Mapping[str, WorkerSettings]) -> Violations:
    for name, fleet in workers.items():
        if fleet.job_seconds > fleet.job_limit_seconds:
            yield Violation(
                "workers",
                f"{name}.job_seconds",
                f"{fleet.job_seconds} on average is more than job_limit_seconds, "
                f"{fleet.job_limit_seconds}; give at most that",
            )
        if fleet.job_limit_seconds > SQS_LONGEST_RECEIVE:
            yield Violation(
                "workers",
                f"{name}.job_limit_seconds",
                f"{fleet.job_limit_seconds} is more than the {SQS_LONGEST_RECEIVE} (12 hours) that "
                "SQS leaves a message with one worker; split the job or give at most that",
            )


@invariant
def fleets_have_a_range(workers: Mapping[str, WorkerSettings]) -> Violations:
    for name, fleet in workers.items():
        if fleet.min_workers > fleet.max_workers:
            yield Violation(
                "workers",
                f"{name}.min_workers",
                f"{fleet.min_workers} is more than max_workers, {fleet.max_workers}; "
                "give at most that",
            )
        for key, schedule in fleet.schedules.items():
            if schedule.min_workers > schedule.max_workers:
                yield Violation(
                    "workers",
                    f"{name}.schedules.{key}.min_workers",
                    f"{schedule.min_workers} is more than max_workers, {schedule.max_workers}; "
                    "give at most that",
                )
            if schedule.max_workers > fleet.max_workers:
                yield Violation(
                    "workers",
                    f"{name}.schedules.{key}.max_workers",
                    f"{schedule.max_workers} is more than the fleet's own max_workers, "
                    f"{fleet.max_workers}, which its instances are counted by; give at most that",
                )
        if not isinstance(fleet, FargateFleetSettings) and fleet.on_demand_base > fleet.max_workers:
            yield Violation(
                "workers",
                f"{name}.on_demand_base",
                f"{fleet.on_demand_base} is more than max_workers, {fleet.max_workers}; "
                "give at most that",
            )


@invariant
def overflow_has_a_spot_to_stand_in_for(workers: Mapping[str, WorkerSettings]) -> Violations:
    for name, fleet in workers.items():
        if _is_gpu(fleet) and fleet.overflow and fleet.on_demand_percent == 100:
            yield Violation(
                "workers",
                f"{name}.overflow",
                "steps in when spot is dry, and on_demand_percent: 100 buys no spot; remove it, or "
                "give less",
            )


@invariant
def quotas_hold_the_largest_fleets(
    workers: Mapping[str, WorkerSettings], gpu_quota: QuotaSettings | None, region: str
) -> Violations:
    """AWS counts the vCPU of all G and VT instances together, by how they are bought."""
    if gpu_quota is None:
        return
    needed = {"on_demand": 0, "spot": 0}
    for fleet in workers.values():
        if not _is_gpu(fleet):
            continue
        types = fleet.types_in(region)
        vcpus = max(
            (GPU_INSTANCES[each].vcpus for each in types if each in GPU_INSTANCES), default=0
        )
        base = min(fleet.on_demand_base, fleet.max_workers)
        above = -(-(fleet.max_workers - base) * fleet.on_demand_percent // 100)
        overflow = fleet.overflow.max_workers if fleet.overflow else 0
        needed["on_demand"] += (base + above + overflow) * vcpus
        needed["spot"] += (fleet.max_workers - base - above) * vcpus
    for path, given in (("on_demand", gpu_quota.on_demand), ("spot", gpu_quota.spot)):
        if given < needed[path]:
            yield Violation(
                "gpu_quota",
                path,
                f"{given} vCPU are less than the {needed[path]} that the fleets may grow to, "
                "bought that way; give at least that (a request to AWS), or smaller fleets",
            )


@invariant
def overflow_knows_how_old_jobs_are(
    workers: Mapping[str, WorkerSettings], redis_queues: Mapping[str, RedisQueueSettings]
) -> Violations:
    for name, fleet in workers.items():
        if _is_gpu(fleet) and fleet.overflow and fleet.queue in redis_queues:
            yield Violation(
                "workers",
                f"{name}.overflow",
                f"steps in when jobs grow old, and Redis does not say how old those of "
                f"{fleet.queue} are; remove it, or give a queue from backlot:queues",
            )


@invariant
def ec2_workers_have_something_to_run(workers: Mapping[str, WorkerSettings]) -> Violations:
    for name, fleet in workers.items():
        if not isinstance(fleet, Ec2FleetSettings):
            continue
        if fleet.image is None and not (fleet.ami and fleet.command):
            yield Violation(
                "workers",
                f"{name}.image",
                "missing, and so nothing would run; give an image, or an ami that holds the worker "
                "and the command that starts it",
            )
        for index, instance_type in enumerate(fleet.instance_types):
            has = architecture(instance_type)
            if has != fleet.architecture:
                yield Violation(
                    "workers",
                    f"{name}.instance_types[{index}]",
                    f"{instance_type} has an {has} CPU, and architecture is {fleet.architecture}; "
                    f"give another type, or architecture: {has}",
                )


@invariant
def instances_can_wait_for_their_jobs(workers: Mapping[str, WorkerSettings]) -> Violations:
    """A job that outlives the hook would be cut off when its instance is to go."""
    for name, fleet in workers.items():
        if isinstance(fleet, Ec2FleetSettings) and fleet.job_limit_seconds > EC2_JOB_LIMIT_SECONDS:
            yield Violation(
                "workers",
                f"{name}.job_limit_seconds",
                f"{fleet.job_limit_seconds} is more than the {EC2_JOB_LIMIT_SECONDS} that an "
                "instance which is to be terminated waits for its job; give at most that, or "
                "kind: fargate",
            )


@invariant
def warm_pools_are_of_one_kind(workers: Mapping[str, WorkerSettings]) -> Violations:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-warm-pools.html"""
    for name, fleet in workers.items():
        if not isinstance(fleet, Ec2FleetSettings) or fleet.warm_pool is None:
            continue
        mixed = []
        if len(fleet.instance_types) > 1:
            mixed.append(f"{len(fleet.instance_types)} instance types")
        if fleet.on_demand_percent < 100:
            mixed.append("spot")
        if mixed:
            yield Violation(
                "workers",
                f"{name}.warm_pool",
                f"AWS refuses a warm pool for a group with {' and '.join(mixed)}; remove it, or "
                "give one type and on_demand_percent: 100",
            )
        if fleet.warm_pool.min_size > fleet.max_workers:
            yield Violation(
                "workers",
                f"{name}.warm_pool.min_size",
                f"{fleet.warm_pool.min_size} is more than max_workers, {fleet.max_workers}; "
                "give at most that",
            )


@invariant
def workers_are_protected_while_they_can_say_so(
    workers: Mapping[str, WorkerSettings],
) -> Violations:
    """A worker asks again with every third of the protection, beside its heartbeats."""
    for name, fleet in workers.items():
        beat, third = fleet.heartbeat_seconds, fleet.protection_minutes * 60 // 3
        if beat is not None and beat > third:
            yield Violation(
                "workers",
                f"{name}.protection_minutes",
                f"{fleet.protection_minutes} must be asked for every {third} seconds, and the "
                f"worker only looks up every {beat} (heartbeat_seconds); give at least "
                f"{-(-beat * 3 // 60)}",
            )


@invariant
def gpu_types_satisfy_their_class(workers: Mapping[str, WorkerSettings]) -> Violations:
    """Of each type exactly one GPU: ECS counts GPUs, so instances needed are tasks pending."""
    for name, fleet in workers.items():
        if not _is_gpu(fleet):
            continue
        floor = GPU_CLASSES[fleet.gpu_class].floor_mib
        for index, instance_type in enumerate(fleet.instance_types):
            facts = GPU_INSTANCES.get(instance_type)
            if facts is None:
                message = f"is not in settings/gpu.py; give one of {', '.join(FLEET_TYPES)}"
            elif facts.gpus != 1:
                message = (
                    f"has {facts.gpus} GPUs, and a worker has one; give one of "
                    f"{', '.join(FLEET_TYPES)}"
                )
            elif facts.gpu_mib < floor:
                message = (
                    f"has {facts.gpu_mib} MiB of GPU memory; class {fleet.gpu_class} needs {floor}"
                )
            else:
                continue
            yield Violation(
                "workers", f"{name}.instance_types[{index}]", f"{instance_type} {message}"
            )


@invariant
def gpu_types_are_sold_in_the_region(
    workers: Mapping[str, WorkerSettings], region: str
) -> Violations:
    for name, fleet in workers.items():
        if not _is_gpu(fleet):
            continue
        for index, instance_type in enumerate(fleet.instance_types):
            if region not in SOLD_IN.get(instance_type, (region,)):
                fitting = fitting_types(fleet.gpu_class, region)
                do = f"give {_one_of(fitting)}" if fitting else _other_gpus(region)
                yield Violation(
                    "workers",
                    f"{name}.instance_types[{index}]",
                    f"{instance_type} is not sold in {region}; {do} (settings/gpu.py)",
                )
        if not fleet.types_in(region):
            unsold = ", ".join(GPU_CLASSES[fleet.gpu_class].instance_types)
            fitting = fitting_types(fleet.gpu_class, region)
            do = f"give instance_types: [{', '.join(fitting)}]" if fitting else _other_gpus(region)
            yield Violation(
                "workers",
                f"{name}.gpu_class",
                f"{fleet.gpu_class} means {unsold}, and none of them is sold in {region}; {do} "
                "(settings/gpu.py)",
            )


def _other_gpus(region: str) -> str:
    classes: list[GpuClassName] = [each for each in GPU_CLASSES if fitting_types(each, region)]
    if not classes:
        return "nor is any other GPU that a class takes: give another aws:region"
    return f"give gpu_class: {_one_of(classes)}, or another aws:region"


def _one_of(choice: Sequence[str]) -> str:
    return choice[0] if len(choice) == 1 else f"one of {', '.join(choice)}"


@invariant
def gpu_tasks_fit_the_smallest_type(
    workers: Mapping[str, WorkerSettings], region: str
) -> Violations:
    """ECS scales out by the smallest type; a task too large for it would wait for ever."""
    for name, fleet in workers.items():
        if not _is_gpu(fleet):
            continue
        types = fleet.types_in(region)
        known = [GPU_INSTANCES[each] for each in types if each in GPU_INSTANCES]
        if not known:
            continue
        cpu = min(facts.vcpus for facts in known) * 1024
        memory = min(facts.memory_mib for facts in known) - SYSTEM_MIB
        if fleet.cpu > cpu:
            yield Violation(
                "workers",
                f"{name}.cpu",
                f"{fleet.cpu} is more than the {cpu} CPU units of the smallest of "
                f"{', '.join(types)}; give at most that",
            )
        if fleet.memory > memory:
            yield Violation(
                "workers",
                f"{name}.memory",
                f"{fleet.memory} MiB is more than the {memory} that the smallest of "
                f"{', '.join(types)} has beside its system; give at most that",
            )


_FARGATE_MEMORY: Mapping[int, Iterable[int]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
"""MiB that go with each CPU (Amazon ECS Developer Guide, "Fargate task CPU and memory")."""


@invariant
def api_has_the_size_of_its_kind(api: ApiSettings) -> Violations:
    if getattr(api, api.kind) is None:
        yield Violation(
            "api",
            api.kind,
            f"missing, and kind is {api.kind}; give its size there: {_SIZES[api.kind]}",
        )


_SIZES = {
    "fargate": "cpu, memory, min_tasks, max_tasks and strategy",
    "ec2": "instance_type, min_instances and max_instances",
    "beanstalk": "instance_type, min_instances and max_instances",
}


@invariant
def fargate_sells_the_pair(
    api: ApiSettings,
    services: Mapping[str, ServiceSettings],
    workers: Mapping[str, WorkerSettings],
) -> Violations:
    if api.fargate:
        yield from _fargate_pair("api", "fargate.memory", api.fargate.cpu, api.fargate.memory)
    for name, service in services.items():
        yield from _fargate_pair("services", f"{name}.memory", service.cpu, service.memory)
    for name, fleet in workers.items():
        if not isinstance(fleet, FargateFleetSettings):
            continue
        yield from _fargate_pair("workers", f"{name}.memory", fleet.cpu, fleet.memory)
        if beat := fleet.beat:
            yield from _fargate_pair("workers", f"{name}.beat.memory", beat.cpu, beat.memory)


def _fargate_pair(section: str, path: str, cpu: int, memory: int) -> Violations:
    offered = list(_FARGATE_MEMORY[cpu])
    if memory not in offered:
        choice = (
            ", ".join(map(str, offered))
            if len(offered) <= 4
            else f"{offered[0]} to {offered[-1]} in steps of {offered[1] - offered[0]}"
        )
        yield Violation(
            section, path, f"{memory} MiB does not go with cpu {cpu} on Fargate; give {choice}"
        )


@invariant
def api_scales_within_a_range(
    api: ApiSettings, services: Mapping[str, ServiceSettings]
) -> Violations:
    ranges: list[tuple[str, str, str, int, int]] = [
        ("services", f"{name}.", "tasks", service.min_tasks, service.max_tasks)
        for name, service in services.items()
    ]
    if api.fargate:
        ranges.append(("api", "fargate.", "tasks", api.fargate.min_tasks, api.fargate.max_tasks))
    for kind, size in _instance_sizes(api):
        ranges.append(("api", f"{kind}.", "instances", size.min_instances, size.max_instances))
    for section, lead, what, low, high in ranges:
        if low > high:
            yield Violation(
                section,
                f"{lead}min_{what}",
                f"{low} is more than max_{what}, {high}; give at most that",
            )


def _instance_sizes(api: ApiSettings) -> Iterator[tuple[str, Ec2Size | BeanstalkSize]]:
    for kind, size in (("ec2", api.ec2), ("beanstalk", api.beanstalk)):
        if size:
            yield kind, size


@invariant
def instances_run_the_images_they_are_given(api: ApiSettings) -> Violations:
    for kind, size in _instance_sizes(api):
        has = architecture(size.instance_type)
        if has != api.architecture:
            yield Violation(
                "api",
                f"{kind}.instance_type",
                f"{size.instance_type} has an {has} CPU, and the image is built for "
                f"{api.architecture}; give a type such as "
                f"{'t4g.small' if api.architecture == 'arm64' else 't3.small'}, or "
                f"architecture: {has}",
            )


@invariant
def beanstalk_grows_above_where_it_shrinks(api: ApiSettings) -> Violations:
    size = api.beanstalk
    if size and size.cpu_low >= size.cpu_high:
        yield Violation(
            "api",
            "beanstalk.cpu_low",
            f"{size.cpu_low} is not below cpu_high, {size.cpu_high}: instances would come and go "
            "without end; give less",
        )


@invariant
def requests_are_counted_where_traffic_goes(api: ApiSettings) -> Violations:
    """AWS takes the combination, and the service then scales on a group that is empty half of the
    time: https://github.com/aws/containers-roadmap/issues/1681"""
    if api.requests is None:
        return
    moves = api.fargate.strategy if api.fargate else "rolling"
    if api.kind == "fargate" and moves != "rolling" and api.requests.metric == "predefined":
        yield Violation(
            "api",
            "requests.metric",
            "predefined (ALBRequestCountPerTarget) follows one target group, and strategy: "
            f"{moves} moves traffic between two; give summed, or fargate.strategy: rolling",
        )
    if api.kind == "beanstalk":
        yield Violation(
            "api",
            "requests",
            "Elastic Beanstalk scales on one metric, and here that is CPU; remove it, or give "
            "kind: fargate or ec2",
        )


@invariant
def stages_of_a_deployment_end_in_time(api: ApiSettings) -> Violations:
    deployment = api.deployment
    waits = [
        ("deployment.bake_minutes", deployment.bake_minutes),
        ("deployment.canary.bake_minutes", deployment.canary.bake_minutes),
        ("deployment.linear.step_bake_minutes", deployment.linear.step_bake_minutes),
        ("deployment.migration.limit_minutes", (m := deployment.migration) and m.limit_minutes),
    ]
    for path, minutes in waits:
        if minutes and minutes > STAGE_MINUTES:
            yield Violation(
                "api",
                path,
                f"{minutes} is more than the {STAGE_MINUTES} (24 hours) after which ECS ends a "
                "stage; give at most that",
            )


@invariant
def nobody_is_asked_for_longer_than_a_day(api: ApiSettings) -> Violations:
    """AWS would wait for 14 days: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html"""
    minutes = api.fargate and api.fargate.approval_minutes
    if minutes and minutes > STAGE_MINUTES:
        yield Violation(
            "api",
            "fargate.approval_minutes",
            f"{minutes} is more than {STAGE_MINUTES} (24 hours); both versions run, and are paid "
            "for, while a deployment waits: give at most that",
        )


@invariant
def hooks_have_a_deployment_to_hold(api: ApiSettings) -> Violations:
    size = api.fargate
    if size and size.approval_minutes and size.strategy == "rolling":
        yield Violation(
            "api",
            "fargate.approval_minutes",
            "strategy: rolling has users on the new version from its first task, so there is "
            "nothing to approve; remove it, or give blue_green, canary or linear",
        )


@invariant
def health_check_answers_in_time(
    api: ApiSettings, services: Mapping[str, ServiceSettings]
) -> Violations:
    checks = [("api", "", api.health)]
    checks += [("services", f"{name}.", service.health) for name, service in services.items()]
    for section, lead, health in checks:
        if health.timeout_seconds >= health.interval_seconds:
            yield Violation(
                section,
                f"{lead}health.timeout_seconds",
                f"{health.timeout_seconds} is not less than interval_seconds, "
                f"{health.interval_seconds}; give less",
            )


@invariant
def rules_are_asked_in_an_order(services: Mapping[str, ServiceSettings]) -> Violations:
    taken: dict[int, str] = {}
    for name, service in services.items():
        if service.route is None:
            continue
        priority = service.route.priority
        if priority in taken:
            yield Violation(
                "services",
                f"{name}.route.priority",
                f"{priority} is taken by {taken[priority]}; give another from 10 to 99",
            )
        taken.setdefault(priority, name)


@invariant
def services_leave_the_apis_names_alone(
    services: Mapping[str, ServiceSettings], workers: Mapping[str, WorkerSettings]
) -> Violations:
    taken = {
        "api": "the API",
        "api-sessions": "the log of the API's sessions",
        "api-migration": "the API's migration",
        **dict.fromkeys(workers, "a fleet in backlot:workers"),
    }
    for name in services:
        if name in taken:
            yield Violation(
                "services", name, f"{name} is the name of {taken[name]} already; give another"
            )


@invariant
def logs_are_told_apart(
    services: Mapping[str, ServiceSettings], workers: Mapping[str, WorkerSettings]
) -> Violations:
    """Each of them writes to `/ecs/<prefix>-<log>`."""
    of_each = [("services", name, (name, f"{name}-sessions")) for name in services]
    of_each += [("workers", name, _logs(name, fleet)) for name, fleet in workers.items()]
    taken: dict[str, str] = {}
    for section, name, logs in of_each:
        for log in logs:
            owner = taken.setdefault(log, f"{name} in backlot:{section}")
            if owner != f"{name} in backlot:{section}":
                yield Violation(
                    section,
                    name,
                    f"its log {log} would be that of {owner} too; give another name",
                )
                break


def _logs(name: str, fleet: WorkerSettings) -> tuple[str, ...]:
    worker = f"worker-{name}"
    match fleet:
        case FargateFleetSettings(beat=beat):
            return (worker, f"{worker}-sessions", *([f"{worker}-beat"] if beat else ()))
        case GpuFleetSettings():
            return (worker,)
        case _:
            return ()


@invariant
def images_come_from_a_repository(
    registry: RegistrySettings,
    api: ApiSettings,
    services: Mapping[str, ServiceSettings],
    workers: Mapping[str, WorkerSettings],
) -> Violations:
    images = [("api", "image", api.image)]
    images += [("services", f"{name}.image", service.image) for name, service in services.items()]
    images += [
        ("workers", f"{name}.image", fleet.image) for name, fleet in workers.items() if fleet.image
    ]
    for section, path, image in images:
        host, slash, _ = image.partition("/")
        if slash and ("." in host or ":" in host):
            continue
        repository = re.split(r"[:@]", image, maxsplit=1)[0]
        if repository not in registry.repositories:
            yield Violation(
                section,
                path,
                f"{image} needs a repository {repository}; give one of "
                f"{', '.join(registry.repositories)}, add it to backlot:registry, "
                "or give a full address such as public.ecr.aws/nginx/nginx:1.29",
            )
        if image.endswith(":latest"):
            yield Violation(
                section,
                path,
                f"{image} names no version: tags are immutable, so latest could be pushed only "
                "once; give a version or a digest",
            )


@invariant
def secrets_stand_where_they_are_named(
    api: ApiSettings,
    services: Mapping[str, ServiceSettings],
    workers: Mapping[str, WorkerSettings],
    secrets: Mapping[str, SecretSettings],
) -> Violations:
    """Without a single shell, every name would be an error of its own, for one thing to do."""
    readers = [api, *services.values(), *workers.values()]
    named = list(dict.fromkeys(name for reader in readers for name in reader.secrets))
    if named and not secrets:
        variable = f"{named[0].replace('-', '_').upper()}_API_KEY"
        yield Violation(
            "secrets",
            "",
            f"holds no secret, and {', '.join(named)} {'is' if len(named) == 1 else 'are'} named "
            "by the API, services or workers; give each the variable it is read as, such as "
            f"{named[0]}: {{environment: {variable}}}",
        )


@invariant
def api_variables_do_not_clash(
    api: ApiSettings, secrets: Mapping[str, SecretSettings]
) -> Violations:
    yield from _container_variables("api", "", api.environment, api.secrets, secrets)


@invariant
def service_variables_do_not_clash(
    services: Mapping[str, ServiceSettings], secrets: Mapping[str, SecretSettings]
) -> Violations:
    for name, service in services.items():
        yield from _container_variables(
            "services", f"{name}.", service.environment, service.secrets, secrets
        )


@invariant
def worker_variables_do_not_clash(
    workers: Mapping[str, WorkerSettings], secrets: Mapping[str, SecretSettings]
) -> Violations:
    for name, fleet in workers.items():
        yield from _container_variables(
            "workers", f"{name}.", fleet.environment, fleet.secrets, secrets
        )


@invariant
def secrets_leave_our_variables_alone(secrets: Mapping[str, SecretSettings]) -> Violations:
    for name, secret in secrets.items():
        if _is_ours(secret.environment):
            yield Violation("secrets", f"{name}.environment", _ours(secret.environment))


@invariant
def names_are_inside_the_zone(domain: DomainSettings | None) -> Violations:
    if domain is None:
        return
    names = [("api", domain.api)]
    names += [
        (f"alternative_names[{index}]", name) for index, name in enumerate(domain.alternative_names)
    ]
    names += [(path, name) for path, name in (("app", domain.app), ("cdn", domain.cdn)) if name]
    taken: dict[str, str] = {}
    for path, name in names:
        if name != domain.zone and not name.endswith(f".{domain.zone}"):
            yield Violation(
                "domain",
                path,
                f"{name} is outside the zone {domain.zone}; give a name that ends in it",
            )
        if name in taken:
            yield Violation(
                "domain",
                path,
                f"{name} is {taken[name]} already, and leads to one place; remove it",
            )
        taken.setdefault(name, path)


@invariant
def http_is_a_choice(
    domain: DomainSettings | None, load_balancer: LoadBalancerSettings
) -> Violations:
    if domain is None and not load_balancer.plain_http:
        yield Violation(
            "load_balancer",
            "plain_http",
            "without backlot:domain there is no certificate, so the API could only answer over "
            "HTTP; add backlot:domain, or give plain_http: true",
        )
    if domain is not None and load_balancer.plain_http:
        yield Violation(
            "load_balancer",
            "plain_http",
            f"true has no use beside backlot:domain: {domain.api} answers over HTTPS; remove it",
        )


@invariant
def doors_have_a_certificate(
    domain: DomainSettings | None, load_balancer: LoadBalancerSettings
) -> Violations:
    """CloudFront and API Gateway would reach the load balancer over TLS, and answer by a name."""
    if domain is None and load_balancer.reached_through != "internet":
        yield Violation(
            "load_balancer",
            "reached_through",
            f"{load_balancer.reached_through} needs a certificate, and without backlot:domain "
            "there is none; add backlot:domain, or give internet",
        )


@invariant
def doors_wait_as_long_as_they_are_asked_to(load_balancer: LoadBalancerSettings) -> Violations:
    """The default is nobody's wish, so it is not held against what stands in front."""
    door, longest = LONGEST_SILENCE.get(load_balancer.reached_through, ("", 0))
    asked = "idle_seconds" in load_balancer.model_fields_set
    if door and asked and load_balancer.idle_seconds > longest:
        yield Violation(
            "load_balancer",
            "idle_seconds",
            f"{load_balancer.idle_seconds} has no use behind {door}, which hangs up after "
            f"{longest} seconds of silence; give at most that, or remove it",
        )


@invariant
def names_lead_somewhere(domain: DomainSettings | None, cdn: CdnSettings | None) -> Violations:
    if domain is None or cdn is not None:
        return
    for path, name in (("app", domain.app), ("cdn", domain.cdn)):
        if name:
            yield Violation(
                "domain",
                path,
                f"{name} would lead nowhere: backlot:cdn serves it, and there is none; "
                "add backlot:cdn, or remove the name",
            )


@invariant
def releases_are_served(buckets: BucketsSettings, cdn: CdnSettings | None) -> Violations:
    if buckets.releases and cdn is None:
        yield Violation(
            "buckets",
            "releases",
            "true makes a bucket that backlot:cdn serves, and there is none; add backlot:cdn, "
            "or give false",
        )


@invariant
def copies_of_backups_are_elsewhere(backups: BackupsSettings | None, region: str) -> Violations:
    if backups is None:
        return
    if backups.copy_to == region:
        yield Violation(
            "backups",
            "copy_to",
            f"{region} is where the stack is, and would be lost with it; give another region",
        )
    if backups.copy_to is None and backups.replicate_database:
        yield Violation(
            "backups",
            "replicate_database",
            "true needs a region to keep the database's backups in; give copy_to, or false",
        )
    if backups.copy_to is None and "copy_days" in backups.model_fields_set:
        yield Violation(
            "backups",
            "copy_days",
            f"{backups.copy_days} has no use without copy_to; give copy_to, or remove it",
        )


@invariant
def replicated_backups_are_made(
    backups: BackupsSettings | None, database: DatabaseSettings
) -> Violations:
    if backups and backups.replicate_database and database.backup_days == 0:
        yield Violation(
            "backups",
            "replicate_database",
            "true has nothing to replicate: database.backup_days is 0; give at least 1 there, "
            "or false here",
        )


@invariant
def replicated_backups_have_a_key_there(
    backups: BackupsSettings | None, keys: KeysSettings
) -> Violations:
    """The keys AWS owns are of one region; a copy of an encrypted database needs one elsewhere."""
    if backups and backups.replicate_database and not keys.customer_managed:
        yield Violation(
            "backups",
            "replicate_database",
            "true needs a key in the other region, and keys.customer_managed is false; give true "
            "there, or false here",
        )


@invariant
def backups_miss_the_maintenance(
    backups: BackupsSettings | None, database: DatabaseSettings
) -> Violations:
    """A database is not backed up while it is maintained, nor in the hour before.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/whatisbackup.html
    """
    if backups is None:
        return
    begins, lasts = _weekly(database.maintenance_window)
    for hour in (backups.hour, backups.hour + RULES_APART_HOURS):
        # A job begins within an hour of its time.
        if _meet((hour % 24 * 60, 60), (begins - 60, lasts + 60)):
            yield Violation(
                "backups",
                "hour",
                f"{backups.hour} begins a backup at {hour % 24}:00, and RDS backs nothing up in "
                f"database.maintenance_window, {database.maintenance_window}, or in the hour "
                "before; move one of them",
            )
            return


@invariant
def locked_vaults_take_every_backup(
    backups: BackupsSettings | None, database: DatabaseSettings
) -> Violations:
    """AWS Backup fails every job whose retention a vault's lock does not allow."""
    if backups is None or backups.lock is None:
        return
    least, most = backups.lock.minimum_days, backups.lock.maximum_days
    if least > most:
        yield Violation(
            "backups",
            "lock.maximum_days",
            f"{most} is less than minimum_days, {least}; nothing could be kept; raise it",
        )
        return
    kept = [("keep_days", backups.keep_days)]
    if backups.copy_to:
        kept.append(("copy_days", backups.copy_days))
    if database.backup_days and not least <= database.backup_days <= most:
        yield Violation(
            "backups",
            "lock",
            f"takes {least} to {most} days, and a point in time is kept for database.backup_days, "
            f"{database.backup_days}; change one of them",
        )
    for path, days in kept:
        if not least <= days <= most:
            yield Violation(
                "backups",
                path,
                f"{days} is outside what the lock takes; give {least} to {most}, "
                "or change the lock",
            )


@invariant
def slack_hears_of_something(notices: NoticesSettings) -> Violations:
    slack = notices.slack
    if slack and not (slack.critical or slack.warning or slack.info):
        yield Violation(
            "notices",
            "slack",
            "names a workspace and no channel of it; give critical, warning or info a channel, "
            "or remove it",
        )


@invariant
def boundaries_are_of_the_account(platform: PlatformSettings) -> Violations:
    boundary, accounts = platform.permissions_boundary, platform.account_ids
    if boundary and accounts and boundary.split(":")[4] not in accounts:
        yield Violation(
            "platform",
            "permissions_boundary",
            f"{boundary} is of an account that this stack may not touch; give the policy of "
            f"{' or '.join(accounts)}",
        )


@invariant
def passkeys_have_a_plan(users: UsersSettings | None) -> Violations:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-authentication-flow-methods.html"""
    if users is None or not users.passkeys:
        return
    if users.tier == "LITE":
        yield Violation(
            "users", "passkeys", "true needs tier ESSENTIALS or PLUS, and tier is LITE; raise it"
        )
    if users.mfa == "required":
        yield Violation(
            "users",
            "passkeys",
            "true does not go with mfa: required, which asks for a second factor every time; "
            "give mfa: optional, or false",
        )


@invariant
def sign_in_has_a_name_that_cognito_takes(
    platform: PlatformSettings, users: UsersSettings | None, stack: str
) -> Violations:
    """The page's address begins with the stack's prefix.
    https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html"""
    prefix = f"{platform.name}-{stack}"
    for word in ("aws", "amazon", "cognito"):
        if users and word in prefix:
            yield Violation(
                "platform",
                "name",
                f"{prefix} holds {word}, which Cognito keeps to itself in the address of the "
                "sign-in page; give another name, or take backlot:users out",
            )


@invariant
def protected_users_stay(platform: PlatformSettings, users: UsersSettings | None) -> Violations:
    if platform.protect and users and not users.deletion_protection:
        yield _needs_protection("users", "deletion_protection", wanted=True)


@invariant
def protected_network_survives_a_zone(
    platform: PlatformSettings, network: NetworkSettings
) -> Violations:
    if platform.protect and network.nat == "single":
        yield Violation(
            "network",
            "nat",
            "single loses every zone's way out with one zone, and platform.protect is true; "
            "give per_zone, or none with interface_endpoints (then third parties such as openai "
            "are out of reach)",
        )


@invariant
def protected_database_keeps_its_data(
    platform: PlatformSettings, database: DatabaseSettings
) -> Violations:
    if not platform.protect:
        return
    if database.backup_days < 7:
        yield Violation(
            "database",
            "backup_days",
            f"{database.backup_days} is too few while platform.protect is true; give at least 7",
        )
    for path, held in (
        ("deletion_protection", database.deletion_protection),
        ("final_snapshot", database.final_snapshot),
        ("multi_az", database.multi_az),
    ):
        if not held:
            yield _needs_protection("database", path, wanted=True)


@invariant
def protected_cache_fails_over(platform: PlatformSettings, cache: CacheSettings) -> Violations:
    if platform.protect and not cache.failover:
        yield _needs_protection("cache", "failover", wanted=True)


@invariant
def protected_things_are_not_emptied(
    platform: PlatformSettings, buckets: BucketsSettings, registry: RegistrySettings
) -> Violations:
    if not platform.protect:
        return
    for section, forced in (("buckets", buckets.force_delete), ("registry", registry.force_delete)):
        if forced:
            yield _needs_protection(section, "force_delete", wanted=False)


@invariant
def protected_door_is_encrypted_and_stays(
    platform: PlatformSettings, load_balancer: LoadBalancerSettings
) -> Violations:
    if not platform.protect:
        return
    if load_balancer.plain_http:
        yield Violation(
            "load_balancer",
            "plain_http",
            "true is refused while platform.protect is true; add backlot:domain and remove it",
        )
    if not load_balancer.deletion_protection:
        yield _needs_protection("load_balancer", "deletion_protection", wanted=True)


@invariant
def protected_stack_wakes_somebody(
    platform: PlatformSettings, notices: NoticesSettings
) -> Violations:
    if not platform.protect:
        return
    if not notices.critical:
        yield Violation(
            "notices",
            "critical",
            "nobody would be woken, and platform.protect is true; give at least one address",
        )
    if notices.muted:
        yield _needs_protection("notices", "muted", wanted=False)


def _needs_protection(section: str, path: str, *, wanted: bool) -> Violation:
    given, needed = str(not wanted).lower(), str(wanted).lower()
    return Violation(
        section, path, f"{given} is refused while platform.protect is true; give {needed}"
    )


def _several(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _known_class(section: str, path: str, instance_class: str) -> Violations:
    try:
        memory_gib(instance_class)
    except LookupError as error:
        yield Violation(section, path, f"{instance_class}: {error.args[0]} (settings/instances.py)")


_OURS = frozenset(
    {"DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL", "QUEUE_URL", "BUILD_ID"}
    | {"MEDIA_URL", "MEDIA_KEY_ID", "USER_POOL_ID", "USER_POOL_CLIENT_ID", "USER_POOL_ISSUER"}
    | {"CONCURRENCY", "FLEET", "HEARTBEAT_SECONDS", "JOB_LIMIT_SECONDS", "METRICS_NAMESPACE"}
    | {"PROTECTION_MINUTES", "STOP_SECONDS", "VISIBILITY_SECONDS", "CELERY_QUEUE"}
    | {"GROUP", "INSTANCE_ID"}
    | {f"BUSINESS_{what}_METRIC" for what in ("COST", "DURATION", "FAILURES", "SPEND", "SUCCESS")}
    | {"BUSINESS_NAMESPACE", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_EXPORTER"}
    | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"}
    | {"OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER", "OTEL_PROPAGATORS"}
    | {"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
    | {f"{purpose}_BUCKET" for purpose in ("MEDIA", "STATIC", "BACKUPS", "LOGS", "RELEASES")}
    | {f"PG{part}" for part in ("HOST", "PORT", "USER", "PASSWORD", "DATABASE", "SSLMODE")}
)
_OURS_BY_LEAD = ("AWS_", "ECS_", "QUEUE_URL_")


def _is_ours(variable: str) -> bool:
    return variable in _OURS or variable.startswith(_OURS_BY_LEAD)


def _ours(variable: str) -> str:
    return f"{variable} is set by the platform or by AWS; give another name"


def _container_variables(
    section: str,
    lead: str,
    environment: Mapping[str, str],
    names: Iterable[str],
    secrets: Mapping[str, SecretSettings],
) -> Violations:
    for variable in environment:
        if _is_ours(variable):
            yield Violation(section, f"{lead}environment.{variable}", _ours(variable))
    taken: dict[str, str] = {}
    for index, name in enumerate(names):
        path = f"{lead}secrets[{index}]"
        secret = secrets.get(name)
        if not secrets:
            return  # secrets_stand_where_they_are_named says it
        if secret is None:
            yield Violation(
                section,
                path,
                f"there is no secret {name}; known in backlot:secrets: {', '.join(secrets)}",
            )
            continue
        variable = secret.environment
        if variable in environment:
            yield Violation(
                section,
                path,
                f"{name} is read as {variable}, which environment sets in plain text; "
                "remove one of them",
            )
        elif variable in taken:
            yield Violation(
                section,
                path,
                f"{name} is read as {variable}, and so is {taken[variable]}; "
                "give one of them another variable in backlot:secrets",
            )
        taken.setdefault(variable, name)


_DAY = 24 * 60
_WEEK = 7 * _DAY
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _windows(
    section: str, *, daily: tuple[str, str], weekly: tuple[str, str], least_minutes: int
) -> Violations:
    daily_path, daily_text = daily
    weekly_path, weekly_text = weekly
    daily_start, daily_end = (_minute(text) for text in daily_text.split("-"))
    daily_length = (daily_end - daily_start) % _DAY
    weekly_start, weekly_length = _weekly(weekly_text)
    if daily_length < least_minutes:
        yield Violation(
            section,
            daily_path,
            f"{daily_text} lasts {daily_length} minutes; give at least {least_minutes}",
        )
    if not least_minutes <= weekly_length <= _DAY:
        yield Violation(
            section,
            weekly_path,
            f"{weekly_text} lasts {weekly_length} minutes; give {least_minutes} to {_DAY}",
        )
    if _meet((daily_start, daily_length), (weekly_start, weekly_length)):
        yield Violation(
            section,
            weekly_path,
            f"{weekly_text} overlaps {daily_path}, {daily_text}; move one of them",
        )


def _weekly(window: str) -> tuple[int, int]:
    """When a window begins, in minutes of the week, and how many it lasts."""
    start, end = (
        _WEEKDAYS.index(text[:3]) * _DAY + _minute(text[4:]) for text in window.split("-")
    )
    return start, (end - start) % _WEEK


def _meet(daily: tuple[int, int], weekly: tuple[int, int]) -> bool:
    """Whether something of every day falls together with something of one; start and length."""
    return any(
        (day * _DAY + daily[0] - weekly[0]) % _WEEK < weekly[1]
        or (weekly[0] - day * _DAY - daily[0]) % _WEEK < daily[1]
        for day in range(len(_WEEKDAYS))
    )


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
