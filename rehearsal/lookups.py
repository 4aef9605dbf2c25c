"""Answers to what a program asks AWS before it creates anything: zones, images, parameters, zones.

One entry of `_LOOKUPS` per function token; an answer carries wire names (camelCase). Where the
in-memory AWS holds the same data as AWS does (public parameters, images, instance types) it is
asked; where it makes up a random id, or holds nothing, a fixed answer stands here, so that a
rehearsal on moto and a record-only one see the same names.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ACCOUNT = "123456789012"
"""The account of every rehearsal; moto's own default."""

ClientFactory = Callable[[str, str], Any]
"""`client(service, region)`: a boto3 client of the in-memory AWS."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One call of a function, with what is at hand to answer it."""

    token: str
    args: Mapping[str, Any]
    client: ClientFactory | None
    """None while only recording: then every answer is fixed."""
    region: str

    @property
    def partition(self) -> str:
        return next(
            (name for prefix, name in _PARTITIONS.items() if self.region.startswith(prefix)), "aws"
        )

    def arn(self, service: str, resource: str, *, account: str = ACCOUNT) -> str:
        regional = "" if service in ("iam", "route53", "cloudfront") else self.region
        return f"arn:{self.partition}:{service}:{regional}:{account}:{resource}"


def answer(
    token: str, args: Mapping[str, Any], client: ClientFactory | None, region: str
) -> dict[str, Any]:
    """Answer the function `token`. Raises LookupError with a sentence for a person."""
    lookup = _LOOKUPS.get(token)
    if lookup is None:
        known = ", ".join(sorted(name.rsplit(":", 1)[1] for name in _LOOKUPS))
        raise LookupError(
            f"{token}: the rehearsal has no answer to this function. It answers {known}; add an "
            f"entry to rehearsal/lookups.py, or take the value from the stack's settings"
        )
    asked = Question(
        token=token,
        args={key: value for key, value in args.items() if value is not None},
        client=client,
        region=args.get("region") or region,
    )
    given = {"id": asked.region, "region": asked.region, **asked.args}
    return {**given, **lookup(asked)}


def _made_up(prefix: str, *parts: str, length: int = 17) -> str:
    """An id that is always the same for the same thing."""
    return prefix + hashlib.sha256("/".join(parts).encode()).hexdigest()[:length]


def _filters(args: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"Name": one["name"], "Values": list(one["values"])} for one in args.get("filters") or ()
    ]


# Where and who

_PARTITIONS = {"us-gov-": "aws-us-gov", "cn-": "aws-cn"}

_ZONE_LETTERS = {
    "ap-northeast-1": "acd",
    "ap-northeast-2": "abcd",
    "ca-central-1": "abd",
    "us-east-1": "abcdef",
    "us-west-1": "ab",
    "us-west-2": "abcd",
}
"""Regions whose zones are not a, b and c."""


def _availability_zones(asked: Question) -> dict[str, Any]:
    if asked.client is None:
        region = asked.region
        found = [
            {"ZoneName": f"{region}{letter}", "ZoneId": f"{region}-az{number}"}
            for number, letter in enumerate(_ZONE_LETTERS.get(region, "abc"), start=1)
        ]
    else:
        ec2 = asked.client("ec2", asked.region)
        found = ec2.describe_availability_zones(Filters=_filters(asked.args))["AvailabilityZones"]
    excluded = {*asked.args.get("excludeNames", ()), *asked.args.get("excludeZoneIds", ())}
    kept = sorted(
        (zone["ZoneName"], zone["ZoneId"])
        for zone in found
        if not excluded & {zone["ZoneName"], zone["ZoneId"]}
    )
    return {
        "groupNames": [asked.region],
        "names": [name for name, _ in kept],
        "zoneIds": [zone_id for _, zone_id in kept],
    }


def _region(asked: Question) -> dict[str, Any]:
    return {
        "description": asked.region,
        "endpoint": f"ec2.{asked.region}.amazonaws.com",
        "name": asked.region,
    }


def _caller_identity(asked: Question) -> dict[str, Any]:
    return {
        "accountId": ACCOUNT,
        "arn": f"arn:{asked.partition}:sts::{ACCOUNT}:user/rehearsal",
        "id": ACCOUNT,
        "userId": "AIDAREHEARSAL00000000",
    }


