"""Makes what compose.yaml's API and worker look for in the imitated AWS: the bucket and the queues.

Runs inside the image of moto, which has boto3. Run again, it finds everything there.
"""

from __future__ import annotations

import json

import boto3

PREFIX = "backlot-local"
QUEUES = ("render",)
"""Under `backlot:queues` in Pulumi.dev.yaml."""
VISIBILITY_SECONDS = 120
"""How long a message stays hidden from other workers, as the platform has it."""
WAIT_SECONDS = 20
MAX_RECEIVES = 5


def main() -> None:
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=f"{PREFIX}-media")
    sqs = boto3.client("sqs", region_name="us-east-1")
    for name in QUEUES:
        dead = sqs.create_queue(QueueName=f"{PREFIX}-{name}-dead-letter")["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
        redrive = {
            "deadLetterTargetArn": attributes["Attributes"]["QueueArn"],
            "maxReceiveCount": MAX_RECEIVES,
        }
        sqs.create_queue(
            QueueName=f"{PREFIX}-{name}",
            Attributes={
                "VisibilityTimeout": str(VISIBILITY_SECONDS),
                "ReceiveMessageWaitTimeSeconds": str(WAIT_SECONDS),
                "RedrivePolicy": json.dumps(redrive),
            },
        )


if __name__ == "__main__":
    main()
