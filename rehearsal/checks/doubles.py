"""Two resources of the program that are one in AWS.

Most APIs refuse a name that is taken, and moto with them. These do not: the second resource takes
over or overwrites what the first made, and every later update has the two fight again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rehearsal.graph import Finding, Graph, Resource, place

_OF_A_BUCKET = ("bucket",)
_SCALABLE = ("serviceNamespace", "resourceId", "scalableDimension")

TOLD_APART_BY: Mapping[str, Sequence[str]] = {
    "aws:appautoscaling/policy:Policy": (*_SCALABLE, "name"),
    "aws:appautoscaling/target:Target": _SCALABLE,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("alarmName",),
    "aws:cloudwatch/dashboard:Dashboard": ("dashboardName",),
    "aws:cloudwatch/eventRule:EventRule": ("eventBusName", "name"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("name",),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ("repository",),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ("repository",),
    "aws:ecs/cluster:Cluster": ("name",),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": ("clusterName",),
    "aws:elasticache/parameterGroup:ParameterGroup": ("name",),
    "aws:iam/rolePolicy:RolePolicy": ("role", "name"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("role", "policyArn"),
    "aws:kms/keyPolicy:KeyPolicy": ("keyId",),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _OF_A_BUCKET,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _OF_A_BUCKET,
    "aws:s3/bucketLogging:BucketLogging": _OF_A_BUCKET,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _OF_A_BUCKET,
    "aws:s3/bucketPolicy:BucketPolicy": _OF_A_BUCKET,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _OF_A_BUCKET,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _OF_A_BUCKET
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _OF_A_BUCKET,
    "aws:secretsmanager/secretPolicy:SecretPolicy": ("secretArn",),
    "aws:sns/topic:Topic": ("name",),
    "aws:sns/topicPolicy:TopicPolicy": ("arn",),
    "aws:sqs/queue:Queue": ("name",),
    "aws:sqs/queuePolicy:QueuePolicy": ("queueUrl",),
}
"""The inputs by which AWS tells two of a type apart, in one region."""


def check(graph: Graph) -> list[Finding]:
    """A finding for every resource that has the place of another one."""
    first: dict[tuple[object, ...], Resource] = {}
    findings: list[Finding] = []
    for resource in sorted(graph.resources.values(), key=lambda one: (place(one.source), one.urn)):
        names = TOLD_APART_BY.get(resource.type)
        if names is None or resource.made_in == "nothing":
            continue
        given = tuple(str(resource.inputs.get(name)) for name in names)
        holder = first.setdefault((resource.type, resource.region, given), resource)
        if holder is not resource:
            findings.append(
                Finding(
                    source=resource.source,
                    urn=resource.urn,
                    check="double",
                    severity="error",
                    message=f"{names[-1]}: {given[-1]!r} is taken by {holder.name!r}, made at "
                    f"{holder.source}; AWS has one for each {', '.join(names)}",
                )
            )
    return findings
