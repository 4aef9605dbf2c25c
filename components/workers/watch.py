"""What is watched of every fleet, built here once."""

from __future__ import annotations

from collections.abc import Sequence

from components.observe import Alarm, Expression, Metric, Panel
from components.workers.contract import jobs_namespace
from components.workers.scaling import Signals, sleeps
from settings.workers import FleetSettings

HALF_AN_HOUR = 1800


def fleet_alarms(
    fleet: str, prefix: str, settings: FleetSettings, signals: Signals
) -> tuple[Alarm, ...]:
    """Workers that are wanted and absent, and jobs that fail."""
    return (
        Alarm(
            name="workers-missing",
            summary=f"{fleet} has had fewer workers than it wants for 15 minutes.",
            watch=signals.in_periods_of(300).missing_workers(),
            comparison="at_least",
            threshold=1,
            evaluation_periods=3,
            # A fleet at rest may be silent; one that never rests is not, unless it is gone.
            missing_data="notBreaching" if sleeps(settings) else "breaching",
            # What users feel of it is a job that nobody takes, and that alarm is critical.
            severity="warning",
            runbook="workers.md#workers-missing",
        ),
        Alarm(
            name="jobs-failing",
            summary=f"Fewer than {settings.success_alarm * 100:g} % of the jobs of {fleet} "
            "succeeded in 30 minutes.",
            watch=_success(fleet, prefix),
            comparison="below",
            threshold=settings.success_alarm,
            severity="warning",
            runbook="workers.md#jobs-failing",
        ),
    )


def fleet_panels(fleet: str, prefix: str, signals: Signals) -> tuple[Panel, ...]:
    slow = signals.in_periods_of(300)
    panels = [
        _panel(fleet, "workers", "workers", [slow.wanted, slow.running]),
        _panel(fleet, "jobs per worker", "jobs", [slow.backlog_per_worker()]),
        _panel(
            fleet,
            "jobs done",
            "jobs",
            [
                _jobs(fleet, prefix, "Succeeded", "succeeded"),
                _jobs(fleet, prefix, "Failed", "failed"),
            ],
        ),
        _panel(
            fleet,
            "time for a job",
            "seconds",
            [
                _jobs(fleet, prefix, "JobSeconds", "p50", statistic="p50"),
                _jobs(fleet, prefix, "JobSeconds", "p95", statistic="p95"),
            ],
        ),
    ]
    if slow.instances_wanted and slow.instances_in_service and slow.instances_pending:
        instances = [slow.instances_wanted, slow.instances_in_service, slow.instances_pending]
        panels.append(_panel(fleet, "instances", "instances", instances))
    return tuple(panels)


def _panel(fleet: str, what: str, unit: str, metrics: Sequence[Metric | Expression]) -> Panel:
    return Panel(
        group="Workers and jobs", title=f"{fleet}: {what}", unit=unit, metrics=list(metrics)
    )


def _success(fleet: str, prefix: str) -> Expression:
    """Share of the jobs that succeeded; all of them while there was none to fail (M99)."""
    return Expression(
        text="IF(FILL(done, 0) + FILL(failed, 0) > 0, "
        "FILL(done, 0) / (FILL(done, 0) + FILL(failed, 0)), 1)",
        metrics={
            "done": _jobs(fleet, prefix, "Succeeded", "succeeded", period=HALF_AN_HOUR),
            "failed": _jobs(fleet, prefix, "Failed", "failed", period=HALF_AN_HOUR),
        },
        label="succeeded",
    )


def _jobs(
    fleet: str,
    prefix: str,
    name: str,
    label: str,
    *,
    statistic: str = "Sum",
    period: int = 300,
) -> Metric:
    """What workers report themselves, a line per job (docs/worker-contract.md)."""
    return Metric(
        namespace=jobs_namespace(prefix),
        name=name,
        dimensions={"Fleet": fleet},
        statistic=statistic,
        period=period,
        label=label,
    )
