"""Rules of the API and of the services beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from settings.api import ApiSettings, BeanstalkSize, Ec2Size
from settings.instances import architecture
from settings.invariants.base import Violation, Violations, invariant
from settings.services import ServiceSettings
from settings.workers import (
    FargateFleetSettings,
    GpuFleetSettings,
    WorkerSettings,
)

STAGE_MINUTES = 24 * 60
"""ECS ends a stage of a deployment, and with it a hook that still waits, after this long.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html"""
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
