"""Physical names: components/naming.py."""

from __future__ import annotations

from typing import get_args

import pytest

from components.naming import LIMITS, Named, physical_name, portions


def test_a_name_is_its_parts_joined():
    assert physical_name("queue", "backlot-dev", "render") == "backlot-dev-render"
    assert physical_name("secret", "backlot-dev", "openai", separator="/") == "backlot-dev/openai"


def test_every_kind_of_thing_has_a_limit():
    assert set(LIMITS) == set(get_args(Named))


@pytest.mark.parametrize(
    ("kind", "limit"), [("queue", 80), ("bucket", 63), ("alarm", 255), ("environment", 40)]
)
def test_a_name_may_be_as_long_as_the_service_allows_and_no_longer(kind: Named, limit: int):
    assert len(physical_name(kind, "x" * limit)) == limit
    with pytest.raises(ValueError, match=rf"has {limit + 1} characters; at most {limit}"):
        physical_name(kind, "x" * (limit + 1))


def test_the_separators_count_too():
    with pytest.raises(
        ValueError, match=r"^queue name 'x+-y' has 81 characters; at most 80 are allowed$"
    ):
        physical_name("queue", "x" * 79, "y")


def test_the_longest_names_that_the_settings_allow_fit_a_queue():
    longest_prefix = f"{'p' * 20}-{'production'}"
    assert physical_name("queue", longest_prefix, "q" * 24, "dead-letter")


def test_the_longest_prefix_that_the_settings_allow_fits_a_beanstalk_environment():
    longest_prefix = f"{'p' * 20}-{'production'}"
    assert len(physical_name("environment", longest_prefix, "api")) == 35


def test_what_is_too_much_for_one_is_shared_out_and_the_first_keeps_its_name():
    assert portions("abcde", 2) == [("", "ab"), ("-2", "cd"), ("-3", "e")]
    assert portions("ab", 2) == [("", "ab")]
    assert portions("", 2) == []
