"""keras-rl2's training loop in the open: one emulator, which steps beside the learner."""
import warnings
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any, Callable, List, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf
from rl.callbacks import CallbackList, TrainEpisodeLogger, TrainIntervalLogger, Visualizer


def gather_callbacks(agent: Any, env: Any, callbacks: Optional[Sequence[Any]], verbose: int, log_interval: int,
                     nb_steps: int, visualize: bool = False) -> Tuple[CallbackList, tf.keras.callbacks.History]:
    """The callbacks of one training, with keras-rl2's own loggers; and the history that it returns."""
    history = tf.keras.callbacks.History()
    loggers = {0: [], 1: [TrainIntervalLogger(interval=log_interval)]}.get(verbose, [TrainEpisodeLogger()])
    if visualize:
        loggers.append(Visualizer())
    gathered = CallbackList(list(callbacks or []) + loggers + [history])
    gathered.set_model(agent)
    gathered._set_env(env)
    gathered.set_params({"nb_steps": nb_steps})
    return gathered, history


def end_round(callbacks: CallbackList, number: int) -> None:
    """Calls `on_round_end(number)` of the callbacks that have one: nothing is under way."""
    for callback in callbacks.callbacks:
        if hasattr(callback, "on_round_end"):
            callback.on_round_end(number)


class SerialTraining:
    """All that changes during `fit`, beside the agent's own state.

    Attributes:
        env: the environment.
        observation: what it shows now; None between two games.
        episode, episode_step: number of the game, and of the step in it.
        episode_reward: points so far in it.
    """

    def __init__(self, agent: Any, env: Any, callbacks: CallbackList, action_repetition: int = 1,
                 nb_max_start_steps: int = 0, start_step_policy: Optional[Callable] = None,
                 nb_max_episode_steps: Optional[int] = None):
        self.agent, self.env, self.callbacks = agent, env, callbacks
        self.action_repetition = action_repetition
        self.nb_max_start_steps, self.start_step_policy = nb_max_start_steps, start_step_policy
        self.nb_max_episode_steps = nb_max_episode_steps
        self.observation = None
        self.episode, self.episode_step, self.episode_reward = 0, 0, np.float32(0)
        self._thread = ThreadPoolExecutor(1)

    def play_step(self) -> None:
        """One step of the agent, and the update that falls into it."""
        agent, callbacks = self.agent, self.callbacks
        if self.observation is None:
            self._begin_episode()
        callbacks.on_step_begin(self.episode_step)
        action = agent.forward(self.observation)
        self.observation, reward, done, info = self._act(action if agent.processor is None
                                                         else agent.processor.process_action(action))
        if self.nb_max_episode_steps and self.episode_step >= self.nb_max_episode_steps - 1:
            done = True
        metrics = agent.backward(reward, terminal=done)
        self.episode_reward += reward
        callbacks.on_step_end(self.episode_step, {
            "action": action, "observation": self.observation, "reward": reward, "metrics": metrics,
            "episode": self.episode, "info": info})
        self.episode_step += 1
        agent.step += 1
        if done:
            self._end_episode()
        end_round(callbacks, agent.step)

    def close(self) -> None:
        """Waits for a step under way and ends the thread."""
        self._thread.shutdown(wait=True)

    def _act(self, action: int) -> Tuple[Any, float, bool, dict]:
        """Repeats `action`, while the network learns; returns (last observation, summed reward, done, summed info)."""
        reward, summed = np.float32(0), {}
        for _ in range(self.action_repetition):
            self.callbacks.on_action_begin(action)
            stepping = self._thread.submit(self.env.step, action)
            self.agent.learn_meanwhile()
            observation, points, done, info = self._processed(*stepping.result())
            for key, value in info.items():
                if np.isreal(value):
                    summed[key] = summed.get(key, np.zeros_like(value)) + value
            self.callbacks.on_action_end(action)
            reward += points
            if done:
                break
        return observation, reward, done, summed

    def _processed(self, observation: Any, reward: float, done: bool, info: dict) -> Tuple[Any, float, bool, dict]:
        outcome = deepcopy(observation), reward, done, info
        return outcome if self.agent.processor is None else self.agent.processor.process_step(*outcome)

    def _begin_episode(self) -> None:
        self.callbacks.on_episode_begin(self.episode)
        self.episode_step, self.episode_reward = 0, np.float32(0)
        self.agent.reset_states()
        self.observation = self._reset()
        nb_start_steps = np.random.randint(self.nb_max_start_steps) if self.nb_max_start_steps else 0
        for _ in range(nb_start_steps):  # they are not remembered, and do not count
            choose = self.start_step_policy or (lambda observation: self.env.action_space.sample())
            action = choose(self.observation)
            if self.agent.processor is not None:
                action = self.agent.processor.process_action(action)
            self.callbacks.on_action_begin(action)
            self.observation, _, done, _ = self._processed(*self.env.step(action))
            self.callbacks.on_action_end(action)
            if done:
                warnings.warn(f"The game ended before {nb_start_steps} random steps were made at its start: lower "
                              f"nb_max_start_steps, which is {self.nb_max_start_steps}.", stacklevel=6)
                self.observation = self._reset()
                break

    def _reset(self) -> Any:
        observation = deepcopy(self.env.reset())
        processor = self.agent.processor
        return observation if processor is None else processor.process_observation(observation)

    def _end_episode(self) -> None:
        # the game's last observation gets a step of its own, with an action that nobody makes
        self.agent.forward(self.observation)
        self.agent.backward(0., terminal=False)
        self.callbacks.on_episode_end(self.episode, {
            "episode_reward": self.episode_reward, "nb_episode_steps": self.episode_step, "nb_steps": self.agent.step})
        self.episode += 1
        self.observation = None


def train_serial(agent: Any, env: Any, nb_steps: int, callbacks: Optional[List[Any]], verbose: int, visualize: bool,
                 log_interval: int, **options: Any) -> Any:
    """What `FastDQNAgent.fit` does; see there."""
    if not agent.compiled:
        raise RuntimeError("The agent is not compiled, expected a call of compile() before fit().")
    if options["action_repetition"] < 1:
        raise ValueError(f"action_repetition is {options['action_repetition']}, expected 1 or more.")
    callback_list, history = gather_callbacks(agent, env, callbacks, verbose, log_interval, nb_steps, visualize)
    agent.training, agent.step = True, 0
    agent.serial = SerialTraining(agent, env, callback_list, **options)
    did_abort = True
    try:
        agent._on_train_begin()
        callback_list.on_train_begin()
        while agent.step < nb_steps:
            agent.serial.play_step()
        did_abort = False
    except KeyboardInterrupt:
        pass  # as in keras-rl2: what was learned is kept, and the caller goes on
    finally:
        agent.serial.close()
        callback_list.on_train_end(logs={"did_abort": did_abort})
        agent._on_train_end()
    return history
