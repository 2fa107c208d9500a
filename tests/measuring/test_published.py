"""Published numbers and our own in one table and one plot; and the arithmetic of scores."""
import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.game.environment import RAM
from helpers.measuring.protocol import Measurement
from helpers.measuring.published import PUBLISHED, plot_table, score_table
from helpers.measuring.statistics import compare, human_normalised, mean_interval


def measured(*scores: float, epsilon: float = 0.05) -> Measurement:
    return Measurement(np.array(scores, float), np.array([700] * len(scores)), RAM, epsilon, 1, len(scores))


def test_difference_agrees_with_the_textbook_and_covers_the_truth():
    random = np.random.RandomState(2)
    a, b = random.normal(300, 60, 200), random.normal(280, 40, 150)
    difference = compare(a, b)
    half = 1.96 * np.sqrt(a.var(ddof=1) / 200 + b.var(ddof=1) / 150)
    mean = a.mean() - b.mean()
    assert difference == pytest.approx((mean, mean - half, mean + half), abs=1)
    hits = sum(d.low <= 100 <= d.high for d in (compare(random.exponential(200, 60), random.exponential(100, 40))
                                                 for _ in range(60)))
    assert 51 <= hits <= 60


def test_the_interval_of_a_difference_is_made_of_the_two_intervals():
    """One method for both: against a player whose games are all alike, the difference is as sure as the other mean."""
    scores = np.random.RandomState(3).exponential(200, 50)
    low, high = mean_interval(scores)
    assert compare(scores, [285, 285]) == pytest.approx((scores.mean() - 285, low - 285, high - 285))
    assert compare([285, 285], scores) == pytest.approx((285 - scores.mean(), 285 - high, 285 - low))
    both = compare(scores, scores[:30])  # sides of 3 and 4 points would make 5
    (low, high), (other_low, other_high) = mean_interval(scores), mean_interval(scores[:30])
    assert both.mean - both.low == pytest.approx(np.hypot(scores.mean() - low, other_high - scores[:30].mean()))
    assert both.high - both.mean == pytest.approx(np.hypot(high - scores.mean(), scores[:30].mean() - other_low))


def test_the_verdict_is_said_in_words():
    assert str(compare([300] * 9 + [310], [200, 210] * 5)).endswith(": better")
    assert str(compare([200, 210] * 5, [300] * 10)).endswith(": worse")
    assert "no difference that these games can show" in str(compare([100, 900, 300], [400, 200, 800]))
    assert compare([5, 5], [3, 3]) == (2, 2, 2)
    with pytest.raises(ValueError, match="at least 2"):
        compare([1, 2], [3])


def test_human_normalised():
    assert [human_normalised(score) for score in (148, 1668.7, 908.35)] == pytest.approx([0, 100, 50])


def test_the_table_holds_ours_and_theirs_with_what_differs():
    table = score_table({"ram_best": measured(900, 1100, 1300), "always fire": measured(285, 285, epsilon=0)})
    assert table.loc["ram_best", ["mean", "median", "games", "epsilon"]].tolist() == [1100, 1100, 3, 0.05]
    assert table.loc["ram_best", "low"] < 1100 < table.loc["ram_best", "high"]
    assert table.loc["ram_best", "human %"] == pytest.approx(human_normalised(1100))
    assert table["mean"].is_monotonic_increasing
    assert table.loc["human", "mean"] == 1668.7 and len(table) == 2 + len(PUBLISHED)
    assert all(len(row.differs) > 30 and row.source for row in PUBLISHED)
    assert table["how it was measured"].str.len().min() > 10


def test_the_plot_has_a_row_for_each_player_and_intervals_for_ours():
    ax = plot_table({"ram_best": measured(900, 1100, 1300), "one game": measured(300)})
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert set(names) == {"ram_best", "one game", *(row.name for row in PUBLISHED)}
    low, high = ax.containers[0].lines[2][0].get_segments()[0][:, 0]
    assert low < 1100 < high
    assert plot_table({"one game": measured(300)}, ax=ax) is ax
    plt.close(ax.figure)
