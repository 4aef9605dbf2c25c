"""Business: the studio's own figures, which its code publishes and nobody else can."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.access import Access
from components.grants import Statement
from components.ground import Place
from components.observe import DAY_SECONDS, Alarm, Metric, Panel
from settings.business import BusinessSettings

HALF_AN_HOUR = 1800
HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class BusinessArgs:
    settings: BusinessSettings
    place: Place
    """Its prefix leads the namespace."""


class Business(pulumi.ComponentResource):
    """Duration, success, failures and cost of what the studio makes, and its spend a day (M92).

    Code publishes them without dimensions, under `BUSINESS_NAMESPACE` and by the names of the other
    variables of `access()`. What holds that access can write to no other namespace.

    Cost: 0.30 USD a month per metric, five of them, and 0.01 USD per 1,000 calls that publish; a
    call takes 1,000 values (us-east-1, 2026).
    """

    namespace: str
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: BusinessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:business:Business", name, None, opts)
        self.namespace = f"{args.place.prefix}/Business"
        self._settings = args.settings
        self.alarms = _alarms(args.settings, self.namespace)
        self.panels = _panels(args.settings, self.namespace)
        self.register_outputs({"namespace": self.namespace})

    def access(self) -> Access:
        """What a workload needs to publish the figures."""
        settings = self._settings
        return Access(
            environment={
                "BUSINESS_NAMESPACE": self.namespace,
                "BUSINESS_DURATION_METRIC": settings.duration,
                "BUSINESS_SUCCESS_METRIC": settings.success_rate,
                "BUSINESS_FAILURES_METRIC": settings.failures,
                "BUSINESS_COST_METRIC": settings.cost,
                "BUSINESS_SPEND_METRIC": settings.daily_spend,
            },
            statements=[
                Statement(
                    sid="PublishBusinessFigures",
                    actions=["cloudwatch:PutMetricData"],
                    # IAM knows no metrics, but it knows namespaces.
                    resources=["*"],
                    conditions={"StringEquals": {"cloudwatch:namespace": self.namespace}},
                )
            ],
        )


def _alarms(settings: BusinessSettings, namespace: str) -> tuple[Alarm, ...]:
    succeeding = Alarm(
        name="success-low",
        summary=f"Fewer than {settings.success_alarm * 100:g} % of what was ordered in 30 minutes "
        "was finished.",
        watch=Metric(
            namespace=namespace,
            name=settings.success_rate,
            dimensions={},
            period=HALF_AN_HOUR,
            label="succeeded",
        ),
        comparison="below",
        threshold=settings.success_alarm,
        # Nothing ordered is no failure, and workers that are gone have an alarm of their own.
        missing_data="notBreaching",
        severity="warning",
        runbook="business.md#success-low",
    )
    if settings.daily_spend_alarm_usd is None:
        return (succeeding,)
    spending = Alarm(
        name="daily-spend",
        summary=f"More than {settings.daily_spend_alarm_usd} USD were spent today on what is paid "
        "by use.",
        # It counts up through the day: an hour of it is enough to know, and a day too late.
        watch=_spend(settings, namespace, period=HOUR),
        comparison="above",
        threshold=settings.daily_spend_alarm_usd,
        # Silent for an hour, it has not become less.
        missing_data="ignore",
        severity="warning",
        runbook="business.md#daily-spend",
    )
    return (succeeding, spending)


def _panels(settings: BusinessSettings, namespace: str) -> tuple[Panel, ...]:
    def metric(name: str, label: str, statistic: str) -> Metric:
        return Metric(
            namespace=namespace, name=name, dimensions={}, statistic=statistic, label=label
        )

    return (
        Panel(
            group="Business",
            title="From order to finished piece",
            unit="seconds",
            metrics=[
                metric(settings.duration, "p50", "p50"),
                metric(settings.duration, "p95", "p95"),
            ],
        ),
        Panel(
            group="Business",
            title="Share that succeeds",
            unit="share",
            metrics=[metric(settings.success_rate, "succeeded", "Average")],
        ),
        Panel(
            group="Business",
            title="Pieces that failed",
            unit="pieces",
            metrics=[metric(settings.failures, "failed", "Sum")],
        ),
        Panel(
            group="Business",
            title="Cost of a piece",
            unit="USD",
            metrics=[
                metric(settings.cost, "average", "Average"),
                metric(settings.cost, "p95", "p95"),
            ],
        ),
        Panel(
            group="Cost",
            title="Spent by use, a day",
            unit="USD",
            metrics=[_spend(settings, namespace, period=DAY_SECONDS)],
        ),
    )


def _spend(settings: BusinessSettings, namespace: str, *, period: int) -> Metric:
    return Metric(
        namespace=namespace,
        name=settings.daily_spend,
        dimensions={},
        statistic="Maximum",
        period=period,
        label="spent",
    )
