"""An example of a job: the SHA-256 of an object, written beside it.

The result's name is made from the job's id: were the job done twice, the second would write what
the first did.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import boto3
from worker import Job, run

BLOCK_BYTES = 1_048_576


class Digest:
    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def __call__(self, job: Job) -> None:
        source = job.payload["source"]
        body = self._s3.get_object(Bucket=self._bucket, Key=source)["Body"]
        digest = hashlib.sha256()
        for block in body.iter_chunks(BLOCK_BYTES):
            digest.update(block)
        result = {"source": source, "sha256": digest.hexdigest()}
        self._s3.put_object(
            Bucket=self._bucket, Key=f"digests/{job.id}.json", Body=json.dumps(result).encode()
        )


if __name__ == "__main__":
    region = os.environ["AWS_REGION"]
    run(Digest(boto3.client("s3", region_name=region), os.environ["MEDIA_BUCKET"]))
