"""Training on several emulators at once: they step in a thread while the network learns."""
from typing import Any, Callable, List, Optional, Sequence

import numpy as np
import tensorflow as tf

from helpers.checks import check_alike, check_count
from helpers.learning.emulator import Emulator, Outcome
from helpers.learning.loop import Listeners, Training
from helpers.learning.memory import CUT, ArrayMemory


class ParallelTraining(Training):
    """What `fit_parallel` runs: N emulators, which step together in one thread of their own; a round is a step of each.

    Emulator i is seeded with `seed` + i, so trainings with neighbouring seeds share most of their emulators' random
    numbers; their networks, actions and batches differ, and so the games.

    One thread is enough: stepping holds Python's lock for a part of the time, and eight emulators in one
    thread are as fast as the learner beside them.

    Attributes:
        emulators: the environments, as the agent sees them.
        episode, episode_step: [N] int, number of the game each emulator plays and steps made in it.
        episode_reward: [N] float, sum of its rewards so far, as the processor returned them.
        next_episode: number of the game that starts next.
    """

    KEPT = ("states", "episode", "episode_step", "episode_reward", "next_episode", "round", "over")

    def __init__(self, agent: Any, envs: Sequence[Any], callbacks: Listeners, seed: Optional[int],
                 learning_rate: Optional[Callable[[int], float]]):
        super().__init__(agent, envs, callbacks, {"trained by": "fit_parallel", "seed": seed})
        self.learning_rate, self._asked_at = learning_rate, None
        memory = agent.memory
        self.emulators = [Emulator(env, agent.processor, memory.window_length, memory.ignore_episode_boundaries)
                          for env in envs]
        if seed is not None:
            for i, env in enumerate(envs):
                env.seed(seed + i)
        self.episode = np.zeros(len(envs), int)
        self.episode_step = np.zeros(len(envs), int)
        self.episode_reward = np.zeros(len(envs))
        self.next_episode = 0

    @property
    def states(self) -> np.ndarray:
        """[N, W, *observation shape], what each emulator shows now and W - 1 observations before; a copy."""
        return np.stack([emulator.state for emulator in self.emulators])

    @states.setter
    def states(self, states: np.ndarray) -> None:
        for emulator, state in zip(self.emulators, states):
            emulator.state = state

    @property
    def over(self) -> np.ndarray:
        """[N] bool, which emulators have finished their game; their next step is a reset."""
        return np.array([emulator.over for emulator in self.emulators])

    @over.setter
    def over(self, over: np.ndarray) -> None:
        for emulator, is_over in zip(self.emulators, over):
            emulator.over = bool(is_over)

    def begin(self) -> None:
        """Reset all emulators."""
        self._thread.submit(self._step_all, [None] * len(self.envs)).result()
        for emulator in self.emulators:
            check_alike(emulator.state[-1], self.emulators[0].state)
        for i in range(len(self.envs)):
            self._begin_episode(i)

    def play_round(self) -> None:
        """Make one step of every emulator, and the updates that fall into it."""
        agent, over, states = self.agent, self.over, self.states
        playing = np.flatnonzero(~over)
        q_values = agent.compute_batch_q_values(states)
        actions = np.zeros(len(over), np.int64)
        for i in playing:
            actions[i] = agent.policy.select_action(q_values=q_values[i])
        taken = [None if emulator.over else emulator.process_action(action)
                 for emulator, action in zip(self.emulators, actions)]
        stepping = self._thread.submit(self._step_all, taken)
        metrics = self._learn(len(playing))
        outcomes = stepping.result()

        rewards = np.array([reward for _, reward, _, _ in outcomes], np.float64)
        ends = np.array([CUT if done and info.get("TimeLimit.truncated") else bool(done)
                         for _, _, done, info in outcomes])
        agent.memory.append_all(states[:, -1], actions, rewards, ends)
        for i, learned in zip(playing, metrics):
            self._report_step(i, taken[i], outcomes[i], learned)
        for i in np.flatnonzero(over):
            self._begin_episode(i)
        self.round += 1

    def close(self) -> None:
        """Wait for a step under way, end the thread and close the environments."""
        super().close()
        for env in self.envs:
            env.close()

    def _step_all(self, actions: Sequence[int]) -> List[Outcome]:
        """Make a step of each emulator, or a reset where the game is over."""
        outcomes = []
        for i, (emulator, action) in enumerate(zip(self.emulators, actions)):
            over = emulator.over
            try:
                seen = emulator.env.reset() if over else emulator.env.step(action)
            except Exception as error:
                raise RuntimeError(f"Emulator {i} of {len(actions)} died ({error!r}); expected it to play on. The "
                                   "agent keeps what it learned: call fit_parallel again to go on.") from error
            outcomes.append((emulator.see_first(seen), 0., False, {}) if over else emulator.see(*seen))
        return outcomes

    def _learn(self, nb_playing: int) -> List[List[float]]:
        """Make the updates due in the next `nb_playing` environment steps; return each step's metrics."""
        agent, metrics = self.agent, []
        for step in range(agent.step, agent.step + nb_playing):
            if self.learning_rate is not None:
                self._set_rate(min(step // 1000 * 1000, self.nb_steps - 1))  # the last round may go beyond
            if agent.learns_at(step):
                metrics.append(agent.complete_metrics(agent.learn(agent.draw_batch(), step)))
            else:
                metrics.append(agent.no_metrics[:])
            agent.follow_target(step)
        return metrics

    def _set_rate(self, step: int) -> None:
        if step != self._asked_at:
            self._asked_at = step
            tf.keras.backend.set_value(self.agent.optimizer.learning_rate, self.rate_at(step))

    def _begin_episode(self, i: int) -> None:
        self.episode[i], self.episode_step[i], self.episode_reward[i] = self.next_episode, 0, 0.
        self.next_episode += 1
        self.look_at(self.agent.step - 1, 0., self.emulators[i].observation)
        self.callbacks.on_episode_begin(int(self.episode[i]))

    def _report_step(self, i: int, action: int, outcome: Outcome, metrics: List[float]) -> None:
        """Tell the callbacks what they would hear in `fit`; the logs have the same entries."""
        observation, reward, done, info = outcome
        agent, callbacks = self.agent, self.callbacks
        step, episode = int(self.episode_step[i]), int(self.episode[i])
        self.episode_step[i] += 1
        self.episode_reward[i] += reward
        self.look_at(agent.step, reward, observation)
        callbacks.on_step_begin(step)
        callbacks.on_action_begin(action)
        callbacks.on_action_end(action)
        callbacks.on_step_end(step, {
            "action": action, "observation": observation, "reward": reward, "metrics": metrics, "episode": episode,
            "info": info})
        agent.step += 1
        if done:
            callbacks._set_env(self.envs[i])  # whose score a callback may want to read
            callbacks.on_episode_end(episode, {"episode_reward": self.episode_reward[i],
                                               "nb_episode_steps": step + 1, "nb_steps": agent.step})


def check_learning_rate(agent: Any, learning_rate: Any) -> None:
    """Refuse what is no function from steps to a number, and a second schedule beside the optimizer's own."""
    schedule = tf.keras.optimizers.schedules.LearningRateSchedule  # which can be called too, but returns a tensor
    if learning_rate is not None and (isinstance(learning_rate, schedule) or not callable(learning_rate)):
        raise ValueError(f"learning_rate is a {type(learning_rate).__name__}; expected a function from environment "
                         "steps to a number, or None. Write lambda step: ..., or give it to the optimizer.")
    if learning_rate is not None and isinstance(agent.optimizer.learning_rate, schedule):
        raise ValueError("Received learning_rate, and an optimizer with a schedule of its own; expected one of them. "
                         "Leave learning_rate out, or give the optimizer a number.")


def check_parallel(agent: Any, nb_envs: int) -> int:
    """Return the number of emulators, or refuse what this agent can't train with, and say what to do."""
    if not agent.compiled:
        raise RuntimeError("The agent is not compiled; expected a call of compile() before fit_parallel(). Call it.")
    memory = agent.memory
    if not isinstance(memory, ArrayMemory):
        raise ValueError(f"The memory is a {type(memory).__name__}; expected an ArrayMemory. Pass "
                         "memory=ArrayMemory(...).")
    needed = memory.window_length + agent.n_step + 1
    nb_envs = check_count("nb_envs", nb_envs, 1, memory.limit // needed, f"Each emulator needs at least {needed} steps "
                          f"in a memory with limit={memory.limit}: use fewer emulators or a larger memory.")
    check_count("nb_steps_warmup", agent.nb_steps_warmup, nb_envs * needed, advice=f"{nb_envs} emulators need so many "
                "steps before there is something to learn from: raise it.")
    return nb_envs
