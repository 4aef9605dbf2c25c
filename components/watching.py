"""What code tells of itself, and everything that watches, put together once all is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.access import Access
from components.alarms import AlarmSet, Overall, OverallArgs
from components.budget import Budget, BudgetArgs
from components.business import Business, BusinessArgs
from components.dashboard import Dashboard, DashboardArgs
from components.ground import Place
from components.observe import Observable
from components.tracing import Tracing, TracingArgs
from settings.stack import Settings


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """The figures and traces that workloads send."""

    access: Sequence[Access]
    """What each workload needs to send them."""
    watched: Sequence[Observable]


def telemetry(stack: Settings, place: Place, opts: pulumi.ResourceOptions) -> Telemetry:
    """Those that the settings ask for."""
    business = stack.business and Business(
        "business", BusinessArgs(settings=stack.business, place=place), opts
    )
    tracing = stack.tracing and Tracing(
        "tracing", TracingArgs(settings=stack.tracing, place=place), opts
    )
    return Telemetry(
        access=[part.access() for part in (business, tracing) if part],
        watched=[business] if business else [],
    )


def watch_over(
    stack: Settings,
    place: Place,
    alarms: AlarmSet,
    watched: Sequence[Observable],
    opts: pulumi.ResourceOptions,
) -> None:
    """Alarms for all of `watched` and the budget, the light over them, and the dashboard.

    To be called when everything else is made: what comes later is not seen.
    """
    args = BudgetArgs(settings=stack.budget, place=place, notices=alarms.notices)
    shown = [*watched, Budget("budget", args, opts)]
    alarms.watch(shown)
    overall = Overall(
        "overall", OverallArgs(alarms=alarms, mute_windows=stack.notices.mute_windows), opts
    )
    Dashboard(
        "dashboard",
        DashboardArgs(place=place, watched=shown, alarm_arns=[alarm.arn for alarm in overall.made]),
        opts,
    )