def _partition(asked: Question) -> dict[str, Any]:
    suffix = "amazonaws.com.cn" if asked.partition == "aws-cn" else "amazonaws.com"
    return {
        "dnsSuffix": suffix,
        "id": asked.partition,
        "partition": asked.partition,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


# Images, instance types and parameters


def _parameter(asked: Question) -> dict[str, Any]:
    name = asked.args["name"]
    if asked.client is None:
        is_ami = name.startswith("/aws/service/") and "ami" in name
        kind, version = "String", 1
        value = _made_up("ami-", asked.region, name) if is_ami else "rehearsal"
    else:
        ssm = asked.client("ssm", asked.region)
        try:
            found = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        except ssm.exceptions.ParameterNotFound as missing:
            raise LookupError(
                f"{asked.token}: no parameter {name!r} in {asked.region}. A parameter of AWS "
                "starts with /aws/service/; one of the account has to be made by this program"
            ) from missing
        kind, value, version = found["Type"], found["Value"], found["Version"]
    return {
        "arn": asked.arn("ssm", f"parameter/{name.lstrip('/')}"),
        "id": name,
        "insecureValue": "" if kind == "SecureString" else value,
        "type": kind,
        "value": value,
        "version": version,
    }


def _ami(asked: Question) -> dict[str, Any]:
    wanted = re.compile(asked.args.get("nameRegex", ""))
    if asked.client is None:
        filters = json.dumps(_filters(asked.args), sort_keys=True)
        found = [
            {
                "ImageId": _made_up("ami-", asked.region, wanted.pattern, filters),
                "Name": "rehearsal",
            }
        ]
    else:
        ec2 = asked.client("ec2", asked.region)
        images = ec2.describe_images(
            Owners=list(asked.args.get("owners", ())), Filters=_filters(asked.args)
        )["Images"]
        found = [image for image in images if wanted.search(image.get("Name", ""))]
    if not found:
        raise LookupError(f"{asked.token}: no image matches these filters, owners and name")
    if len(found) > 1 and not asked.args.get("mostRecent"):
        raise LookupError(
            f"{asked.token}: {len(found)} images match; set most_recent, or filter more narrowly"
        )
    # moto dates every image at the start of the process, so the newest is told by its name, which
    # carries the release date.
    image = max(found, key=lambda one: (one.get("Name", ""), one["ImageId"]))
    return {
        "architecture": image.get("Architecture", "x86_64"),
        "arn": asked.arn("ec2", f"image/{image['ImageId']}", account=""),
        "id": image["ImageId"],
        "imageId": image["ImageId"],
        "name": image.get("Name", ""),
        "ownerId": image.get("OwnerId", ""),
        "rootDeviceName": image.get("RootDeviceName", "/dev/xvda"),
        "rootDeviceType": "ebs",
        "virtualizationType": "hvm",
    }


def _instance_type(asked: Question) -> dict[str, Any]:
    name = asked.args["instanceType"]
    if asked.client is None:
        return {"id": name}
    ec2 = asked.client("ec2", asked.region)
    try:
        (found,) = ec2.describe_instance_types(InstanceTypes=[name])["InstanceTypes"]
    except ec2.exceptions.ClientError as refused:
        raise LookupError(f"{asked.token}: no instance type {name!r}") from refused
    gpus = found.get("GpuInfo", {})
    return {
        "burstablePerformanceSupported": found.get("BurstablePerformanceSupported", False),
        "defaultVcpus": found["VCpuInfo"]["DefaultVCpus"],
        "gpuses": [
            {
                "count": gpu["Count"],
                "manufacturer": gpu["Manufacturer"],
                "memorySize": gpu["MemoryInfo"]["SizeInMiB"],
                "name": gpu["Name"],
            }
            for gpu in gpus.get("Gpus", ())
        ],
        "id": name,
        "maximumNetworkInterfaces": found["NetworkInfo"]["MaximumNetworkInterfaces"],
        "memorySize": found["MemoryInfo"]["SizeInMiB"],
        "supportedArchitectures": found["ProcessorInfo"]["SupportedArchitectures"],
        "supportedUsagesClasses": found["SupportedUsageClasses"],
        "totalGpuMemory": gpus.get("TotalGpuMemoryInMiB", 0),
    }


def _instance_types(asked: Question) -> dict[str, Any]:
    if asked.client is None:
        return {"instanceTypes": []}
    pages = asked.client("ec2", asked.region).get_paginator("describe_instance_types")
    found = [
        one["InstanceType"]
        for page in pages.paginate(Filters=_filters(asked.args))
        for one in page["InstanceTypes"]
    ]
    return {"instanceTypes": sorted(found)}


def _instance_type_offerings(asked: Question) -> dict[str, Any]:
    kind = asked.args.get("locationType", "region")
    found: Sequence[Mapping[str, str]] = ()
    if asked.client is not None:
        pages = asked.client("ec2", asked.region).get_paginator("describe_instance_type_offerings")
        found = [
            one
            for page in pages.paginate(LocationType=kind, Filters=_filters(asked.args))
            for one in page["InstanceTypeOfferings"]
        ]
    offers = sorted((one["InstanceType"], one["Location"]) for one in found)
    return {
        "instanceTypes": [name for name, _ in offers],
        "locationTypes": [kind for _ in offers],
        "locations": [location for _, location in offers],
    }


_DOCKER_PLATFORM = "64bit Amazon Linux 2023 v4.6.0 running Docker"
"""The platform that takes a container, under the name that moto lists it by."""


def _by_version(name: str) -> tuple[list[int], str]:
    version = re.search(r"v([\d.]+) running", name)
    return [int(part) for part in version[1].split(".")] if version else [], name


def _solution_stack(asked: Question) -> dict[str, Any]:
    wanted = re.compile(asked.args["nameRegex"])
    if asked.client is None:
        names = [_DOCKER_PLATFORM]
    else:
        beanstalk = asked.client("elasticbeanstalk", asked.region)
        names = beanstalk.list_available_solution_stacks()["SolutionStacks"]
    # AWS lists the newest version first, moto in an order of its own.
    found = sorted((name for name in names if wanted.search(name)), key=_by_version)
    if not found:
        raise LookupError(f"{asked.token}: no platform matches {wanted.pattern!r}")
    if len(found) > 1 and not asked.args.get("mostRecent"):
        raise LookupError(f"{asked.token}: several platforms match; set most_recent: {found}")
    return {"id": found[-1], "name": found[-1]}


def _autoscaling_group(asked: Question) -> dict[str, Any]:
    """The group that Beanstalk made of an environment's instances, and the target group they serve.

    A group of the program's own is at hand without asking.
    """
    name = asked.args["name"]
    target_group = _made_up("awseb-", name, length=16)
    arn = asked.arn("elasticloadbalancing", f"targetgroup/{target_group}/{target_group[6:]}")
    if asked.client is not None:
        arn = _place_target_group(asked, asked.client, target_group)
    return {
        "arn": asked.arn("autoscaling", f"autoScalingGroup::autoScalingGroupName/{name}"),
        "id": name,
        "name": name,
        "targetGroupArns": [arn],
    }


def _place_target_group(asked: Question, client: ClientFactory, name: str) -> str:
    """The ARN of a target group in the in-memory AWS, made there, so that rules may name it."""
    balancing = client("elbv2", asked.region)
    try:
        found = balancing.describe_target_groups(Names=[name])
    except balancing.exceptions.TargetGroupNotFoundException:
        # Which network it is in, nobody asks.
        network = client("ec2", asked.region).describe_vpcs()["Vpcs"][0]["VpcId"]
        found = balancing.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=network)
    return found["TargetGroups"][0]["TargetGroupArn"]


