"""The loop of a training: keras-rl2's `fit` in steps between which everything can be stored."""
import warnings
from contextlib import closing
from copy import deepcopy
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
from rl.callbacks import CallbackList, TrainEpisodeLogger, TrainIntervalLogger, Visualizer
from tensorflow.keras.callbacks import History

from .checkpoint import load_checkpoint
from .training_state import restore_training


def as_list(callbacks: Optional[Sequence[Any]], verbose: int, log_interval: int,
            visualize: bool = False) -> CallbackList:
    """The caller's callbacks, keras-rl2's loggers as `fit` adds them, and a History at the end."""
    loggers = {0: [], 1: [TrainIntervalLogger(interval=log_interval)]}.get(verbose, [TrainEpisodeLogger()])
    return CallbackList([*(callbacks or []), *loggers, *([Visualizer()] if visualize else []), History()])


def run_training(training: Any, nb_steps: int, settings: Dict[str, Any], resume: Optional[Any]) -> History:
    """Play rounds until the agent has made `nb_steps` steps; whatever ends that, the callbacks hear of it.

    Args:
        training: a `SingleTraining` or a `ParallelTraining`.
        settings: the arguments of `fit` or `fit_parallel` on which the result depends.
        resume: a folder with checkpoints to go on from, or None.
    """
    agent, callbacks = training.agent, training.callbacks
    agent.under_way, training.settings, training.is_resumed = training, settings, resume is not None
    callbacks.set_model(agent)
    callbacks._set_env(training.envs[0])
    callbacks.set_params({"nb_steps": nb_steps})
    with closing(training):
        state = load_checkpoint(resume, training, nb_steps) if training.is_resumed else None
        agent.training = True
        agent._on_train_begin()
        callbacks.on_train_begin()
        agent.step = 0
        did_abort = True
        try:
            if training.is_resumed:
                restore_training(training, state)
                del state  # as large as the memory
            else:
                training.begin()
            while agent.step < nb_steps:
                training.play_round()
                training.round += 1
                for callback in callbacks.callbacks:
                    if hasattr(callback, "on_round_end"):
                        callback.on_round_end(training.round)
            did_abort = False
        except KeyboardInterrupt:
            pass  # what was learned is kept, and the caller goes on
        finally:
            training.close()  # nothing changes any more while the callbacks look
            callbacks.on_train_end(logs={"did_abort": did_abort})
        agent._on_train_end()
    return callbacks.callbacks[-1]


