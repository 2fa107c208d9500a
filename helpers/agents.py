"""DQN agents: the blog post's two, on the screen and on the RAM, and a smaller one on 84x84 pixels."""
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
from rl.agents import DQNAgent  # first: it switches eager execution off, and a model built before that crashes later
from rl.core import Processor
from rl.memory import SequentialMemory
from rl.policy import EpsGreedyQPolicy, LinearAnnealedPolicy
from tensorflow.keras.layers import Conv2D, Dense, Flatten, Permute
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam

from .array_memory import ArrayMemory
from .checks import check_range
from .fast_dqn import FastDQNAgent
from .games import SMALL_SCREEN
from .quantile_dqn import QuantileDQNAgent, with_quantiles
from .ram_input import nb_rows, show


def build_pixel_model(screen_shape: Tuple[int, int, int], nb_actions: int, window: int = 3) -> Sequential:
    """The post's network for the screen: (window, height, width, channels) to one Q-value for each action.

    With window 3, the screen's (210, 160, 3) and 6 actions it has 34,812,326 weights, before `DQNAgent` puts its
    dueling heads in the place of the last layer.

    Raises:
        ValueError: `window` is below 1.
    """
    check_range("window", window, 1, 100)
    return Sequential([
        Conv2D(32, (8, 8), strides=(4, 4), activation="relu", input_shape=(window, *screen_shape)),
        Conv2D(64, (4, 4), strides=(2, 2), activation="relu"),
        Conv2D(64, (3, 3), activation="relu"),
        Flatten(),
        Dense(512, activation="relu"),
        Dense(256, activation="relu"),
        Dense(nb_actions, activation="linear"),
    ])


def build_small_pixel_model(nb_actions: int, window: int = 4) -> Sequential:
    """The network for `make_small_screen_game`: (window, 84, 84) to one Q-value for each action.

    With window 4 and 6 actions it has 1,687,206 weights, a twentieth of `build_pixel_model`'s, and 1,687,719 after
    `DQNAgent` puts its dueling heads in the place of the last layer.

    Raises:
        ValueError: `window` is below 1.
    Source:
        Mnih et al. 2015, "Model architecture".
    """
    check_range("window", window, 1, 100)
    return Sequential([
        # the screens of a state become channels, which TensorFlow on a CPU wants last
        Permute((2, 3, 1), input_shape=(window, *SMALL_SCREEN)),
        Conv2D(32, (8, 8), strides=(4, 4), activation="relu"),
        Conv2D(64, (4, 4), strides=(2, 2), activation="relu"),
        Conv2D(64, (3, 3), activation="relu"),
        Flatten(),
        Dense(512, activation="relu"),
        Dense(nb_actions, activation="linear"),
    ])


def build_ram_model(nb_bytes: int, nb_actions: int, window: int = 3,
                    hidden: Sequence[int] = (512, 128)) -> Sequential:
    """The post's network for the RAM: (window, nb_bytes) to one Q-value for each action.

    With window 3, 128 bytes and 6 actions it has 263,558 weights, before `DQNAgent` puts its dueling heads in the
    place of the last layer. `hidden` are the sizes of the layers in between. For an agent with `bits`,
    `positions`, `invaders` or `bombs`, rows come before the window's: pass what `helpers.ram_input.nb_rows` returns.

    Raises:
        ValueError: `window` is below 1.
    """
    check_range("window", window, 1, 100)
    return Sequential([
        Flatten(input_shape=(window, nb_bytes)),
        *[Dense(units, activation="relu") for units in hidden],
        Dense(nb_actions, activation="linear"),
    ])


class ScaleAndClip(Processor):
    """Give the network numbers of a size that it can learn from.

    Observations, bytes from 0 to 255, are multiplied by `observation_scale` when a batch is made (the memory keeps
    bytes); rewards are clipped to [-reward_clip, reward_clip]. None leaves them as they are.
    """

    def __init__(self, observation_scale: Optional[float] = 1 / 255, reward_clip: Optional[float] = 1.0):
        self.observation_scale = observation_scale
        self.reward_clip = reward_clip

    def process_state_batch(self, batch: List[Any]) -> Any:
        if self.observation_scale is None:
            return batch
        return np.asarray(batch, dtype=np.float32) * np.float32(self.observation_scale)

    def process_reward(self, reward: float) -> float:
        return reward if self.reward_clip is None else float(np.clip(reward, -self.reward_clip, self.reward_clip))