# Network

_PREFIX_LISTS = (
    "com.amazonaws.global.cloudfront.origin-facing",
    "com.amazonaws.{region}.dynamodb",
    "com.amazonaws.{region}.s3",
    "com.amazonaws.{region}.vpc-lattice",
)


def _prefix_list(asked: Question) -> dict[str, Any]:
    names = [name.format(region=asked.region) for name in _PREFIX_LISTS]
    ids = {_made_up("pl-", asked.region, name): name for name in names}
    wanted = {asked.args[key] for key in ("id", "name", "prefixListId") if key in asked.args}
    for one in asked.args.get("filters") or ():
        wanted |= set(one["values"])
    for list_id, name in ids.items():
        if wanted & {list_id, name}:
            return {
                "addressFamily": "IPv4",
                "arn": asked.arn("ec2", f"prefix-list/{list_id}", account="aws"),
                "cidrBlocks": [],
                "entries": [],
                "id": list_id,
                "name": name,
                "ownerId": "AWS",
            }
    raise LookupError(
        f"{asked.token}: no managed prefix list {', '.join(sorted(wanted))} in {asked.region}; "
        f"there are {', '.join(names)}"
    )


def _zone(asked: Question) -> dict[str, Any]:
    name = asked.args.get("name", "").rstrip(".")
    if not name:
        raise LookupError(f"{asked.token}: rehearsed only by name; give the zone's name")
    private = bool(asked.args.get("privateZone") or asked.args.get("vpcId"))
    zone_id = _made_up("Z", name, length=13).upper()
    servers = [f"ns-{2048 + n}.awsdns-{64 + n}.{top}" for n, top in enumerate(_SERVER_DOMAINS)]
    if asked.client is not None:
        zone_id = _place_zone(asked.client("route53", "us-east-1"), name, private, zone_id)
    return {
        "arn": f"arn:{asked.partition}:route53:::hostedzone/{zone_id}",
        "comment": "",
        "id": zone_id,
        "name": name,
        "nameServers": servers,
        "primaryNameServer": servers[0],
        "privateZone": private,
        "zoneId": zone_id,
    }


