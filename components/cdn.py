"""The CDN: CloudFront in front of the site, the media and the installers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.access import Access
from components.distributions import (
    CACHING_DISABLED,
    CACHING_OPTIMIZED,
    CORS_S3,
    HSTS_SECONDS,
    READING,
    DefaultBehavior,
    DistributionArgs,
    OrderedBehavior,
    Origin,
    destination,
    distribution,
    failing,
    panels,
)
from components.domain import Domain
from components.firewall import Firewall
from components.ground import Ground
from components.observe import DAY_SECONDS, Alarm, Panel
from components.stores.buckets import CORS_SECONDS, Bucket, Buckets
from settings.cdn import CdnSettings

PRICE_CLASSES: Mapping[Literal["100", "200", "all"], str] = {
    "100": "PriceClass_100",
    "200": "PriceClass_200",
    "all": "PriceClass_All",
}

FIRST_PAGE = "index.html"

RELEASES = "releases/*"
UPDATE_FEEDS = "releases/*.yml"
"""`latest.yml`, `latest-mac.yml`, `latest-linux.yml`: where electron-updater looks for a version.
https://www.electron.build/auto-update"""

SHIELDS: Mapping[str, str] = {
    "us-west-1": "us-west-2",
    "af-south-1": "eu-west-1",
    "ap-east-1": "ap-southeast-1",
    "ca-central-1": "us-east-1",
    "eu-south-1": "eu-central-1",
    "eu-west-3": "eu-west-2",
    "eu-north-1": "eu-west-2",
    "me-south-1": "ap-south-1",
    # From here on our own choice: the nearest.
    "ap-east-2": "ap-northeast-1",
    "ap-northeast-3": "ap-northeast-1",
    "ap-south-2": "ap-south-1",
    "ap-southeast-3": "ap-southeast-1",
    "ap-southeast-4": "ap-southeast-2",
    "ap-southeast-5": "ap-southeast-1",
    "ap-southeast-6": "ap-southeast-2",
    "ap-southeast-7": "ap-southeast-1",
    "ca-west-1": "us-west-2",
    "eu-central-2": "eu-central-1",
    "eu-south-2": "eu-west-1",
    "il-central-1": "eu-central-1",
    "me-central-1": "ap-south-1",
    "mx-central-1": "us-east-2",
}
"""Where Origin Shield stands for regions that have none of their own.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-shield.html"""


@dataclass(frozen=True, kw_only=True)
class CdnArgs:
    settings: CdnSettings
    ground: Ground
    buckets: Buckets
    """Served as they say, to the sites they name."""
    domain: Domain | None
    """Its `app` and `cdn` are the names of the site and of the media."""
    firewall: Firewall | None


