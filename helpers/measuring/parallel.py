"""Whole games on several emulators at once: they step in threads, and one forward pass chooses all their actions."""
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import gym
import numpy as np

from helpers.checks import check_alike, check_count, check_range, check_seed
from helpers.game.environment import seed_game
from helpers.game.wrappers import ScoreKeeper
from helpers.learning.emulator import Emulator, check_envs

EMULATORS = 8
"""At most so many, and always so many rows in a forward pass, filled or not.

With other numbers of rows TensorFlow may add in another order, and the last digit of a Q-value differs (seen: one row
against several, and two threads below seven rows). A row's result depends neither on its place nor on its neighbours.
"""


def game_seeds(seed: int, game: int) -> Tuple[int, int]:
    """Return the seeds of game number `game`, from 0: one for the emulator, one for the player's random actions.

    Mixed from both numbers, so that no game of one seed is a game of the next (seed + game would be), and far from
    the small numbers that trainings are seeded with.
    """
    emulator, actions = np.random.SeedSequence((seed, game)).generate_state(2)
    return int(emulator >> 1), int(actions)  # gym's seeds have 31 bits


class Seat(Emulator):
    """An emulator at which `player` plays one game after the other.

    Attributes:
        game: number of the game, from 0.
        steps: agent steps made in it.
    """

    def __init__(self, player: Any, env: gym.Env):
        super().__init__(ScoreKeeper(env), *(player.processor, player.memory.window_length) if is_agent(player) else ())

    def begin(self, game: int, seed: int) -> None:
        """Begin a game; not while others step: seeding rebuilds tables that all emulators share (two at once crash)."""
        emulator_seed, action_seed = game_seeds(seed, game)
        seed_game(self.env, emulator_seed)
        self.random = np.random.RandomState(action_seed)
        self.game, self.steps = game, 0
        self.reset()

    def play(self, action: int) -> None:
        """Make a step; what the processor does to the reward does not reach the score."""
        self.step(self.process_action(action))
        self.steps += 1

    def explore(self, action: int, epsilon: float) -> int:
        """Return `action`, or with probability `epsilon` a random one."""
        if self.random.uniform() < epsilon:
            return int(self.random.randint(self.env.action_space.n))
        return int(action)


def is_agent(player: Any) -> bool:
    """Return whether it is a keras-rl2 agent; otherwise it is a function from an observation to an action."""
    return hasattr(player, "compute_batch_q_values")


def take_seats(player: Any, envs: Sequence[gym.Env], whole_games: bool = True) -> List[Seat]:
    """Take a seat at each environment; raises what `check_envs` raises."""
    check_envs(player, envs)
    for env in envs:
        if whole_games and hasattr(env, "game_goes_on"):
            raise ValueError("LifeAsEpisode is around the game; expected whole games. Leave it out of make_env.")
    return [Seat(player, env) for env in envs]


def play_in_parallel(player: Any, make_env: Callable[[], gym.Env], games: Sequence[int], seed: int, epsilon: float,
                     nb_emulators: int = EMULATORS, bar: Any = None) -> Tuple[np.ndarray, np.ndarray]:
    """Play the games with these numbers; the score of each depends on `seed` and its number, on nothing else.

    An interrupt (Ctrl-C) ends it; the games before the first unfinished one are returned. (The finished ones behind
    that are the short ones: they would pull the mean down.)

    Args:
        player: a keras-rl2 agent (also a `FastDQNAgent`), or a function from an observation to an action.
        make_env: makes one environment; called `nb_emulators` times at most.
        epsilon: share of random actions.
        nb_emulators: 1 to EMULATORS.
        bar: for example a `tqdm`: its `update()` is called for each finished game.

    Returns:
        scores [games] float, of the outermost `ScoreKeeper` in the environment, or of one around it; steps [games] int,
        agent steps.

    Raises:
        ValueError: an environment is refused (see `check_envs`), observations are not alike, or the agent's network
            does not fit them.
    """
    finished: Dict[int, Tuple[float, int]] = {}
    envs: List[gym.Env] = []
    try:
        for _ in range(min(nb_emulators, len(games))):
            envs.append(make_env())
        for seat in _each_end(player, take_seats(player, envs), games, seed, epsilon):
            finished[seat.game] = seat.env.score, seat.steps
            if bar is not None:
                bar.update()
    except KeyboardInterrupt:
        pass
    finally:
        for env in envs:
            env.close()
    kept = [finished[game] for game in takewhile(finished.__contains__, games)]
    return np.array([score for score, _ in kept], float), np.array([steps for _, steps in kept], int)