_SERVER_DOMAINS = ("com", "net", "org", "co.uk")


def _place_zone(route53: Any, name: str, private: bool, zone_id: str) -> str:
    """The id of the zone in the in-memory AWS, which is made there, so that it takes records."""
    from moto.route53.models import HostedZoneIdentifier
    from moto.utilities.id_generator import moto_id_manager

    listed = route53.list_hosted_zones_by_name(DNSName=name)["HostedZones"]
    for zone in listed:
        if zone["Name"].rstrip(".") == name and zone["Config"]["PrivateZone"] == private:
            return zone["Id"].rsplit("/", 1)[1]
    identifier = HostedZoneIdentifier(ACCOUNT, f"{name}.", None)
    moto_id_manager.set_custom_id(identifier, zone_id)
    try:
        route53.create_hosted_zone(
            Name=f"{name}.", CallerReference=zone_id, HostedZoneConfig={"PrivateZone": private}
        )
    finally:
        moto_id_manager.unset_custom_id(identifier)
    return zone_id


# Keys, secrets and images of the account


def _key(asked: Question) -> dict[str, Any]:
    given = asked.args["keyId"].rsplit(":", 1)[-1].removeprefix("key/")
    digest = hashlib.sha256(given.encode()).hexdigest()
    key_id = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
    if not given.startswith("alias/"):
        key_id = given
    return {
        "arn": asked.arn("kms", f"key/{key_id}"),
        "awsAccountId": ACCOUNT,
        "enabled": True,
        "id": key_id,
        "keyId": key_id,
        "keyManager": "AWS" if given.startswith("alias/aws/") else "CUSTOMER",
        "keySpec": "SYMMETRIC_DEFAULT",
        "keyState": "Enabled",
        "keyUsage": "ENCRYPT_DECRYPT",
    }


def _secret_version(asked: Question) -> dict[str, Any]:
    secret = asked.args["secretId"]
    value = "rehearsal"
    arn = secret if secret.startswith("arn:") else asked.arn("secretsmanager", f"secret:{secret}")
    if asked.client is not None:
        manager = asked.client("secretsmanager", asked.region)
        try:
            found = manager.get_secret_value(SecretId=secret)
        except manager.exceptions.ResourceNotFoundException:
            # A secret filled by hand stands outside the program; only its value is unknown here.
            pass
        else:
            value, arn = found.get("SecretString", ""), found["ARN"]
    return {
        "arn": arn,
        "id": secret,
        "secretArn": arn,
        "secretString": value,
        "versionId": _made_up("", secret, length=32),
        "versionStages": ["AWSCURRENT"],
    }


def _image(asked: Question) -> dict[str, Any]:
    repository = asked.args["repositoryName"]
    tag = asked.args.get("imageTag", "latest")
    digest = asked.args.get("imageDigest") or _made_up("sha256:", repository, tag, length=64)
    registry = f"{ACCOUNT}.dkr.ecr.{asked.region}.amazonaws.com"
    return {
        "id": digest,
        "imageDigest": digest,
        "imageTags": [tag],
        "imageUri": f"{registry}/{repository}@{digest}",
        "registryId": ACCOUNT,
    }


