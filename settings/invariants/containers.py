"""Rules of what a container runs and is told: images, secrets, variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from settings.api import ApiSettings
from settings.invariants.base import Violation, Violations, invariant
from settings.registry import RegistrySettings
from settings.secrets import SecretSettings
from settings.services import ServiceSettings
from settings.workers import (
    WorkerSettings,
)


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
