"""`awsx.ec2.Vpc`, expanded into the resources that the awsx provider makes from explicit subnets.

awsx components are remote: the program registers one resource, and the awsx provider makes the
children in a process of its own. A rehearsal has no such process, so it makes the same children
here, with the same logical names, types, parents and tags as awsx 3.11, and with the same refusals.
Only layouts that state every CIDR block are rehearsed; awsx's own arithmetic is not repeated.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rehearsal.contract import Created, Provider
from rehearsal.graph import UNKNOWN, Finding, Graph, Resource

VPC = "awsx:ec2:Vpc"

_TIERS = ("Public", "Private", "Isolated")
"""In the order in which awsx makes a zone's subnets: a private subnet's route needs the NAT."""

_NAT_STRATEGIES = ("None", "Single", "OnePerAz")

_HANDED_TO_THE_VPC = (
    "assignGeneratedIpv6CidrBlock",
    "cidrBlock",
    "enableDnsHostnames",
    "enableDnsSupport",
    "enableNetworkAddressUsageMetrics",
    "instanceTenancy",
    "region",
)
_UNDERSTOOD = {
    *_HANDED_TO_THE_VPC,
    "availabilityZoneNames",
    "natGateways",
    "numberOfAvailabilityZones",
    "subnetNameTagStrategy",
    "subnetSpecs",
    "subnetStrategy",
    "tags",
}
_UNDERSTOOD_IN_A_SPEC = {"cidrBlocks", "cidrMask", "name", "size", "tags", "type"}

_EXPLICIT_ONLY = "awsx.ec2.Vpc is rehearsed only with explicit cidr_blocks"

_REGION_OF_A_ZONE = re.compile(r"^[a-z]{2}(?:-[a-z]+)+-")

_SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
_RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"


class _RefusedError(Exception):
    """What awsx throws instead of making anything. One line for each thing that is wrong."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class _Subnet:
    name: str
    name_tag: str
    tier: str
    zone: str
    block: ipaddress.IPv4Network
    tags: Mapping[str, str]


@dataclass(frozen=True)
class _Output:
    """An output of a resource made before, wired into the inputs of one made after."""

    resource: Resource
    key: str

    @property
    def value(self) -> Any:
        if not self.resource.id:
            return UNKNOWN
        return self.resource.outputs.get(self.key) or self.resource.id


def reference(resource: Resource) -> dict[str, Any]:
    """A resource as the engine writes it into the outputs of a component."""
    return {
        _SIGNATURE_KEY: _RESOURCE_SIGNATURE,
        "urn": resource.urn,
        "id": resource.id,
        "packageVersion": "",
    }


def expand(resource: Resource, graph: Graph, provider: Provider) -> Created:
    """Make the children of an `awsx:ec2:Vpc` and give the component's outputs.

    The children go through `provider.check` and `provider.create` and into `graph.resources`.
    What awsx would refuse comes back as findings of check `awsx`, and then nothing is made.
    """
    try:
        zones = _zones(resource, provider)
        subnets = _layout(resource.name, resource.inputs, zones)
        nat = _nat_strategy(resource.inputs, zones, subnets)
    except _RefusedError as refused:
        return Created(
            id="",
            made_in="component",
            findings=[_finding(resource, "awsx", problem) for problem in refused.problems],
        )
    return _Expansion(resource, graph, provider).run(zones, subnets, nat)


