"""The evaluator of metric math follows CloudWatch's page: tests/fleets/metric_math.py."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from tests.fleets.metric_math import Gaps, MathError, Series, evaluate, names, parsed

BOTH = pytest.mark.parametrize("gaps", Gaps)

points = st.none() | st.integers(min_value=-50, max_value=50).map(float)
counts = st.none() | st.integers(min_value=0, max_value=50).map(float)


def series_of(length: int, values: st.SearchStrategy[float | None] = points):
    return st.lists(values, min_size=length, max_size=length).map(tuple)


pairs = st.integers(min_value=1, max_value=12).flatmap(
    lambda length: st.tuples(series_of(length), series_of(length))
)

seeded = trials(derandomize=True, database=None, max_examples=100)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a + 2 * 3", 16),
        ("(a + 2) * 3", 36),
        ("a - 2 - 3", 5),
        ("a / 2 / 5", 1),
        ("-a + 1", -9),
        ("2 * -a", -20),
        ("a > 5 AND a < 20", 1),
        ("a > 5 && a < 8 || a == 10", 1),
        ("a + 1 >= 11", 1),
        ("a != 10", 0),
        ("a <= 10.5", 1),
        ("a < 5 OR a > 5 AND a < 8", 0),
    ],
)
def test_operators_bind_as_usual(text: str, result: float):
    assert evaluate(text, {"a": (10.0,)}) == (result,)


# The three rows that the page gives for comparison and logic.
@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("metric1 < metric2", (0, 0, 1, 0)),
        ("metric1 >= 30", (1, 0, 0, 0)),
        ("metric1 > 15 AND metric2 > 15", (1, 0, 0, 0)),
    ],
)
def test_comparisons_read_as_in_the_examples_of_the_page(text: str, result: Series):
    series: dict[str, Series] = {"metric1": (30, 20, 0, 0), "metric2": (20, None, 20, None)}
    assert evaluate(text, series) == result


# The tables that the page gives for IF.
@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("IF(metric1, metric2, metric3)", (30, 0, 20, None, None)),
        ("IF(metric1, 5, metric3)", (5, 5, 20, None, None)),
        ("IF(metric1, metric2, 5)", (30, 0, 5, 5, None)),
        ("IF(metric1, metric2)", (30, 0, None, None, None)),
    ],
)
def test_if_reads_as_in_the_tables_of_the_page(text: str, result: Series):
    series: dict[str, Series] = {
        "metric1": (1, 1, 0, 0, None),
        "metric2": (30, None, 0, 0, 30),
        "metric3": (0, 0, 20, None, 20),
    }
    assert evaluate(text, series) == result


def test_any_number_but_zero_is_true():
    assert evaluate("IF(a, 1, 2)", {"a": (-3, 0, 0.5)}) == (1, 2, 1)


@pytest.mark.parametrize(
    ("gaps", "summed", "divided", "taken"),
    [
        (Gaps.ZERO, (3, 1, 2, None), (0.5, None, 0, None), (1, 1, 0, 0)),
        (Gaps.GAP, (3, None, None, None), (0.5, None, None, None), (1, 1, None, None)),
    ],
)
def test_a_gap_beside_a_point_is_zero_or_a_gap_by_whom_one_believes(
    gaps: Gaps, summed: Series, divided: Series, taken: Series
):
    series: dict[str, Series] = {"a": (1, 1, None, None), "b": (2, None, 2, None)}
    assert evaluate("a + b", series, gaps) == summed
    assert evaluate("a / b", series, gaps) == divided
    assert evaluate("IF(c, a, 7)", {"c": (1, 1, 1, 1), **series}, gaps) == taken


@BOTH
def test_a_gap_in_both_is_a_gap_and_a_number_fills_none(gaps: Gaps):
    series: dict[str, Series] = {"a": (None, 4), "b": (None, 2)}
    for text, newest in [("a + b", 6), ("a + 1", 5), ("1 - a", -3), ("-a", -4), ("a >= 0", 1)]:
        assert evaluate(text, series, gaps) == (None, newest)


@BOTH
def test_a_division_by_zero_drops_the_point(gaps: Gaps):
    assert evaluate("a / b", {"a": (6, 0, 6), "b": (2, 0, 0)}, gaps) == (3, None, None)


def test_repeat_repeats_the_newest_point_before_a_gap_and_makes_none_before_the_first():
    assert evaluate("FILL(a, REPEAT)", {"a": (None, 3, None, None, 0, None)}) == (
        None,
        3,
        3,
        3,
        0,
        0,
    )


def test_a_number_fills_every_gap():
    assert evaluate("FILL(a, 0)", {"a": (None, 3, None)}) == (0, 3, 0)


def test_an_array_is_added_up_and_compared_point_by_point_over_what_is_there():
    series: dict[str, Series] = {"a": (1, None, None), "b": (5, 2, None)}
    assert evaluate("MAX([a, b])", series) == (5, 2, None)
    assert evaluate("MIN([a, b])", series) == (1, 2, None)
    assert evaluate("SUM([a, b])", series) == (6, 2, None)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("AVG([a, b])", "AVG"),
        ("FILL(a, LINEAR)", "LINEAR"),
        ("FILL(a)", "','"),
        ("if(a, 1, 0)", "end"),
        ("IF(a)", "IF of 1"),
        ("IF(1, a, b)", "judges a series"),
        ("MAX(a)", "array"),
        ("MAX(a, b)", "MAX of 2"),
        ("a +", "something should come"),
        ("a b", "end"),
        ("a < b < 3", "parentheses"),
        ("(a", "')'"),
        ("a ^ 2", "begins at"),
        ("a.b", "begins at"),
        ("__import__('os')", "begins at"),
        ("c + 1", "'c' is no id"),
        ("A + 1", "an id"),
        ("1 + 2", "no series"),
        ("[a, b]", "no series"),
        ("a + [a, b]", "arrays"),
        ("a + 1 / 0", "divided by zero"),
        ("", "something should come"),
    ],
)
def test_what_cloudwatch_would_refuse_or_nobody_tested_is_refused(text: str, complaint: str):
    with pytest.raises(MathError, match=re.escape(complaint)):
        evaluate(text, {"a": (1,), "b": (2,)})


def test_series_of_different_lengths_are_refused():
    with pytest.raises(MathError, match=r"\[1, 2\]"):
        evaluate("a + b", {"a": (1,), "b": (1, 2)})


def test_the_ids_of_an_expression_are_known():
    text = "IF(FILL(a, REPEAT) > 0 AND -b < 1, MAX([c, d]), 1) + IF(e, f)"
    assert names(text) == set("abcdef")


@BOTH
@seeded
@given(pairs)
def test_adding_and_multiplying_do_not_depend_on_the_order(gaps: Gaps, pair: tuple[Series, Series]):
    one, other = ({"a": a, "b": b} for a, b in (pair, pair[::-1]))
    for text in ("a + b", "a * b", "a == b", "a AND b", "a OR b"):
        assert evaluate(text, one, gaps) == evaluate(text, other, gaps)


@BOTH
@seeded
@given(pairs)
def test_the_operators_have_a_point_where_both_have_one(gaps: Gaps, pair: tuple[Series, Series]):
    a, b = pair
    for sign in ("+", "-", "*", "<", "<=", ">", ">=", "==", "!=", "AND", "OR"):
        for one, other, result in zip(
            a, b, evaluate(f"a {sign} b", {"a": a, "b": b}, gaps), strict=True
        ):
            there = (one is not None) + (other is not None)
            assert (result is not None) == (there > (gaps is Gaps.GAP))


@seeded
@given(pairs)
def test_both_readings_of_a_gap_agree_where_there_is_none(pair: tuple[Series, Series]):
    a, b = (tuple(point or 0.0 for point in each) for each in pair)
    for text in ("a + b", "a / b", "IF(a > b, a, b)", "a > 0 AND b > 0", "a - FILL(b, REPEAT)"):
        series = {"a": a, "b": b}
        assert evaluate(text, series, Gaps.ZERO) == evaluate(text, series, Gaps.GAP)


@BOTH
@seeded
@given(series_of(8))
def test_filling_changes_no_point_and_fills_all_after_the_first(gaps: Gaps, a: Series):
    filled = evaluate("FILL(a, REPEAT)", {"a": a}, gaps)
    seen: float | None = None
    for before, after in zip(a, filled, strict=True):
        seen = seen if before is None else before
        assert after == seen


@BOTH
@seeded
@given(pairs)
def test_a_comparison_is_true_or_false_and_its_opposite_the_other(
    gaps: Gaps, pair: tuple[Series, Series]
):
    series = dict(zip("ab", pair, strict=True))
    for sign, opposite in (("<", ">="), (">", "<="), ("==", "!=")):
        for one, other in zip(
            evaluate(f"a {sign} b", series, gaps),
            evaluate(f"a {opposite} b", series, gaps),
            strict=True,
        ):
            assert {one, other} in ({0.0, 1.0}, {None})


@BOTH
@seeded
@given(pairs)
def test_nothing_divides_by_zero(gaps: Gaps, pair: tuple[Series, Series]):
    series = dict(zip("ab", pair, strict=True))
    for one, divisor in zip(evaluate("a / b", series, gaps), pair[1], strict=True):
        if divisor == 0:
            assert one is None


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0:
        return draw(st.sampled_from(["a", "b", "3", "0.5"]))
    inner = expressions(depth - 1)
    return draw(
        st.one_of(
            inner,
            st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
            st.builds("IF(a > {}, b, a)".format, st.integers(0, 9)),
            st.builds("FILL({}, REPEAT)".format, st.sampled_from("ab")),
        )
    )


@seeded
@given(text=expressions(), spaces=st.sampled_from(["", " ", "  "]))
def test_spaces_and_parentheses_around_an_expression_change_nothing(text: str, spaces: str):
    spread = text.replace("(", f"({spaces}").replace(")", f"{spaces})")
    assert parsed(f"({spaces}{spread}{spaces})") == parsed(text)
