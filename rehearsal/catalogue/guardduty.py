"""Amazon GuardDuty."""

from __future__ import annotations

from rehearsal.catalogue.entry import Entry, Inputs

EBS_VOLUMES = "datasources.malwareProtection.scanEc2InstanceWithFindings.ebsVolumes"


def _detector(inputs: Inputs) -> Inputs:
    inputs.setdefault("enable", True)
    return inputs


ENTRIES = {
    "Detector": Entry(
        service="guardduty",
        operation="CreateDetector",
        kind="Detector",
        lift={EBS_VOLUMES: ""},
        rename={f"{EBS_VOLUMES}.enable": "EbsVolumes"},
        prepare=_detector,
        id="{DetectorId}",
        outputs={
            "accountId": "{account}",
            "arn": "arn:aws:guardduty:{region}:{account}:detector/{DetectorId}",
        },
    ),
    "DetectorFeature": Entry(
        service="guardduty",
        operation="UpdateDetector",
        rename={
            "name": "Features[].Name",
            "status": "Features[].Status",
            "additionalConfigurations": "Features[].AdditionalConfiguration",
        },
        id="{detectorId}/{name}",
    ),
    "MalwareProtectionPlan": Entry(
        service="guardduty",
        operation="CreateMalwareProtectionPlan",
        shadow="moto has no malware protection of buckets",
        id="{hex16}",
        outputs={
            "arn": "arn:aws:guardduty:{region}:{account}:malware-protection-plan/{hex16}",
            "status": lambda _: "ACTIVE",
        },
    ),
}
