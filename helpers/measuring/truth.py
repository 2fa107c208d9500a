"""Do an agent's Q-values tell the truth? What it expects at each step, beside what it then receives."""
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import gym
import numpy as np

from helpers.game.environment import RAM, make_game
from helpers.measuring.parallel import Seat, each_choice


class Truth(NamedTuple):
    """A number for each step, game after game.

    expected: [steps] float, the Q-value of the action taken. received: [steps] float, the rewards from there to the end
    of the episode, as the agent learned them (clipped, for example), each discounted once for every step that it lies
    ahead. game: [steps] int, the number of the game from 0.
    """

    expected: np.ndarray
    received: np.ndarray
    game: np.ndarray

    @property
    def too_much(self) -> np.ndarray:
        """[games] float, by how much the agent expected too much, on average over the steps of each game.

        A game is one independent observation; its steps are not, because they receive nearly the same rewards.
        """
        difference = self.expected - self.received
        return np.array([difference[self.game == game].mean() for game in np.unique(self.game)])


def discounted(rewards: List[float], gamma: float) -> np.ndarray:
    """At each step the sum of its reward and all later ones, each times gamma for every step that it lies ahead."""
    sums = np.zeros(len(rewards))
    later = 0.0
    for step in reversed(range(len(rewards))):
        later = sums[step] = rewards[step] + gamma * later
    return sums


def expected_and_received(agent: Any, nb_games: int = 16, seed: int = 1, epsilon: float = 0.0,
                          make_env: Callable[[], gym.Env] = lambda: make_game(RAM)) -> Truth:
    """Let an agent play whole games, and note what it expects and what it receives.

    Games and random actions are those that `measure` plays with the same seed and epsilon (where an episode is a game).

    Args:
        agent: of keras-rl2, or a `FastDQNAgent`.
        nb_games: at least 1.
        seed: 0 to 2**32 - 1.
        epsilon: share of random actions; 0, because Q-values are those of an agent that always takes the best action.
        make_env: makes the game as the agent was trained on it: with a `LifeAsEpisode`, nothing is received after a
            life is lost, because nothing is expected there.

    Raises:
        ValueError: a number is out of its range, the player is no agent, or its network does not fit the game.
    """
    steps: Dict[Seat, List[Tuple[float, float]]] = {}
    episodes: List[Tuple[int, np.ndarray, np.ndarray]] = []
    scale = getattr(agent, "reward_scale", 1.0)
    for seat, _, q_values, action, reward in each_choice(agent, make_env, nb_games, seed, epsilon, whole_games=False):
        steps.setdefault(seat, []).append((q_values[action], scale * reward))
        if seat.over:
            expected, rewards = zip(*steps.pop(seat))
            episodes.append((seat.game, np.array(expected, float), discounted(rewards, agent.gamma)))
    games = sorted(episodes, key=lambda one: one[0])  # lives of one game stay in their order
    return Truth(np.concatenate([expected for _, expected, _ in games]),
                 np.concatenate([received for _, _, received in games]),
                 np.repeat([game for game, _, _ in games], [len(expected) for _, expected, _ in games]))