@dataclass
class _Expansion:
    component: Resource
    graph: Graph
    provider: Provider
    made: list[Resource] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def run(self, zones: Sequence[str], subnets: Sequence[_Subnet], nat: str) -> Created:
        name, inputs = self.component.name, self.component.inputs
        shared = {"Name": name, **(inputs.get("tags") or {})}
        vpc = self._make(
            "aws:ec2/vpc:Vpc",
            name,
            {
                "cidrBlock": "10.0.0.0/16",
                **{key: inputs[key] for key in _HANDED_TO_THE_VPC if key in inputs},
                "tags": shared,
            },
            parent=self.component,
        )
        gateway = self._make(
            "aws:ec2/internetGateway:InternetGateway",
            name,
            {"vpcId": _Output(vpc, "id"), "tags": shared},
            parent=vpc,
        )
        nats: dict[str, Resource] = {}
        layout: dict[str, list[Resource]] = {tier: [] for tier in _TIERS}
        for index, zone in enumerate(zones):
            here = [subnet for subnet in subnets if subnet.zone == zone and subnet.tier in layout]
            for spec in sorted(here, key=lambda subnet: _TIERS.index(subnet.tier)):
                subnet, table = self._subnet(spec, vpc, shared)
                layout[spec.tier].append(subnet)
                wanted = (nat == "OnePerAz" and zone not in nats) or (nat == "Single" and not nats)
                if spec.tier == "Public" and wanted:
                    nats[zone] = self._nat_gateway(index, subnet)
                if spec.tier == "Public":
                    self._route(spec, table, "gatewayId", gateway)
                elif spec.tier == "Private" and nat != "None":
                    through = nats[zone if nat == "OnePerAz" else zones[0]]
                    self._route(spec, table, "natGatewayId", through)
        return Created(
            id="",
            outputs=self._outputs(vpc, gateway, layout),
            made_in="component",
            findings=self.findings,
        )

    def _subnet(
        self, spec: _Subnet, vpc: Resource, shared: Mapping[str, str]
    ) -> tuple[Resource, Resource]:
        named = {"Name": spec.name_tag, "SubnetType": spec.tier}
        subnet = self._make(
            "aws:ec2/subnet:Subnet",
            spec.name,
            {
                "vpcId": _Output(vpc, "id"),
                "availabilityZone": spec.zone,
                "mapPublicIpOnLaunch": spec.tier == "Public",
                "cidrBlock": str(spec.block),
                "tags": {**shared, **spec.tags, **named},
            },
            parent=vpc,
        )
        table = self._make(
            "aws:ec2/routeTable:RouteTable",
            spec.name,
            {"vpcId": _Output(vpc, "id"), "tags": {**shared, **named}},
            parent=subnet,
        )
        self._make(
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            spec.name,
            {"routeTableId": _Output(table, "id"), "subnetId": _Output(subnet, "id")},
            parent=table,
        )
        return subnet, table

    def _nat_gateway(self, zone_index: int, subnet: Resource) -> Resource:
        name = f"{self.component.name}-{zone_index + 1}"
        tags = {**(self.component.inputs.get("tags") or {}), "Name": name}
        given = _eip_allocation_ids(self.component.inputs)
        if given:
            allocation: Any = given[zone_index]
        else:
            eip = self._make("aws:ec2/eip:Eip", name, {"tags": tags}, parent=subnet)
            allocation = _Output(eip, "allocationId")
        return self._make(
            "aws:ec2/natGateway:NatGateway",
            name,
            {"subnetId": _Output(subnet, "id"), "allocationId": allocation, "tags": tags},
            parent=subnet,
        )

    def _route(self, spec: _Subnet, table: Resource, key: str, target: Resource) -> None:
        self._make(
            "aws:ec2/route:Route",
            spec.name,
            {
                "routeTableId": _Output(table, "id"),
                key: _Output(target, "id"),
                "destinationCidrBlock": "0.0.0.0/0",
            },
            parent=table,
        )

    def _make(
        self, type: str, name: str, inputs: Mapping[str, Any], *, parent: Resource
    ) -> Resource:
        component = self.component
        wired = {key: value for key, value in inputs.items() if isinstance(value, _Output)}
        prefix, qualified, _ = _urn_parts(parent.urn)
        child = Resource(
            urn=f"{prefix}::{qualified}${type}::{name}",
            type=type,
            name=name,
            parent=parent.urn,
            custom=True,
            remote=False,
            source=component.source,
            provider=component.provider,
            region=component.region,
            protect=component.protect,
            retain_on_delete=component.retain_on_delete,
            dependencies=() if parent is component else (parent.urn,),
            property_dependencies={key: (out.resource.urn,) for key, out in wired.items()},
            made_in="nothing",
            inputs={**inputs, **{key: out.value for key, out in wired.items()}},
        )
        if region := component.inputs.get("region"):
            child.inputs["region"] = region
        if "tags" in component.secret_inputs and "tags" in child.inputs:
            child.secret_inputs = ("tags",)
        if child.urn in self.graph.resources:
            self.findings.append(
                _finding(child, "urn", f"two resources have the URN of {type} {name!r}")
            )
            return child
        self.graph.resources[child.urn] = child
        self.made.append(child)
        self.findings += self.provider.check(child, self.graph)
        if all(out.value is not UNKNOWN for out in wired.values()):
            created = self.provider.create(child, self.graph)
            child.id, child.made_in = created.id, created.made_in
            child.outputs = dict(created.outputs)
            self.findings += created.findings
        return child

    def _outputs(
        self, vpc: Resource, gateway: Resource, layout: Mapping[str, Sequence[Resource]]
    ) -> dict[str, Any]:
        def made(type: str) -> list[dict[str, Any]]:
            return [reference(child) for child in self.made if child.type == type]

        by_tier: dict[str, Any] = {}
        for tier, subnets in layout.items():
            by_tier[f"{tier.lower()}SubnetIds"] = [_Output(one, "id").value for one in subnets]
            by_tier[f"{tier.lower()}Subnets"] = [reference(subnet) for subnet in subnets]
        return {
            "vpc": reference(vpc),
            "vpcId": _Output(vpc, "id").value,
            "internetGateway": reference(gateway),
            "subnets": made("aws:ec2/subnet:Subnet"),
            "routeTables": made("aws:ec2/routeTable:RouteTable"),
            "routeTableAssociations": made("aws:ec2/routeTableAssociation:RouteTableAssociation"),
            "routes": made("aws:ec2/route:Route"),
            "natGateways": made("aws:ec2/natGateway:NatGateway"),
            "eips": made("aws:ec2/eip:Eip"),
            "vpcEndpoints": [],
            "subnetLayout": [
                {key: spec[key] for key in sorted(_UNDERSTOOD_IN_A_SPEC - {"tags"}) if key in spec}
                for spec in self.component.inputs["subnetSpecs"]
            ],
            **by_tier,
        }


