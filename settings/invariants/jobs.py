"""Rules of the queues and of the fleets that work them off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from settings.cache import CacheSettings
from settings.gpu import (
    FLEET_TYPES,
    GPU_CLASSES,
    GPU_INSTANCES,
    SOLD_IN,
    GpuClassName,
    QuotaSettings,
    fitting_types,
)
from settings.instances import architecture
from settings.invariants.base import Violation, Violations, invariant
from settings.queues import QueueSettings
from settings.redis_queues import RedisQueueSettings
from settings.workers import (
    Ec2FleetSettings,
    FargateFleetSettings,
    WorkerSettings,
    is_gpu,
)

SQS_LONGEST_RECEIVE = 12 * 3600
"""Seconds a message may stay with one receiver, renewals included."""
EC2_JOB_LIMIT_SECONDS = 7080
"""What a lifecycle hook waits at most, 7200, less the margin in components/workers/drain.py.
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LifecycleHook.html"""
SYSTEM_MIB = 2048
"""Memory of a GPU instance that the system, the ECS agent and Docker need."""


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
        if is_gpu(fleet) and fleet.overflow and fleet.on_demand_percent == 100:
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
        if not is_gpu(fleet):
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
        if is_gpu(fleet) and fleet.overflow and fleet.queue in redis_queues:
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
        if not is_gpu(fleet):
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
        if not is_gpu(fleet):
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
        if not is_gpu(fleet):
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
