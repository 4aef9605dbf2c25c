"""`backlot:audit`: who did what in the account, and who watches for what should not be."""

from __future__ import annotations

from settings.fields import Section


class AuditSettings(Section):
    """All of it is the account's and region's, not the stack's: one stack of them has it on.

    Each switch is off where an organisation already has the thing on for all its accounts.
    """

    trail: bool = False
    """CloudTrail: every call to AWS, in the log bucket, with digests that show tampering."""
    guard_duty: bool = False
    """GuardDuty: calls, names and traffic that look like an intruder's."""
    malware_scan: bool = False
    """GuardDuty looks through what is put into the media bucket, and tags what it found."""
    access_analyzer: bool = False
    """IAM Access Analyzer: what somebody outside the account can reach."""
    security_hub: bool = False
    """Security Hub: the account held against AWS's Foundational Security Best Practices."""
    block_public_access: bool = False
    """VPC Block Public Access: nothing in the region is reached from the internet but the subnets
    where this stack's load balancer stands."""
    instance_metadata_defaults: bool = False
    """Whatever instance anybody launches in the region wants a token for its metadata (IMDSv2)."""