def _zones(resource: Resource, provider: Provider) -> list[str]:
    inputs = resource.inputs
    named, number = inputs.get("availabilityZoneNames"), inputs.get("numberOfAvailabilityZones")
    if named and number:
        raise _RefusedError(
            "state either availability_zone_names or number_of_availability_zones, not both"
        )
    if named:
        return list(named)
    wanted = int(number or 3)
    answer = provider.call(
        "aws:index/getAvailabilityZones:getAvailabilityZones", {}, resource.region
    )
    if len(answer["names"]) < wanted:
        raise _RefusedError(
            f"{wanted} availability zones are asked for and {resource.region} has "
            f"{len(answer['names'])}: {', '.join(answer['names'])}"
        )
    return list(answer["names"][:wanted])


def _layout(name: str, inputs: Mapping[str, Any], zones: Sequence[str]) -> list[_Subnet]:
    """The subnets in the order in which awsx lays them out: zone by zone, spec by spec."""
    specs, strategy = inputs.get("subnetSpecs") or (), inputs.get("subnetStrategy") or "Legacy"
    problems = [
        f"{key}: {_EXPLICIT_ONLY}, and without this input"
        for key in sorted(inputs.keys() - _UNDERSTOOD)
        if inputs[key] is not None
    ]
    if strategy not in ("Auto", "Exact"):
        problems.append(f"subnetStrategy: {strategy} given; {_EXPLICIT_ONLY} under Auto or Exact")
    if not specs:
        problems.append(f"subnetSpecs: none given; {_EXPLICIT_ONLY}")
    problems += _spec_problems(specs, len(zones))
    by_zone_name = inputs.get("subnetNameTagStrategy") == "AvailabilityZone"
    suffixes = [_REGION_OF_A_ZONE.sub("", zone) for zone in zones]
    if by_zone_name and len(set(suffixes)) < len(suffixes):
        problems.append(f"availabilityZoneNames: {', '.join(zones)} do not end differently")
    if problems:
        raise _RefusedError(*problems)
    subnets = []
    for index, zone in enumerate(zones):
        for spec in specs:
            tier = f"{name}-{spec.get('name') or spec['type'].lower()}"
            subnets.append(
                _Subnet(
                    name=f"{tier}-{index + 1}",
                    name_tag=f"{tier}-{suffixes[index] if by_zone_name else index + 1}",
                    tier=spec["type"],
                    zone=zone,
                    block=ipaddress.IPv4Network(spec["cidrBlocks"][index]),
                    tags=spec.get("tags") or {},
                )
            )
    problems = _overlaps(subnets)
    if strategy == "Exact" and not problems:
        problems = _gaps(ipaddress.IPv4Network(inputs.get("cidrBlock") or "10.0.0.0/16"), subnets)
    if problems:
        raise _RefusedError(*problems)
    return subnets


