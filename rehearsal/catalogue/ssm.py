"""AWS Systems Manager."""

from __future__ import annotations

from rehearsal.catalogue.entry import Entry, Scope


def _arn(scope: Scope) -> str:
    name = str(scope.find("name")).removeprefix("/")
    return f"arn:aws:ssm:{scope.find('region')}:{scope.find('account')}:parameter/{name}"


ENTRIES = {
    "Parameter": Entry(
        service="ssm",
        operation="PutParameter",
        rename={"insecureValue": "Value", "valueWo": "Value"},
        ignore={
            "arn": "known from the name",
            "valueWoVersion": "tells Terraform to send valueWo again",
        },
        id="{name}",
        outputs={"arn": _arn, "version": "{Version}"},
    ),
}
