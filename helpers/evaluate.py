"""Play whole games and say how well.

`play_games` is for a look at a player; `measure` follows PROTOCOL, by which all scores of this project are reported.
`python -m helpers.evaluate WEIGHTS` does the same in a terminal.
"""
import sys
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Union

import gym
import numpy as np

from helpers.checks import check_range
from helpers.games import RAM, ScoreKeeper, make_game, seed_game
from helpers.parallel_games import EMULATORS, play_in_parallel
from helpers.scores import human_normalised, mean_interval

PROTOCOL = """\
Environment  the one of training, SpaceInvaders-ram-v0 or SpaceInvaders-v0 (sticky actions 0.25, frame skip
             drawn from 2 to 4, at most 10,000 agent steps a game), in emulators of its own
Seeds        each game has its own, mixed from the seed and the number of the game; no training uses them
Games        200 or more, whole games of three lives
Score        game points, never clipped
Player       takes the action of highest Q-value, and with probability epsilon a random one; epsilon is 0.05
             (Mnih et al. 2015), and 0 beside it
Reported     mean, its 95 % interval (bootstrap), median, standard deviation, and the human-normalised mean:
             0 % is a random player (148 points), 100 % a human (1,668.7)
"""

Player = Union[Callable[[np.ndarray], int], Any]
"""A function from an observation to an action, or a keras-rl2 agent."""


@contextmanager
def numpy_seed(seed: Optional[int]) -> Iterator[None]:
    """Seed NumPy's global random state, which keras-rl2's policies draw from, and put the old state back afterwards."""
    if seed is None:
        yield
        return
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


def play_games(env: gym.Env, player: Player, nb_games: int, seed: Optional[int] = None,
               max_steps: Optional[int] = None) -> np.ndarray:
    """Play `nb_games` whole games without learning and return their scores.

    Args:
        env: any gym environment; it is not closed.
        player: a function from an observation to an action, or a keras-rl2 agent, which plays by its `test_policy`.
        nb_games: at least 1.
        seed: seeds the environment, its action space and NumPy, so that the same call plays the same games.
        max_steps: end a game after so many agent steps; None plays to the end.

    Returns:
        float array of shape (nb_games,): the sum of the rewards that `env` gives, in game points unless a
            wrapper changes them.

    Raises:
        ValueError: `nb_games` is below 1.
    """
    if nb_games < 1:
        raise ValueError(f"nb_games is {nb_games}; expected at least 1. Ask for one game or more.")
    keeper = ScoreKeeper(env)
    if seed is not None:
        seed_game(env, seed)
    with numpy_seed(seed):
        scores = []
        for _ in range(nb_games):
            if hasattr(player, "test"):
                _play_with_agent(keeper, player, max_steps)
            else:
                _play_with_function(keeper, player, max_steps)
            scores.append(keeper.score)
    return np.array(scores, dtype=float)


def _play_with_function(env: gym.Env, act: Callable[[np.ndarray], int], max_steps: Optional[int]) -> None:
    observation, done, steps = env.reset(), False, 0
    while not done and steps != max_steps:
        observation, _, done, _ = env.step(act(observation))
        steps += 1


def _play_with_agent(env: gym.Env, agent: Any, max_steps: Optional[int]) -> None:
    step = agent.step  # test() sets it to 0, and with it epsilon, were we to train on afterwards
    try:
        agent.test(env, nb_episodes=1, visualize=False, verbose=0, nb_max_episode_steps=max_steps)
    finally:
        agent.step = step


def random_player(env: gym.Env) -> Callable[[np.ndarray], int]:
    """A player that does not look: it draws each action from the environment's action space."""
    return lambda observation: env.action_space.sample()


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
        """What `summary` was made of."""
        return cls(np.array(summary["scores"], float), np.array(summary["steps"], int), summary["env_id"],
                   summary["epsilon"], summary["seed"], summary["requested"])

    def summary(self) -> Dict[str, Any]:
        """All of it as numbers, lists and texts, for JSON; None where there are too few games."""
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
        seed: 0 or more.
        epsilon: share of random actions, 0 to 1; at 1 any player is the random player.
        make_env: makes the environment, if it takes more than `make_game(env_id)`, such as wrappers.
        nb_emulators: 1 to 8.
        bar: a `tqdm(total=nb_games)`, say; updated after each game.

    Raises:
        ValueError: a value is out of its range, or the agent's network does not fit the game.
    """
    for name, value, low, high in [("nb_games", nb_games, 1, 10**6), ("epsilon", epsilon, 0, 1),
                                   ("seed", seed, 0, 2**32 - 1), ("nb_emulators", nb_emulators, 1, EMULATORS)]:
        check_range(name, value, low, high)
    scores, steps = play_in_parallel(player, make_env or (lambda: make_game(env_id)), range(nb_games), seed,
                                     epsilon, nb_emulators, bar)
    return Measurement(scores, steps, env_id, float(epsilon), seed, nb_games)


if __name__ == "__main__":
    from helpers.evaluate_command import main
    sys.exit(main())
