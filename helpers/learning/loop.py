"""What trainings on one emulator and on several have in common: callbacks, and the loop with a beginning and an end."""
from contextlib import closing
from typing import Any, Callable, Dict, Optional, Sequence

import tensorflow as tf
from rl.callbacks import Callback, CallbackList, TrainEpisodeLogger, TrainIntervalLogger, Visualizer

from helpers.checkpoints.checkpoint import load_checkpoint
from helpers.checkpoints.training_state import restore_training
from helpers.checks import check_count, check_fits


class Listeners(CallbackList):
    """keras-rl2's list of callbacks, which asks only once who listens to what happens at every step.

    Four calls a step to callbacks that do nothing take as long as choosing an action.
    """

    def __init__(self, callbacks: Sequence[Any]):
        super().__init__(list(callbacks))
        for hook, of_keras in {"on_step_begin": "on_batch_begin", "on_step_end": "on_batch_end",
                               "on_action_begin": None, "on_action_end": None}.items():
            setattr(self, hook, _call_all([_listener(callback, hook, of_keras) for callback in self.callbacks]))


def _listener(callback: Any, hook: str, of_keras: Optional[str]) -> Optional[Callable]:
    """The callback's method for a hook, as keras-rl2 chooses it; None if it does nothing."""
    name = hook if callable(getattr(callback, hook, None)) else of_keras
    method = getattr(callback, name, None) if name else None
    idle = [getattr(base, name, None) for base in (Callback, tf.keras.callbacks.Callback)] if name else []
    return None if method is None or getattr(method, "__func__", method) in idle else method


def _call_all(methods: Sequence[Optional[Callable]]) -> Callable:
    listening = [method for method in methods if method is not None]

    def call(number: int, logs: Optional[Dict[str, Any]] = None) -> None:
        for method in listening:
            method(number, {} if logs is None else logs)
    return call


def gather_callbacks(callbacks: Optional[Sequence[Any]], verbose: int, log_interval: int,
                     visualize: bool = False) -> CallbackList:
    """The callbacks of one training, with keras-rl2's own loggers, and at the end the history that it returns."""
    loggers = {0: [], 1: [TrainIntervalLogger(interval=log_interval)]}.get(verbose, [TrainEpisodeLogger()])
    if visualize:
        loggers.append(Visualizer())
    return Listeners([*(callbacks or []), *loggers, tf.keras.callbacks.History()])


def run_training(training: Any, nb_steps: int, settings: Dict[str, Any], resume: Optional[Any]) -> Any:
    """Plays rounds until the agent has made `nb_steps` steps; whatever ends that, the callbacks hear of it.

    Args:
        training: a `SerialTraining` or a `ParallelTraining`.
        settings: the arguments of `fit` or `fit_parallel` on which the result depends.
        resume: a folder with checkpoints to go on from, or None.

    Returns:
        keras.callbacks.History.

    Raises:
        ValueError: nb_steps is no number of steps, or the agent is not one for this game.
    """
    agent, callbacks = training.agent, training.callbacks
    nb_steps = check_count("nb_steps", nb_steps, 1)
    check_fits(agent, training.envs[0])
    agent.under_way, training.settings, training.resume = training, settings, resume
    callbacks.set_model(agent)
    callbacks._set_env(training.envs[0])
    callbacks.set_params({"nb_steps": nb_steps})
    with closing(training):
        state = load_checkpoint(resume, training, nb_steps) if resume is not None else None
        agent.training = True
        agent._on_train_begin()
        callbacks.on_train_begin()
        agent.step = 0
        did_abort = True
        try:
            if resume is not None:
                restore_training(training, state)
                del state  # as large as the memory
            else:
                training.begin()
            while agent.step < nb_steps:
                training.play_round()
                end_round(callbacks, training.round)
            did_abort = False
        except KeyboardInterrupt:
            pass  # as in keras-rl2: what was learned is kept, and the caller goes on
        finally:
            training.close()  # nothing changes any more while the callbacks look
            callbacks.on_train_end(logs={"did_abort": did_abort})
            agent._on_train_end()
    return callbacks.callbacks[-1]


def end_round(callbacks: CallbackList, number: int) -> None:
    """Calls `on_round_end(number)` of the callbacks that have one: nothing is under way."""
    for callback in callbacks.callbacks:
        if hasattr(callback, "on_round_end"):
            callback.on_round_end(number)