def _spec_problems(specs: Sequence[Mapping[str, Any]], zones: int) -> Iterable[str]:
    explicit = [spec for spec in specs if spec.get("cidrBlocks") is not None]
    for index, spec in enumerate(specs):
        at = f"subnetSpecs[{index}]"
        for key in sorted(spec.keys() - _UNDERSTOOD_IN_A_SPEC):
            if spec[key] is not None:
                yield f"{at}.{key}: {_EXPLICIT_ONLY}, and without this input"
        if spec.get("type") not in (*_TIERS, "Unused"):
            yield f"{at}.type: {spec.get('type')!r} given; allowed: {', '.join(_TIERS)}, Unused"
        blocks = spec.get("cidrBlocks")
        if blocks is None:
            all_or_none = "either every subnet spec states cidr_blocks or none does"
            yield f"{at}.cidrBlocks: {all_or_none if explicit else _EXPLICIT_ONLY}"
            continue
        if len(blocks) != zones:
            yield f"{at}.cidrBlocks: {len(blocks)} blocks for {zones} availability zones"
        networks = []
        for block in blocks:
            try:
                networks.append(ipaddress.IPv4Network(block))
            except ValueError as error:
                yield f"{at}.cidrBlocks: {block!r} is no IPv4 CIDR block ({error})"
        for key, sizes in (
            ("cidrMask", {network.prefixlen for network in networks}),
            ("size", {network.num_addresses for network in networks}),
        ):
            if spec.get(key) is not None and sizes - {spec[key]}:
                yield f"{at}.{key}: {spec[key]} does not fit the blocks {', '.join(blocks)}"


def _overlaps(subnets: Sequence[_Subnet]) -> list[str]:
    return [
        f"subnetSpecs: {one.name} ({one.block}) and {other.name} ({other.block}) overlap"
        for index, one in enumerate(subnets)
        for other in subnets[index + 1 :]
        if one.block.overlaps(other.block)
    ]


def _gaps(vpc: ipaddress.IPv4Network, subnets: Sequence[_Subnet]) -> list[str]:
    """Exact wants the blocks, in the order of the layout, to fill the VPC from end to end."""
    fill = "name the space between as a spec of type Unused, or use the Auto strategy"
    gaps, expected, before = [], vpc.network_address, f"the start of the VPC ({vpc})"
    for subnet in subnets:
        if subnet.block.network_address != expected:
            gaps.append(f"subnetSpecs: gap between {before} and {subnet.name} ({subnet.block})")
        expected = subnet.block.broadcast_address + 1
        before = f"{subnet.name} ({subnet.block})"
    if expected != vpc.broadcast_address + 1:
        gaps.append(f"subnetSpecs: gap between {before} and the end of the VPC ({vpc})")
    return [f"{gap}; {fill}" for gap in gaps]


def _nat_strategy(
    inputs: Mapping[str, Any], zones: Sequence[str], subnets: Sequence[_Subnet]
) -> str:
    strategy = (inputs.get("natGateways") or {}).get("strategy") or "OnePerAz"
    if strategy not in _NAT_STRATEGIES:
        raise _RefusedError(
            f"natGateways.strategy: {strategy!r} given; allowed: {', '.join(_NAT_STRATEGIES)}"
        )
    tiers = {subnet.tier for subnet in subnets}
    if strategy != "None" and not {"Public", "Private"} <= tiers:
        raise _RefusedError(
            f"natGateways.strategy: {strategy} needs a public subnet to hold the NAT gateway and a "
            "private subnet to use it; use None without them"
        )
    addresses = len(_eip_allocation_ids(inputs))
    allowed = {"None": 0, "Single": 1, "OnePerAz": len(zones)}[strategy]
    if addresses not in (0, allowed):
        raise _RefusedError(
            f"natGateways.elasticIpAllocationIds: {addresses} addresses given; {strategy} over "
            f"{len(zones)} zones takes {allowed} or none"
        )
    return strategy


def _eip_allocation_ids(inputs: Mapping[str, Any]) -> Sequence[Any]:
    return (inputs.get("natGateways") or {}).get("elasticIpAllocationIds") or ()


def _finding(resource: Resource, check: str, message: str) -> Finding:
    return Finding(
        source=resource.source,
        urn=resource.urn,
        check=check,
        severity="error",
        message=message,
    )


def _urn_parts(urn: str) -> tuple[str, str, str]:
    stack, project, qualified, name = urn.split("::", 3)
    return f"{stack}::{project}", qualified, name