def _each_end(player: Any, playing: List[Seat], games: Sequence[int], seed: int, epsilon: float) -> Iterator[Seat]:
    """Play the games; each seat whose game is over, before it begins the next one."""
    choose = _by_q_values(player) if is_agent(player) else _by_function(player)
    waiting = iter(games)
    nb_threads = min(os.cpu_count() or 1, len(playing))
    with ThreadPoolExecutor(nb_threads) as threads:
        for seat, game in zip(playing, waiting):
            seat.begin(game, seed)
        while playing:
            actions = [seat.explore(action, epsilon) for seat, action in zip(playing, choose(playing))]
            shares = [list(zip(playing, actions))[first::nb_threads] for first in range(nb_threads)]
            list(threads.map(_step_all, shares))  # list() raises here what a thread raised
            for seat in [seat for seat in playing if seat.over]:
                yield seat
                game = next(waiting, None)
                if game is None:
                    playing.remove(seat)
                else:
                    seat.begin(game, seed)


def _by_q_values(agent: Any) -> Callable[[List[Seat]], Sequence[int]]:
    """Return a function to the best actions of all seats."""
    q_values = q_values_of(agent)
    return lambda seats: q_values(seats).argmax(axis=1)


def q_values_of(agent: Any) -> Callable[[List[Seat]], np.ndarray]:
    """Make a function from up to EMULATORS seats to their Q-values, float32 [seats, actions].

    Each forward pass has EMULATORS rows.

    Raises:
        ValueError (the function, the first time): the agent's network does not fit what the game shows.
    """
    batch = None

    def q_values(seats: List[Seat]) -> np.ndarray:
        nonlocal batch
        is_first = batch is None
        if is_first:
            batch = np.zeros((EMULATORS, *seats[0].state.shape), seats[0].state.dtype)
            for seat in seats:
                check_alike(seat.state, batch)
        for row, seat in enumerate(seats):
            batch[row] = seat.state
        try:
            return agent.compute_batch_q_values(batch)[:len(seats)]
        except Exception as error:
            if not is_first:
                raise
            raise ValueError(f"This game shows states of {seats[0].state.shape}, and the agent's network takes no "
                             f"such ({error}); expected the game that it was trained on. Choose the environment of "
                             "its training.") from error

    return q_values


class Choice(NamedTuple):
    """One step of a game: what was seen before it, the Q-values [actions], the action, and the reward as learned."""

    seat: Seat
    seen: np.ndarray
    q_values: np.ndarray
    action: int
    reward: float


def each_choice(agent: Any, make_env: Callable[[], gym.Env], nb_games: int, seed: int, epsilon: float,
                whole_games: bool = True) -> Iterator[Choice]:
    """Play the games that `measure` plays; yield each step, once it is made. `seat.over` says whether it was the last.

    Args:
        whole_games: False lets `LifeAsEpisode` end an episode with each life.

    Raises:
        ValueError: a number is out of its range, the player is no agent, or its network does not fit the game.
    """
    if not is_agent(agent):
        raise ValueError(f"Received {agent!r}; expected an agent, which has Q-values. Pass an agent of keras-rl2.")
    nb_games, seed = check_count("nb_games", nb_games, 1, 10**6), check_seed(seed)
    epsilon = check_range("epsilon", epsilon, 0, 1)
    envs = [make_env() for _ in range(min(EMULATORS, nb_games))]
    try:
        seats, q_values, waiting = take_seats(agent, envs, whole_games), q_values_of(agent), iter(range(nb_games))
        for seat, game in zip(seats, waiting):
            seat.begin(game, seed)
        while seats:
            for seat, values in zip(list(seats), q_values(seats)):
                action, seen = seat.explore(values.argmax(), epsilon), seat.observation
                _, reward, _, _ = seat.step(seat.process_action(action))
                yield Choice(seat, seen, values, action, reward)
                if not seat.over:
                    continue
                if getattr(seat.env, "game_goes_on", False):  # only a life was lost
                    seat.reset()
                    continue
                game = next(waiting, None)
                seats.remove(seat) if game is None else seat.begin(game, seed)
    finally:
        for env in envs:
            env.close()


def _by_function(act: Callable[[np.ndarray], int]) -> Callable[[List[Seat]], Sequence[int]]:
    return lambda seats: [act(seat.observation) for seat in seats]


def _step_all(share: Sequence[Tuple[Seat, int]]) -> None:
    """Do what one thread does: the emulator, in C, runs beside other threads."""
    for seat, action in share:
        seat.play(action)
