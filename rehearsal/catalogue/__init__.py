"""What every resource type means in AWS API calls: one entry per type, one module per service.

A module is named as in Pulumi's own type tokens, so `aws:sqs/queue:Queue` is `ENTRIES["Queue"]` of
`catalogue/sqs.py` (and `aws:lambda/...` is in `lambda_.py`). To add a type:

1. Add the entry: service, operation, id. The engine places every input on the operation's members
   by name, so a type whose names agree needs nothing more.
2. Run the type's tests in `tests/rehearsal/test_catalogue.py`. They name each input of the SDK's
   class that found no place. Give it one with `rename`, `lift` or `prepare`, a further call in
   `then`, or, when only Terraform knows it, an `ignore` with the reason.
3. Add the outputs programs use that the answer does not spell as Pulumi does.
4. Say `shadow="why"` when moto lacks the operation: the request is judged, nothing is sent.
5. Give `names.AUTO_NAMES` the naming property and the length limit where they differ from
   `name` and 255, and `limits` or `rules` to what AWS refuses and the API's model does not know;
   `doubts` warn where AWS's own list may be longer than ours.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the entries bring botocore along, and `names` has to do without
    from rehearsal.catalogue.entry import Entry


@cache
def find(type: str) -> Entry | None:
    """The entry of a type token, or None when the catalogue has none."""
    package, _, rest = type.partition(":")
    module, _, token = rest.rpartition(":")
    if package != "aws":
        return None
    name = module.partition("/")[0]
    name = {"lambda": "lambda_"}.get(name, name)
    full_name = f"{__name__}.{name}"
    try:
        entries = importlib.import_module(full_name).ENTRIES
    except ModuleNotFoundError as missing:
        if missing.name != full_name:
            raise
        return None
    return entries.get(token)
