"""Build an agent of keras-rl2, or its faster twin, from a network and hyperparameters."""
from typing import Optional

from rl.agents import DQNAgent  # first: it switches eager execution off, and a model built before that crashes later
from rl.core import Processor
from rl.memory import SequentialMemory
from rl.policy import EpsGreedyQPolicy, LinearAnnealedPolicy
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam

from helpers.agents.inputs import ScaleAndClip, ShowRam
from helpers.checks import check_range
from helpers.game.ram import nb_rows
from helpers.learning.dqn import FastDQNAgent
from helpers.learning.memory import ArrayMemory
from helpers.learning.quantile_dqn import QuantileDQNAgent, with_quantiles


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
    """A dueling DQN agent, by default the post's on pixels, ready for `fit`. All step counts are agent steps.

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
