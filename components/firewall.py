"""The firewall: AWS WAF in front of the load balancer and of CloudFront."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.ground import GLOBAL_REGION, Ground
from components.naming import physical_name
from components.observe import Alarm, Metric, Panel
from settings.firewall import FirewallSettings, ManagedRules
from settings.load_balancer import ReachedThrough
from settings.stack import Settings

PRIORITIES: Mapping[ManagedRules, int] = {
    "AWSManagedRulesAmazonIpReputationList": 10,
    "AWSManagedRulesAnonymousIpList": 20,
    "AWSManagedRulesKnownBadInputsRuleSet": 30,
    "AWSManagedRulesCommonRuleSet": 40,
    "AWSManagedRulesLinuxRuleSet": 50,
    "AWSManagedRulesSQLiRuleSet": 60,
}
"""The order that a request meets them in, the lowest first: who asks, then what is asked, the sets
with the fewest false alarms before the others. All of them and the rate limit weigh 1,377 of the
1,500 units that the price of a web ACL holds.

https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
"""

RATE_PRIORITY = 100

BY_ADDRESS: tuple[ManagedRules, ...] = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesAnonymousIpList",
)
"""Sets that look at nothing but the address a request comes from.

https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-ip-rep.html
"""

ONLY_COUNTED: Mapping[ManagedRules, tuple[str, ...]] = {
    "AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)
}
"""Rules that stop nothing in any mode. This one matches every body over 8 KB, and people upload
media.

