"""What trainings on one emulator and on several have in common: callbacks, and the loop with a beginning and an end."""
import warnings
from concurrent.futures import ThreadPoolExecutor
from math import isfinite
from numbers import Real
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

import numpy as np
from rl.callbacks import Callback, CallbackList, TrainEpisodeLogger, TrainIntervalLogger, Visualizer
from tensorflow.keras import callbacks as keras

from helpers.checkpoints.checkpoint import load_checkpoint
from helpers.checkpoints.training_state import restore_training
from helpers.checks import check_count
from helpers.learning.emulator import check_envs
from helpers.learning.memory import ArrayMemory

UNFIT = {
    keras.ModelCheckpoint: "Use Checkpoint, or keras-rl2's ModelIntervalCheckpoint",
    keras.TensorBoard: "Use RunLogger, which writes TensorBoard's files",
    keras.ProgbarLogger: "Use verbose=1, or ProgressBar",
    keras.BaseLogger: "Leave it out: keras-rl2 averages what it logs",
    keras.TerminateOnNaN: "Leave it out: a loss that is not finite ends the training with an error",
}
"""Callbacks of Keras that ask for what only `Model.fit` has, and what does their work here."""

EPISODE_LOGS = ("episode_reward", "nb_episode_steps", "nb_steps")
"""What Keras's callbacks can monitor: an episode is their epoch."""


def check_callbacks(callbacks: Sequence[Any]) -> None:
    """Refuse, before the first step, callbacks of Keras that would do nothing, or end the training later.

    Raises:
        ValueError: with the callback's name, and what to do.
    """
    for callback in callbacks:
        name, monitor = type(callback).__name__, getattr(callback, "monitor", EPISODE_LOGS[0])
        for unfit, advice in UNFIT.items():
            if isinstance(callback, unfit):
                raise ValueError(f"Received a {name}; expected a callback that works with agents. {advice}.")
        if isinstance(callback, (keras.EarlyStopping, keras.ReduceLROnPlateau)) and monitor not in EPISODE_LOGS:
            raise ValueError(f"{name} monitors {monitor!r}; expected one of {', '.join(EPISODE_LOGS)}. Choose one, and "
                             "mode='max' for what shall grow.")
        if getattr(callback, "restore_best_weights", False):
            raise ValueError(f"{name} has restore_best_weights=True; expected False. Save weights with SaveWeights, "
                             "and load the best ones.")


class Listeners(CallbackList):
    """keras-rl2's list of callbacks, which asks only once who listens to what happens at every step.

    Four calls a step to callbacks that do nothing take as long as choosing an action.
    """

    def __init__(self, callbacks: Sequence[Any]):
        super().__init__(list(callbacks))
        for hook, of_keras in {"on_step_begin": ("on_train_batch_begin", "on_batch_begin"), "on_action_begin": (),
                               "on_step_end": ("on_train_batch_end", "on_batch_end"), "on_action_end": ()}.items():
            setattr(self, hook, _call_all([_listener(callback, hook, of_keras) for callback in self.callbacks]))

    def on_round_end(self, number: int) -> None:
        """Tell those who want to know that nothing is under way."""
        for callback in self.callbacks:
            if hasattr(callback, "on_round_end"):
                callback.on_round_end(number)


def _listener(callback: Any, hook: str, of_keras: Sequence[str]) -> Optional[Callable]:
    """Find the callback's method for a hook, as keras-rl2 does, or one of Keras's names; None if it does nothing."""
    for name in [hook] if callable(getattr(callback, hook, None)) else of_keras:
        method = getattr(callback, name, None)
        idle = [getattr(base, name, None) for base in (Callback, keras.Callback)]
        if method is not None and getattr(method, "__func__", method) not in idle:
            return method
    return None


def _call_all(methods: Sequence[Optional[Callable]]) -> Callable:
    listening = [method for method in methods if method is not None]

    def call(number: int, logs: Optional[Dict[str, Any]] = None) -> None:
        for method in listening:
            method(number, {} if logs is None else logs)
    return call


def gather_callbacks(callbacks: Optional[Sequence[Any]], verbose: int, log_interval: int,
                     visualize: bool = False) -> Listeners:
    """Gather the callbacks of a training, with keras-rl2's own loggers, and at the end the history that it returns."""
    check_callbacks(callbacks or [])
    loggers = {0: [], 1: [TrainIntervalLogger(interval=log_interval)]}.get(verbose, [TrainEpisodeLogger()])
    if visualize:
        loggers.append(Visualizer())
    return Listeners([*(callbacks or []), *loggers, keras.History()])


