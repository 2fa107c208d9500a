"""What trainings on one emulator and on several have in common: callbacks, and the loop with a beginning and an end."""
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

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

    def on_round_end(self, number: int) -> None:
        """Tell those who want to know that nothing is under way."""
        for callback in self.callbacks:
            if hasattr(callback, "on_round_end"):
                callback.on_round_end(number)


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
                     visualize: bool = False) -> Listeners:
    """The callbacks of one training, with keras-rl2's own loggers, and at the end the history that it returns."""
    loggers = {0: [], 1: [TrainIntervalLogger(interval=log_interval)]}.get(verbose, [TrainEpisodeLogger()])
    if visualize:
        loggers.append(Visualizer())
    return Listeners([*(callbacks or []), *loggers, tf.keras.callbacks.History()])


class Training:
    """A training: what the loop plays, what callbacks look at, and what a checkpoint stores.

    A subclass says what a round is. While it runs, it is its agent's `under_way`.

    Attributes:
        KEPT: the names of what changes from round to round, beside the agent's own state; a checkpoint stores it.
        agent: a compiled `FastDQNAgent`.
        envs: the environments.
        callbacks: all of them, keras-rl2's loggers and the history included.
        settings: the arguments of `fit` or `fit_parallel` on which the result depends; only equal ones share a
            checkpoint.
        nb_steps: agent steps to make in all.
        resume: a folder with checkpoints to go on from, or None.
        round: how many rounds are done.
    """

    KEPT: Tuple[str, ...] = ()

    def __init__(self, agent: Any, envs: Sequence[Any], callbacks: Listeners, settings: Dict[str, Any]):
        self.agent, self.envs, self.callbacks, self.settings = agent, envs, callbacks, settings
        self.nb_steps, self.resume, self.round = 0, None, 0
        self._thread = ThreadPoolExecutor(1)  # in which the emulators step

    def begin(self) -> None:
        """Begin the first games, where the first round does not."""

    def play_round(self) -> None:
        """One step of every emulator, and the updates that fall into it."""
        raise NotImplementedError

    def close(self) -> None:
        """Wait for a step under way and end the thread."""
        self._thread.shutdown(wait=True)

    def run(self, nb_steps: int, resume: Optional[Any]) -> tf.keras.callbacks.History:
        """Play rounds until the agent has made `nb_steps` steps; whatever ends that, the callbacks hear of it.

        Raises:
            ValueError: nb_steps is no number of steps, or the agent is not one for this game.
        """
        try:
            nb_steps = check_count("nb_steps", nb_steps, 1)
            check_fits(self.agent, self.envs[0])
            self.nb_steps, self.resume, self.agent.under_way = nb_steps, resume, self
            self.callbacks.set_model(self.agent)
            self.callbacks._set_env(self.envs[0])
            self.callbacks.set_params({"nb_steps": nb_steps})
            self._play(load_checkpoint(resume, self, nb_steps) if resume is not None else None)
        finally:
            self.close()
            self.agent.under_way = None
        return self.callbacks.callbacks[-1]

    def _play(self, state: Optional[Dict[str, Any]]) -> None:
        agent, callbacks, did_abort = self.agent, self.callbacks, True
        agent.training = True
        agent._on_train_begin()
        callbacks.on_train_begin()
        agent.step = 0
        try:
            if state is None:
                self.begin()
            else:
                restore_training(self, state)
                state.clear()  # it is as large as the memory
            while agent.step < self.nb_steps:
                self.play_round()
                callbacks.on_round_end(self.round)
            did_abort = False
        except KeyboardInterrupt:
            pass  # as in keras-rl2: what was learned is kept, and the caller goes on
        finally:
            self.close()  # nothing changes any more while the callbacks look
            callbacks.on_train_end(logs={"did_abort": did_abort})
            agent._on_train_end()
