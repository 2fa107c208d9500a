"""Training on several emulators at once: they step in a thread while the network learns."""
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, List, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf
from rl.core import Processor

from helpers.checks import check_count
from helpers.learning.memory import ArrayMemory


def prepare_memory(memory: Any, nb_envs: int) -> None:
    """Divides the memory among `nb_envs` emulators; what others stored can't be continued and is dropped."""
    if isinstance(memory, ArrayMemory) and memory.nb_envs != nb_envs:
        if memory.nb_entries:
            warnings.warn(f"The memory held {memory.nb_entries} steps of {memory.nb_envs} emulators; it is emptied for "
                          f"a training with {nb_envs}.", stacklevel=3)
        memory.use_envs(nb_envs)


class Emulators:
    """N environments that step together, in one thread of their own.

    Emulator i is seeded with `seed` + i, so trainings with neighbouring seeds share most of their emulators' random
    numbers; their networks, actions and batches differ, and so the games.

    One thread is enough: stepping holds Python's lock for a part of the time, and eight emulators in one
    thread are as fast as the learner beside them.

    Attributes:
        envs: the environments.
        over: [N] bool, which have finished their game; their next step is a reset.
    """

    def __init__(self, make_env: Callable[[], Any], nb_envs: int, processor: Any, seed: Optional[int]):
        self.processor = processor or Processor()  # which changes nothing
        self.envs = [make_env() for _ in range(nb_envs)]
        if seed is not None:
            for i, env in enumerate(self.envs):
                env.seed(seed + i)
        self.over = np.ones(nb_envs, np.bool_)
        self._thread = ThreadPoolExecutor(1)

    def step(self, actions: Sequence[int]) -> Any:
        """Starts one step of every emulator; returns a future of N (observation, reward, done, info)."""
        return self._thread.submit(self._step_all, list(actions))

    def _step_all(self, actions: List[int]) -> List[Tuple[Any, float, bool, dict]]:
        outcomes = []
        for i, action in enumerate(actions):
            try:
                outcomes.append(self._step_one(i, action))
            except Exception as error:
                raise RuntimeError(f"Emulator {i} of {len(actions)} died: {error!r}. The agent keeps what it learned; "
                                   "call fit_parallel again to go on with new emulators.") from error
        self.over = np.array([done for _, _, done, _ in outcomes])
        return outcomes

    def _step_one(self, i: int, action: int) -> Tuple[Any, float, bool, dict]:
        env, processor = self.envs[i], self.processor
        if self.over[i]:
            return processor.process_observation(env.reset()), 0., False, {}
        return processor.process_step(*env.step(processor.process_action(action)))

    def close(self) -> None:
        """Waits for a step under way, ends the thread and closes the environments."""
        self._thread.shutdown(wait=True)
        for env in self.envs:
            env.close()