class ShowRam(ScaleAndClip):
    """As `ScaleAndClip`, and show the network more of the RAM than bytes: see `helpers.ram_input.show`.

    Bytes that hold eight yes-or-no facts, such as which invaders of a row are alive, make no sense as numbers: 127 and
    128 are neighbours, but differ in every bit. And what matters of a place is often how far it is from the cannon.
    The memory keeps bytes.
    """

    def __init__(self, observation_scale: Optional[float] = 1 / 255, reward_clip: Optional[float] = 1.0,
                 bits: bool = True, positions: bool = False, invaders: bool = False, bombs: bool = False):
        super().__init__(observation_scale, reward_clip)
        self.switches = {"bits": bits, "positions": positions, "invaders": invaders, "bombs": bombs}

    def set_state(self, state: Any) -> None:
        """Go on from a checkpoint, of an agent that was shown the same.

        Raises:
            ValueError: it was shown something else.
        """
        stored = {**dict.fromkeys(self.switches, False), **state["plain"]["switches"]}
        if stored != self.switches:
            raise ValueError(f"The checkpoint's agent is shown {stored}, and this one {self.switches}: expected the "
                             "same. Make the agent as it was then, or start a new run.")

    def process_state_batch(self, batch: List[Any]) -> np.ndarray:
        return show(batch, self.observation_scale, **self.switches)


