"""How well a player plays, by the PROTOCOL by which all scores of this project are reported."""
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import gym
import numpy as np

from helpers.checks import check_count, check_range, check_seed
from helpers.game.environment import RAM, make_game
from helpers.measuring.parallel import EMULATORS, play_in_parallel
from helpers.measuring.play import Player
from helpers.measuring.statistics import human_normalised, mean_interval

PROTOCOL = """\
Environment  the one of training, SpaceInvaders-ram-v0 or SpaceInvaders-v0 (sticky actions 0.25, frame skip
             drawn from 2 to 4, at most 10,000 agent steps a game), in emulators of its own
Seeds        each game has its own, mixed from the seed and the number of the game; no training uses them
Games        200 or more, whole games of three lives
Score        game points, never clipped
Player       takes the action of highest Q-value, and with probability epsilon a random one; epsilon is 0.05
             (Mnih et al. 2015), and 0 beside it
Reported     mean, its 95 % interval (BCa bootstrap), median, standard deviation, and the human-normalised mean:
             0 % is a random player (148 points), 100 % a human (1,668.7)
"""


class Measurement(NamedTuple):
    """The games that a player played under PROTOCOL.

    scores: [games] float, game points. steps: [games] int, agent steps. requested: how many games were asked for; fewer
    were played if somebody interrupted.
    """

    scores: np.ndarray
    steps: np.ndarray
    env_id: str
    epsilon: float
    seed: int
    requested: int

    @property
    def episodes(self) -> int:
        return len(self.scores)

    @property
    def complete(self) -> bool:
        return self.episodes == self.requested

    @property
    def mean(self) -> Optional[float]:
        return float(self.scores.mean()) if self.episodes else None

    @property
    def ci95(self) -> Optional[List[float]]:
        """The 95 % interval of the mean: [low, high]; None for fewer than two games."""
        return list(mean_interval(self.scores)) if self.episodes > 1 else None

    @classmethod
    def from_summary(cls, summary: Dict[str, Any]) -> "Measurement":
        """Make again what `summary` was made of."""
        return cls(np.array(summary["scores"], float), np.array(summary["steps"], int), summary["env_id"],
                   summary["epsilon"], summary["seed"], summary["requested"])

    def summary(self) -> Dict[str, Any]:
        """Put all of it into numbers, lists and texts, for JSON; None where there are too few games."""
        played = self.episodes > 0
        return {
            "env_id": self.env_id, "seed": self.seed, "epsilon": self.epsilon, "episodes": self.episodes,
            "requested": self.requested, "complete": self.complete, "mean": self.mean, "ci95": self.ci95,
            "median": float(np.median(self.scores)) if played else None,
            "std": float(self.scores.std()) if played else None,
            "human_normalised": human_normalised(self.mean) if played else None,
            "scores": self.scores.tolist(), "steps": self.steps.tolist(),
        }


def measure(player: Player, env_id: str = RAM, nb_games: int = 200, seed: int = 1, epsilon: float = 0.05, *,
            make_env: Optional[Callable[[], gym.Env]] = None, nb_emulators: int = EMULATORS,
            bar: Any = None) -> Measurement:
    """Play whole games under PROTOCOL, on several emulators at once; the same seed gives the same scores.

    Game number i is the same game however many are played and however many emulators share the work. (On another
    processor, or after `set_threads` with another number, TensorFlow rounds differently, and a game can part ways.)
    Interrupted, it returns what was played.

    Args:
        player: a keras-rl2 agent, whose policies are not asked, or a function from an observation to an action.
        env_id: the environment of training.
        nb_games: at least 1; 200 for a number that is reported.
        seed: 0 to 2**32 - 1.
        epsilon: share of random actions, 0 to 1; at 1 any player is the random player.
        make_env: makes the environment, if it takes more than `make_game(env_id)`, such as wrappers.
        nb_emulators: 1 to 8.
        bar: a `tqdm(total=nb_games)`, say; updated after each game.

    Raises:
        ValueError: a value is out of its range, or the agent's network does not fit the game.
    """
    epsilon, nb_games = check_range("epsilon", epsilon, 0, 1), check_count("nb_games", nb_games, 1, 10**6)
    nb_emulators = check_count("nb_emulators", nb_emulators, 1, EMULATORS)
    seed = check_seed(seed)
    scores, steps = play_in_parallel(player, make_env or (lambda: make_game(env_id)), range(nb_games), seed,
                                     epsilon, nb_emulators, bar)
    return Measurement(scores, steps, env_id, epsilon, seed, nb_games)
