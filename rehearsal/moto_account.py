"""The in-memory AWS account a rehearsal creates its resources in.

moto draws identifiers at random and makes a service's standing data (the default VPC, the managed
policies) when the service is first touched. Both are tied down here: identifiers come from a seed
per resource, standing data from a seed per service, so neither depends on the order in which
independent resources happen to arrive.
"""

from __future__ import annotations

import os
import random
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any, Self
from unittest.mock import patch

import botocore.session
from botocore.config import Config
from botocore.model import OperationModel, ServiceModel

# moto reads these while it is imported: certificates are issued at once instead of after 60 s.
os.environ.setdefault("MOTO_ACM_VALIDATION_WAIT", "0")

import moto.core.responses as moto_responses
import moto.core.utils as moto_utils
from moto import mock_aws
from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend
from moto.core.loaders import create_loader
from moto.core.model_instances import reset_model_data
from moto.kms.models import KmsBackend
from moto.moto_api._internal import mock_random

ACCOUNT_ID = "123456789012"

# One reader of the API's models for botocore and all parts of moto, which have one each: a model is
# up to 3 MB of JSON, and read three times otherwise. It keeps what it has read.
_loader = create_loader()
moto_utils.create_loader = lambda: _loader  # pyright: ignore[reportPrivateImportUsage]
# It would look through the class of a service for every request.
moto_responses.method_names_from_class = cache(  # pyright: ignore[reportPrivateImportUsage]
    moto_utils.method_names_from_class
)
_first_touch = AccountSpecificBackend.__getitem__
_default_keys: Callable[[KmsBackend, str], Any] = KmsBackend._generate_default_keys


def enumeration(service: str, shape: str) -> Sequence[str]:
    """The values that the API's model lists for one of its types."""
    return _loader.load_service_model(service, "service-2")["shapes"][shape]["enum"]


def _seeded_first_touch(backends: AccountSpecificBackend[Any], region: str) -> Any:
    if region in backends.keys():  # noqa: SIM118 - `in` alone asks whether the region is known
        return _first_touch(backends, region)
    with _apart(f"{backends.service_name} {region}"):
        return _first_touch(backends, region)


def _seeded_default_keys(kms: KmsBackend, alias: str) -> Any:
    with _apart(f"{kms.region_name} {alias}"):
        return _default_keys(kms, alias)


@contextmanager
def _apart(seed: str) -> Iterator[None]:
    """Draw from a seed of its own, and go on afterwards as if nothing had been drawn."""
    state = mock_random.getstate()
    mock_random.seed(seed)
    try:
        yield
    finally:
        mock_random.setstate(state)


@contextmanager
def _drawn_from_the_seed() -> Iterator[None]:
    """Have the few services that draw from Python's own sources draw from moto's."""
    state, drawn = random.getstate(), uuid.uuid4
    random.seed(mock_random.getrandbits(64))
    uuid.uuid4 = mock_random.uuid4
    try:
        yield
    finally:
        uuid.uuid4 = drawn
        random.setstate(state)


def _forget() -> None:
    """Drop what every service holds.

    moto's own reset builds each service anew, with drawn identifiers, only to drop it; and where
    one service's making touches another that was dropped already, what was drawn stays.
    """
    known: list[BackendDict[Any]] = BackendDict.__dict__["_instances"]
    for backends in known:
        for _, _, backend in list(backends.iter_backends()):
            # S3 keeps open files and a list of names of its own.
            if type(backend).reset is not BaseBackend.reset:
                backend.reset()
        backends.clear()
    known.clear()
    reset_model_data()


class MotoAccount:
    """A fresh account, from construction to `close`. One at a time per process: moto is global."""

    id = ACCOUNT_ID
    _open = False

    def __init__(self) -> None:
        if MotoAccount._open:
            raise RuntimeError("moto keeps one at a time: close the account that is open first")
        MotoAccount._open = True
        self._clients: dict[tuple[str, str], Any] = {}
        self._session = botocore.session.Session()
        self._session.register_component("data_loader", _loader)
        self._session.set_credentials("rehearsal", "rehearsal")
        self._session.set_config_variable("profile", None)
        self._config = Config(
            parameter_validation=False, retries={"total_max_attempts": 1}, user_agent="rehearsal"
        )
        # A type checker sees mock_aws() as the function it decorates when it is given one.
        self._mock: Any = mock_aws(
            config={"lambda": {"use_docker": False}, "iam": {"load_aws_managed_policies": True}}
        )
        _forget()
        self._mock.start(reset=False)
        # It asks for the regions of every service, and reads each service's model to do so.
        moto_session = AccountSpecificBackend.get_session()._session
        moto_session.register_component("data_loader", _loader)
        # Without it moto looks for the caller in every partition's IAM, and builds all of them.
        self._account_before = os.environ.get("MOTO_ACCOUNT_ID")
        os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID
        self._patches = ExitStack()
        self._patches.enter_context(
            patch.object(AccountSpecificBackend, "__getitem__", _seeded_first_touch)
        )
        self._patches.enter_context(
            patch.object(KmsBackend, "_generate_default_keys", _seeded_default_keys)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the account and everything in it. Closing twice does no harm."""
        if self._mock is None:
            return
        self._patches.close()
        self._mock.stop(remove_data=False)
        _forget()
        self._mock = None
        MotoAccount._open = False
        if self._account_before is None:
            del os.environ["MOTO_ACCOUNT_ID"]
        else:
            os.environ["MOTO_ACCOUNT_ID"] = self._account_before

    def seed(self, text: str) -> None:
        """Make what is drawn next depend on `text` alone."""
        mock_random.seed(text)

    def client(self, service: str, region: str) -> Any:
        """The cached client of a service in a region."""
        key = (service, region)
        if key not in self._clients:
            self._clients[key] = self._session.create_client(
                service, region_name=region, config=self._config
            )
        return self._clients[key]

    def operation(self, service: str, region: str, operation: str) -> OperationModel:
        """The API's own model of an operation."""
        model: ServiceModel = self.client(service, region).meta.service_model
        return model.operation_model(operation)

    def call(
        self, service: str, region: str, operation: str, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Make one API call. Raises botocore's ClientError, or whatever moto crashes with."""
        client = self.client(service, region)
        method = next(
            python
            for python, name in client.meta.method_to_api_mapping.items()
            if name == operation
        )
        with _drawn_from_the_seed(), warnings.catch_warnings():
            # moto tells its own authors about errors that the API's model does not list.
            warnings.simplefilter("ignore")
            answer = getattr(client, method)(**request)
        answer.pop("ResponseMetadata", None)
        return answer
