"""The pseudo-random numbers of the scorecard's resamples: uniform, independent, and the same on every engine."""

from itertools import product

import duckdb
import jinja2
import numpy as np
import pytest
from numpy.typing import NDArray

from orchestration.settings import DBT_PROJECT_DIR

PRIME = 2**31 - 1
FIRST, SECOND = 1000, 1034  # as many draws and slots as the largest signal


@pytest.fixture(scope="module")
def drawn() -> NDArray[np.float64]:
    """The macro's values in DuckDB for every pair of numbers (FIRST, SECOND)."""
    macro = (DBT_PROJECT_DIR / "macros" / "pseudo_random.sql").read_text() + "{{ pseudo_random('a.i', 'b.i') }}"
    # Except for `{{ return(…) }}`, dbt's macros are plain Jinja.
    expression = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(macro).render()
    statement = f"select {expression} from range(1, {FIRST + 1}) a(i), range(1, {SECOND + 1}) b(i) order by a.i, b.i"
    return np.asarray(duckdb.connect().execute(statement).fetchnumpy().popitem()[1]).reshape(FIRST, SECOND)


def by_hand(first: int, second: int) -> float:
    """The same values with Python integers."""
    mixed = (first * 1103515245 + second * 69621 + 12345) % PRIME
    squared = (mixed * mixed + second * 16807) % PRIME
    stepped = (squared * 48271 + first) % PRIME
    return (stepped * stepped % PRIME) / PRIME


def chi_square(counts: NDArray[np.int64]) -> float:
    """Distance of the counts of equally likely bins from their mean."""
    mean = counts.mean()
    return float(((counts - mean) ** 2 / mean).sum())


def test_no_product_overflows_and_every_value_equals_the_python_one(drawn: NDArray[np.float64]) -> None:
    places = [*product((1, 2, 499, FIRST), (1, 2, 517, SECOND)), *zip(range(1, 501), range(500, 0, -1), strict=True)]
    assert [drawn[i - 1, j - 1] for i, j in places] == [by_hand(i, j) for i, j in places]
    assert drawn.min() >= 0
    assert drawn.max() < 1


def test_all_hundredths_are_equally_likely(drawn: NDArray[np.float64]) -> None:
    # 99 degrees of freedom: one in 1 000 is above 148, one in 1 000 below 61.
    assert 61 < chi_square(np.bincount((drawn * 100).astype(int).ravel(), minlength=100)) < 148


@pytest.mark.parametrize("axis", [0, 1], ids=["a draw over all slots", "a slot over all draws"])
def test_each_row_and_column_is_uniform(drawn: NDArray[np.float64], axis: int) -> None:
    lines = drawn if axis == 0 else drawn.T
    found = np.array([chi_square(np.bincount((line * 10).astype(int), minlength=10)) for line in lines])
    # 9 degrees of freedom: mean 9, standard deviation 4.24; one in 1 000 is above 27.9.
    assert found.mean() == pytest.approx(9, abs=4 * 4.24 / np.sqrt(found.size))
    assert (found > 27.9).mean() < 0.006


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("lag", [1, 2, 3, 7, 30])
def test_neighbours_are_independent(drawn: NDArray[np.float64], axis: int, lag: int) -> None:
    earlier, later = (drawn[:-lag], drawn[lag:]) if axis == 0 else (drawn[:, :-lag], drawn[:, lag:])
    correlation = np.corrcoef(earlier.ravel(), later.ravel())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(earlier.size)
    cells = (earlier * 10).astype(int) * 10 + (later * 10).astype(int)
    assert 61 < chi_square(np.bincount(cells.ravel(), minlength=100)) < 148


def test_whole_draws_and_whole_slots_differ(drawn: NDArray[np.float64]) -> None:
    for table in (drawn, drawn.T):
        alike = np.corrcoef(table[:300])
        others = alike[~np.eye(300, dtype=bool)]
        expected = 1 / np.sqrt(table.shape[1])
        assert others.std() == pytest.approx(expected, rel=0.05)
        assert np.abs(others).max() < 6 * expected
