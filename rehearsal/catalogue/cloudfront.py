"""Amazon CloudFront. Global: nothing here has a region, and everything it needs is in us-east-1.

moto has no policies, no VPC origins and no stages of functions. It drops what an origin says of its
origin access control; `checks.references` looks that up instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rehearsal.catalogue.entry import Entry, Inputs, Scope
from rehearsal.graph import SECRET

ZONE = "Z2FDTNDATAQYW2"
"""The Route 53 zone of every distribution, for alias records.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html
"""

MANAGED = "Managed by Pulumi"

METHODS = (
    {"GET", "HEAD"},
    {"GET", "HEAD", "OPTIONS"},
    {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"},
)
"""The sets a behaviour may allow; it caches the first or the second.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_AllowedMethods.html
"""

DEFAULT_LIFETIMES = {"minTtl": 0, "defaultTtl": 86400, "maxTtl": 31536000}
"""Seconds, as the provider sends them when the program says nothing."""

FUNCTION_BYTES = 10 * 1024
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"""


def _behaviours(inputs: Inputs) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every cache behaviour with its path, the default one first."""
    if isinstance(default := inputs.get("defaultCacheBehavior"), dict):
        yield "defaultCacheBehavior", default
    for at, behaviour in enumerate(inputs.get("orderedCacheBehaviors") or ()):
        if isinstance(behaviour, dict):
            yield f"orderedCacheBehaviors[{at}]", behaviour


def _origins(inputs: Inputs) -> list[dict[str, Any]]:
    return [one for one in inputs.get("origins") or () if isinstance(one, dict)]


def _distribution(inputs: Inputs) -> Inputs:
    inputs.setdefault("comment", "")
    for origin in _origins(inputs):
        kinds = ("s3OriginConfig", "customOriginConfig", "vpcOriginConfig")
        if not any(origin.get(kind) for kind in kinds):
            # The provider sends an empty one for an origin that says nothing of its kind.
            origin["s3OriginConfig"] = {"originAccessIdentity": ""}
    for _, behaviour in _behaviours(inputs):
        if "cachedMethods" in behaviour:
            # They land inside the allowed methods, which therefore have to come first.
            behaviour["cachedMethods"] = behaviour.pop("cachedMethods")
    if isinstance(logs := inputs.get("loggingConfig"), dict):
        defaults = {"enabled": True, "includeCookies": False, "prefix": ""}
        inputs["loggingConfig"] = defaults | logs
    return inputs


def _certificate(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ViewerCertificate.html"""
    certificate = inputs.get("viewerCertificate")
    if not isinstance(certificate, Mapping):
        return
    arn = certificate.get("acmCertificateArn")
    own = arn or certificate.get("iamCertificateId")
    if inputs.get("aliases") and not own:
        yield (
            "aliases",
            "given with CloudFront's own certificate; names of ours need an acmCertificateArn",
        )
    if isinstance(arn, str) and arn.startswith("arn:") and arn.split(":")[3] != "us-east-1":
        where = "viewerCertificate.acmCertificateArn"
        yield where, f"a certificate of {arn.split(':')[3]}, CloudFront takes those of us-east-1"
    if own and not certificate.get("sslSupportMethod"):
        where = "viewerCertificate.sslSupportMethod"
        yield where, "nothing was given, a certificate of ours needs one: sni-only"
    protocol = certificate.get("minimumProtocolVersion")
    if not own and protocol not in (None, "TLSv1"):
        yield (
            "viewerCertificate.minimumProtocolVersion",
            f"{protocol} given with CloudFront's own certificate, which always takes TLSv1",
        )


def _targets(inputs: Inputs) -> Iterator[tuple[str, str]]:
    ids = [origin.get("originId") for origin in _origins(inputs)]
    for name, times in Counter(ids).items():
        if times > 1:
            yield "origins", f'the originId "{name}" is given {times} times'
    groups = [one for one in inputs.get("originGroups") or () if isinstance(one, dict)]
    known = [*ids, *(group.get("originId") for group in groups)]
    listed = ", ".join(str(name) for name in known)
    for path, behaviour in _behaviours(inputs):
        target = behaviour.get("targetOriginId")
        if isinstance(target, str) and target not in known:
            yield f"{path}.targetOriginId", f'"{target}" is no origin; there is {listed}'
    for at, group in enumerate(groups):
        for index, member in enumerate(group.get("members") or ()):
            if (name := member.get("originId")) not in ids:
                where = f"originGroups[{at}].members[{index}].originId"
                yield where, f'"{name}" is no origin; there is {", ".join(map(str, ids))}'


def _access(inputs: Inputs) -> Iterator[tuple[str, str]]:
    for at, origin in enumerate(_origins(inputs)):
        identity = (origin.get("s3OriginConfig") or {}).get("originAccessIdentity")
        if origin.get("originAccessControlId") and identity:
            yield (
                f"origins[{at}].originAccessControlId",
                "given together with an originAccessIdentity; an origin has one of the two",
            )
        kinds = ("s3OriginConfig", "customOriginConfig", "vpcOriginConfig")
        given = [kind for kind in kinds if origin.get(kind)]
        if len(given) > 1:
            yield f"origins[{at}]", f"{' and '.join(given)} given, an origin has one of them"


