"""Learning curves of runs."""
from typing import Optional, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import EngFormatter

from helpers.runs.folder import Run


def plot_runs(runs: Sequence[Run], ax: Optional[plt.Axes] = None, games: int = 20) -> plt.Axes:
    """Overlay learning curves: the mean score of each run's last `games` games, over agent steps.

    The legend names each run and those of its hyperparameters in which the runs differ. Colour-blind readers can tell
    the first ten colours apart.
    """
    ax = ax or plt.subplots(figsize=(8, 4))[1]
    ax.set_prop_cycle(plt.style.library["tableau-colorblind10"]["axes.prop_cycle"])
    for run in runs:
        episodes = run.episodes
        ax.plot(episodes["step"], episodes["score"].rolling(games, min_periods=1).mean(), label=_label(run, runs),
                marker="." if len(episodes) == 1 else None)  # a line through one point can't be seen
    ax.set(xlabel="agent steps", ylabel=f"score, mean of {games} games")
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    if runs:
        ax.legend()
    return ax


def _label(run: Run, runs: Sequence[Run]) -> str:
    keys = [key for key in run.hyperparameters
            if any(other.hyperparameters.get(key) != run.hyperparameters[key] for other in runs)]
    return ": ".join([run.name, ", ".join(f"{key}={run.hyperparameters[key]}" for key in keys)]).rstrip(": ")


def plot_progress(episodes: pd.DataFrame, axes: Sequence[plt.Axes]) -> Sequence[plt.Axes]:
    """Draw one run's score, epsilon and mean Q-value over agent steps on three axes."""
    score, epsilon, q_value = axes
    score.plot(episodes["step"], episodes["score"], ".", color="0.7", label="a game")
    score.plot(episodes["step"], episodes["score"].rolling(20, min_periods=1).mean(), label="mean of 20")
    score.set(title="Score", xlabel="agent steps", ylabel="game points")
    score.legend()
    epsilon.plot(episodes["step"], episodes["epsilon"])
    epsilon.set(title="Epsilon", xlabel="agent steps", ylabel="share of random actions", ylim=(0, 1.05))
    q_value.plot(episodes["step"], episodes["mean_q"])
    q_value.set(title="Mean Q-value", xlabel="agent steps", ylabel="rewards expected")
    for ax in axes:
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))  # 20k, 1M: they fit side by side
    return axes
