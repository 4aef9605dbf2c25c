"""IAM Access Analyzer."""

from __future__ import annotations

from rehearsal.catalogue.entry import Entry, Inputs


def _analyzer(inputs: Inputs) -> Inputs:
    inputs.setdefault("type", "ACCOUNT")
    return inputs


ENTRIES = {
    "Analyzer": Entry(
        service="accessanalyzer",
        operation="CreateAnalyzer",
        shadow="moto has no Access Analyzer",
        prepare=_analyzer,
        id="{analyzerName}",
        outputs={"arn": "arn:aws:access-analyzer:{region}:{account}:analyzer/{analyzerName}"},
    ),
}
