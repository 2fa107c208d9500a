"""What a player sees, and what is refused in the same words by whoever shows it a game."""
from functools import lru_cache
from typing import ClassVar

import gym
import numpy as np
import pytest
import tensorflow as tf
from gym.wrappers import RecordEpisodeStatistics, TimeLimit
from rl.callbacks import Callback
from rl.core import Processor
from rl.memory import SequentialMemory
from tensorflow.keras.layers import Dense, Flatten
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam

from helpers.game.environment import RAM, make_game
from helpers.game.wrappers import LifeAsEpisode
from helpers.learning.dqn import FastDQNAgent
from helpers.learning.memory import ArrayMemory
from helpers.measuring.play import play_games
from helpers.measuring.protocol import measure
from helpers.watching.live_game import watch_game
from helpers.watching.recording import record_game


@pytest.fixture(scope="module", autouse=True)
def empty_graph():
    """Once: the tests share an agent."""
    tf.keras.backend.clear_session()
    agent_for_all.cache_clear()


class Line(gym.Env):
    """Five steps to the right, a point each; an observation says four times where the player stands."""

    metadata: ClassVar = {"render.modes": ["rgb_array"]}
    observation_space, action_space = gym.spaces.Box(0, 5, (4,), np.uint8), gym.spaces.Discrete(2)

    def __init__(self, kinds=(np.uint8, np.uint8), sizes=(4, 4), info=None):
        self.kinds, self.sizes, self.info = kinds, sizes, info or {}

    def seed(self, seed=None):
        return [seed]

    def reset(self):
        self.place = 0
        return np.full(self.sizes[0], self.place, self.kinds[0])

    def step(self, action):
        self.place += 1
        return np.full(self.sizes[1], self.place, self.kinds[1]), 1.0, self.place == 5, dict(self.info)

    def render(self, mode="human"):
        return np.zeros((16, 16, 3), np.uint8)


def make_agent(nb_actions=2, memory=None, **options):
    model = Sequential([Flatten(input_shape=(2, 4)), Dense(4), Dense(nb_actions)])
    agent = FastDQNAgent(model=model, nb_actions=nb_actions, memory=memory or ArrayMemory(300, window_length=2),
                         nb_steps_warmup=40, batch_size=8, **options)
    agent.compile(Adam())
    return agent


@lru_cache()
def agent_for_all():
    return make_agent()


def agent():
    """Always the same one, with a memory of its own."""
    agent_for_all().memory = ArrayMemory(300, window_length=2)
    return agent_for_all()


def stay(observation):
    return 0


WAYS = {
    "fit": lambda make_env: agent().fit(make_env(), 60, verbose=0),
    "fit_parallel": lambda make_env: agent().fit_parallel(make_env, 2, 60, verbose=0),
    "measure": lambda make_env: measure(agent(), nb_games=2, make_env=make_env),
    "measure a function": lambda make_env: measure(stay, nb_games=2, make_env=make_env),
    "record_game": lambda make_env: record_game(make_env(), stay),
    "record_game of an agent": lambda make_env: record_game(make_env(), agent()),
    "watch_game": lambda make_env: watch_game(agent(), make_env=make_env),
    "play_games": lambda make_env: play_games(make_env(), stay, 2),
}


@pytest.mark.parametrize("way", WAYS)
def test_observations_that_are_not_alike_are_refused_in_the_same_words(way):
    for kinds, sizes, words in [
        ((np.int64, np.float64), (4, 4), r"\(4,\) and dtype float64; expected \(4,\) and int64"),
        ((np.uint8, np.uint8), (4, 3), r"\(3,\) and dtype uint8; expected \(4,\) and uint8"),
    ]:
        with pytest.raises(ValueError, match=f"Received an observation of shape {words}.* as before. Wrap the env"):
            WAYS[way](lambda kinds=kinds, sizes=sizes: Line(kinds, sizes))


@pytest.mark.parametrize("way", ["fit_parallel", "measure"])
def test_environments_that_are_not_alike_are_refused(way):
    kinds = iter([np.uint8, np.float32])
    with pytest.raises(ValueError, match="dtype float32; expected .* and uint8 as before"):
        WAYS[way](lambda: Line([next(kinds)] * 2))


@pytest.mark.parametrize("way", WAYS)
def test_spaces_that_are_not_supported_are_refused_by_name(way):
    for name, space in [
        ("observation_space", gym.spaces.Dict({"a": Line.observation_space})),
        ("observation_space", gym.spaces.Tuple([Line.observation_space])),
        ("action_space", gym.spaces.MultiDiscrete([2, 2])), ("action_space", gym.spaces.MultiBinary(2)),
        ("action_space", gym.spaces.Box(0, 1, (1,))),
    ]:
        def make_env(name=name, space=space):
            env = Line()
            setattr(env, name, space)
            return env
        words = f"This game's {name[:6]}.* are a {type(space).__name__}; expected .*Wrap it"
        with pytest.raises(ValueError, match=words):
            WAYS[way](make_env)


