"""Amazon Route 53. A record is one change of its zone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope

MANAGED = "Managed by Pulumi"
_CHANGE = "ChangeBatch.Changes[]"
_SET = f"{_CHANGE}.ResourceRecordSet"


def _zone(inputs: Inputs) -> Inputs:
    inputs.setdefault("comment", MANAGED)
    networks = inputs.pop("vpcs", None) or []
    if networks:
        inputs["vpc"] = networks[0]
        inputs["privateZone"] = True
        if len(networks) > 1:
            inputs["moreVpcs"] = [{"vpc": network} for network in networks[1:]]
    return inputs


def _zone_id(scope: Scope) -> str | None:
    found = scope.find("HostedZone.Id")
    return str(found).removeprefix("/hostedzone/") if found else None


def _record(inputs: Inputs) -> Inputs:
    # A change of the whole set, as the provider sends it when it may take a record over.
    inputs["action"] = "UPSERT" if inputs.pop("allowOverwrite", False) else "CREATE"
    if "records" in inputs:
        inputs["records"] = [{"value": value} for value in inputs["records"] or ()]
    for block in ("failoverRoutingPolicies", "latencyRoutingPolicies", "weightedRoutingPolicies"):
        if isinstance(inputs.get(block), list) and len(inputs[block]) == 1:
            inputs[block] = inputs[block][0]
    return inputs


def _answers(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if inputs.get("aliases") and inputs.get("records"):
        yield "aliases", "given together with records; a record set has one of the two"
    elif not inputs.get("aliases") and not inputs.get("records"):
        yield "records", "nothing was given, and no aliases either"
    if inputs.get("records") and inputs.get("ttl") is None:
        yield "ttl", "nothing was given, records need one"


def _checked(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html"""
    kind = inputs.get("type")
    if not isinstance(kind, str):
        return
    for name in NEEDED.get(kind, ()):
        if inputs.get(name) in (None, "", []):
            yield name, f"nothing was given, {kind} needs one"
    if kind in ENDPOINTS:
        if not inputs.get("fqdn") and not inputs.get("ipAddress"):
            yield "fqdn", f"nothing was given, and no ipAddress either; {kind} needs one"
        if inputs.get("requestInterval") is None:
            yield "requestInterval", f"nothing was given, {kind} needs 10 or 30 seconds"
    interval = inputs.get("requestInterval")
    # Beyond the two the API's model refuses it.
    if interval is not None and 10 < float(interval) < 30:
        yield "requestInterval", f"{interval} given, 10 or 30 allowed"
    path = inputs.get("resourcePath")
    if isinstance(path, str) and not path.startswith("/"):
        yield "resourcePath", f'"{path}" given, a path starts with /'


ENDPOINTS = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")
"""The kinds of health check that call something."""

NEEDED = {
    "HTTP_STR_MATCH": ("searchString",),
    "HTTPS_STR_MATCH": ("searchString",),
    "TCP": ("port",),
    "CALCULATED": ("childHealthchecks", "childHealthThreshold"),
    "CLOUDWATCH_METRIC": ("cloudwatchAlarmName", "cloudwatchAlarmRegion"),
    "RECOVERY_CONTROL": ("routingControlArn",),
}


def _record_id(scope: Scope) -> Any:
    parts = [scope.find(part) for part in ("zoneId", "name", "type", "setIdentifier")]
    return "_".join(str(part) for part in parts if part)


ENTRIES = {
    "Zone": Entry(
        service="route53",
        operation="CreateHostedZone",
        rename={
            "comment": "HostedZoneConfig.Comment",
            "privateZone": "HostedZoneConfig.PrivateZone",
            "vpc": "VPC",
        },
        ignore={
            "forceDestroy": "Terraform's deletion",
            "enableAcceleratedRecovery": "told by UpdateHostedZoneFeatures",
        },
        fixed={"CallerReference": "{uuid}"},
        prepare=_zone,
        then=(
            Call(
                operation="AssociateVPCWithHostedZone",
                each="moreVpcs",
                rename={"vpc": "VPC"},
                fixed={"HostedZoneId": _zone_id},
            ),
            Call(
                operation="ChangeTagsForResource",
                rename={"tags": "AddTags"},
                fixed={"ResourceType": "hostedzone", "ResourceId": _zone_id},
            ),
        ),
        id=_zone_id,
        outputs={
            "zoneId": _zone_id,
            "arn": lambda scope: f"arn:aws:route53:::hostedzone/{_zone_id(scope)}",
            "nameServers": "{DelegationSet.NameServers}",
            "primaryNameServer": "{DelegationSet.NameServers.0}",
            "comment": lambda scope: scope.find("comment") or MANAGED,
        },
    ),
    "HealthCheck": Entry(
        service="route53",
        operation="CreateHealthCheck",
        inside="HealthCheckConfig",
        rename={
            "childHealthThreshold": "HealthThreshold",
            "cloudwatchAlarmName": "AlarmIdentifier.Name",
            "cloudwatchAlarmRegion": "AlarmIdentifier.Region",
            "fqdn": "FullyQualifiedDomainName",
            "invertHealthcheck": "Inverted",
        },
        ignore={
            "referenceName": "the start of the caller reference, which is made up here",
            "triggers": "tells Terraform when to make the check anew",
        },
        fixed={"CallerReference": "{uuid}"},
        rules=(_checked,),
        then=(
            Call(
                operation="ChangeTagsForResource",
                rename={"tags": "AddTags"},
                fixed={"ResourceType": "healthcheck", "ResourceId": "{HealthCheck.Id}"},
            ),
        ),
        id="{HealthCheck.Id}",
        outputs={"arn": "arn:aws:route53:::healthcheck/{HealthCheck.Id}"},
    ),
    "Record": Entry(
        service="route53",
        operation="ChangeResourceRecordSets",
        lift={
            "failoverRoutingPolicies": "",
            "latencyRoutingPolicies": "",
            "weightedRoutingPolicies": "",
        },
        rename={
            "zoneId": "HostedZoneId",
            "action": f"{_CHANGE}.Action",
            "name": f"{_SET}.Name",
            "type": f"{_SET}.Type",
            "ttl": f"{_SET}.TTL",
            "records": f"{_SET}.ResourceRecords",
            "aliases": f"{_SET}.AliasTarget",
            "aliases.name": "DNSName",
            "aliases.zoneId": "HostedZoneId",
            "setIdentifier": f"{_SET}.SetIdentifier",
            "healthCheckId": f"{_SET}.HealthCheckId",
            "multivalueAnswerRoutingPolicy": f"{_SET}.MultiValueAnswer",
            "failoverRoutingPolicies.type": f"{_SET}.Failover",
            "latencyRoutingPolicies.region": f"{_SET}.Region",
            "weightedRoutingPolicies.weight": f"{_SET}.Weight",
            "cidrRoutingPolicy": f"{_SET}.CidrRoutingConfig",
            "geoproximityRoutingPolicy": f"{_SET}.GeoProximityLocation",
            "geoproximityRoutingPolicy.coordinates": "Coordinates",
            "geolocationRoutingPolicies": f"{_SET}.GeoLocation",
            "geolocationRoutingPolicies.continent": "ContinentCode",
            "geolocationRoutingPolicies.country": "CountryCode",
            "geolocationRoutingPolicies.subdivision": "SubdivisionCode",
        },
        prepare=_record,
        rules=(_answers,),
        id=_record_id,
        outputs={"fqdn": "{name}"},
    ),
}