class Cdn(pulumi.ComponentResource):
    """Two distributions: the site from the static bucket, and media with the installers (M19, M22).

    The buckets stay private: CloudFront signs what it asks of them (M20). Every page that is
    missing is the site's first page, which finds its way by the path. With signing keys, media open
    to signed URLs alone (B39). Installers and their update feed are never signed: a path is the key
    in its bucket, so they lie below `releases/` in the bucket of that name (M80).

    Under a name of the domain, TLS is 1.2 or newer. Under the name that CloudFront makes up, its
    own certificate comes with a policy that nobody can change and that begins at TLS 1.0.

    Cost: 1 TB and 10 million requests of a month are free for the account; after that 0.085 USD a
    GB and 0.010 USD per 10,000 requests in North America and Europe, more elsewhere; Origin Shield
    0.0075 to 0.0090 USD per 10,000 requests that reach it (2026).
    """

    site_url: pulumi.Output[str]
    """`https://app.studio.example`; known once the site stands."""
    media_url: pulumi.Output[str]
    """`https://cdn.studio.example`; known once media are served."""
    site_distribution_id: pulumi.Output[str]
    media_distribution_id: pulumi.Output[str]
    """Whoever publishes invalidates what is cached there."""
    pages: Mapping[str, pulumi.Output[str]]
    """What answers whoever comes by, by what it is called: `{"site": "https://..."}`. Media have no
    first page, and may be signed."""
    outputs: Mapping[str, pulumi.Output[str]]
    """What the stack exports of it."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: CdnArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:cdn:Cdn", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        access_control = _access_control(f"{name}-buckets", child)
        keys = _public_keys(f"{name}-key", args.settings.signing_keys, child)
        site = _site(f"{name}-site", args, access_control, child)
        media = _media(f"{name}-media", args, access_control, keys, child)

        self._newest_key_id = keys[max(keys)].id if keys else None
        self.site_url = _url(site, args.domain, args.domain and args.domain.app)
        self.media_url = _url(media, args.domain, args.domain and args.domain.cdn)
        self.site_distribution_id = site.id
        self.media_distribution_id = media.id
        self.alarms = (
            failing(
                site,
                name="site-errors",
                summary="For 10 minutes, more than 5 % of the site's requests ended with a 5xx.",
                runbook="cdn.md#site-errors",
            ),
            failing(
                media,
                name="media-errors",
                summary="For 10 minutes, more than 5 % of the requests for media or installers "
                "ended with a 5xx.",
                runbook="cdn.md#media-errors",
            ),
        )
        self.panels = (*panels(site, "Site"), *panels(media, "Media"))
        self.pages = {"site": self.site_url}
        self.outputs = {
            "site_url": self.site_url,
            "media_url": self.media_url,
            "site_distribution_id": self.site_distribution_id,
            "media_distribution_id": self.media_distribution_id,
        }
        self.register_outputs(dict(self.outputs))

    def access(self) -> Access:
        """What a workload needs to hand out addresses of media: `MEDIA_URL`, and `MEDIA_KEY_ID` of
        the key to sign with where they are signed.

        That is the key whose name comes last in the alphabet: Pulumi keeps no order of its own, so
        name them after the month (`signing-2026-11`), and the newest signs.
        """
        environment: dict[str, pulumi.Input[str]] = {"MEDIA_URL": self.media_url}
        if self._newest_key_id is not None:
            environment["MEDIA_KEY_ID"] = self._newest_key_id
        return Access(environment=environment)


def _access_control(name: str, opts: pulumi.ResourceOptions) -> aws.cloudfront.OriginAccessControl:
    return aws.cloudfront.OriginAccessControl(
        name,
        origin_access_control_origin_type="s3",
        signing_behavior="always",
        signing_protocol="sigv4",
        opts=opts,
    )


def _public_keys(
    name: str, keys: Mapping[str, str], opts: pulumi.ResourceOptions
) -> Mapping[str, aws.cloudfront.PublicKey]:
    return {
        # CloudFront ends a key with a line break, and one without would differ for ever.
        key: aws.cloudfront.PublicKey(
            f"{name}-{key}", encoded_key=pem.rstrip("\n") + "\n", opts=opts
        )
        for key, pem in keys.items()
    }


def _site(
    name: str,
    args: CdnArgs,
    access_control: aws.cloudfront.OriginAccessControl,
    opts: pulumi.ResourceOptions,
) -> aws.cloudfront.Distribution:
    static = args.buckets.static
    headers = _headers(
        name,
        opts,
        security={
            **_SECURITY,
            "frame_options": {"frame_option": "DENY", "override": True},
            "referrer_policy": {
                "referrer_policy": "strict-origin-when-cross-origin",
                "override": True,
            },
            **_content_security_policy(args.settings),
        },
    )
    return distribution(
        name,
        DistributionArgs(
            comment=f"{args.ground.prefix} site",
            names=[args.domain.app] if args.domain and args.domain.app else [],
            domain=args.domain,
            firewall=args.firewall,
            price_class=PRICE_CLASSES[args.settings.price_class],
            origins=[_origin(static, access_control, args)],
            behavior=_default(static, headers),
            # Only what is missing: a 403 is the firewall's, and stays one.
            errors=[
                {
                    "error_code": 404,
                    "response_code": 200,
                    "response_page_path": f"/{FIRST_PAGE}",
                }
            ],
            root_object=FIRST_PAGE,
        ),
        opts,
    )


def _media(
    name: str,
    args: CdnArgs,
    access_control: aws.cloudfront.OriginAccessControl,
    keys: Mapping[str, aws.cloudfront.PublicKey],
    opts: pulumi.ResourceOptions,
) -> aws.cloudfront.Distribution:
    media, releases = args.buckets.media, args.buckets.releases
    behavior = _default(
        media, _headers(name, opts, security=_SECURITY, cors=args.buckets.cors_origins)
    )
    if args.buckets.cors_origins:
        # A browser asks first, by OPTIONS, whether it may; the bucket answers.
        behavior["allowed_methods"] = [*READING, "OPTIONS"]
        behavior["origin_request_policy_id"] = CORS_S3
    if keys:
        group = aws.cloudfront.KeyGroup(
            f"{name}-signers", items=[key.id for key in keys.values()], opts=opts
        )
        behavior["trusted_key_groups"] = [group.id]
    return distribution(
        name,
        DistributionArgs(
            comment=f"{args.ground.prefix} media",
            names=[args.domain.cdn] if args.domain and args.domain.cdn else [],
            domain=args.domain,
            firewall=args.firewall,
            price_class=PRICE_CLASSES[args.settings.price_class],
            origins=[
                _origin(bucket, access_control, args) for bucket in (media, releases) if bucket
            ],
            behavior=behavior,
            ordered=_release_behaviors(name, releases, args.settings, opts) if releases else (),
        ),
        opts,
    )


def _release_behaviors(
    name: str, releases: Bucket, settings: CdnSettings, opts: pulumi.ResourceOptions
) -> Sequence[OrderedBehavior]:
    """The feed is asked for anew every time; an installer never changes under its name."""
    feed = _headers(f"{name}-feed", opts, security=_SECURITY, cache_control="no-cache")
    installers = _headers(
        f"{name}-installers",
        opts,
        security=_SECURITY,
        cache_control=f"public, max-age={settings.long_lived_days * DAY_SECONDS}, immutable",
    )
    return (
        {
            **_default(releases, feed),
            "path_pattern": UPDATE_FEEDS,
            "cache_policy_id": CACHING_DISABLED,
        },
        {**_default(releases, installers), "path_pattern": RELEASES},
    )


def _default(bucket: Bucket, headers: aws.cloudfront.ResponseHeadersPolicy) -> DefaultBehavior:
    return {
        "target_origin_id": bucket.purpose,
        "viewer_protocol_policy": "redirect-to-https",
        "allowed_methods": list(READING),
        "cached_methods": list(READING),
        "cache_policy_id": CACHING_OPTIMIZED,
        "response_headers_policy_id": headers.id,
        "compress": True,
    }


def _origin(
    bucket: Bucket, access_control: aws.cloudfront.OriginAccessControl, args: CdnArgs
) -> Origin:
    origin: Origin = {
        "origin_id": bucket.purpose,
        "domain_name": bucket.regional_domain_name,
        "origin_access_control_id": access_control.id,
    }
    if args.settings.origin_shield:
        region = args.ground.region
        origin["origin_shield"] = {
            "enabled": True,
            "origin_shield_region": SHIELDS.get(region, region),
        }
    return origin


SecurityHeaders = aws.cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgsDict

_SECURITY: SecurityHeaders = {
    "strict_transport_security": {
        "access_control_max_age_sec": HSTS_SECONDS,
        "override": True,
    },
    "content_type_options": {"override": True},
}
"""For every answer: over HTTPS next time, and no guessing what a file may be."""


def _content_security_policy(settings: CdnSettings) -> SecurityHeaders:
    if settings.content_security_policy is None:
        return {}
    return {
        "content_security_policy": {
            "content_security_policy": settings.content_security_policy,
            "override": True,
        }
    }


def _headers(
    name: str,
    opts: pulumi.ResourceOptions,
    *,
    security: SecurityHeaders,
    cors: Sequence[str] = (),
    cache_control: str | None = None,
) -> aws.cloudfront.ResponseHeadersPolicy:
    return aws.cloudfront.ResponseHeadersPolicy(
        f"{name}-headers",
        security_headers_config=security,
        cors_config=(
            {
                "access_control_allow_origins": {"items": list(cors)},
                "access_control_allow_methods": {"items": list(READING)},
                "access_control_allow_headers": {"items": ["*"]},
                "access_control_allow_credentials": False,
                "access_control_max_age_sec": CORS_SECONDS,
                "origin_override": True,
            }
            if cors
            else None
        ),
        custom_headers_config=(
            {"items": [{"header": "Cache-Control", "value": cache_control, "override": True}]}
            if cache_control
            else None
        ),
        opts=opts,
    )


def _url(
    of: aws.cloudfront.Distribution, domain: Domain | None, host: str | None
) -> pulumi.Output[str]:
    if domain is None or host is None:
        return pulumi.Output.concat("https://", of.domain_name)
    return pulumi.Output.concat("https://", domain.alias(host, destination(of)).fqdn)
