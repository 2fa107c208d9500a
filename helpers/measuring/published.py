"""What others published for Space Invaders, beside what was measured here, with the differences in words."""
from typing import Dict, NamedTuple, Optional, Sequence

import matplotlib.pyplot as plt
import pandas as pd

from helpers.measuring.protocol import Measurement, measure
from helpers.measuring.statistics import HUMAN_SCORE, RANDOM_SCORE, human_normalised


class Published(NamedTuple):
    """A score that somebody else reported: game points, and how their way of measuring differs from our PROTOCOL."""

    name: str
    score: float
    differs: str
    source: str


_PAPERS = "pixels 84x84; no sticky actions, 4 frames an action, up to 30 idle actions at the start; "
_ZOO = ("pixels 84x84; no sticky actions, 4 frames an action (NoFrameskip-v4); 10 M steps, one run; standard "
        "deviation of its games")
_DOPAMINE = "pixels 84x84; sticky actions, 4 frames an action; mean of the training games, exploring, of 5 runs"

PUBLISHED: Sequence[Published] = (
    Published("random (paper)", RANDOM_SCORE, "no sticky actions, 4 frames an action, up to 30 idle actions first",
              "Wang et al. 2016, table 2"),
    Published("human", HUMAN_SCORE, "a professional tester after 2 hours of practice, at the console's speed, without "
              "sound; about 20 games of at most 5 minutes", "Wang et al. 2016, table 2; Mnih et al. 2015 print 1,652"),
    Published("DQN 2015", 1976, _PAPERS + "200 M frames, best weights of the run, 30 games of at most 5 minutes "
              "at epsilon 0.05",
              "Mnih et al. 2015, extended data table 2"),
    Published("Double DQN 2016, rerun", 2525.5, _PAPERS + "200 M frames", "Wang et al. 2016, table 2"),
    Published("Double DQN 2016", 3154.6, _PAPERS + "200 M frames", "van Hasselt et al. 2016, appendix"),
    Published("DQN, rl-zoo", 622.7, _ZOO + " 201.6", "rl-baselines3-zoo, benchmark.md"),
    Published("PPO, rl-zoo", 960.3, _ZOO + " 425.4", "rl-baselines3-zoo, benchmark.md"),
    Published("QR-DQN, rl-zoo", 1899.9, _ZOO + " 823.5", "rl-baselines3-zoo, benchmark.md"),
    Published("DQN, CleanRL", 1441.7, "pixels 84x84; no sticky actions, 4 frames an action (NoFrameskip-v4); training "
              "games after 10 M steps; standard deviation of the runs 23.9", "CleanRL's benchmark"),
    Published("DQN, Dopamine, 10 M frames", 663, _DOPAMINE, "Dopamine's baselines"),
    Published("DQN, Dopamine, 20 M frames", 796, _DOPAMINE, "Dopamine's baselines"),
    Published("DQN, Dopamine, 50 M frames", 1295, _DOPAMINE, "Dopamine's baselines"),
    Published("DQN, Dopamine, 199 M frames", 1794, _DOPAMINE, "Dopamine's baselines"),
)
"""No score of an agent that reads the RAM was found. An agent step is 4 frames there, 3 on average here."""


def measure_baselines(nb_games: int = 200, seed: int = 1) -> Dict[str, Measurement]:
    """Measure what needs no learning, under PROTOCOL: actions by chance, and standing still and shooting.

    Interrupted, it returns what was played.
    """
    measured: Dict[str, Measurement] = {}
    for name, action, epsilon in (("random", 0, 1), ("always fire", 1, 0)):
        measured[name] = measure(lambda observation, a=action: a, nb_games=nb_games, seed=seed, epsilon=epsilon)
        if not measured[name].complete:
            break
    return measured


def score_table(measured: Dict[str, Measurement], published: Sequence[Published] = PUBLISHED) -> pd.DataFrame:
    """Make a table with a row for each player, lowest mean first.

    The columns: mean, low and high (its 95 % interval), median, std, games, epsilon, human % (0 is random, 100 human),
    and how it was measured. What others did not publish is empty.
    """
    rows = [{"player": one.name, "mean": one.score, "human %": human_normalised(one.score),
             "how it was measured": one.differs} for one in published]
    for name, games in measured.items():
        low, high = games.ci95 or (None, None)
        numbers = games.summary()
        rows.append({"player": name, "mean": games.mean, "low": low, "high": high, "median": numbers["median"],
                     "std": numbers["std"], "games": games.episodes, "epsilon": games.epsilon,
                     "human %": numbers["human_normalised"], "how it was measured": _how(games)})
    columns = ["player", "mean", "low", "high", "median", "std", "games", "epsilon", "human %", "how it was measured"]
    return pd.DataFrame(rows, columns=columns).set_index("player").sort_values("mean")


def _how(games: Measurement) -> str:
    cut = "" if games.complete else f", interrupted: {games.episodes} of {games.requested} games"
    return f"our protocol, {games.env_id}, seed {games.seed}{cut}"


def plot_table(measured: Dict[str, Measurement], ax: Optional[plt.Axes] = None) -> plt.Axes:
    """Plot the table: filled diamonds with 95 % intervals are measured here, hollow circles published elsewhere.

    The dotted lines are the random player and the human.
    """
    table = score_table(measured)
    ax = ax or plt.subplots(figsize=(8, 0.6 + 0.3 * len(table)))[1]
    rows = dict(zip(table.index, range(len(table))))
    theirs, ours = [one.name for one in PUBLISHED], table.loc[list(measured)]
    ax.plot(table.loc[theirs, "mean"], [rows[name] for name in theirs], "o", color="0.4", fillstyle="none",
            label="published, measured otherwise")
    ends = ours[["low", "high"]].astype(float).sub(ours["mean"].astype(float), axis=0).abs().fillna(0)
    ax.errorbar(ours["mean"].astype(float), [rows[name] for name in ours.index], xerr=ends.T.values, fmt="D",
                color="tab:blue", capsize=4, label="measured here, 95 % interval")
    for score in (RANDOM_SCORE, HUMAN_SCORE):
        ax.axvline(score, color="0.4", linestyle=":", linewidth=1)
    ax.set(yticks=range(len(table)), yticklabels=table.index, ylim=(-0.5, len(table) - 0.5), xlabel="score, points")
    ax.legend(loc="lower right")
    return ax
