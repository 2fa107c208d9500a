"""Two or three settings side by side: the same seeds for each, short trainings, whole games, one bar for all."""
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from rl.callbacks import Callback
from tensorflow.python.keras import backend
from tqdm import tqdm

from helpers.agents.build import build_by_recipe
from helpers.agents.hyperparameters import check_hyperparameters
from helpers.agents.recipes import NETWORKS, Recipe, recorded_recipe
from helpers.agents.weights import load_weights, weights_as_hdf5
from helpers.checks import check_count, check_seed
from helpers.files import write_whole
from helpers.learning.seeds import set_seeds
from helpers.measuring.protocol import Measurement, measure
from helpers.measuring.statistics import mean_interval, plot_scores
from helpers.runs.callbacks import RunLogger
from helpers.runs.folder import Run, start_run

STEPS_OF_GAME = 150
"""A measured game takes about as long as so many steps of training: it moves the bar as far."""


class Trained(NamedTuple):
    """One training: the name of its setting, its seed, its folder in runs/, and the games that its agent played."""

    setting: str
    seed: int
    run: Run
    games: Measurement


class SettingsCompared(NamedTuple):
    """What `compare_settings` found.

    trainings: those that were finished and measured, setting by setting. requested: how many were asked for; fewer were
    made if somebody interrupted.
    """

    trainings: List[Trained]
    requested: int

    @property
    def complete(self) -> bool:
        return len(self.trainings) == self.requested

    @property
    def scores(self) -> Dict[str, np.ndarray]:
        """The games of all seeds together, by the name of the setting."""
        names = dict.fromkeys(one.setting for one in self.trainings)
        return {name: np.concatenate([one.games.scores for one in self.of(name)]) for name in names}

    def of(self, setting: str) -> List[Trained]:
        """Return the trainings of one setting."""
        return [one for one in self.trainings if one.setting == setting]

    def __str__(self) -> str:
        """Return a line for each setting: the mean of all its games, their 95 % interval, each seed's mean."""
        scores = self.scores
        width = max(map(len, scores), default=0)
        lines = [] if self.complete else [f"stopped after {len(self.trainings)} of {self.requested} trainings"]
        for name, points in scores.items():
            low, high = mean_interval(points)
            seeds = ", ".join(f"{one.games.mean:.0f} (seed {one.seed})" for one in self.of(name))
            lines.append(f"{name:{width}}  mean {points.mean():.0f}, 95 % interval {low:.0f} to {high:.0f} in "
                         f"{len(points)} games; each training: {seeds}")
        return "\n".join(lines)


def compare_settings(settings: Dict[str, Dict[str, Any]], seeds: Sequence[int], nb_steps: int, nb_games: int = 50, *,
                     common: Optional[Dict[str, Any]] = None, network: str = "RAM", nb_envs: int = 8,
                     name: str = "compare", root: Optional[Path] = None) -> SettingsCompared:
    """Train each setting once with each seed, by `fit_parallel`, and measure every agent in the same games.

    Each training has a folder in runs/, for `list_runs`, `plot_runs` and `agent_of`. Stopped (Ctrl-C), it returns what
    was finished. The agents of the notebook stay as they are. Equal arguments give equal scores, to the bit, with the
    same number of threads (see `set_threads`).

    The interval of a setting is over all its games. It says how sure these trainings' mean is, not what another seed
    would give: with few seeds look at how far the means of single trainings lie apart.

    Args:
        settings: for each name the hyperparameters that it changes, by their names in the table
            `helpers.agents.hyperparameters`: {"double": {}, "not double": {"double": False}}.
        seeds: one training of each setting for each of them; of its first weights and of every random choice.
        nb_steps: agent steps of each training, at least 1; games that are cut off at its end are not logged.
        nb_games: games in which each agent is measured, epsilon 0.05; at least 2.
        common: hyperparameters that all settings share where they change nothing; the rest are the table's defaults.
        network: a name in `helpers.agents.recipes.NETWORKS`.
        nb_envs: emulators of each training.
        name: of the folders: compare-001, compare-002.
        root: the folder of all runs; None for runs/.

    Raises:
        ValueError (before any training): there is no setting or no seed, a seed is given twice, a hyperparameter does
            not exist or can't have its value, or a number is out of its range.
        FloatingPointError: a loss is no finite number any more.
    """
    recipes = _check_settings(settings, common or {}, network, nb_envs)
    seeds = _check_seeds(seeds)
    nb_steps, nb_games = check_count("nb_steps", nb_steps, 1), check_count("nb_games", nb_games, 2, 10**6)
    compared = SettingsCompared([], len(recipes) * len(seeds))
    with tqdm(total=compared.requested * (nb_steps + nb_games * STEPS_OF_GAME), file=sys.stdout, ncols=96,
              bar_format="{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}", mininterval=0.5) as bar:
        try:
            for setting, made in recipes.items():
                for seed in seeds:
                    bar.set_postfix_str(f"{setting}, seed {seed}")
                    stored = {"network": network, "nb_steps": nb_steps, "seed": seed, **made.options}
                    run = start_run(name, stored, root)
                    games = _train_and_measure(made, run, seed, nb_steps, nb_games, bar)
                    if games is None:
                        return compared
                    compared.trainings.append(Trained(setting, seed, run, games))
        except KeyboardInterrupt:
            pass  # between two trainings; within one, `fit_parallel` and `measure` end by themselves
    return compared


