"""AWS Lambda."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope


def _archive(code: Any) -> bytes:
    """A stand-in for the deployment package: what was recorded of it, always the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("index.py", date_time=(1980, 1, 1, 0, 0, 0))
        archive.writestr(entry, json.dumps(code, sort_keys=True, default=str))
    return packed.getvalue()


def _function(inputs: Inputs) -> Inputs:
    code = inputs.pop("code", None)
    if code is not None:
        inputs["zipFile"] = _archive(code)
    # Zero keeps the function from ever running; minus one is Terraform's word for no limit.
    if inputs.get("reservedConcurrentExecutions") == -1:
        del inputs["reservedConcurrentExecutions"]
    return inputs


def _permission(inputs: Inputs) -> Inputs:
    inputs.setdefault("statementId", inputs.pop("statementIdPrefix", "") + "permission")
    return inputs


def _invoke_arn(scope: Scope) -> str | None:
    arn = scope.find("FunctionArn")
    region = scope.find("region")
    path = f"path/2015-03-31/functions/{arn}/invocations"
    return f"arn:aws:apigateway:{region}:lambda:{path}" if arn else None


VARIABLE_BYTES = 4096
"""Of all variables of a function together.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def _variables(inputs: Inputs) -> Iterator[tuple[str, str]]:
    variables: Mapping[str, Any] = (inputs.get("environment") or {}).get("variables") or {}
    size = sum(len(f"{key}{value}".encode()) for key, value in variables.items())
    if size > VARIABLE_BYTES:
        yield "environment.variables", f"{size} bytes, a function takes {VARIABLE_BYTES}"


ENTRIES = {
    "Function": Entry(
        service="lambda",
        operation="CreateFunction",
        kind="Function",
        rename={
            "zipFile": "Code.ZipFile",
            "imageUri": "Code.ImageUri",
            "s3Bucket": "Code.S3Bucket",
            "s3Key": "Code.S3Key",
            "s3ObjectVersion": "Code.S3ObjectVersion",
            "sourceKmsKeyArn": "Code.SourceKMSKeyArn",
            "fileSystemConfig.arn": "Arn",
            "durableConfig.retentionPeriod": "RetentionPeriodInDays",
        },
        ignore={
            "codeSha256": "computed from the package",
            "sourceCodeHash": "tells Terraform that the package changed",
            "snapStart.optimizationStatus": "what AWS answers",
            "vpcConfig.vpcId": "what AWS answers",
            "skipDestroy": "Terraform's deletion",
            "replaceSecurityGroupsOnDestroy": "Terraform's deletion",
            "replacementSecurityGroupIds": "Terraform's deletion",
            "useResourceTimeoutForPropagation": "the provider's own patience",
        },
        prepare=_function,
        rules=(_variables,),
        limits={"timeout": range(1, 901), "memorySize": range(128, 10241)},
        then=(
            Call(
                operation="PutFunctionConcurrency",
                takes=("reservedConcurrentExecutions",),
                fixed={"FunctionName": "{FunctionName}"},
            ),
        ),
        id="{FunctionName}",
        outputs={
            "arn": "{FunctionArn}",
            "invokeArn": _invoke_arn,
            "qualifiedArn": "{FunctionArn}:{Version}",
            "version": "{Version}",
        },
    ),
    "Permission": Entry(
        service="lambda",
        operation="AddPermission",
        rename={"function": "FunctionName"},
        prepare=_permission,
        id="{statementId}",
    ),
}
