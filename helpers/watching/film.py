"""A film strip: some moments of a game side by side, and under each the Q-values from which the agent chose."""
from typing import Any, Optional, Sequence, Tuple

import gym
import matplotlib.pyplot as plt
import numpy as np

from helpers.watching.live_game import LiveGame
from helpers.watching.q_bars import CHOSEN, OTHER

SHORT = {"NOOP": "–", "FIRE": "F", "RIGHT": "R", "LEFT": "L", "RIGHTFIRE": "RF", "LEFTFIRE": "LF"}
"""Names of actions that fit under a bar."""


class BothFrames(gym.Wrapper):
    """An Atari game whose pictures are the brighter of two frames, this one and the next: nothing flickers.

    Space Invaders draws bombs in one frame and your shot in the next, by turns. The next frame is looked at and then
    taken back, random numbers included, so the game stays the same.
    """

    def __init__(self, env: gym.Env):
        super().__init__(env)

    def render(self, mode: str = "rgb_array", **kwargs: Any) -> np.ndarray:
        env = self.unwrapped
        screen, state = self.env.render(mode, **kwargs), env.clone_full_state()
        env.ale.act(0)
        brighter = np.maximum(screen, self.env.render(mode, **kwargs))
        env.restore_full_state(state)
        return brighter


def draw_film_strip(recording: LiveGame, steps: Sequence[int], axes: Optional[np.ndarray] = None, *,
                    titles: Optional[Sequence[str]] = None, rows: Tuple[int, int] = (0, 210),
                    columns: Tuple[int, int] = (0, 160)) -> np.ndarray:
    """Draw the screens after these steps, and under each a bar for every action; the chosen one is orange.

    All bars share one axis: from frame to frame they show whether what the agent expects grows or collapses.

    Args:
        recording: of an agent, made by `watch_game`; best of a game in `BothFrames`, where all that flies is seen.
        steps: as in `Recording.frame`; after the last one nothing is chosen, so it has no bars.
        axes: [2, steps] of them, screens above; None for a new figure.
        titles: one over each screen; None for the steps' numbers.
        rows, columns: of pixels, the first that is shown and the first that is not.

    Raises:
        ValueError: the recording knows no Q-values of one of the steps.
    """
    choices = [recording.choice(step) for step in steps]
    for step, (chosen, values) in zip(steps, choices):
        if chosen is not None and values is None:
            raise ValueError(f"No Q-values are known after step {step}; expected the recording of an agent. Make it "
                             "with watch_game.")
    if axes is None:
        axes = plt.subplots(2, len(steps), figsize=(11, 3.6), dpi=72, squeeze=False, sharey="row",
                            gridspec_kw={"height_ratios": [1.6, 1], "hspace": 0.05, "wspace": 0.08})[1]
    names = [SHORT.get(name, name) for name in recording.action_names]
    known = [0.0, 0.1, *(value for _, values in choices for value in values or ())]
    for column, (step, (chosen, values)) in enumerate(zip(steps, choices)):
        above, below = axes[:, column]
        above.imshow(recording.frame(step)[slice(*rows), slice(*columns)])
        above.set_title(f"step {step}" if titles is None else titles[column], fontsize=10)
        above.axis("off")
        below.set_ylim(1.1 * min(known), 1.4 * max(known))
        below.tick_params(labelsize=8, length=0)
        if values is None:
            below.axis("off")
            continue
        below.bar(names, values, color=[CHOSEN if action == chosen else OTHER for action in range(len(names))])
        below.axhline(0, color="0.5", lw=0.8)
        below.set_title(f"highest: {max(values):.2f}", fontsize=9, y=0.8)
    axes[1, 0].set_ylabel("Q-value")
    return axes
