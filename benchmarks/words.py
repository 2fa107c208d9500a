"""What stands between the tables of results.md: how it was measured, and where the peers differ."""
from benchmarks.cases import NB_ENVS, REPLAY

INTRODUCTION = f"""\
# How fast training is

`make bench` and `make bench-peers` write this page and `results.json`; nothing here was typed by hand. The tables
of one section come from one run on one computer: each case has a process of its own, round after round, and each
round begins with another case. Ratios are taken within a round. The warm-up is not timed.

All agents learn from batches of 32 out of a replay of {REPLAY:,} steps (the post's; a larger one slows keras-rl2 down,
and the others not), play 10 % random actions, and keep a log file and a progress bar, as in the notebooks. The RAM
agent is the post's, with nothing scaled; on pixels keras-rl2 scales in its processor and `FastDQNAgent` inside its
graph. `fit_parallel` runs {NB_ENVS} emulators.

The arithmetic limit is TensorFlow's own product of two large matrices (float32, 1024 or 2048 rows), measured in the
same rounds; an update's arithmetic is counted from the layers' shapes: two passes forward and one backward for each
of its 32 states, without the gradient of the first layer's input. Memory is the most that the process held.
"""

DIFFERENCES = {
    "peers-ram": """\
All programs share the game with sticky actions (0.25) and frame skips of 2 to 4, three observations of 128 raw bytes,
layers of 512 and 128, batches of 32, one target network copied every 10,000 steps, Adam with the same learning rate
and epsilon, 10 % random actions. These differ:

- **Stable-Baselines3** has six plain outputs and no dueling heads, Huber's loss, and gradients clipped to a norm of
  10; it skips the forward pass for random actions, and its replay holds each state twice. It writes no log file and
  shows no progress bar. Its 8 emulators step one after the other (DummyVecEnv), with two updates after each eight
  steps.
- The **minimal PyTorch loop**, in the style of CleanRL, has the same dueling network and squared error as ours, and
  its replay in NumPy arrays; it writes no log file, shows no progress bar, and takes random actions without a
  forward pass.
- The peers run the newer emulator (ale-py) on a newer Python; keras-rl2 and ours the pinned atari_py on Python 3.7.
""",
    "peers-small": """\
All programs share the game with sticky actions (0.25) and frame skips of 2 to 4, four grey screens of 84x84, the
convolutional network of Mnih et al. 2015, batches of 32, Adam with the same learning rate and epsilon, rewards
clipped, 10 % random actions.

Stable-Baselines3 differs: it has six plain outputs and no dueling heads, Huber's loss, and gradients clipped to a
norm of 10; it sees the last frame alone, shrunk by OpenCV, where ours takes the brighter of
the last two; it skips the forward pass for random actions; it runs the newer emulator (ale-py) on a newer Python.
""",
}