def test_a_processor_may_translate_actions_and_observations():
    class Translate(Processor):
        def process_action(self, action):
            return np.array([action / 2])

        def process_observation(self, observation):
            return observation["a"]

    class Both(Line):
        observation_space, action_space = gym.spaces.Dict({"a": Line.observation_space}), gym.spaces.Box(0, 1, (1,))

        def reset(self):
            return {"a": super().reset()}

        def step(self, action):
            assert action.shape == (1,)
            observation, *others = super().step(action)
            return ({"a": observation}, *others)

    agent = make_agent(processor=Translate())
    agent.fit(Both(), 60, verbose=0)
    with pytest.warns(UserWarning, match="emptied"):
        agent.fit_parallel(Both, 2, 60, verbose=0)
    assert measure(agent, nb_games=2, make_env=Both, epsilon=0).scores.tolist() == [5, 5]


def test_one_environment_for_all_seats_is_refused():
    class Hides(gym.Env):
        def __init__(self, game):
            self.game, self.observation_space, self.action_space = game, game.observation_space, game.action_space

    env = make_game(RAM, 1)
    for make_env in (lambda: env, lambda: TimeLimit(env, 100), lambda: Hides(TimeLimit(env, 100))):
        with pytest.raises(ValueError, match="make_env returned the same environment twice.*inside make_env"):
            measure(stay, make_env=make_env, nb_games=3)
    line = Line()
    for make_env in (lambda: line, lambda: TimeLimit(line, 3)):
        with pytest.raises(ValueError, match="make_env returned the same environment twice"):
            WAYS["fit_parallel"](make_env)
    assert measure(stay, make_env=lambda: line, nb_games=1).scores == [5], "one seat needs one"


def test_a_training_that_is_refused_leaves_the_memory_as_it_was():
    agent, line = make_agent(), Line()
    agent.fit(line, 60, verbose=0)
    before = agent.memory.nb_entries
    with pytest.raises(ValueError, match="make_env returned the same environment twice"):
        agent.fit_parallel(lambda: line, 2, 60, verbose=0)
    assert agent.memory.nb_entries == before > 60


class Infos(Callback):
    def __init__(self):
        self.infos = []

    def on_step_end(self, step, logs):
        self.infos.append(logs["info"])


@pytest.mark.parametrize("way", ["fit", "fit_parallel"])
def test_what_is_no_number_in_info_is_left_out(way):
    info = {"lives": 3, "share": np.float32(0.5), "won": np.bool_(True), "one": np.array([2.0]), "name": "x",
            "no": None, "many": np.arange(3), "list": [1, 2], "nested": {"r": 1}}
    agent, infos = make_agent(), Infos()
    if way == "fit":
        agent.fit(RecordEpisodeStatistics(Line(info=info)), 60, verbose=0, callbacks=[infos])
    else:
        agent.fit_parallel(lambda: RecordEpisodeStatistics(Line(info=info)), 2, 60, verbose=0, callbacks=[infos])
    assert infos.infos[5:] and all(set(one) == {"lives", "share", "won", "one"} for one in infos.infos)


def test_fit_takes_what_keras_rl2_takes():
    """Its own memory keeps observations of different kinds apart, so that nothing is cast."""
    make_agent(memory=SequentialMemory(300, window_length=2)).fit(Line((np.int64, np.float64)), 60, verbose=0)


def test_a_function_may_keep_what_it_saw():
    seen = []

    def player(observation):
        seen.append(observation)
        return 0
    measure(player, make_env=Line, nb_games=1)
    assert [one[0] for one in seen] == [0, 1, 2, 3, 4]


def test_lives_are_not_measured_as_games():
    with pytest.raises(ValueError, match="LifeAsEpisode is around the game; expected whole games"):
        measure(stay, make_env=lambda: LifeAsEpisode(make_game(RAM)), nb_games=1)


@pytest.mark.parametrize("way", ["fit", "fit_parallel"])
def test_actions_are_logged_as_the_environment_got_them(way):
    class Swap(Processor):
        def process_action(self, action):
            return 1 - action

    taken = []

    class Notes(Line):
        def step(self, action):
            taken.append(int(action))
            return super().step(action)

    logged = []

    class Log(Callback):
        def on_step_end(self, step, logs):
            logged.append(int(logs["action"]))

    agent, log = make_agent(processor=Swap()), Log()
    if way == "fit":
        agent.fit(Notes(), 30, verbose=0, callbacks=[log])
    else:
        agent.fit_parallel(Notes, 1, 30, verbose=0, callbacks=[log])
    assert logged == taken
