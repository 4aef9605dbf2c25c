"""The job that conformance.py asks for: it lasts until the driver answers, and fails when told to.

In a language of your own: POST to `url`, wait for the answer; 200 is done, everything else failed.
For the test alone: it calls whatever address a message names.
"""

from __future__ import annotations

from http.client import HTTPConnection
from urllib.parse import urlsplit

from worker import Job, run


def drill(job: Job) -> None:
    url = urlsplit(job.payload["url"])
    connection = HTTPConnection(url.netloc)
    connection.request("POST", url.path)
    status = connection.getresponse().status
    connection.close()
    if status != 200:
        # As careless as real ones: the text of the error has the payload in it.
        raise RuntimeError(f"{status} for {dict(job.payload)}")


if __name__ == "__main__":
    run(drill)
