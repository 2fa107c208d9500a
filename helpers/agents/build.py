"""Build an agent of keras-rl2, or its faster twin, from a network and hyperparameters."""
from types import SimpleNamespace
from typing import Any, Optional

from rl.agents import DQNAgent  # first: it switches eager execution off, and a model built before that crashes later
from rl.core import Processor
from rl.memory import SequentialMemory
from rl.policy import EpsGreedyQPolicy, LinearAnnealedPolicy
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam

from helpers.agents import networks
from helpers.agents.hyperparameters import DEFAULTS, OF_AGENT, check_hyperparameters, takes_hyperparameters
from helpers.agents.inputs import ScaleAndClip, ShowRam
from helpers.agents.recipes import NETWORKS, Recipe
from helpers.game.ram import nb_rows
from helpers.learning.dqn import FastDQNAgent
from helpers.learning.memory import ArrayMemory


@takes_hyperparameters
def build_agent(model: Sequential, nb_actions: int, *, processor: Optional[Processor] = None, fast: bool = False,
                **options: Any) -> DQNAgent:
    """Build a dueling DQN agent, by default the post's on pixels, ready for `fit`. All step counts are agent steps.

    Args:
        model: network with input (window, ...) and one output for each action; with `shown`, see `nb_rows`.
        processor: in the place of observation_scale, reward_clip and shown.
        fast: `FastDQNAgent` with an `ArrayMemory`, which learns the same, faster.
        **options: hyperparameters

    Raises:
        ValueError: there is no such hyperparameter, a value is out of its range, or two of them exclude each other.
    Source:
        the table in `helpers.agents.hyperparameters`.
    """
    values = SimpleNamespace(**{**DEFAULTS, **check_hyperparameters(options, OF_AGENT)})
    _check_together(values, model, processor, fast)
    # what shows the RAM scales it too; the fast agent scales inside its graph
    graph_scale = values.observation_scale if fast and not values.shown else None
    batch_scale = values.observation_scale if graph_scale is None else None
    if values.shown:
        processor = ShowRam(batch_scale, values.reward_clip, values.shown)
    elif not (batch_scale is None and values.reward_clip is None):
        processor = ScaleAndClip(batch_scale, values.reward_clip)
    agent = (FastDQNAgent if fast else DQNAgent)(
        model=model, nb_actions=nb_actions, processor=processor,
        memory=(ArrayMemory if fast else SequentialMemory)(limit=values.replay_limit, window_length=values.window),
        policy=LinearAnnealedPolicy(
            EpsGreedyQPolicy(), attr="eps", value_max=values.epsilon_start, value_min=values.epsilon_end,
            value_test=values.epsilon_test, nb_steps=values.epsilon_steps),
        test_policy=EpsGreedyQPolicy(eps=values.epsilon_test), nb_steps_warmup=values.warmup_steps,
        train_interval=values.train_interval, target_model_update=values.target_update, delta_clip=values.delta_clip,
        gamma=values.gamma, batch_size=values.batch_size, enable_double_dqn=values.double,
        enable_dueling_network=True, dueling_type="avg",
        **({"n_step": values.n_step, "observation_scale": graph_scale, "reward_scale": values.reward_scale,
            "exact": values.exact} if fast else {}))
    agent.compile(Adam(lr=values.learning_rate, epsilon=values.adam_epsilon), metrics=["mae"])
    return agent


def build_by_recipe(made: Recipe) -> FastDQNAgent:
    """Build the untrained agent of a recipe, compiled."""
    network, values = NETWORKS[made.network], made.hyperparameters
    model = network.build(networks, nb_rows(values["window"], values["shown"]), values["hidden"])
    return build_agent(model, network.nb_actions, fast=True, **{name: values[name] for name in OF_AGENT})


def _check_together(values: SimpleNamespace, model: Sequential, processor: Optional[Processor], fast: bool) -> None:
    """Refuse hyperparameters that don't go together, or not with this network."""
    rows = nb_rows(values.window, values.shown)
    if model.input_shape[1] != rows:
        shown = f", shown={values.shown}" if values.shown else ""
        raise ValueError(f"The model looks at {model.input_shape[1]} rows, but window={values.window}{shown} make "
                         f"{rows}; expected the same number. Build the model with so many.")
    if values.shown and model.input_shape[2:] != (128,):
        raise ValueError(f"shown is {values.shown}, but the model takes observations of shape {model.input_shape[2:]}; "
                         "expected (128,), the RAM. Leave shown out, or build a model for the RAM.")
    for name in ("n_step", "reward_scale", "exact"):
        if getattr(values, name) != DEFAULTS[name] and not fast:
            raise ValueError(f"{name} is {getattr(values, name)}, but keras-rl2's own agent knows only "
                             f"{DEFAULTS[name]}; expected that, or fast=True. Pass fast=True.")
    if processor is not None and (values.observation_scale or values.reward_clip or values.shown):
        raise ValueError(f"Received a processor, observation_scale={values.observation_scale}, reward_clip="
                         f"{values.reward_clip}, shown={values.shown}; expected one or the other. Let the processor do "
                         "it, or leave it out.")