def build_agent(
    model: Sequential,
    nb_actions: int,
    *,
    window: int = 3,
    replay_limit: int = 1_000,
    warmup_steps: int = 1_000,
    epsilon_start: float = 1.0,
    epsilon_end: float = 0.1,
    epsilon_steps: int = 10_000,
    epsilon_test: float = 0.05,
    target_update: int = 10_000,
    learning_rate: float = 0.00025,
    adam_epsilon: float = 1e-7,
    delta_clip: float = float("inf"),
    gamma: float = 0.99,
    batch_size: int = 32,
    train_interval: int = 1,
    n_step: int = 1,
    double: bool = False,
    observation_scale: Optional[float] = None,
    reward_clip: Optional[float] = None,
    reward_scale: float = 1.0,
    bits: bool = False,
    positions: bool = False,
    invaders: bool = False,
    bombs: bool = False,
    nb_quantiles: int = 1,
    processor: Optional[Processor] = None,
    fast: bool = False,
) -> DQNAgent:
    """A dueling DQN agent, by default the post's, compiled and ready for `fit`. All step counts are agent steps.

    Args:
        model: network with input (window, ...) and one output for each action.
        window: observations that make one state.
        replay_limit: steps that the replay memory holds; more than `batch_size + window + n_step`.
        warmup_steps: steps before the first update, at least `batch_size + window + n_step`: it draws a batch.
        epsilon_start, epsilon_end, epsilon_steps: share of random actions in training, falling linearly.
        epsilon_test: share of random actions in `agent.test`, which would otherwise play greedily.
        target_update: steps between two copies of the network into the target network.
        learning_rate, adam_epsilon: Adam's.
        delta_clip: errors above it count linearly, not squared (Huber's loss); 1 in Mnih et al. 2015.
        gamma: what a point is worth that comes one step later.
        batch_size: transitions for each update.
        train_interval: steps for each update; 4 in Mnih et al. 2015.
        n_step: steps whose rewards are summed before the target network is asked; more than 1 needs `fast`.
        double: let the trained network choose the next action, the target network value it (van Hasselt et al. 2016).
        observation_scale: factor on observations, for example 1 / 255; None leaves them as they are.
        reward_clip: rewards are clipped to [-reward_clip, reward_clip]; None leaves them as they are.
        reward_scale: factor on rewards after that; other than 1 needs `fast`.
        bits: show each bit of the newest observation, bytes, as an input of its own (see `ShowRam`).
        positions: show how far bombs, invaders and the saucer are from the cannon; of Space Invaders' RAM only.
        invaders: show which invaders stand above the cannon, and above its shot; of Space Invaders' RAM only.
        bombs: show where bombs fall, as seen from the cannon; of Space Invaders' RAM only.
        nb_quantiles: numbers that the network learns for each action (see `QuantileDQNAgent`); more than 1 needs
            `fast`.
        processor: in the place of observation_scale, reward_clip, bits, positions, invaders and bombs.
        fast: `FastDQNAgent` with an `ArrayMemory`, which learns the same, faster.

    Raises:
        ValueError: a value is out of its range, or two of them exclude each other.
    Source:
        the blog post; epsilon_test from Mnih et al. 2015; target_update, delta_clip, gamma, batch_size and
        train_interval are keras-rl2's defaults, adam_epsilon is Keras's.
    """
    needed = batch_size + window + n_step  # so that there are as many transitions as a batch has
    limits = [
        ("window", window, 1, 100), ("replay_limit", replay_limit, needed + 1, float("inf")),
        ("warmup_steps", warmup_steps, needed, float("inf")), ("epsilon_start", epsilon_start, 0, 1),
        ("epsilon_end", epsilon_end, 0, 1), ("epsilon_test", epsilon_test, 0, 1),
        ("epsilon_steps", epsilon_steps, 1, float("inf")), ("target_update", target_update, 1, float("inf")),
        ("learning_rate", learning_rate, 1e-9, 1), ("adam_epsilon", adam_epsilon, 1e-12, 1),
        ("delta_clip", delta_clip, 1e-9, float("inf")), ("train_interval", train_interval, 1, float("inf")),
        ("n_step", n_step, 1, 100),
        ("nb_quantiles", nb_quantiles, 1, 1_000), ("gamma", gamma, 0, 1), ("reward_scale", reward_scale, 1e-9, 1e9),
        ("batch_size", batch_size, 1, 10_000),
    ]
    if observation_scale is not None:
        limits.append(("observation_scale", observation_scale, 1e-9, 1e9))
    if reward_clip is not None:
        limits.append(("reward_clip", reward_clip, 1e-9, float("inf")))
    for limit in limits:
        check_range(*limit, "Change it in the hyperparameter cell.")
    switches = {"bits": bits, "positions": positions, "invaders": invaders, "bombs": bombs}
    rows = nb_rows(window, **switches)
    if model.input_shape[1] != rows:
        turned_on = "".join(f", {name}" for name, on in switches.items() if on)
        raise ValueError(f"The model looks at {model.input_shape[1]} rows, but window={window}{turned_on} make {rows}; "
                         "expected the same number. Build the model with so many.")
    for name, value in (("n_step", n_step), ("reward_scale", reward_scale), ("nb_quantiles", nb_quantiles)):
        if value != 1 and not fast:
            raise ValueError(f"{name} is {value}, but keras-rl2's own agent knows only 1; expected 1, or fast=True. "
                             "Pass fast=True.")
    if processor is not None and not (observation_scale is None and reward_clip is None and rows == window):
        raise ValueError(f"Received a processor, observation_scale={observation_scale}, reward_clip={reward_clip}, "
                         f"{switches}; expected one or the other. Let the processor do it, or leave it out.")
    if rows > window:
        processor = ShowRam(observation_scale, reward_clip, **switches)
        observation_scale = reward_clip = None  # done, in the processor
    if fast:
        agent_class, memory_class = FastDQNAgent, ArrayMemory
        options = {"n_step": n_step, "observation_scale": observation_scale, "reward_scale": reward_scale}
        observation_scale = None  # done, inside the agent's graph
    else:
        agent_class, memory_class, options = DQNAgent, SequentialMemory, {}
    if nb_quantiles > 1:
        agent_class, model = QuantileDQNAgent, with_quantiles(model, nb_actions, nb_quantiles)
    if not (observation_scale is None and reward_clip is None):
        processor = ScaleAndClip(observation_scale, reward_clip)
    policy = LinearAnnealedPolicy(EpsGreedyQPolicy(), attr="eps", value_max=epsilon_start, value_min=epsilon_end,
                                  value_test=epsilon_test, nb_steps=epsilon_steps)
    agent = agent_class(
        model=model,
        nb_actions=nb_actions,
        memory=memory_class(limit=replay_limit, window_length=window),
        policy=policy,
        test_policy=EpsGreedyQPolicy(eps=epsilon_test),
        nb_steps_warmup=warmup_steps,
        train_interval=train_interval,
        target_model_update=target_update,
        delta_clip=delta_clip,
        gamma=gamma,
        batch_size=batch_size,
        enable_double_dqn=double,
        enable_dueling_network=nb_quantiles == 1,
        dueling_type="avg",
        processor=processor,
        **options,
    )
    agent.compile(Adam(lr=learning_rate, epsilon=adam_epsilon), metrics=["mae"])
    return agent
