"""keras-rl2's training loop in the open: one emulator, which steps beside the learner."""
import warnings
from typing import Any, Callable, Optional

import numpy as np

from helpers.checks import check_count
from helpers.learning.emulator import Emulator, Outcome
from helpers.learning.loop import Listeners, Training


class SerialTraining(Training):
    """What `fit` runs; a round is a step.

    Attributes:
        emulator: the environment, as the agent sees it; the memory keeps the window.
        observation: what it shows now; None between two games.
        episode, episode_step: number of the game, and of the step in it.
        episode_reward: sum of its rewards so far, as the processor returned them.
    """
    KEPT = ("observation", "episode", "episode_step", "episode_reward", "round")

    def __init__(self, agent: Any, env: Any, callbacks: Listeners, action_repetition: int = 1,
                 nb_max_start_steps: int = 0, start_step_policy: Optional[Callable] = None,
                 nb_max_episode_steps: Optional[int] = None):
        action_repetition = check_count("action_repetition", action_repetition, 1)
        super().__init__(agent, [env], callbacks, {
            "trained by": "fit", "action_repetition": action_repetition, "nb_max_start_steps": nb_max_start_steps,
            "nb_max_episode_steps": nb_max_episode_steps})
        self.emulator = Emulator(env, agent.processor, window=0)
        self.action_repetition = action_repetition
        self.nb_max_start_steps, self.start_step_policy = nb_max_start_steps, start_step_policy
        self.nb_max_episode_steps = nb_max_episode_steps
        self.observation = None
        self.episode, self.episode_step, self.episode_reward = 0, 0, np.float32(0)

    def play_round(self) -> None:
        """Make one step of the agent, and the update that falls into it."""
        agent, callbacks = self.agent, self.callbacks
        if self.observation is None:
            self._begin_episode()
        callbacks.on_step_begin(self.episode_step)
        action = self.emulator.process_action(agent.forward(self.observation))
        self.observation, reward, done, info = self._act(action)
        self.look_at(agent.step, reward, self.observation)
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
        self.round += 1

    def _act(self, action: Any) -> Outcome:
        """Repeat `action`, while the network learns; return (last observation, summed reward, done, summed info)."""
        reward, summed = np.float32(0), {}
        for _ in range(self.action_repetition):
            self.callbacks.on_action_begin(action)
            stepping = self._thread.submit(self.emulator.env.step, action)
            self.agent.learn_meanwhile()
            observation, points, done, info = self.emulator.see(*stepping.result())
            for key, value in info.items():
                summed[key] = summed[key] + value if key in summed else np.add(0, value)
            self.callbacks.on_action_end(action)
            reward += points
            if done:
                break
        return observation, reward, done, summed

    def _begin_episode(self) -> None:
        self.callbacks.on_episode_begin(self.episode)
        self.episode_step, self.episode_reward = 0, np.float32(0)
        self.agent.reset_states()
        self.observation = self.emulator.reset()
        self.look_at(self.agent.step - 1, 0., self.observation)
        nb_start_steps = np.random.randint(self.nb_max_start_steps) if self.nb_max_start_steps else 0
        for _ in range(nb_start_steps):  # they are not remembered, and do not count
            choose = self.start_step_policy or (lambda observation: self.envs[0].action_space.sample())
            action = self.emulator.process_action(choose(self.observation))
            self.callbacks.on_action_begin(action)
            self.observation, _, done, _ = self.emulator.step(action)
            self.callbacks.on_action_end(action)
            if done:
                warnings.warn(f"The game ended before {nb_start_steps} random steps were made at its start: lower "
                              f"nb_max_start_steps, which is {self.nb_max_start_steps}.", stacklevel=5)
                self.observation = self.emulator.reset()
                break

    def _end_episode(self) -> None:
        # the game's last observation gets a step of its own, with an action that nobody makes
        self.agent.forward(self.observation)
        self.agent.backward(0., terminal=False)
        self.callbacks.on_episode_end(self.episode, {
            "episode_reward": self.episode_reward, "nb_episode_steps": self.episode_step, "nb_steps": self.agent.step})
        self.episode += 1
        self.observation = None
