"""Amazon EC2: the network, its locks, and launch templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope

PROTOCOL_NUMBERS = {"all": "-1", "icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}
MANAGED = "Managed by Pulumi"


def _of_vpc(operation: str, answer: str, *filters: tuple[str, str]) -> Call:
    """The read of something AWS made together with a VPC."""
    wanted = [("vpc-id", "{VpcId}"), *filters]
    return Call(
        operation=operation,
        always=True,
        fixed={"Filters": [{"Name": name, "Values": [value]} for name, value in wanted]},
        answer=answer,
    )


def _attribute(operation: str, id_member: str, property: str, member: str) -> Call:
    """EC2 changes one attribute per call, and wraps its value."""
    return Call(
        operation=operation,
        rename={property: f"{member}.Value"},
        fixed={id_member: f"{{{id_member}}}"},
    )


def _arn(kind: str, id: str) -> str:
    return f"arn:aws:ec2:{{region}}:{{account}}:{kind}/{id}"


def _permissions(rules: Any) -> list[Inputs]:
    """Terraform's inline security group rules as the API's permissions."""
    made = []
    for rule in rules if isinstance(rules, list) else ():
        described = {"description": rule["description"]} if rule.get("description") else {}
        groups: list[Any] = list(rule.get("securityGroups") or ())
        if rule.get("self"):
            groups.append("{GroupId}")
        permission = {
            "ipProtocol": PROTOCOL_NUMBERS.get(rule.get("protocol"), rule.get("protocol")),
            "fromPort": rule.get("fromPort"),
            "toPort": rule.get("toPort"),
            "ipRanges": [{"cidrIp": cidr, **described} for cidr in rule.get("cidrBlocks") or ()],
            "ipv6Ranges": [
                {"cidrIpv6": cidr, **described} for cidr in rule.get("ipv6CidrBlocks") or ()
            ],
            "prefixListIds": [
                {"prefixListId": listed, **described} for listed in rule.get("prefixListIds") or ()
            ],
            "userIdGroupPairs": [{"groupId": group, **described} for group in groups],
        }
        made.append({key: value for key, value in permission.items() if value not in (None, [])})
    return made


def _security_group(inputs: Inputs) -> Inputs:
    inputs.setdefault("description", MANAGED)
    return _inline_rules(inputs)


def _inline_rules(inputs: Inputs) -> Inputs:
    for direction in ("ingress", "egress"):
        if rules := _permissions(inputs.pop(direction, None)):
            inputs[direction] = rules
    return inputs


def _without_default_egress(making: Any) -> None:
    """The provider takes away the rule that lets everything out, which AWS adds to a new group."""
    making.account.call(
        "ec2",
        making.region,
        "RevokeSecurityGroupEgress",
        {
            "GroupId": making.find("GroupId"),
            "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        },
    )


def _locked(making: Any) -> None:
    """Adopting the default security group takes all of its rules away."""
    for direction, member in (("Ingress", "IpPermissions"), ("Egress", "IpPermissionsEgress")):
        if rules := making.find(member):
            making.account.call(
                "ec2",
                making.region,
                f"RevokeSecurityGroup{direction}",
                {"GroupId": making.find("GroupId"), "IpPermissions": rules},
            )


def _rules_of(direction: str) -> Call:
    return Call(
        operation=f"AuthorizeSecurityGroup{direction.capitalize()}",
        rename={direction: "IpPermissions"},
        fixed={"GroupId": "{GroupId}"},
    )


def _acl_entries(direction: str) -> Call:
    return Call(
        operation="CreateNetworkAclEntry",
        each=direction,
        rename={
            "action": "RuleAction",
            "ruleNo": "RuleNumber",
            "fromPort": "PortRange.From",
            "toPort": "PortRange.To",
            "icmpCode": "IcmpTypeCode.Code",
            "icmpType": "IcmpTypeCode.Type",
        },
        fixed={"NetworkAclId": "{NetworkAclId}", "Egress": direction == "egress"},
    )


def _numbered(inputs: Inputs) -> Inputs:
    """Network ACLs know protocols by number only."""
    inline = [
        rule
        for direction in ("ingress", "egress")
        if isinstance(rules := inputs.get(direction), list)
        for rule in rules
    ]
    for rule in (inputs, *inline):
        if protocol := rule.get("protocol"):
            rule["protocol"] = PROTOCOL_NUMBERS.get(str(protocol).lower(), protocol)
    return inputs


def _associate_subnets(making: Any) -> None:
    """A subnet always has an ACL, so joining another is a change of that association."""
    for subnet in making.inputs.get("subnetIds") or ():
        found = making.account.call(
            "ec2",
            making.region,
            "DescribeNetworkAcls",
            {"Filters": [{"Name": "association.subnet-id", "Values": [subnet]}]},
        )
        associations = [
            association["NetworkAclAssociationId"]
            for acl in found["NetworkAcls"]
            for association in acl["Associations"]
            if association["SubnetId"] == subnet
        ]
        for association in associations:
            making.account.call(
                "ec2",
                making.region,
                "ReplaceNetworkAclAssociation",
                {"AssociationId": association, "NetworkAclId": making.find("NetworkAclId")},
            )
        if not associations:
            making.finding("moto", "error", f"subnetIds: no subnet {subnet}")


def _flow_log(inputs: Inputs) -> Inputs:
    kinds = {
        "vpcId": "VPC",
        "subnetId": "Subnet",
        "eniId": "NetworkInterface",
        "regionalNatGatewayId": "RegionalNatGateway",
        "transitGatewayId": "TransitGateway",
        "transitGatewayAttachmentId": "TransitGatewayAttachment",
    }
    for name, kind in kinds.items():
        if watched := inputs.pop(name, None):
            inputs["resourceIds"] = [watched]
            inputs["resourceType"] = kind
    kind = inputs.get("logDestinationType", "cloud-watch-logs")
    destination = str(inputs.get("logDestination", ""))
    if kind == "cloud-watch-logs" and ":log-group:" in destination:
        # The API takes the group by name or by ARN; moto knows the name alone.
        inputs["logGroupName"] = destination.partition(":log-group:")[2].removesuffix(":*")
        del inputs["logDestination"]
    return inputs


def _traffic(inputs: Inputs) -> Iterator[tuple[str, str]]:
    watched = [key for key in ("vpcId", "subnetId", "eniId") if inputs.get(key)]
    if watched and not inputs.get("trafficType"):
        yield "trafficType", "nothing was given, ACCEPT, REJECT or ALL is needed"


def _dns_entries(scope: Scope) -> Any:
    entries = scope.find("DnsEntries")
    if not isinstance(entries, list):
        return None
    return [
        {"dnsName": entry.get("DnsName"), "hostedZoneId": entry.get("HostedZoneId")}
        for entry in entries
        if isinstance(entry, Mapping)
    ]


def _one_excluded(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if bool(inputs.get("subnetId")) == bool(inputs.get("vpcId")):
        yield "subnetId", "exactly one of subnetId and vpcId is needed"


HOPS = (-1, *range(1, 65))
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataDefaults.html"""

