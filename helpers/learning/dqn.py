"""keras-rl2's DQN agent with one TensorFlow call per update: the same learning, many times faster."""
import random
from typing import Any, Callable, List, Optional, Sequence

import numpy as np
from rl.agents import DQNAgent

from helpers.checks import check_alike, check_count, check_seed
from helpers.learning.gradients import with_faster_gradients
from helpers.learning.graph import act_function, learn_function
from helpers.learning.loop import Training, gather_callbacks
from helpers.learning.memory import ArrayMemory, Batch
from helpers.learning.parallel import ParallelTraining, check_learning_rate, check_parallel
from helpers.learning.serial import SerialTraining


def as_inputs(states: Any, names: Sequence[str]) -> List[np.ndarray]:
    """Make one float32 array per input of the network, from a processor's array, list or dict of arrays."""
    if isinstance(states, dict):
        states = [states[name] for name in names]
    return [np.asarray(x, np.float32) for x in (states if isinstance(states, list) else [states])]


class FastDQNAgent(DQNAgent):
    """Drop-in for `rl.agents.DQNAgent`: the same constructor and methods, the same weights, bit for bit.

    What differs: an update is one call into TensorFlow (target, gradient, optimizer); the emulator steps beside it, in
    a thread of its own, when the memory is an `ArrayMemory`; with soft target updates the target follows *after* the
    optimizer, where keras-rl2 leaves their order to chance; a loss that is not a number stops the training. The
    environment must take its random draws from a generator of its own, as gym's do.

    Args (beyond those of `DQNAgent`):
        n_step: over how many steps rewards are summed before the target network is asked. Default 1, as in keras-rl2;
            more needs an `ArrayMemory`. Source: Sutton 1988; 3 in Hessel et al. 2018 (Rainbow).
        observation_scale: factor on observations, inside the graph, or None. The model itself does not
            know it: another agent that loads the weights needs the same factor.
        reward_scale: factor on rewards when learning; those that callbacks get are not scaled.
        exact: False learns by the gradients of `helpers.learning.gradients`, which are faster on pixels and differ from
            keras-rl2's in the last digits.
    """

    def __init__(self, *args: Any, n_step: int = 1, observation_scale: Optional[float] = None,
                 reward_scale: float = 1., exact: bool = True, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.n_step = check_count("n_step", n_step, 1)
        if self.n_step > 1 and not isinstance(self.memory, ArrayMemory):
            raise ValueError(f"n_step is {n_step} with a {type(self.memory).__name__}; expected an ArrayMemory for "
                             "more than 1. Pass memory=ArrayMemory(...).")
        limit = getattr(self.memory, "limit", np.inf)
        check_count("batch_size", self.batch_size, 1, limit - self.memory.window_length - self.n_step,
                    f"A memory with limit={limit} offers no more transitions: raise the limit, or lower batch_size.")
        self.observation_scale = observation_scale
        self.reward_scale = reward_scale
        self.exact = exact
        self.under_way: Optional[Training] = None  # while `fit` or `fit_parallel` runs
        self.stop_training = False  # set by Keras's callbacks
        self._learned = None  # metrics of the update that was made before its step's outcome was known

    @property
    def optimizer(self) -> Any:
        """The optimizer, where Keras's callbacks look for it."""
        return self.trainable_model.optimizer

    def compile(self, optimizer: Any, metrics: Sequence[Any] = ()) -> None:
        """Compile as `DQNAgent.compile` does, but leave `metrics` as it is (keras-rl2 appends to it at each call)."""
        model, target_model_update = self.model, self.target_model_update
        try:
            # above 1, so that keras-rl2 doesn't wrap the optimizer: the soft update is ours
            self.target_model_update = max(1, target_model_update)
            if not self.exact:  # keras-rl2 builds what it trains on the outputs of `model`
                self.model = with_faster_gradients(model)
                model.compile(optimizer="sgd", loss="mse")  # as keras-rl2 does with the one that acts
            super().compile(optimizer, metrics=list(metrics))
        finally:
            self.model, self.target_model_update = model, target_model_update
        self._act = act_function(self)
        self._learn = learn_function(self)
        self._on_train_begin()

    # --- acting and learning -------------------------------------------------------------------------

    def compute_batch_q_values(self, state_batch: Sequence[Any]) -> np.ndarray:
        """Return the Q values [B, nb_actions] (float32) of a list of B states."""
        return self._act(*as_inputs(self.process_state_batch(state_batch), self.model.input_names))[0]

    def forward(self, observation: Any) -> int:
        """Choose an action. Its step is in the memory at once, with 0 points until `backward`."""
        if self.training and getattr(self.memory, "stored", None) is not None:  # before NumPy stumbles over it
            check_alike(np.asarray(observation), self.memory.stored["observation"])
        action = super().forward(observation)
        self._learned = None
        if self.training and isinstance(self.memory, ArrayMemory) and self.step % self.memory_interval == 0:
            self.memory.append(observation, action, 0., False)
        return action

    def learn_meanwhile(self) -> None:
        """Make this step's update while the emulator steps: it never looks at what the newest step brings."""
        if self._learned is None and isinstance(self.memory, ArrayMemory) and self.learns_at(self.step):
            self._learned = self.learn(self.draw_batch(), self.step)

    def backward(self, reward: float, terminal: bool) -> List[float]:
        """Store what the step brought; return the metrics of the update, or NaNs if there was none."""
        if not self.training:
            return super().backward(reward, terminal)
        if self.step % self.memory_interval == 0:
            if isinstance(self.memory, ArrayMemory):
                self.memory.set_outcome(reward, terminal)
            else:
                self.memory.append(self.recent_observation, self.recent_action, reward, terminal)
        metrics = self.no_metrics[:]
        if self.learns_at(self.step):
            metrics = self.complete_metrics(self._learned or self.learn(self.draw_batch(), self.step))
        self.follow_target(self.step)
        return metrics

    def _on_train_begin(self):
        # keras-rl2 collects the names at every step, which takes as long as acting
        self.no_metrics = [np.nan] * len(self.metrics_names)

    def learns_at(self, step: int) -> bool:
        """Return whether there is an update at this step."""
        return step > self.nb_steps_warmup and step % self.train_interval == 0

    def follow_target(self, step: int) -> None:
        """Copy the weights to the target network if a hard update is due at this step."""
        if self.target_model_update >= 1 and step % self.target_model_update == 0:
            self.update_target_model_hard()

    def draw_batch(self) -> List[np.ndarray]:
        """Draw transitions from the memory: the arrays that `learn` takes."""
        if isinstance(self.memory, ArrayMemory) and self.memory.stored is not None:
            batch = self.memory.sample_arrays(self.batch_size, n_step=self.n_step, gamma=self.gamma)
        else:
            state0, action, reward, state1, terminal1 = zip(*self.memory.sample(self.batch_size))
            terminal1 = np.array(terminal1)
            batch = Batch(state0, np.array(action), np.array(reward), terminal1, state1, False, 1.0 - terminal1)
        states = [batch.state0, batch.state1]
        if batch.padded and self.processor is not None:
            # keras-rl2 pads with float64 zeros, which makes the whole batch float64; a processor may count on it
            states = [x.astype(np.float64) for x in states]
        if self.processor is not None:
            states = [self.process_state_batch(x) for x in states]
        arrays = [x for state in states for x in as_inputs(state, self.model.input_names)]
        return [*arrays, batch.action.astype(np.int64), batch.reward.astype(np.float64), batch.weight]

    def learn(self, arrays: Sequence[np.ndarray], step: int) -> List[np.float32]:
        """Make one update at `step`; return the loss and the metrics given to `compile`.

        Raises:
            FloatingPointError: the loss is not a finite number.
        """
        metrics = self._learn(*arrays)
        if not np.isfinite(metrics[0]):
            reason = "Lower the learning rate, scale the rewards or set delta_clip=1"
            if not all(np.isfinite(x).all() for x in arrays):
                culprit = getattr(self.under_way, "not_finite", None) or "an observation or a reward"
                reason = f"It comes from {culprit}, which is no finite number: mend the environment or the processor"
            raise FloatingPointError(f"The loss is {metrics[0]} at step {step}, which spoilt the weights; expected a "
                                     f"finite number. {reason}; load the last checkpoint or make the agent anew.")
        return metrics

    def complete_metrics(self, learned: List[float]) -> List[float]:
        """Return the metrics of an update as callbacks get them: with those of the policy and the processor."""
        return learned + self.policy.metrics + (self.processor.metrics if self.processor is not None else [])

    # --- training ------------------------------------------------------------------------------------

    def fit(self, env: Any, nb_steps: int, action_repetition: int = 1, callbacks: Optional[Sequence[Any]] = None,
            verbose: int = 1, visualize: bool = False, nb_max_start_steps: int = 0,
            start_step_policy: Optional[Callable] = None, log_interval: int = 10000,
            nb_max_episode_steps: Optional[int] = None, resume: Optional[Any] = None) -> Any:
        """Train as `DQNAgent.fit` does; whatever ends it, no thread is left behind and the agent is usable.

        A callback's `on_round_end(round)`, if it has one, is called after each step, when nothing is under
        way: the place to save everything. Keras's callbacks take a game for an epoch: `EarlyStopping` (with
        mode="max" for points), `ReduceLROnPlateau` and `LearningRateScheduler` do what they say.

        Args (beyond those of `DQNAgent.fit`):
            resume: a folder with checkpoints (see `Checkpoint`) to go on from; `nb_steps` is then the total.

        Raises:
            ValueError: `action_repetition` is below 1, a callback or the environment can't be trained with
                (see `check_callbacks` and `check_envs`), or the checkpoint has other settings.
            RuntimeError: the agent is not compiled.
            FloatingPointError: the loss is not a finite number.
        """
        if not self.compiled:
            raise RuntimeError("The agent is not compiled; expected a call of compile() before fit(). Call it.")
        training = SerialTraining(self, env, gather_callbacks(callbacks, verbose, log_interval, visualize),
                                  action_repetition, nb_max_start_steps, start_step_policy, nb_max_episode_steps)
        return training.run(nb_steps, resume)

    def fit_parallel(self, make_env: Callable[[], Any], nb_envs: int, nb_steps: int,
                     callbacks: Optional[Sequence[Any]] = None, verbose: int = 1, log_interval: int = 10000,
                     seed: Optional[int] = None, learning_rate: Optional[Callable[[int], float]] = None,
                     resume: Optional[Any] = None) -> Any:
        """Train on `nb_envs` emulators at once, which step in a thread beside the learner.

        In each round all emulators make one step with actions from one forward pass, while the network makes the
        updates that are due: `nb_steps_warmup`, `train_interval`, `target_model_update`, the policy's annealing and the
        callbacks count environment steps, as in `fit`. A finished game spends one round on its reset. The memory, an
        `ArrayMemory`, gets a row per emulator. For `action_repetition`, random starts and limits on a game's length use
        gym's wrappers. A game that gym's `TimeLimit` cuts off is not taken for one that ended: the target network says
        what the last observation is worth. (In `fit`, as in keras-rl2, nothing comes after it.) The processor is shared
        by all emulators and its `process_step` runs in their thread.

        Args:
            make_env: makes one environment; called `nb_envs` times. The environments are closed at the end.
            nb_envs: emulators; 8 keep a learner on the console's RAM busy.
            nb_steps: environment steps, all emulators together; rounded up to whole rounds.
            callbacks, verbose, log_interval: as in `fit`. A callback's `on_round_end(round)`, if it has
                one, is called between rounds, when nothing is under way: the place to save everything.
            seed: for the emulators (seed, seed + 1, ...), NumPy and `random`; the same seed and number of
                emulators repeat a training exactly. None leaves all generators as they are.
            learning_rate: a function from environment steps to the learning rate, asked every 1,000 steps, and
                for no step from `nb_steps` on.
            resume: as in `fit`.

        Returns:
            keras.callbacks.History, with `episode_reward` (of the rewards that the processor returned),
            `nb_episode_steps` and `nb_steps`.

        Raises:
            ValueError: `nb_envs` is below 1 or above what the memory can hold, or the seed is out of its range.
            RuntimeError: the agent is not compiled, or an emulator dies; what was learned is kept.
            FloatingPointError: the loss is not a finite number.
        """
        nb_envs, gathered = check_parallel(self, nb_envs), gather_callbacks(callbacks, verbose, log_interval)
        check_learning_rate(self, learning_rate)
        if seed is not None:
            seed = check_seed(seed)
            np.random.seed(seed)
            random.seed(seed)
        envs = [make_env() for _ in range(nb_envs)]
        training = ParallelTraining(self, envs, gathered, seed, learning_rate)
        return training.run(nb_steps, resume)
