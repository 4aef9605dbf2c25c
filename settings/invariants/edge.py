"""Rules of the names, the doors and the people who come in."""

from __future__ import annotations

from settings.buckets import BucketsSettings
from settings.cdn import CdnSettings
from settings.domain import DomainSettings
from settings.invariants.base import Violation, Violations, invariant
from settings.load_balancer import LoadBalancerSettings
from settings.platform import PlatformSettings
from settings.users import UsersSettings

LONGEST_SILENCE = {"cloudfront": ("CloudFront", 600), "api_gateway": ("API Gateway", 30)}
"""Seconds after which what stands in front has hung up, whatever the load balancer does. CloudFront
waits 60 for an answer, and longer only on a WebSocket; API Gateway's HTTP APIs know none.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"""


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