ACCOUNT_WIDE = "moto has no settings of the whole account and region"

PATIENCE = {"timeouts": "the provider's own patience"}

ROUTE_TARGETS = {
    "cidrBlock": "DestinationCidrBlock",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
}

ENTRIES = {
    "Vpc": Entry(
        service="ec2",
        operation="CreateVpc",
        tag_type="vpc",
        answer="Vpc",
        rename={"assignGeneratedIpv6CidrBlock": "AmazonProvidedIpv6CidrBlock"},
        then=(
            _attribute("ModifyVpcAttribute", "VpcId", "enableDnsSupport", "EnableDnsSupport"),
            _attribute("ModifyVpcAttribute", "VpcId", "enableDnsHostnames", "EnableDnsHostnames"),
            _attribute(
                "ModifyVpcAttribute",
                "VpcId",
                "enableNetworkAddressUsageMetrics",
                "EnableNetworkAddressUsageMetrics",
            ),
            _of_vpc("DescribeSecurityGroups", "SecurityGroups.0", ("group-name", "default")),
            _of_vpc("DescribeRouteTables", "RouteTables.0", ("association.main", "true")),
            _of_vpc("DescribeNetworkAcls", "NetworkAcls.0", ("default", "true")),
        ),
        id="{VpcId}",
        outputs={
            "arn": _arn("vpc", "{VpcId}"),
            "defaultSecurityGroupId": "{GroupId}",
            "defaultRouteTableId": "{RouteTableId}",
            "mainRouteTableId": "{RouteTableId}",
            "defaultNetworkAclId": "{NetworkAclId}",
            "dhcpOptionsId": "{DhcpOptionsId}",
            "ownerId": "{account}",
            "ipv6CidrBlock": "{Ipv6CidrBlockAssociationSet.0.Ipv6CidrBlock}",
        },
    ),
    "Subnet": Entry(
        service="ec2",
        operation="CreateSubnet",
        tag_type="subnet",
        answer="Subnet",
        then=(
            *(
                _attribute("ModifySubnetAttribute", "SubnetId", name, member)
                for name, member in (
                    ("mapPublicIpOnLaunch", "MapPublicIpOnLaunch"),
                    ("assignIpv6AddressOnCreation", "AssignIpv6AddressOnCreation"),
                    ("enableDns64", "EnableDns64"),
                    ("mapCustomerOwnedIpOnLaunch", "MapCustomerOwnedIpOnLaunch"),
                    (
                        "enableResourceNameDnsARecordOnLaunch",
                        "EnableResourceNameDnsARecordOnLaunch",
                    ),
                    (
                        "enableResourceNameDnsAaaaRecordOnLaunch",
                        "EnableResourceNameDnsAAAARecordOnLaunch",
                    ),
                )
            ),
            *(
                Call(
                    operation="ModifySubnetAttribute",
                    takes=(name,),
                    fixed={"SubnetId": "{SubnetId}"},
                )
                for name in (
                    "privateDnsHostnameTypeOnLaunch",
                    "customerOwnedIpv4Pool",
                    "enableLniAtDeviceIndex",
                )
            ),
        ),
        id="{SubnetId}",
        outputs={"arn": _arn("subnet", "{SubnetId}"), "ownerId": "{account}"},
    ),
    "InternetGateway": Entry(
        service="ec2",
        operation="CreateInternetGateway",
        tag_type="internet-gateway",
        answer="InternetGateway",
        then=(
            Call(
                operation="AttachInternetGateway",
                takes=("vpcId",),
                fixed={"InternetGatewayId": "{InternetGatewayId}"},
            ),
        ),
        id="{InternetGatewayId}",
        outputs={
            "arn": _arn("internet-gateway", "{InternetGatewayId}"),
            "ownerId": "{account}",
        },
    ),
    "Eip": Entry(
        service="ec2",
        operation="AllocateAddress",
        tag_type="elastic-ip",
        then=(
            Call(
                operation="AssociateAddress",
                rename={
                    "instance": "InstanceId",
                    "networkInterface": "NetworkInterfaceId",
                    "associateWithPrivateIp": "PrivateIpAddress",
                },
                fixed={"AllocationId": "{AllocationId}"},
            ),
        ),
        id="{AllocationId}",
        outputs={
            "arn": _arn("elastic-ip", "{AllocationId}"),
            "allocationId": "{AllocationId}",
            "publicIp": "{PublicIp}",
            "publicDns": "{PublicIp}.compute.amazonaws.com",
        },
    ),
    "NatGateway": Entry(
        service="ec2",
        operation="CreateNatGateway",
        tag_type="natgateway",
        answer="NatGateway",
        rename={"privateIp": "PrivateIpAddress"},
        then=(
            Call(
                operation="DescribeAddresses",
                always=True,
                fixed={"AllocationIds": ["{allocationId}"]},
                answer="Addresses.0",
            ),
        ),
        id="{NatGatewayId}",
        outputs={"publicIp": "{PublicIp}"},
    ),
    "RouteTable": Entry(
        service="ec2",
        operation="CreateRouteTable",
        tag_type="route-table",
        answer="RouteTable",
        then=(
            Call(
                operation="CreateRoute",
                each="routes",
                rename=ROUTE_TARGETS,
                fixed={"RouteTableId": "{RouteTableId}"},
            ),
            Call(
                operation="EnableVgwRoutePropagation",
                each="propagatingVgws",
                rename={"propagatingVgws": "GatewayId"},
                fixed={"RouteTableId": "{RouteTableId}"},
            ),
        ),
        id="{RouteTableId}",
        outputs={"arn": _arn("route-table", "{RouteTableId}"), "ownerId": "{account}"},
    ),
    "Route": Entry(
        service="ec2",
        operation="CreateRoute",
        rename={"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"},
        id="r-{routeTableId}{hex8}",
        outputs={"origin": lambda _: "CreateRoute", "state": lambda _: "active"},
    ),
    "RouteTableAssociation": Entry(
        service="ec2", operation="AssociateRouteTable", id="{AssociationId}"
    ),
    "VpcEndpoint": Entry(
        service="ec2",
        operation="CreateVpcEndpoint",
        tag_type="vpc-endpoint",
        answer="VpcEndpoint",
        rename={
            "policy": "PolicyDocument",
            "subnetConfigurations.ipv4": "Ipv4",
            "subnetConfigurations.ipv6": "Ipv6",
        },
        ignore={"autoAccept": "the provider accepts the connection afterwards"},
        documents=("policy",),
        then=(
            Call(
                operation="DescribeManagedPrefixLists",
                always=True,
                fixed={"Filters": [{"Name": "prefix-list-name", "Values": ["{serviceName}"]}]},
                answer="PrefixLists.0",
            ),
        ),
        id="{VpcEndpointId}",
        outputs={
            "arn": _arn("vpc-endpoint", "{VpcEndpointId}"),
            "prefixListId": "{PrefixListId}",
            "dnsEntries": _dns_entries,
            "ownerId": "{account}",
            "state": lambda _: "available",
        },
    ),
    "FlowLog": Entry(
        service="ec2",
        operation="CreateFlowLogs",
        tag_type="vpc-flow-log",
        rename={"iamRoleArn": "DeliverLogsPermissionArn"},
        prepare=_flow_log,
        rules=(_traffic,),
        limits={"maxAggregationInterval": (60, 600)},
        id="{FlowLogIds.0}",
        outputs={"arn": _arn("vpc-flow-log", "{FlowLogIds.0}")},
    ),
    "DefaultSecurityGroup": Entry(
        service="ec2",
        operation="DescribeSecurityGroups",
        fixed={
            "Filters": [
                {"Name": "vpc-id", "Values": ["{vpcId}"]},
                {"Name": "group-name", "Values": ["default"]},
            ]
        },
        answer="SecurityGroups.0",
        ignore={
            "vpcId": "the filter that finds the group",
            "revokeRulesOnDelete": "Terraform's deletion",
        },
        prepare=_inline_rules,
        then=(
            _locked,
            _rules_of("ingress"),
            _rules_of("egress"),
            Call(operation="CreateTags", takes=("tags",), fixed={"Resources": ["{GroupId}"]}),
        ),
        id="{GroupId}",
        outputs={
            "arn": _arn("security-group", "{GroupId}"),
            "name": lambda _: "default",
            "description": lambda _: "default VPC security group",
            "ownerId": "{account}",
        },
    ),
    "NetworkAcl": Entry(
        service="ec2",
        operation="CreateNetworkAcl",
        tag_type="network-acl",
        answer="NetworkAcl",
        ignore={"subnetIds": "each becomes a change of the subnet's association"},
        prepare=_numbered,
        then=(_acl_entries("ingress"), _acl_entries("egress"), _associate_subnets),
        id="{NetworkAclId}",
        outputs={"arn": _arn("network-acl", "{NetworkAclId}"), "ownerId": "{account}"},
    ),
    "NetworkAclRule": Entry(
        service="ec2",
        operation="CreateNetworkAclEntry",
        rename={
            "fromPort": "PortRange.From",
            "toPort": "PortRange.To",
            "icmpCode": "IcmpTypeCode.Code",
            "icmpType": "IcmpTypeCode.Type",
        },
        fixed={"Egress": False},
        prepare=_numbered,
        limits={"ruleNumber": range(1, 32767)},
        id="nacl-{hex}",
    ),
    "SecurityGroup": Entry(
        service="ec2",
        operation="CreateSecurityGroup",
        tag_type="security-group",
        rename={"name": "GroupName"},
        ignore={"namePrefix": "it became the name", "revokeRulesOnDelete": "Terraform's deletion"},
        prepare=_security_group,
        then=(_without_default_egress, _rules_of("ingress"), _rules_of("egress")),
        id="{GroupId}",
        outputs={
            "arn": _arn("security-group", "{GroupId}"),
            "description": lambda scope: scope.find("description") or MANAGED,
            "ownerId": "{account}",
        },
    ),
    "VpcBlockPublicAccessOptions": Entry(
        service="ec2",
        operation="ModifyVpcBlockPublicAccessOptions",
        shadow=ACCOUNT_WIDE,
        ignore=PATIENCE,
        id="{region}",
        outputs={"awsAccountId": "{account}", "awsRegion": "{region}"},
    ),
    "VpcBlockPublicAccessExclusion": Entry(
        service="ec2",
        operation="CreateVpcBlockPublicAccessExclusion",
        tag_type="vpc-block-public-access-exclusion",
        rules=(_one_excluded,),
        shadow=ACCOUNT_WIDE,
        ignore=PATIENCE,
        id="vpcbpa-exclude-{hex}",
        outputs={
            "resourceArn": lambda scope: (
                f"arn:aws:ec2:{scope.find('region')}:{scope.find('account')}:"
                + (
                    f"subnet/{subnet}"
                    if (subnet := scope.find("subnetId"))
                    else f"vpc/{scope.find('vpcId')}"
                )
            )
        },
    ),
    "InstanceMetadataDefaults": Entry(
        service="ec2",
        operation="ModifyInstanceMetadataDefaults",
        shadow=ACCOUNT_WIDE,
        limits={"httpPutResponseHopLimit": HOPS},
        id="{region}",
    ),
    "LaunchTemplate": Entry(
        service="ec2",
        operation="CreateLaunchTemplate",
        tag_type="launch-template",
        inside="LaunchTemplateData",
        answer="LaunchTemplate",
        rename={
            "name": "/LaunchTemplateName",
            "description": "/VersionDescription",
            "tags": "/TagSpecifications",
            "securityGroupNames": "SecurityGroups",
            "vpcSecurityGroupIds": "SecurityGroupIds",
            "networkInterfaces.securityGroups": "Groups",
            "networkInterfaces.ipv4AddressCount": "SecondaryPrivateIpAddressCount",
            "networkInterfaces.ipv4Addresses": "PrivateIpAddresses",
        },
        ignore={
            "namePrefix": "it became the name",
            "defaultVersion": "a change of an existing template",
            "updateDefaultVersion": "a change of an existing template",
        },
        id="{LaunchTemplateId}",
        outputs={
            "arn": _arn("launch-template", "{LaunchTemplateId}"),
            "latestVersion": "{LatestVersionNumber}",
            "defaultVersion": "{DefaultVersionNumber}",
        },
    ),
}
