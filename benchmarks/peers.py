"""Measure one case of a peer in this process, in the peers' environment: `python -m benchmarks.peers torch-ram-1 full`.

It runs on the peers' newer Python, where this project's helpers can't be imported.
"""
import sys
import time
from typing import Any, Callable, Dict, Tuple

import ale_py
import gymnasium
import numpy as np
import torch
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecFrameStack
from torch import nn

from benchmarks import cases
from benchmarks.machine import last_word, peak_megabytes

SEED = 1


class Clock(BaseCallback):
    """Note when step `first` ended, and when step `last` did; steps of all emulators together."""

    def __init__(self, first: int, last: int):
        super().__init__()
        self.first, self.last, self.begin, self.end = first, last, None, None

    def _on_step(self) -> bool:
        self.note(self.num_timesteps)
        return True

    def note(self, steps: int) -> None:
        if self.begin is None and steps >= self.first:
            self.first, self.begin = steps, time.perf_counter()
        if self.end is None and steps >= self.last:
            self.last, self.end = steps, time.perf_counter()

    def steps_per_second(self) -> float:
        return (self.last - self.first) / (self.end - self.begin)


class SmallScreen(gymnasium.ObservationWrapper):
    """The emulator's grey screen as uint8 (84, 84, 1), for SB3, which stacks along the last axis."""

    def __init__(self, env: gymnasium.Env):
        super().__init__(gymnasium.wrappers.ResizeObservation(env, (84, 84)))
        self.observation_space = gymnasium.spaces.Box(0, 255, (84, 84, 1), np.uint8)

    def observation(self, observation: np.ndarray) -> np.ndarray:
        return observation.reshape(84, 84, 1)


def make_env(game: str) -> gymnasium.Env:
    """The game of keras-rl2's `SpaceInvaders[-ram]-v0`: sticky actions 0.25, frame skip drawn from 2 to 4."""
    gymnasium.register_envs(ale_py)
    # without gymnasium's checks of each step, which would slow the peers down
    env = gymnasium.make("ALE/SpaceInvaders-v5", obs_type="ram" if game == "ram" else "grayscale", frameskip=(2, 5),
                         repeat_action_probability=0.25, full_action_space=False, disable_env_checker=True)
    return env if game == "ram" else SmallScreen(env)


def make_sb3_env(case: cases.Case) -> VecEnv:
    """As many games as the case has, with stacked observations and SB3's own record of their scores."""

    def make_one() -> gymnasium.Env:
        env = Monitor(make_env(case.game))
        if case.game == "small":  # clipped after the score is noted, as in keras-rl2 and ours
            env = gymnasium.wrappers.TransformReward(env, lambda reward: float(np.clip(reward, -1, 1)))
        return env

    return VecFrameStack(DummyVecEnv([make_one] * case.nb_envs), cases.WINDOW[case.game])


