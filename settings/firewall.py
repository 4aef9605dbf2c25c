"""`backlot:firewall`: AWS WAF in front of the load balancer and of CloudFront."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.fields import Section, Unique

ManagedRules = Literal[
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesAnonymousIpList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesLinuxRuleSet",
    "AWSManagedRulesSQLiRuleSet",
]
"""Sets that cost nothing beyond a rule each; bot and fraud control are billed by the request."""


class FirewallSettings(Section):
    mode: Literal["count", "block"]
    """`count` only writes down what it would have stopped: begin with it, read the log, then
    `block`."""
    managed: Unique[ManagedRules] = (
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesSQLiRuleSet",
    )
    """AWS's own rule sets."""
    requests_per_five_minutes: Annotated[int, Field(ge=10, le=2_000_000_000)] = 2000
    """What one address may send before it is stopped for a while."""
    logging: bool = True
    """Write down what was stopped or counted."""
    blocked_alarm: Annotated[int, Field(ge=1)] = 1000
    """Requests stopped within 5 minutes that somebody should look at."""
