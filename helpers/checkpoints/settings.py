"""What a training was started with, as numbers and texts: only trainings with the same settings share a checkpoint."""
import json
from typing import Any, Dict, List, Optional

import gym
from tensorflow.keras.callbacks import LearningRateScheduler, ReduceLROnPlateau

from helpers.checkpoints.object_state import layers_of

CHANGING = ("training", "step", "compiled", "recent_action", "stop_training")
"""Attributes of an agent that are no settings."""

CONTROLS = (LearningRateScheduler, ReduceLROnPlateau)
"""Callbacks by which the learning rate is no setting."""

RATE = "learning rate at step "
"""How the settings begin that say what a function of steps returned, for some of the steps that the training makes."""


def describe(training: Any, steps: Optional[List[int]] = None) -> Dict[str, Any]:
    """List the settings of a training that is about to begin: of agent, memory, network, optimizer, policy and game.

    Args:
        training: a `helpers.learning.loop.Training`.
        steps: for which to ask for the learning rate, if it is a function; None for some of those that are made.
    """
    agent = training.agent
    settings = {
        **training.settings,
        "agent": type(agent).__name__, **_simple(agent, CHANGING),
        **_named("memory", agent.memory, ("size", "first", "rows")),
        "network": [_layer(layer) for layer in agent.model.layers],
        **_optimizer(training), **_rates(training, steps),
        **_policy(agent.policy),
        **_named("processor", agent.processor),
        "environments": len(training.envs), **_environment(training.envs[0]),
    }
    return json.loads(json.dumps(settings, default=str))  # as it will come back from the file


def differences(stored: Dict[str, Any], now: Dict[str, Any]) -> List[str]:
    """Return a line for each setting that differs, for example "gamma=0.9, here 0.99"."""
    return [f"{name}={stored.get(name)}, here {now.get(name)}"
            for name in sorted({*stored, *now}) if stored.get(name) != now.get(name)]


def differences_here(stored: Dict[str, Any], training: Any) -> List[str]:
    """Return a line for each setting of a checkpoint that differs from those of a training that is to go on from it."""
    stored = {"exact": True, **stored}  # of which nothing was written until November 2026
    if isinstance(stored.get("optimizer learning_rate"), list):  # as it was written until November 2026
        rates = stored.pop("optimizer learning_rate")
        stored.update({f"{RATE}{step}": rate for step, rate in zip((0, 10_000, 100_000, 1_000_000), rates)})
    now = describe(training, [int(name[len(RATE):]) for name in stored if name.startswith(RATE)])
    if training.learning_rate is not None:  # which is asked for no step that this training does not make
        stored = {name: value for name, value in stored.items() if name in now or not name.startswith(RATE)}
    return differences(stored, now)


def _rates(training: Any, steps: Optional[List[int]]) -> Dict[str, float]:
    if training.learning_rate is None:
        return {}
    if steps is None:
        steps = [0, *(1_000 * 2**power for power in range(30)), training.nb_steps - 1]
    return {f"{RATE}{step}": training.rate_at(step) for step in steps if step < training.nb_steps}


def _simple(thing: Any, left_out: Any = ()) -> Dict[str, Any]:
    return {name: value for name, value in sorted(vars(thing).items()) if name not in left_out
            and not name.startswith("_") and (value is None or isinstance(value, (bool, int, float, str)))}


def _named(name: str, thing: Any, left_out: Any = ()) -> Dict[str, Any]:
    values = {} if thing is None else _simple(thing, left_out)
    return {name: type(thing).__name__, **{f"{name} {key}": value for key, value in values.items()}}


def _layer(layer: Any) -> str:
    """Write "Dense 512 relu 1573376", say: class, output shape without the batch, activation, number of weights."""
    shape = layer.output_shape
    shape = "x".join(str(size) for size in shape[1:]) if isinstance(shape, tuple) else shape
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    return " ".join(f"{type(layer).__name__} {shape} {activation} {layer.count_params()}".split())


def _optimizer(training: Any) -> Dict[str, Any]:
    optimizer = training.agent.optimizer
    values = {key: float(f"{value:.6g}") if isinstance(value, float) else value  # stored as float32
              for key, value in ((key, _number(value)) for key, value in optimizer.get_config().items())}
    values.pop("name", None)
    controls = [type(one).__name__ for one in training.callbacks.callbacks if isinstance(one, CONTROLS)]
    if controls:
        values["learning_rate"] = f"set by {', '.join(controls)}"
    elif training.learning_rate is not None:
        del values["learning_rate"]
    return {"optimizer": type(optimizer).__name__, **{f"optimizer {key}": value for key, value in values.items()}}


def _number(value: Any) -> Any:
    return float(value) if hasattr(value, "dtype") else value


def _policy(policy: Any) -> Dict[str, Any]:
    """Describe a policy, and the one inside an annealed one, but not what is annealed."""
    annealed = (getattr(policy, "attr", None),)
    inner = getattr(policy, "inner_policy", None)
    return {**_named("policy", policy), **({} if inner is None else _named("inner policy", inner, annealed))}


def _environment(env: gym.Env) -> Dict[str, Any]:
    layers = [type(layer).__name__ for layer in layers_of(env)]
    spec, shape = getattr(layers_of(env)[-1], "spec", None), getattr(env.observation_space, "shape", None)
    return {"environment": spec.id if spec is not None else layers[-1], "wrappers": layers, "observations": shape}