def _caching(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CacheBehavior.html"""
    for path, behaviour in _behaviours(inputs):
        policy, values = behaviour.get("cachePolicyId"), behaviour.get("forwardedValues")
        if not policy and not values:
            yield f"{path}.cachePolicyId", "nothing was given, and no forwardedValues either"
        elif policy and values:
            yield f"{path}.forwardedValues", "given together with cachePolicyId, which replaces it"
        allowed, cached = (
            {one for one in behaviour.get(name) or () if isinstance(one, str)}
            for name in ("allowedMethods", "cachedMethods")
        )
        if allowed and allowed not in METHODS:
            yield f"{path}.allowedMethods", f"{_methods(allowed)} given, {_sets(METHODS)} allowed"
        if cached and cached not in METHODS[:2]:
            yield f"{path}.cachedMethods", f"{_methods(cached)} given, {_sets(METHODS[:2])} allowed"


def _methods(methods: set[str]) -> str:
    everything = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE")
    known = [method for method in everything if method in methods]
    return ", ".join([*known, *sorted(methods - set(known))])


def _sets(sets: Sequence[set[str]]) -> str:
    return " or ".join(f"[{_methods(one)}]" for one in sets)


def _functions(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html"""
    for path, behaviour in _behaviours(inputs):
        events: list[Any] = []
        for name in ("functionAssociations", "lambdaFunctionAssociations"):
            for at, association in enumerate(behaviour.get(name) or ()):
                where, event = f"{path}.{name}[{at}].eventType", association.get("eventType")
                if name == "functionAssociations" and event in (
                    "origin-request",
                    "origin-response",
                ):
                    yield where, f"{event} given, a CloudFront function runs at the viewer only"
                elif event in events:
                    yield where, f"{event} has a function already, an event takes one"
                events.append(event)


def _firewall(inputs: Inputs) -> Iterator[tuple[str, str]]:
    acl = inputs.get("webAclId")
    if isinstance(acl, str) and ":wafv2:" in acl and ":global/webacl/" not in acl:
        yield "webAclId", f"{acl} is regional, a distribution takes a web ACL of scope CLOUDFRONT"


def _named(inside: str) -> Callable[[Inputs], Iterator[tuple[str, str]]]:
    """That what is let through by name has names."""

    def check(inputs: Inputs) -> Iterator[tuple[str, str]]:
        around = inputs.get(inside) if inside else inputs
        for name in ("cookie", "header", "queryString"):
            block = (around or {}).get(f"{name}sConfig") or {}
            behaviour = block.get(f"{name}Behavior")
            items = (block.get(f"{name}s") or {}).get("items")
            if behaviour in ("whitelist", "allExcept") and not items:
                path = f"{inside}.{name}sConfig" if inside else f"{name}sConfig"
                yield f"{path}.{name}s", f"nothing was given, {behaviour} needs names"

    return check


def _lifetimes(inputs: Inputs) -> Iterator[tuple[str, str]]:
    shortest, usual, longest = (
        int(inputs[name]) if inputs.get(name) is not None else default
        for name, default in DEFAULT_LIFETIMES.items()
    )
    if usual < shortest:
        yield "defaultTtl", f"{usual} given, at least minTtl ({shortest}) is needed"
    if longest < usual:
        yield "maxTtl", f"{longest} given, at least defaultTtl ({usual}) is needed"


def _cache_policy(inputs: Inputs) -> Inputs:
    return DEFAULT_LIFETIMES | inputs


def _function(inputs: Inputs) -> Inputs:
    inputs.setdefault("comment", "")
    stores = inputs.get("keyValueStoreAssociations")
    if stores:
        inputs["keyValueStoreAssociations"] = [{"keyValueStoreArn": arn} for arn in stores]
    return inputs


def _size(inputs: Inputs) -> Iterator[tuple[str, str]]:
    code = inputs.get("code")
    if isinstance(code, str) and (size := len(code.encode())) > FUNCTION_BYTES:
        yield "code", f"has {size} bytes, at most {FUNCTION_BYTES} are allowed"


def _public(inputs: Inputs) -> Iterator[tuple[str, str]]:
    key = inputs.get("encodedKey")
    if isinstance(key, str) and key != SECRET and not key.startswith("-----BEGIN PUBLIC KEY-----"):
        yield "encodedKey", "no public key in PEM form: it starts with -----BEGIN PUBLIC KEY-----"


def _id(start: str, digits: int) -> Callable[[Scope], str]:
    """An id as CloudFront draws them, for what moto cannot make."""
    return lambda scope: start + str(scope.find("hex32")).upper()[:digits]


def _vpc_origin(scope: Scope) -> str:
    return f"vo_{str(scope.find('hex32'))[:22]}"


def _tag_of(scope: Scope) -> Any:
    return scope.find("ETag") or _id("E", 13)(scope)


_BEHAVIOURS = {
    f"{behaviour}.{name}": member
    for behaviour in ("defaultCacheBehavior", "orderedCacheBehaviors")
    for name, member in {
        "cachedMethods": "AllowedMethods.CachedMethods",
        "lambdaFunctionAssociations.lambdaArn": "LambdaFunctionARN",
    }.items()
}

ARN_KINDS = {
    "CachePolicy": "cache-policy",
    "OriginRequestPolicy": "origin-request-policy",
    "ResponseHeadersPolicy": "response-headers-policy",
}
"""https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html"""

_NO_POLICIES = "moto has no CloudFront policies"


def _policy(kind: str, **differences: Any) -> Entry:
    return Entry(
        service="cloudfront",
        operation=f"Create{kind}",
        inside=f"{kind}Config",
        shadow=_NO_POLICIES,
        id="{uuid}",
        outputs={
            "arn": lambda scope: (
                f"arn:aws:cloudfront::{scope.find('account')}:{ARN_KINDS[kind]}/{scope.find('uuid')}"
            ),
            "etag": _tag_of,
        },
        **differences,
    )


ENTRIES = {
    "Distribution": Entry(
        service="cloudfront",
        operation="CreateDistributionWithTags",
        inside="DistributionConfigWithTags.DistributionConfig",
        rename={
            "tags": "/DistributionConfigWithTags.Tags.Items",
            "orderedCacheBehaviors": "CacheBehaviors",
            "origins.originId": "Id",
            "origins.customHeaders.name": "HeaderName",
            "origins.customHeaders.value": "HeaderValue",
            "originGroups.originId": "Id",
            "restrictions.geoRestriction.locations": "Items",
            **_BEHAVIOURS,
        },
        ignore={
            "retainOnDelete": "Terraform's deletion",
            "waitForDeployment": "the provider's own patience",
        },
        fixed={
            "DistributionConfigWithTags.DistributionConfig.CallerReference": "{uuid}",
            "DistributionConfigWithTags.Tags": {"Items": []},
        },
        prepare=_distribution,
        mistaken={"NoSuchOrigin": "moto does not take an origin group for the default behaviour"},
        rules=(_certificate, _targets, _access, _caching, _functions, _firewall),
        id=lambda scope: scope.find("Distribution.Id") or _id("E", 13)(scope),
        outputs={
            "arn": "{Distribution.ARN}",
            "callerReference": "{uuid}",
            "domainName": "{Distribution.DomainName}",
            "etag": _tag_of,
            "hostedZoneId": lambda _: ZONE,
            "status": lambda _: "Deployed",
        },
    ),
    "OriginAccessControl": Entry(
        service="cloudfront",
        operation="CreateOriginAccessControl",
        inside="OriginAccessControlConfig",
        prepare=lambda inputs: {"description": MANAGED, **inputs},
        id="{OriginAccessControl.Id}",
        outputs={
            "arn": ("arn:aws:cloudfront::{account}:origin-access-control/{OriginAccessControl.Id}"),
            "etag": _tag_of,
        },
    ),
    "ResponseHeadersPolicy": _policy("ResponseHeadersPolicy"),
    "CachePolicy": _policy(
        "CachePolicy",
        prepare=_cache_policy,
        rules=(_lifetimes, _named("parametersInCacheKeyAndForwardedToOrigin")),
    ),
    "OriginRequestPolicy": _policy("OriginRequestPolicy", rules=(_named(""),)),
    "Function": Entry(
        service="cloudfront",
        operation="CreateFunction",
        rename={
            "code": "FunctionCode",
            "comment": "FunctionConfig.Comment",
            "runtime": "FunctionConfig.Runtime",
            "keyValueStoreAssociations": "FunctionConfig.KeyValueStoreAssociations",
            "tags": "Tags.Items",
        },
        ignore={"publish": "PublishFunction says no more than the name, and moto has no stages"},
        prepare=_function,
        rules=(_size,),
        id="{name}",
        outputs={
            "arn": "arn:aws:cloudfront::{account}:function/{name}",
            "etag": _tag_of,
            "liveStageEtag": _tag_of,
            "status": lambda _: "UNASSOCIATED",
        },
    ),
    "PublicKey": Entry(
        service="cloudfront",
        operation="CreatePublicKey",
        inside="PublicKeyConfig",
        ignore={"namePrefix": "it became the name"},
        fixed={"PublicKeyConfig.CallerReference": "{uuid}"},
        rules=(_public,),
        id="{PublicKey.Id}",
        outputs={"callerReference": "{uuid}", "etag": _tag_of},
    ),
    "KeyGroup": Entry(
        service="cloudfront",
        operation="CreateKeyGroup",
        inside="KeyGroupConfig",
        id="{KeyGroup.Id}",
        outputs={"etag": _tag_of},
    ),
    "VpcOrigin": Entry(
        service="cloudfront",
        operation="CreateVpcOrigin",
        shadow="moto has no VPC origins",
        rename={"tags": "Tags.Items"},
        ignore={"timeouts": "the provider's own patience"},
        id=_vpc_origin,
        outputs={
            "arn": lambda scope: (
                f"arn:aws:cloudfront::{scope.find('account')}:vpcorigin/{_vpc_origin(scope)}"
            ),
            "etag": _tag_of,
        },
    ),
}