class SingleTraining:
    """All that changes during `fit`, beside the agent's own state.

    Attributes:
        envs: the environment, in a list.
        observation: what the game shows now; None between two games.
        episode, episode_step: number of the game, and steps made in it.
        episode_reward: points so far in it.
        round: how many rounds, here steps, are done.
    """
    KEPT = ("observation", "episode", "episode_step", "episode_reward", "round")

    def __init__(self, agent: Any, env: Any, callbacks: CallbackList, action_repetition: int, nb_max_start_steps: int,
                 start_step_policy: Optional[Callable[[Any], int]], nb_max_episode_steps: Optional[int]):
        self.agent, self.envs, self.callbacks = agent, [env], callbacks
        self.action_repetition, self.nb_max_episode_steps = action_repetition, nb_max_episode_steps
        self.nb_max_start_steps, self.start_step_policy = nb_max_start_steps, start_step_policy
        self.observation = None
        self.episode = self.episode_step = self.round = 0
        self.episode_reward = np.float32(0)

    def begin(self) -> None:
        """Nothing is to be done: the first round begins the first game."""

    def close(self) -> None:
        """Wait until no update is under way; the environment is the caller's."""
        self.agent.settle()

    def play_round(self) -> None:
        """One step; a step that begins or ends a game does that too."""
        agent, callbacks = self.agent, self.callbacks
        if self.observation is None:
            self._begin_game()
        callbacks.on_step_begin(self.episode_step)
        action = agent.forward(self.observation)
        if agent.processor is not None:
            action = agent.processor.process_action(action)
        self.observation, reward, done, info = self._repeat(action)
        metrics = agent.backward(reward, terminal=done)
        self.episode_reward += reward
        callbacks.on_step_end(self.episode_step, {
            "action": action, "observation": self.observation, "reward": reward, "metrics": metrics,
            "episode": self.episode, "info": info})
        self.episode_step += 1
        agent.step += 1
        if done:
            self._end_game()

    def _begin_game(self) -> None:
        self.callbacks.on_episode_begin(self.episode)
        self.episode_step, self.episode_reward = 0, np.float32(0)
        self.agent.reset_states()
        self.observation = self._reset()
        for _ in range(np.random.randint(self.nb_max_start_steps) if self.nb_max_start_steps else 0):
            if self.start_step_policy is None:
                action = self.envs[0].action_space.sample()
            else:
                action = self.start_step_policy(self.observation)
            if self.agent.processor is not None:
                action = self.agent.processor.process_action(action)
            self.observation, _, done, _ = self._step(action)
            if done:
                warnings.warn(f"The game ended during its random start of up to {self.nb_max_start_steps} steps: lower "
                              "nb_max_start_steps.", stacklevel=2)
                self.observation = self._reset()
                break

    def _end_game(self) -> None:
        # the last observation goes into the memory, too; nobody acts on it, and the next one belongs to another game
        self.agent.forward(self.observation)
        self.agent.backward(0., terminal=False)
        self.callbacks.on_episode_end(self.episode, {
            "episode_reward": self.episode_reward, "nb_episode_steps": self.episode_step, "nb_steps": self.agent.step})
        self.episode += 1
        self.observation = None

    def _reset(self) -> Any:
        observation = deepcopy(self.envs[0].reset())
        processor = self.agent.processor
        return observation if processor is None else processor.process_observation(observation)

    def _step(self, action: int) -> Tuple[Any, float, bool, Dict[str, Any]]:
        self.callbacks.on_action_begin(action)
        observation, reward, done, info = self.envs[0].step(action)
        outcome = deepcopy(observation), reward, done, info
        if self.agent.processor is not None:
            outcome = self.agent.processor.process_step(*outcome)
        self.callbacks.on_action_end(action)
        return outcome

    def _repeat(self, action: int) -> Tuple[Any, np.float32, bool, Dict[str, Any]]:
        """Makes the action `action_repetition` times; returns what came last, and the sums of points and infos."""
        points, infos = np.float32(0), {}
        for _ in range(self.action_repetition):
            observation, reward, done, info = self._step(action)
            for key, value in info.items():
                if np.isreal(value):
                    infos[key] = infos.get(key, np.zeros_like(value)) + value
            points += reward
            if done:
                break
        if self.nb_max_episode_steps and self.episode_step >= self.nb_max_episode_steps - 1:
            done = True
        return observation, points, done, infos


def train_single(agent: Any, env: Any, nb_steps: int, action_repetition: int, callbacks: Optional[List[Any]],
                 verbose: int, visualize: bool, nb_max_start_steps: int,
                 start_step_policy: Optional[Callable[[Any], int]], log_interval: int,
                 nb_max_episode_steps: Optional[int], resume: Optional[Any]) -> History:
    """What `FastDQNAgent.fit` does; see there."""
    if not agent.compiled:
        raise RuntimeError("The agent is not compiled, expected a call of compile() before fit().")
    if action_repetition < 1:
        raise ValueError(f"action_repetition is {action_repetition}; expected at least 1. Ask for 1 to repeat nothing.")
    training = SingleTraining(agent, env, as_list(callbacks, verbose, log_interval, visualize), action_repetition,
                              nb_max_start_steps, start_step_policy, nb_max_episode_steps)
    settings = {"trained by": "fit", "action_repetition": action_repetition, "nb_max_start_steps": nb_max_start_steps,
                "nb_max_episode_steps": nb_max_episode_steps}
    return run_training(training, nb_steps, settings, resume)