class ParallelTraining:
    """All that changes during `fit_parallel`, beside the agent's own state; N emulators.

    Attributes:
        emulators: the `Emulators`.
        states: [N, W, *observation shape], what each emulator shows now and W - 1 observations before.
        episode, episode_step: [N] int, number of the game each emulator plays and steps made in it.
        episode_reward: [N] float, sum of its rewards so far, as the processor returned them.
        next_episode: number of the game that starts next.
        round: how many rounds are done.
    """

    KEPT = ("states", "episode", "episode_step", "episode_reward", "next_episode", "round", "over")  # in a checkpoint

    def __init__(self, agent: Any, emulators: Emulators, callbacks: Any,
                 learning_rate: Optional[Callable[[int], float]]):
        self.agent, self.emulators, self.callbacks, self.learning_rate = agent, emulators, callbacks, learning_rate
        nb_envs = len(emulators.envs)
        self.episode = np.zeros(nb_envs, int)
        self.episode_step = np.zeros(nb_envs, int)
        self.episode_reward = np.zeros(nb_envs)
        self.next_episode = 0
        self.round = 0
        self.states = None

    @property
    def envs(self) -> List[Any]:
        """The environments."""
        return self.emulators.envs

    @property
    def over(self) -> np.ndarray:
        """[N] bool, which emulators have finished their game."""
        return self.emulators.over

    @over.setter
    def over(self, over: np.ndarray) -> None:
        self.emulators.over = over

    def close(self) -> None:
        """Ends the emulators."""
        self.emulators.close()

    def begin(self) -> None:
        """Resets all emulators."""
        outcomes = self.emulators.step([0] * len(self.emulators.envs)).result()
        first = np.stack([observation for observation, _, _, _ in outcomes])
        self.states = np.zeros((len(first), self.agent.memory.window_length) + first.shape[1:], first.dtype)
        self.states[:, -1] = first
        for i in range(len(first)):
            self._begin_episode(i)

    def play_round(self) -> None:
        """One step of every emulator, and the updates that fall into it."""
        agent, over = self.agent, self.emulators.over.copy()
        playing = np.flatnonzero(~over)
        q_values = agent.compute_batch_q_values(self.states)
        actions = np.zeros(len(over), np.int64)
        for i in playing:
            actions[i] = agent.policy.select_action(q_values=q_values[i])
        future = self.emulators.step(actions)
        metrics = self._learn(len(playing))
        outcomes = future.result()

        observations, rewards, dones, _ = zip(*outcomes)
        agent.memory.append_all(self.states[:, -1], actions, np.array(rewards, np.float64), np.array(dones))
        self._shift_states(observations, over)
        for i, learned in zip(playing, metrics):
            self._report_step(i, actions[i], outcomes[i], learned)
        for i in np.flatnonzero(over):
            self._begin_episode(i)
        self.round += 1

    def _learn(self, nb_playing: int) -> List[List[float]]:
        """Makes the updates due in the next `nb_playing` environment steps; returns each step's metrics."""
        agent, metrics = self.agent, []
        for step in range(agent.step, agent.step + nb_playing):
            if self.learning_rate is not None and step % 1000 == 0:
                tf.keras.backend.set_value(agent.trainable_model.optimizer.learning_rate, self.learning_rate(step))
            if agent.learns_at(step):
                metrics.append(agent.complete_metrics(agent.learn(agent.draw_batch(), step)))
            else:
                metrics.append(agent.no_metrics[:])
            agent.follow_target(step)
        return metrics

    def _shift_states(self, observations: Sequence[np.ndarray], started: np.ndarray) -> None:
        self.states[:, :-1] = self.states[:, 1:]
        if not self.agent.memory.ignore_episode_boundaries:
            self.states[started, :-1] = 0
        for i, observation in enumerate(observations):
            self.states[i, -1] = observation

    def _begin_episode(self, i: int) -> None:
        self.episode[i], self.episode_step[i], self.episode_reward[i] = self.next_episode, 0, 0.
        self.next_episode += 1
        self.callbacks.on_episode_begin(int(self.episode[i]))

    def _report_step(self, i: int, action: int, outcome: Tuple[Any, float, bool, dict], metrics: List[float]) -> None:
        """Tells the callbacks what they would hear in `fit`; the logs have the same entries."""
        observation, reward, done, info = outcome
        agent, callbacks = self.agent, self.callbacks
        step, episode = int(self.episode_step[i]), int(self.episode[i])
        self.episode_step[i] += 1
        self.episode_reward[i] += reward
        callbacks.on_step_begin(step)
        callbacks.on_action_begin(action)
        callbacks.on_action_end(action)
        callbacks.on_step_end(step, {
            "action": action, "observation": observation, "reward": reward, "metrics": metrics, "episode": episode,
            "info": {key: value for key, value in info.items() if np.isreal(value)}})
        agent.step += 1
        if done:
            callbacks._set_env(self.emulators.envs[i])  # whose score a callback may want to read
            callbacks.on_episode_end(episode, {"episode_reward": self.episode_reward[i],
                                               "nb_episode_steps": step + 1, "nb_steps": agent.step})


def check_parallel(agent: Any, nb_envs: int) -> int:
    """The number of emulators, or an error that says what to do if this agent can't train with so many."""
    if not agent.compiled:
        raise RuntimeError("The agent is not compiled, expected a call of compile() before fit_parallel().")
    memory = agent.memory
    if not isinstance(memory, ArrayMemory):
        raise ValueError(f"The memory is a {type(memory).__name__}, expected an ArrayMemory: pass "
                         "memory=ArrayMemory(...).")
    needed = memory.window_length + agent.n_step + 1
    nb_envs = check_count("nb_envs", nb_envs, 1, memory.limit // needed, f"Each emulator needs at least {needed} steps "
                          f"in a memory with limit={memory.limit}: use fewer emulators or a larger memory.")
    if agent.nb_steps_warmup < nb_envs * needed:
        raise ValueError(f"nb_steps_warmup is {agent.nb_steps_warmup}, expected at least {nb_envs * needed} for "
                         f"{nb_envs} emulators, so that there is something to learn from: raise it.")
    return nb_envs