_LOAD_BALANCER_ACCOUNTS = {
    "ap-northeast-1": "582318560864",
    "ap-northeast-2": "600734575887",
    "ap-south-1": "718504428378",
    "ap-southeast-1": "114774131450",
    "ap-southeast-2": "783225319266",
    "ca-central-1": "985666609251",
    "eu-central-1": "054676820928",
    "eu-north-1": "897822967062",
    "eu-west-1": "156460612806",
    "eu-west-2": "652711504416",
    "eu-west-3": "009996457667",
    "sa-east-1": "507241528517",
    "us-east-1": "127311923021",
    "us-east-2": "033677994240",
    "us-west-1": "027434742980",
    "us-west-2": "797873946194",
}
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html"""


def _load_balancer_account(asked: Question) -> dict[str, Any]:
    account = _LOAD_BALANCER_ACCOUNTS.get(asked.region)
    if account is None:
        raise LookupError(
            f"{asked.token}: {asked.region} has no load balancer account; grant the service "
            "principal logdelivery.elasticloadbalancing.amazonaws.com instead"
        )
    return {"arn": asked.arn("iam", "root", account=account), "id": account}


_CLOUDFRONT_POLICIES = {
    "Cache": {
        "Managed-CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        "Managed-CachingOptimized": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        "UseOriginCacheControlHeaders": "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
    },
    "OriginRequest": {
        "Managed-AllViewer": "216adef6-5c7f-47e4-b989-5492eafa07d3",
        "Managed-AllViewerExceptHostHeader": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
        "Managed-CORS-S3Origin": "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
    },
    "ResponseHeaders": {
        "Managed-CORS-with-preflight-and-SecurityHeadersPolicy": (
            "eaab4381-ed33-4a86-88ca-d9558dc6cd63"
        ),
        "Managed-SecurityHeadersPolicy": "67f7725c-6f97-4210-82d7-5512b31e9d03",
        "Managed-SimpleCORS": "60669652-455b-4ae9-85a4-c4c02393f86c",
    },
}
"""The policies of AWS, which moto lacks.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
"""


def _cloudfront_policy(kind: str) -> Callable[[Question], dict[str, Any]]:
    known = _CLOUDFRONT_POLICIES[kind]

    def lookup(asked: Question) -> dict[str, Any]:
        wanted = {asked.args.get("id"), asked.args.get("name")}
        for name, policy_id in known.items():
            if wanted & {name, policy_id}:
                return {"id": policy_id, "name": name}
        raise LookupError(f"{asked.token}: no such managed policy; there are {', '.join(known)}")

    return lookup


# IAM

_DOCUMENT_VERSION = "2012-10-17"


def _policy_document(asked: Question) -> dict[str, Any]:
    """Render the statements as the provider does, then lay the other documents under and over."""
    args = asked.args
    version = args.get("version", _DOCUMENT_VERSION)
    own = [_statement(one, version) for one in args.get("statements") or ()]
    _refuse_repeated_sids(asked.token, own)
    statements: list[dict[str, Any]] = []
    for text in args.get("sourcePolicyDocuments") or ():
        statements += _parsed(asked.token, text)
    _refuse_repeated_sids(asked.token, statements)
    statements = _laid_over(statements, own)
    for text in args.get("overridePolicyDocuments") or ():
        statements = _laid_over(statements, _parsed(asked.token, text))
    document: dict[str, Any] = {"Version": version}
    if args.get("policyId"):
        document["Id"] = args["policyId"]
    if statements:
        document["Statement"] = statements
    text = json.dumps(document, indent=2)
    return {
        "id": str(zlib.crc32(text.encode())),
        "json": text,
        "minifiedJson": json.dumps(document, separators=(",", ":")),
    }


def _statement(given: Mapping[str, Any], version: str) -> dict[str, Any]:
    values = {
        "Sid": given.get("sid"),
        "Effect": given.get("effect") or "Allow",
        "Action": _one_or_sorted(given.get("actions")),
        "NotAction": _one_or_sorted(given.get("notActions")),
        "Resource": _one_or_sorted(given.get("resources"), version),
        "NotResource": _one_or_sorted(given.get("notResources"), version),
        "Principal": _principals(given.get("principals"), version),
        "NotPrincipal": _principals(given.get("notPrincipals"), version),
        "Condition": _conditions(given.get("conditions"), version),
    }
    return {key: value for key, value in values.items() if value}


def _one_or_sorted(given: Sequence[str] | None, version: str = "") -> str | list[str]:
    """A single value stands bare; several stand in falling order, as the provider writes them."""
    values = [_variables(value, version) for value in given or ()]
    return values[0] if len(values) == 1 else sorted(values, reverse=True)


def _variables(value: str, version: str) -> str:
    if "&{" in value and version != _DOCUMENT_VERSION:
        raise LookupError(f"policy variables such as {value!r} need version {_DOCUMENT_VERSION}")
    return value.replace("&{", "${")


def _principals(given: Sequence[Mapping[str, Any]] | None, version: str) -> Any:
    merged: dict[str, list[str]] = {}
    for one in given or ():
        merged.setdefault(one["type"], []).extend(one["identifiers"])
    if merged.get("*") == ["*"]:
        return "*"
    return {kind: _one_or_sorted(merged[kind], version) for kind in sorted(merged)}


def _conditions(given: Sequence[Mapping[str, Any]] | None, version: str) -> dict[str, Any]:
    merged: dict[str, dict[str, list[str]]] = {}
    for one in given or ():
        merged.setdefault(one["test"], {}).setdefault(one["variable"], []).extend(one["values"])
    return {
        test: {
            variable: [_variables(value, version) for value in merged[test][variable]]
            if len(merged[test][variable]) > 1
            else _variables(merged[test][variable][0], version)
            for variable in sorted(merged[test])
        }
        for test in sorted(merged)
    }


def _parsed(token: str, text: str) -> list[dict[str, Any]]:
    try:
        statements = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError) as error:
        raise LookupError(f"{token}: a merged policy document is no policy: {error!r}") from error
    return statements if isinstance(statements, list) else [statements]


def _refuse_repeated_sids(token: str, statements: Sequence[Mapping[str, Any]]) -> None:
    sids = [one["Sid"] for one in statements if one.get("Sid")]
    for sid in sids:
        if sids.count(sid) > 1:
            raise LookupError(f"{token}: two statements have the sid {sid!r}; sids are unique")


def _laid_over(
    below: Sequence[dict[str, Any]], above: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A statement replaces the one below with its sid, and otherwise comes after."""
    replaced = {one["Sid"]: one for one in above if one.get("Sid")}
    kept = [replaced.pop(one["Sid"], one) if one.get("Sid") else one for one in below]
    return kept + [one for one in above if not one.get("Sid") or one["Sid"] in replaced]