def _check_settings(settings: Any, common: Dict[str, Any], network: str, nb_envs: int) -> Dict[str, Recipe]:
    """Return a recipe for each setting."""
    if not (isinstance(settings, dict) and settings and all(isinstance(one, dict) for one in settings.values())):
        raise ValueError(f"settings is {settings!r}; expected a name and its changed hyperparameters for each setting. "
                         "Write {'double': {'double': True}}, for example.")
    if network not in NETWORKS:
        raise ValueError(f"network is {network!r}; expected one of {', '.join(NETWORKS)}. Choose one of them.")
    nb_envs = check_count("nb_envs", nb_envs, 1)
    made = {str(name): Recipe(network, check_hyperparameters({**common, **changes}), 0, nb_envs)
            for name, changes in settings.items()}
    for one in made.values():
        check_count("replay_limit", one.hyperparameters["replay_limit"], nb_envs, advice="Each emulator needs a part.")
    return made


def _check_seeds(seeds: Any) -> List[int]:
    if isinstance(seeds, (str, bytes)) or not isinstance(seeds, Sequence):
        raise ValueError(f"seeds is {seeds!r}; expected a list of numbers. Write [1, 2], for example.")
    if not seeds:
        raise ValueError(f"seeds is {list(seeds)}; expected at least 1. Write [1, 2], for example.")
    checked = [check_seed(seed, "a seed") for seed in seeds]
    if len(set(checked)) < len(checked):
        raise ValueError(f"seeds is {list(seeds)}; expected each only once, as the same seed gives the same training. "
                         "Leave out what is there twice.")
    return checked


def _train_and_measure(made: Recipe, run: Run, seed: int, nb_steps: int, nb_games: int,
                       bar: tqdm) -> Optional[Measurement]:
    """Return the games of a newly trained agent; None if somebody interrupted."""
    before = bar.n
    with graph_of_its_own():
        set_seeds(seed)
        agent = build_by_recipe(made)
        agent.fit_parallel(made.make_training_env, made.nb_envs, nb_steps, seed=seed, verbose=0,
                           learning_rate=made.learning_rate, callbacks=[RunLogger(run), _Moves(bar, nb_steps)])
        if agent.step < nb_steps:
            return None
        weights = weights_as_hdf5(agent, made.make_env())
        write_whole(run.folder / f"weights-{int(agent.step):09d}.h5", weights)
        games = measure(agent, made.env_id, nb_games, make_env=made.make_env, bar=_Games(bar))
    if not games.complete:
        return None
    bar.update(before + nb_steps + nb_games * STEPS_OF_GAME - bar.n)
    return games


@contextmanager
def graph_of_its_own() -> Iterator[None]:
    """Build and train in another graph of TensorFlow: the first weights depend on the seed alone, and the agents that
    the caller has stay usable, where Keras's `clear_session` would spoil them.
    """
    with tf.Graph().as_default(), tf.compat.v1.Session(config=backend.get_default_session_config()):
        yield


class _Moves(Callback):
    """Move the bar by a step for each step of a training."""

    def __init__(self, bar: tqdm, nb_steps: int):
        super().__init__()
        self.bar, self.left = bar, nb_steps

    def on_step_end(self, step: int, logs: Optional[Dict] = None) -> None:
        if self.left:  # the last parallel round may go beyond
            self.left -= 1
            self.bar.update()


class _Games:
    """What `measure` tells of each game."""

    def __init__(self, bar: tqdm):
        self.bar = bar

    def update(self) -> None:
        self.bar.update(STEPS_OF_GAME)


def agent_of(run: Run) -> Any:
    """Return the agent that a run trained, with the newest weights that it saved, to be played or measured.

    Raises:
        ValueError: the run does not say which network it has, or its weights are of another one.
        FileNotFoundError: it saved none.
    """
    saved = [*run.checkpoints, *run.folder.glob("weights.h5")]
    if not saved:
        raise FileNotFoundError(f"runs/{run.name} holds no weights; expected a run that saved some. Train it with "
                                "SaveWeights, or choose another.")
    made = recorded_recipe(run.hyperparameters)
    agent = build_by_recipe(made)
    load_weights(agent, saved[-1], made.make_env())
    return agent


def plot_settings(compared: SettingsCompared, ax: Optional[plt.Axes] = None) -> plt.Axes:
    """Draw a row for each setting as in `plot_scores`, and over it the mean of each training, an orange triangle."""
    scores = compared.scores
    if not scores:
        return ax or plt.subplots()[1]
    ax = plot_scores(scores, ax)
    for row, name in enumerate(scores):
        means = [one.games.mean for one in compared.of(name)]
        ax.plot(means, np.full(len(means), row + 0.25), "v", color="tab:orange", label=None if row else "one training")
    ax.legend()
    return ax