def run_sb3(case: cases.Case, clock: Clock) -> None:
    """Stable-Baselines3's DQN: the network without dueling heads, which it does not have."""
    network = {"net_arch": [512, 128]} if case.game == "ram" else {"net_arch": []}  # after the convolutions' 512
    agent = DQN(
        "MlpPolicy" if case.game == "ram" else "CnnPolicy", make_sb3_env(case), learning_rate=cases.LEARNING_RATE,
        buffer_size=cases.REPLAY, learning_starts=case.fill, batch_size=cases.BATCH, gamma=cases.GAMMA,
        # train_freq counts steps of all emulators together as one
        train_freq=max(1, case.train_interval // case.nb_envs),
        gradient_steps=max(1, case.nb_envs // case.train_interval), target_update_interval=cases.TARGET_UPDATE,
        exploration_fraction=1e-9, exploration_initial_eps=cases.EPSILON, exploration_final_eps=cases.EPSILON,
        policy_kwargs={**network, "optimizer_kwargs": {"eps": cases.ADAM_EPSILON}}, seed=SEED, device="cpu")
    agent.learn(clock.last, callback=clock)
    updates = (agent.num_timesteps - case.fill) / case.train_interval
    assert abs(agent._n_updates - updates) <= case.nb_envs, f"{agent._n_updates} updates, expected {updates}"


class DuelingNetwork(nn.Module):
    """The post's RAM network with keras-rl2's dueling heads: 384 bytes, 512, 128, one value and six advantages."""

    def __init__(self, nb_inputs: int, nb_actions: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(nb_inputs, 512), nn.ReLU(), nn.Linear(512, 128), nn.ReLU(),
                                    nn.Linear(128, nb_actions + 1))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        heads = self.layers(states)
        advantages = heads[:, 1:]
        return heads[:, :1] + advantages - advantages.mean(dim=1, keepdim=True)


class Replay:
    """Whole states in NumPy arrays, as SB3 and CleanRL keep them."""

    def __init__(self, limit: int, shape: Tuple[int, ...]):
        self.states, self.next_states = np.zeros((2, limit, *shape), np.uint8)
        self.actions, self.rewards, self.over = np.zeros(limit, np.int64), *np.zeros((2, limit), np.float32)
        self.limit, self.added = limit, 0

    def add(self, state: np.ndarray, action: int, reward: float, next_state: np.ndarray, over: bool) -> None:
        i = self.added % self.limit
        self.states[i], self.next_states[i] = state, next_state
        self.actions[i], self.rewards[i], self.over[i] = action, reward, over
        self.added += 1

    def sample(self, batch: int) -> Tuple[torch.Tensor, ...]:
        i = np.random.randint(0, min(self.added, self.limit), batch)
        states, next_states = (torch.from_numpy(x[i]).float() for x in (self.states, self.next_states))
        return states, torch.from_numpy(self.actions[i]), torch.from_numpy(self.rewards[i]), next_states, \
            torch.from_numpy(self.over[i])


def run_torch(case: cases.Case, clock: Clock) -> None:
    """DQN with nothing around it, in the style of CleanRL's `dqn_atari.py`."""
    env, window = make_env(case.game), cases.WINDOW[case.game]
    nb_actions, shape = int(env.action_space.n), (window, *env.observation_space.shape)
    network, target = (DuelingNetwork(int(np.prod(shape)), nb_actions) for _ in range(2))
    target.load_state_dict(network.state_dict())
    optimizer = torch.optim.Adam(network.parameters(), lr=cases.LEARNING_RATE, eps=cases.ADAM_EPSILON)
    replay, state = Replay(cases.REPLAY, shape), np.zeros(shape, np.uint8)
    state[-1] = env.reset(seed=SEED)[0]
    for step in range(1, clock.last + 1):
        if step <= case.fill or np.random.rand() < cases.EPSILON:
            action = np.random.randint(nb_actions)
        else:
            with torch.no_grad():
                action = int(network(torch.from_numpy(state[None]).float()).argmax())
        observation, reward, over, cut, _ = env.step(action)
        next_state = np.concatenate([state[1:], observation[None]])
        replay.add(state, action, reward, next_state, over)
        state = next_state
        if over or cut:
            state = np.zeros(shape, np.uint8)
            state[-1] = env.reset()[0]
        if step > case.fill and step % case.train_interval == 0:
            states, actions, rewards, next_states, ended = replay.sample(cases.BATCH)
            with torch.no_grad():
                wanted = rewards + cases.GAMMA * target(next_states).max(dim=1)[0] * (1 - ended)
            loss = nn.functional.mse_loss(network(states).gather(1, actions[:, None]).squeeze(1), wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if step % cases.TARGET_UPDATE == 0:
            target.load_state_dict(network.state_dict())
        clock.note(step)


RUN: Dict[str, Callable[[cases.Case, Clock], None]] = {"sb3": run_sb3, "torch": run_torch}


def measure(case: cases.Case) -> Dict[str, Any]:
    """Train, and time the steps after the warm-up."""
    if case.threads:
        torch.set_num_threads(case.threads)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    before = case.fill + case.warm
    clock = Clock(before, before + case.timed)
    RUN[case.kind](case, clock)
    return {"steps_per_second": clock.steps_per_second(), "megabytes": peak_megabytes(),
            "torch_threads": torch.get_num_threads()}


if __name__ == "__main__":
    last_word(measure(cases.CASES[sys.argv[1]].at_length(sys.argv[2])))