def prepare_memory(memory: Any, nb_envs: int) -> None:
    """Divide the memory among `nb_envs` emulators; what others stored can't be continued and is dropped."""
    if isinstance(memory, ArrayMemory) and memory.nb_envs != nb_envs:
        if memory.nb_entries:
            warnings.warn(f"The memory held {memory.nb_entries} steps of {memory.nb_envs} emulators; it is emptied for "
                          f"a training with {nb_envs}.", stacklevel=4)
        memory.use_envs(nb_envs)


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
        learning_rate: a function from agent steps to the learning rate, or None.
        not_finite: the first observation or reward that was no finite number, in words.
    """

    KEPT: Tuple[str, ...] = ()
    learning_rate: Optional[Callable[[int], float]] = None
    not_finite: Optional[str] = None

    def __init__(self, agent: Any, envs: Sequence[Any], callbacks: Listeners, settings: Dict[str, Any]):
        self.agent, self.envs, self.callbacks, self.settings = agent, envs, callbacks, settings
        self.nb_steps, self.resume, self.round = 0, None, 0
        self._thread = ThreadPoolExecutor(1)  # in which the emulators step

    def begin(self) -> None:
        """Begin the first games, where the first round does not."""

    def play_round(self) -> None:
        """Make one step of every emulator, and the updates that fall into it."""
        raise NotImplementedError

    def close(self) -> None:
        """Wait for a step under way and end the thread."""
        self._thread.shutdown(wait=True)

    def rate_at(self, step: int) -> float:
        """Return the learning rate at an agent step.

        Raises:
            ValueError: `learning_rate` returned something else.
        """
        rate = self.learning_rate(step)
        if not (isinstance(rate, Real) and isfinite(rate) and rate >= 0):
            raise ValueError(f"learning_rate({step}) is {rate!r}; expected a number of at least 0. Mend the function.")
        return float(rate)

    def look_at(self, step: int, reward: float, observation: Any) -> None:
        """Remember the first input that is no finite number: it is to blame where the loss is none.

        Args:
            step, reward: the agent step that was made, and what it earned.
            observation: what is seen after it.
        """
        if self.not_finite is None:
            if not isfinite(reward):
                self.not_finite = f"the reward of step {step}"
            elif getattr(getattr(observation, "dtype", None), "kind", "") == "f" and not np.isfinite(observation).all():
                self.not_finite = f"the observation before step {step + 1}"

    def run(self, nb_steps: int, resume: Optional[Any]) -> keras.History:
        """Play rounds until the agent has made `nb_steps` steps; whatever ends that, the callbacks hear of it.

        Raises:
            ValueError: nb_steps is no number of steps, or the agent is not one for this game.
        """
        try:
            nb_steps = check_count("nb_steps", nb_steps, 1)
            check_envs(self.agent, self.envs)
            self.nb_steps, self.resume, self.agent.under_way = nb_steps, resume, self
            self.callbacks.set_model(self.agent)
            self.callbacks._set_env(self.envs[0])
            self.callbacks.set_params({"nb_steps": nb_steps})
            prepare_memory(self.agent.memory, len(self.envs))
            self._play(load_checkpoint(resume, self, nb_steps) if resume is not None else None)
        finally:
            self.close()
            self.agent.under_way = None
        return self.callbacks.callbacks[-1]

    def _play(self, state: Optional[Dict[str, Any]]) -> None:
        agent, callbacks, did_abort = self.agent, self.callbacks, True
        agent.training, agent.stop_training = True, False  # Keras's callbacks ask it to stop
        agent._on_train_begin()
        callbacks.on_train_begin()
        agent.step = 0
        try:
            if state is None:
                self.begin()
            else:
                restore_training(self, state)
                state.clear()  # it is as large as the memory
            while agent.step < self.nb_steps and not agent.stop_training:
                self.play_round()
                callbacks.on_round_end(self.round)
            did_abort = False
        except KeyboardInterrupt:
            pass  # as in keras-rl2: what was learned is kept, and the caller goes on
        finally:
            self.close()  # nothing changes any more while the callbacks look
            callbacks.on_train_end(logs={"did_abort": did_abort})
            agent._on_train_end()