https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
"""

RATE_SECONDS = 300
"""How far back the rate limit looks; AWS WAF takes 60, 120, 300 or 600."""

CLIENT_ADDRESS = "x-client-address"
"""The header in which API Gateway tells who asked it. It overwrites what a client wrote there, and
nothing else reaches the load balancer behind it, so that the limit can go by it."""

SECRET_HEADERS = ("authorization", "cookie")
"""Whoever reads them can act as the user who sent them."""

Where = Literal["regional", "edge"]

STANDS_BEFORE: Mapping[Where, str] = {"regional": "the load balancer", "edge": "CloudFront"}


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    settings: FirewallSettings
    ground: Ground
    edge: bool
    """True: CloudFront stands before something, and has a web ACL too."""
    reached_through: ReachedThrough
    """Who asks the load balancer: people, or something in their stead."""

    @classmethod
    def of(cls, stack: Settings, ground: Ground) -> FirewallArgs:
        """Raises ValueError for a stack that has none."""
        if stack.firewall is None:
            raise ValueError("the stack has no firewall")
        return cls(
            settings=stack.firewall,
            ground=ground,
            edge=stack.has_cloudfront,
            reached_through=stack.load_balancer.reached_through,
        )


class Firewall(pulumi.ComponentResource):
    """A web ACL for the load balancer and one for CloudFront (M23, M24, B41).

    AWS's managed sets, then a limit of requests per address; whatever matches none is let through.
    With `mode: count` nothing is stopped: a request that would have been is counted, and written
    down like one that was.

    A load balancer that CloudFront alone reaches has no web ACL: CloudFront's has judged every
    request, with every rule. Behind API Gateway, which takes none, it has one; the lists of
    addresses would judge API Gateway's own there, so it goes without them, and the limit goes by
    the address that API Gateway hands on.

    Of a body it sees the first 16 KB at CloudFront and 8 KB at a load balancer.
    https://docs.aws.amazon.com/waf/latest/developerguide/web-acl-setting-body-inspection-limit.html

    Cost: a month 5 USD per web ACL and 1 USD per rule in it, 10 USD with four sets and the rate
    limit; 0.60 USD per million requests (2026). The log costs what logs cost, and every body over
    8 KB is a line of it. https://aws.amazon.com/waf/pricing/
    """

    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:firewall:Firewall", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        acls: dict[Where, aws.wafv2.WebAcl] = {
            where: _web_acl(name, where, args, child) for where in _needed(args)
        }
        if args.settings.logging:
            for where, acl in acls.items():
                _log(f"{name}-{where}-log", where, acl, args, child)

        # Known before their logs are set up: protection waits for no log.
        arns: dict[Where, pulumi.Output[str]] = {where: acl.arn for where, acl in acls.items()}
        self._arns = arns
        self.alarms = tuple(_many_blocked(where, args) for where in acls)
        self.panels = tuple(_panel(where, args) for where in acls)
        self.register_outputs({"regional_arn": arns.get("regional"), "edge_arn": arns.get("edge")})

    def arn(self, where: Where) -> pulumi.Output[str]:
        """The web ACL for the load balancer (`regional`) or for CloudFront (`edge`).

        Raises ValueError when there is none, rather than leave something unguarded.
        """
        if where not in self._arns:
            raise ValueError(
                f"the firewall has no web ACL for {STANDS_BEFORE[where]}; make it with edge and "
                "reached_through as the stack has them"
            )
        return self._arns[where]


def _needed(args: FirewallArgs) -> tuple[Where, ...]:
    regional: tuple[Where, ...] = () if args.reached_through == "cloudfront" else ("regional",)
    return (*regional, "edge") if args.edge else regional


def _web_acl(
    name: str, where: Where, args: FirewallArgs, opts: pulumi.ResourceOptions
) -> aws.wafv2.WebAcl:
    own_name = _acl_name(where, args)
    return aws.wafv2.WebAcl(
        f"{name}-{where}",
        name=own_name,
        scope="CLOUDFRONT" if where == "edge" else "REGIONAL",
        default_action={"allow": {}},
        rules=_rules(where, args),
        visibility_config=_visibility(own_name),
        # The samples that the console shows are not covered by the redaction of the log.
        data_protection_config={
            "data_protections": [
                {
                    "action": "SUBSTITUTION",
                    "field": {"field_type": "SINGLE_HEADER", "field_keys": list(SECRET_HEADERS)},
                }
            ]
        },
        region=_region(where, args),
        opts=opts,
    )


def _acl_name(where: Where, args: FirewallArgs) -> str:
    """The web ACL's name and its metrics' too: dashboards and alarms find it by that alone."""
    return physical_name("web_acl", args.ground.prefix, where)


def _region(where: Where, args: FirewallArgs) -> str | None:
    """Where the web ACL is, when that is not where the stack is."""
    return GLOBAL_REGION if where == "edge" and args.ground.region != GLOBAL_REGION else None


def _rules(where: Where, args: FirewallArgs) -> list[aws.wafv2.WebAclRuleArgsDict]:
    settings = args.settings
    blocks = settings.mode == "block"
    asked_by_people = where == "edge" or args.reached_through == "internet"
    rules = [
        _managed(rule_set, blocks=blocks)
        for rule_set in sorted(settings.managed, key=PRIORITIES.__getitem__)
        if asked_by_people or rule_set not in BY_ADDRESS
    ]
    header = None if asked_by_people else CLIENT_ADDRESS
    return [*rules, _rate_limit(settings.requests_per_five_minutes, header, blocks=blocks)]


def _managed(rule_set: ManagedRules, *, blocks: bool) -> aws.wafv2.WebAclRuleArgsDict:
    return {
        "name": rule_set,
        "priority": PRIORITIES[rule_set],
        "override_action": {"none": {}} if blocks else {"count": {}},
        "statement": {
            "managed_rule_group_statement": {
                "vendor_name": "AWS",
                "name": rule_set,
                "rule_action_overrides": [
                    {"name": rule, "action_to_use": {"count": {}}}
                    for rule in ONLY_COUNTED.get(rule_set, ())
                ],
            }
        },
        "visibility_config": _visibility(rule_set),
    }


def _rate_limit(limit: int, header: str | None, *, blocks: bool) -> aws.wafv2.WebAclRuleArgsDict:
    """By the address that asks, or the one that `header` tells."""
    counted: aws.wafv2.WebAclRuleStatementRateBasedStatementArgsDict = {
        "aggregate_key_type": "IP",
        "limit": limit,
        "evaluation_window_sec": RATE_SECONDS,
    }
    if header is not None:
        counted["aggregate_key_type"] = "FORWARDED_IP"
        counted["forwarded_ip_config"] = {"header_name": header, "fallback_behavior": "NO_MATCH"}
    return {
        "name": "rate-limit",
        "priority": RATE_PRIORITY,
        "action": {"block": {}} if blocks else {"count": {}},
        "statement": {"rate_based_statement": counted},
        "visibility_config": _visibility("rate-limit"),
    }


def _visibility(metric_name: str) -> aws.wafv2.WebAclVisibilityConfigArgsDict:
    return {
        "metric_name": metric_name,
        "cloudwatch_metrics_enabled": True,
        "sampled_requests_enabled": True,
    }


def _log(
    name: str,
    where: Where,
    acl: aws.wafv2.WebAcl,
    args: FirewallArgs,
    opts: pulumi.ResourceOptions,
) -> None:
    """Write down what was stopped or counted; AWS WAF lets itself into the log group.

    https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
    """
    region = _region(where, args)
    group = args.ground.logs.group_called(
        name, f"aws-waf-logs-{args.ground.prefix}-{where}", opts, region=region
    )
    aws.wafv2.WebAclLoggingConfiguration(
        name,
        resource_arn=acl.arn,
        log_destination_configs=[group.arn],
        redacted_fields=[{"single_header": {"name": header}} for header in SECRET_HEADERS],
        logging_filter={
            "default_behavior": "DROP",
            "filters": [
                {
                    "behavior": "KEEP",
                    "requirement": "MEETS_ANY",
                    "conditions": [
                        {"action_condition": {"action": action}}
                        # The last stands for a set's own rules that are only counted.
                        for action in ("BLOCK", "COUNT", "EXCLUDED_AS_COUNT")
                    ],
                }
            ],
        },
        region=region,
        opts=opts,
    )


def _metric(where: Where, args: FirewallArgs, name: str, label: str) -> Metric:
    """One of the web ACL's sums. That of CloudFront has no dimension for the region.

    https://docs.aws.amazon.com/waf/latest/developerguide/waf-metrics.html
    """
    dimensions: dict[str, pulumi.Input[str]] = {"WebACL": _acl_name(where, args), "Rule": "ALL"}
    if where == "regional":
        dimensions["Region"] = args.ground.region
    return Metric(
        namespace="AWS/WAFV2",
        name=name,
        dimensions=dimensions,
        statistic="Sum",
        label=label,
        region=_region(where, args),
    )


def _many_blocked(where: Where, args: FirewallArgs) -> Alarm:
    """With `mode: count` it watches what would have been stopped: the limit is tried out too."""
    blocks = args.settings.mode == "block"
    happened = "were stopped" if blocks else "would have been stopped"
    return Alarm(
        name=f"{where}-many-blocked",
        summary=(
            f"{args.settings.blocked_alarm} or more requests to {STANDS_BEFORE[where]} {happened} "
            "within 5 minutes."
        ),
        watch=_metric(
            where, args, "BlockedRequests" if blocks else "CountedRequests", "stopped or counted"
        ),
        comparison="at_least",
        threshold=args.settings.blocked_alarm,
        severity="warning",
        runbook="firewall.md#many-blocked",
    )


def _panel(where: Where, args: FirewallArgs) -> Panel:
    return Panel(
        group="Edge",
        title=f"Firewall before {STANDS_BEFORE[where]}: requests",
        unit="requests",
        metrics=[
            _metric(where, args, "AllowedRequests", "let through"),
            _metric(where, args, "BlockedRequests", "stopped"),
            _metric(where, args, "CountedRequests", "counted"),
        ],
    )
