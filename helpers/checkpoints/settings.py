"""What a training was started with, as numbers and texts: only trainings with the same settings share a checkpoint."""
import json
from typing import Any, Dict, List

import gym

from helpers.checkpoints.object_state import layers_of

CHANGING = ("training", "step", "compiled", "recent_action")
"""Attributes of an agent that are no settings."""


def describe(training: Any) -> Dict[str, Any]:
    """The settings of a training that is about to begin: of agent, memory, network, optimizer, policy and game."""
    agent = training.agent
    settings = {
        **training.settings,
        "agent": type(agent).__name__, **_simple(agent, CHANGING),
        **_named("memory", agent.memory, ("size", "first", "rows")),
        "network": [_layer(layer) for layer in agent.model.layers],
        **_optimizer(agent, getattr(training, "learning_rate", None)),
        **_policy(agent.policy),
        **_named("processor", agent.processor),
        "environments": len(training.envs), **_environment(training.envs[0]),
    }
    return json.loads(json.dumps(settings, default=str))  # as it will come back from the file


def differences(stored: Dict[str, Any], now: Dict[str, Any]) -> List[str]:
    """A line for each setting that differs, for example "gamma=0.9, here 0.99"."""
    return [f"{name}={stored.get(name)}, here {now.get(name)}"
            for name in sorted({*stored, *now}) if stored.get(name) != now.get(name)]


def _simple(thing: Any, left_out: Any = ()) -> Dict[str, Any]:
    return {name: value for name, value in sorted(vars(thing).items()) if name not in left_out
            and not name.startswith("_") and (value is None or isinstance(value, (bool, int, float, str)))}


def _named(name: str, thing: Any, left_out: Any = ()) -> Dict[str, Any]:
    values = {} if thing is None else _simple(thing, left_out)
    return {name: type(thing).__name__, **{f"{name} {key}": value for key, value in values.items()}}


def _layer(layer: Any) -> str:
    """For example "Dense 512 relu 1573376": class, output shape without the batch, activation, number of weights."""
    shape = layer.output_shape
    shape = "x".join(str(size) for size in shape[1:]) if isinstance(shape, tuple) else shape
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    return " ".join(f"{type(layer).__name__} {shape} {activation} {layer.count_params()}".split())


def _optimizer(agent: Any, learning_rate: Any) -> Dict[str, Any]:
    optimizer = agent.trainable_model.optimizer
    values = {key: float(f"{value:.6g}") if isinstance(value, float) else value  # stored as float32
              for key, value in ((key, _number(value)) for key, value in optimizer.get_config().items())}
    values.pop("name", None)
    if learning_rate is not None:
        values["learning_rate"] = [learning_rate(step) for step in (0, 10_000, 100_000, 1_000_000)]
    return {"optimizer": type(optimizer).__name__, **{f"optimizer {key}": value for key, value in values.items()}}


def _number(value: Any) -> Any:
    return float(value) if hasattr(value, "dtype") else value


def _policy(policy: Any) -> Dict[str, Any]:
    """Also of the policy inside an annealed one, but without what is annealed."""
    annealed = (getattr(policy, "attr", None),)
    inner = getattr(policy, "inner_policy", None)
    return {**_named("policy", policy), **({} if inner is None else _named("inner policy", inner, annealed))}


def _environment(env: gym.Env) -> Dict[str, Any]:
    layers = [type(layer).__name__ for layer in layers_of(env)]
    spec, shape = env.unwrapped.spec, getattr(env.observation_space, "shape", None)
    return {"environment": spec.id if spec is not None else layers[-1], "wrappers": layers, "observations": shape}
