"""What game scores say: the interval of the mean, two players compared, points as a share of human skill."""
from typing import Callable, Dict, NamedTuple, Optional, Sequence, Tuple

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import bootstrap

RANDOM_SCORE, HUMAN_SCORE = 148.0, 1668.7
"""Points of a random player and of a person who plays for a living, from the game's start.

Source: Wang et al. 2016 (Dueling Network Architectures), table 2.
"""


def mean_interval(scores: Sequence[float]) -> Tuple[float, float]:
    """The interval that holds the true mean score with a confidence of 95 %, by the bootstrap.

    Draws the games again with replacement, 9,999 times, and looks at how the mean of the draws spreads (BCa method).

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
    return _bootstrap([scores], np.mean)


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
    """Whether the player of `scores` is better than the player of `others`: the bootstrap of the difference of means.

    If the interval does not hold 0, one is better (significantly, as papers say). Two intervals of single means that
    overlap prove nothing: the difference has an interval of its own, narrower than both together.

    Args:
        scores, others: one number a game, at least 2 each; their lengths may differ.

    Raises:
        ValueError: fewer than two scores.
    Source:
        Efron and Tibshirani 1993, chapter 16: both samples are drawn again, each for itself, 9,999 times.
    """
    samples = [_as_scores(scores), _as_scores(others)]
    mean = float(samples[0].mean() - samples[1].mean())
    if all(np.ptp(sample) == 0 for sample in samples):
        return Difference(mean, mean, mean)
    return Difference(mean, *_bootstrap(samples, lambda a, b, axis: np.mean(a, axis) - np.mean(b, axis),
                                        method="percentile"))


def _bootstrap(samples: Sequence[np.ndarray], statistic: Callable[..., np.ndarray],
               method: str = "BCa") -> Tuple[float, float]:
    interval = bootstrap(samples, statistic, confidence_level=0.95, method=method, random_state=0)
    return float(interval.confidence_interval.low), float(interval.confidence_interval.high)


def _as_scores(scores: Sequence[float]) -> np.ndarray:
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 1 or len(scores) < 2:
        raise ValueError(f"Received scores of shape {scores.shape}; expected a list of at least 2. Play more games.")
    return scores


def human_normalised(score: float) -> float:
    """The score in per cent of the way from the random player (0) to the human (100).

    Source:
        Mnih et al. 2015, figure 3.
    """
    return 100 * (score - RANDOM_SCORE) / (HUMAN_SCORE - RANDOM_SCORE)


def plot_scores(scores: Dict[str, np.ndarray], ax: Optional[plt.Axes] = None) -> plt.Axes:
    """A row for each player: a grey dot for each game, a diamond and a line for the mean and its 95 % interval."""
    ax = ax or plt.subplots(figsize=(8, 0.6 + 0.7 * len(scores)))[1]
    for row, points in enumerate(scores.values()):
        low, high = mean_interval(points)
        mean = np.mean(points)
        ax.plot(points, np.full(len(points), row), ".", color="0.7")
        ax.errorbar(mean, row, xerr=[[mean - low], [high - mean]], fmt="D", color="tab:blue", capsize=5)
    ax.set(yticks=range(len(scores)), yticklabels=scores, ylim=(-0.5, len(scores) - 0.5), xlabel="score, points")
    return ax
