"""See training as it happens: a bar with the time left, and a plot that redraws in place."""
import io
import sys
import time
from typing import Any, Dict, List, Optional

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, Pretty, display
from matplotlib.figure import Figure
from rl.callbacks import Callback
from tqdm import tqdm

from helpers.game.wrappers import finished_game
from helpers.runs.folder import Run
from helpers.runs.plots import plot_progress

MEAN_GAMES = 20
"""Last games whose mean score stands in the bar."""

REDRAW_SHARE = 0.01
"""At most this share of the training time goes into drawing the live plot."""


class ProgressBar(Callback):
    """A bar with agent steps a second, time left, games played and the mean score of the last games.

    Args:
        every: seconds between two redraws.
    """

    def __init__(self, every: float = 0.5):
        super().__init__()
        self.every = every
        self._scores: List[float] = []  # kept when training is resumed

    def on_train_begin(self, logs: Optional[Dict] = None) -> None:
        self._bar: Optional[tqdm] = None

    def on_step_end(self, step: int, logs: Dict[str, Any]) -> None:
        if self._bar is None:  # only now is it known at which step a resumed run begins
            # A text bar on standard output: it looks the same in Lab, VS Code, a terminal and a stored notebook.
            self._bar = tqdm(total=self.params["nb_steps"], initial=int(self.model.step), unit=" steps",
                             file=sys.stdout, mininterval=self.every, ncols=96)
        self._bar.update(min(1, self._bar.total - self._bar.n))  # a parallel round may go beyond

    def on_episode_end(self, episode: int, logs: Dict[str, Any]) -> None:
        game = finished_game(self.env, logs)
        if game is None:
            return
        self._scores.append(game[0])
        scores = self._scores[-MEAN_GAMES:]
        games = "1 game" if len(self._scores) == 1 else f"{len(self._scores)} games"
        self._bar.set_postfix_str(f"{games}, mean of last {len(scores)}: {np.mean(scores):.0f}", refresh=False)

    def on_train_end(self, logs: Optional[Dict] = None) -> None:
        if self._bar is not None:
            self._bar.close()

    def get_state(self) -> List[float]:
        """Return, for a checkpoint, the scores so far."""
        return self._scores

    def set_state(self, state: List[float]) -> None:
        """Go on from a checkpoint."""
        self._scores = state


class LivePlot(Callback):
    """Plot the run's score, epsilon and mean Q-value while it trains, one picture that is replaced in place.

    It redraws when a game is over and the last redraw is `every` seconds old, or longer where a redraw is slow (see
    REDRAW_SHARE). A run in which no game was finished has nothing to plot, and says so.
    """

    def __init__(self, run: Run, every: float = 15.0):
        super().__init__()
        self.run = run
        self.every = every

    def on_train_begin(self, logs: Optional[Dict] = None) -> None:
        self._handle = None
        # takes its place before a bar begins: a plot in the middle of the bar's line would leave half of it standing
        self._show(Pretty("The plot appears here once a game is over."))
        self._next = time.perf_counter() + self.every

    def on_episode_end(self, episode: int, logs: Dict[str, Any]) -> None:
        if time.perf_counter() >= self._next:
            began = time.perf_counter()
            self.draw()
            cost = time.perf_counter() - began
            self._next = began + max(self.every, cost / REDRAW_SHARE)

    def on_train_end(self, logs: Optional[Dict] = None) -> None:
        if len(self.run.episodes):
            self.draw()
        else:
            self._show(Pretty("No game was finished yet, so there is no score to plot."))

    def draw(self) -> None:
        """Draw the run as it is now, in place of the picture before."""
        figure, axes = plt.subplots(1, 3, figsize=(12, 3.2))
        figure.subplots_adjust(left=0.06, right=0.99, bottom=0.16, wspace=0.25)  # thrice as fast as a layout engine
        plot_progress(self.run.episodes, axes)
        self._show(_as_png(figure))

    def _show(self, what: Any) -> None:
        if self._handle is None:
            self._handle = display(what, display_id=True)
        else:
            self._handle.update(what)


def _as_png(figure: Figure) -> Image:
    """Draw the figure as a picture of its own, and close it, so that the notebook does not show it a second time."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return Image(data=buffer.getvalue(), format="png")
