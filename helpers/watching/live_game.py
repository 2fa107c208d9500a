"""Watch a game while it is played: a recording that grows, with the Q-values from which each action was chosen."""
from functools import partial
from typing import Any, Callable, Optional

import gym

from helpers.agents.recipes import NETWORKS
from helpers.checks import check_count, check_range, check_seed
from helpers.game.environment import make_game
from helpers.measuring.parallel import is_agent, q_values_of, take_seats
from helpers.measuring.play import Player
from helpers.measuring.protocol import Measurement
from helpers.watching.recording import Recorder, Recording


class LiveGame(Recording):
    """Game number `game` of those that `measure` plays with this seed and epsilon, played as far as `play` was asked.

    Args:
        player: a keras-rl2 agent, or a function from an observation to an action (which has no Q-values).
        make_env: makes the environment; None for the one whose observations fit the agent's network.
        seed: 0 or more.
        epsilon: share of random actions, 0 to 1.
        game: 0 or more.

    Attributes:
        over: whether the game is finished.

    Raises:
        ValueError: a number is out of its range, or no game is known that fits the agent's network.
    """

    def __init__(self, player: Player, make_env: Optional[Callable[[], gym.Env]] = None, seed: int = 1,
                 epsilon: float = 0.05, game: int = 0):
        seed, game = check_seed(seed), check_seed(game, "game")
        epsilon = check_range("epsilon", epsilon, 0, 1)
        env = Recorder(make_env() if make_env else game_for(player))
        self._player, self._epsilon = player, epsilon
        self._q_values = q_values_of(player) if is_agent(player) else None
        self._seat, = take_seats(player, [env])
        self._seat.begin(game, seed)
        super().__init__(env.moments, env.shape, env.action_names)

    @property
    def over(self) -> bool:
        return self._seat.over

    def play(self, nb_steps: int) -> "LiveGame":
        """Play up to `nb_steps` agent steps more; return itself."""
        for _ in range(nb_steps):
            if self.over:
                break
            self._step()
        return self

    def _step(self) -> None:
        if self._q_values:
            q_values = self._q_values([self._seat])[0]
            action = q_values.argmax()
        else:
            q_values, action = None, self._player(self._seat.observation)
        self._seat.play(self._seat.explore(action, self._epsilon))
        if q_values is not None:
            self.moments[-1] = self.moments[-1]._replace(q_values=tuple(q_values.tolist()))


def game_for(player: Any) -> gym.Env:
    """Make the environment whose observations have the shape that the agent's network takes.

    Raises:
        ValueError: there is none, or the player has no network to ask.
    """
    takes = (player.model.input_shape[2:], player.nb_actions) if is_agent(player) else (None, None)
    known = {(network.observation, network.nb_actions): network for network in reversed(list(NETWORKS.values()))}
    if takes not in known:
        raise ValueError(f"This player takes observations of shape {takes[0]}, for {takes[1]} actions; expected one of "
                         f"{', '.join(map(str, known))}. Pass make_env, a function that makes its game.")
    return known[takes].make_game(known[takes].env_id, None)


def watch_game(player: Player, seed: int = 1, epsilon: float = 0.05, max_steps: int = 10_000, *, game: int = 0,
               make_env: Optional[Callable[[], gym.Env]] = None) -> LiveGame:
    """Play one game and record it with the agent's Q-values: `GamePlayer` without buttons.

    `watch_game(agent).clip(q_values=True)` shows them beside the game, `.video(q_values=True)` the whole of it.

    Args:
        max_steps: agent steps; `play` of what is returned goes on from there.
        player, seed, epsilon, game, make_env: as for `LiveGame`.

    Raises:
        ValueError: a number is out of its range, or no game is known that fits the agent's network.
    """
    return LiveGame(player, make_env, seed, epsilon, game).play(max_steps)


def record_measured_game(player: Player, measured: Measurement, game: int,
                         make_env: Optional[Callable[[], gym.Env]] = None) -> LiveGame:
    """Play one of the games that `measure` played once more, step for step, and record it.

    Args:
        player: who played it.
        measured: what `measure` returned.
        game: its number: `measured.scores[game]` is its score.
        make_env: as it was given to `measure`; None for the one whose observations fit the agent's network.

    Raises:
        ValueError: there is no such game.
    """
    check_count("game", game, 0, measured.requested - 1, "These are the games that were measured.")
    if make_env is None and not is_agent(player):
        make_env = partial(make_game, measured.env_id)
    return LiveGame(player, make_env, measured.seed, measured.epsilon, game).play(10_000)
