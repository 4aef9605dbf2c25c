"""Security group rules as resources of their own."""

from __future__ import annotations

from rehearsal.catalogue.entry import Entry, Inputs

PEERS = {
    "cidrIpv4": "IpRanges[].CidrIp",
    "cidrIpv6": "Ipv6Ranges[].CidrIpv6",
    "prefixListId": "PrefixListIds[].PrefixListId",
    "referencedSecurityGroupId": "UserIdGroupPairs[].GroupId",
}


def _described(inputs: Inputs) -> Inputs:
    """A permission has no description; the peer inside it has."""
    description = inputs.pop("description", None)
    for peer in PEERS:
        if description and inputs.get(peer):
            inputs[f"{peer}Description"] = description
    return inputs


def _rule(direction: str) -> Entry:
    inside = "IpPermissions[]"
    return Entry(
        service="ec2",
        operation=f"AuthorizeSecurityGroup{direction}",
        tag_type="security-group-rule",
        answer="SecurityGroupRules.0",
        rename={
            "securityGroupId": "GroupId",
            "ipProtocol": f"{inside}.IpProtocol",
            "fromPort": f"{inside}.FromPort",
            "toPort": f"{inside}.ToPort",
            **{peer: f"{inside}.{member}" for peer, member in PEERS.items()},
            **{
                f"{peer}Description": f"{inside}.{member.partition('.')[0]}.Description"
                for peer, member in PEERS.items()
            },
        },
        prepare=_described,
        limits={"fromPort": range(-1, 65536), "toPort": range(-1, 65536)},
        id="{SecurityGroupRuleId}",
        outputs={
            "arn": "arn:aws:ec2:{region}:{account}:security-group-rule/{SecurityGroupRuleId}",
            "securityGroupRuleId": "{SecurityGroupRuleId}",
        },
    )


ENTRIES = {
    "SecurityGroupIngressRule": _rule("Ingress"),
    "SecurityGroupEgressRule": _rule("Egress"),
}
