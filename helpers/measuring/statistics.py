"""What game scores say: the interval of the mean, two players compared, points as a share of human skill."""
from typing import Dict, NamedTuple, Optional, Sequence, Tuple

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import bootstrap

RANDOM_SCORE, HUMAN_SCORE = 148.0, 1668.7
"""Points of a random player and of a person who plays for a living, from the game's start.

Source: Wang et al. 2016 (Dueling Network Architectures), table 2.
"""


def mean_interval(scores: Sequence[float]) -> Tuple[float, float]:
    """Return the 95 % interval of the mean score, by the bootstrap: about 95 of 100 such intervals hold the true mean.

    Draws the games again with replacement, 9,999 times, and looks at how the mean of the draws spreads; BCa, "bias
    corrected and accelerated", then moves both ends for scores that are lopsided.

    Args:
        scores: one number a game; at least 2.

    Returns:
        (low, high) in the unit of `scores`.

    Raises:
        ValueError: fewer than two scores.
    Source:
        Efron and Tibshirani 1993, chapter 14; scipy.stats.bootstrap.
    """
    scores = _as_scores(scores)
    if np.ptp(scores) == 0:  # the bootstrap has nothing to resample from
        return float(scores[0]), float(scores[0])
    interval = bootstrap([scores], np.mean, confidence_level=0.95, method="BCa", random_state=0).confidence_interval
    return float(interval.low), float(interval.high)


class Difference(NamedTuple):
    """How much better one player is than another, in points: the difference of their means, and its interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        is_clear = self.low > 0 or self.high < 0
        verdict = ("better" if self.mean > 0 else "worse") if is_clear else "no difference that these games can show"
        return f"{self.mean:+.0f} points, 95 % interval {self.low:+.0f} to {self.high:+.0f}: {verdict}"


def compare(scores: Sequence[float], others: Sequence[float]) -> Difference:
    """Compare the player of `scores` with the player of `others`: the difference of means and its interval.

    If the interval does not hold 0, one is better (significantly, as papers say). Two intervals of single means that
    overlap prove nothing: the difference has an interval of its own, narrower than both together. It is made of these
    two, from `mean_interval`, as the sides of a right angle make the long side: 3 and 4 points make 5. Below the
    difference counts what lies below the first mean and above the second.

    Args:
        scores, others: one number a game, at least 2 each; their lengths may differ.

    Raises:
        ValueError: fewer than two scores.
    Source:
        Zou and Donner 2008, Construction of confidence limits about effect measures, Statistics in Medicine 27.
    """
    (low, high), (other_low, other_high) = mean_interval(scores), mean_interval(others)
    mean, other = float(np.mean(scores)), float(np.mean(others))
    return Difference(mean - other, mean - other - float(np.hypot(mean - low, other_high - other)),
                      mean - other + float(np.hypot(high - mean, other - other_low)))


def _as_scores(scores: Sequence[float]) -> np.ndarray:
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 1 or len(scores) < 2:
        raise ValueError(f"Received scores of shape {scores.shape}; expected a list of at least 2. Play more games.")
    return scores


def human_normalised(score: float) -> float:
    """Return the score in per cent of the way from the random player (0) to the human (100).

    Source:
        Mnih et al. 2015, figure 3.
    """
    return 100 * (score - RANDOM_SCORE) / (HUMAN_SCORE - RANDOM_SCORE)


def plot_scores(scores: Dict[str, np.ndarray], ax: Optional[plt.Axes] = None) -> plt.Axes:
    """Plot a row for each player: a grey dot for each game, a diamond and a line for the mean and its 95 % interval."""
    ax = ax or plt.subplots(figsize=(8, 0.6 + 0.7 * len(scores)))[1]
    for row, points in enumerate(scores.values()):
        low, high = mean_interval(points)
        mean = np.mean(points)
        ax.plot(points, np.full(len(points), row), ".", color="0.7")
        ax.errorbar(mean, row, xerr=[[mean - low], [high - mean]], fmt="D", color="tab:blue", capsize=5)
    ax.set(yticks=range(len(scores)), yticklabels=scores, ylim=(-0.5, len(scores) - 0.5), xlabel="score, points")
    return ax