def _policy(asked: Question) -> dict[str, Any]:
    """A policy of AWS, by name or ARN; one of the program's own is at hand without asking."""
    arn = asked.args.get("arn")
    name = asked.args.get("name") or (arn or "").rsplit("/", 1)[-1]
    path = asked.args.get("pathPrefix", "/")
    arn = arn or asked.arn("iam", f"policy{path}{name}", account="aws")
    return {"arn": arn, "id": arn, "name": name, "path": path}


_LOOKUPS: Mapping[str, Callable[[Question], dict[str, Any]]] = {
    "aws:autoscaling/getGroup:getGroup": _autoscaling_group,
    "aws:cloudfront/getCachePolicy:getCachePolicy": _cloudfront_policy("Cache"),
    "aws:cloudfront/getOriginRequestPolicy:getOriginRequestPolicy": (
        _cloudfront_policy("OriginRequest")
    ),
    "aws:cloudfront/getResponseHeadersPolicy:getResponseHeadersPolicy": (
        _cloudfront_policy("ResponseHeaders")
    ),
    "aws:ec2/getAmi:getAmi": _ami,
    "aws:ec2/getInstanceType:getInstanceType": _instance_type,
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _instance_type_offerings,
    "aws:ec2/getInstanceTypes:getInstanceTypes": _instance_types,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
    "aws:ec2/getPrefixList:getPrefixList": _prefix_list,
    "aws:ecr/getImage:getImage": _image,
    "aws:elasticbeanstalk/getSolutionStack:getSolutionStack": _solution_stack,
    "aws:elb/getServiceAccount:getServiceAccount": _load_balancer_account,
    "aws:iam/getPolicy:getPolicy": _policy,
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
    "aws:kms/getKey:getKey": _key,
    "aws:route53/getZone:getZone": _zone,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": _secret_version,
    "aws:ssm/getParameter:getParameter": _parameter,
}
