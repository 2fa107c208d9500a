"""Pick an agent, a seed and an epsilon, press Play, and watch the game with its Q-values: `GamePlayer`.

The pictures are those of `watch_game(...).frame(step, q_values=True)`, which needs no widget; the last digits of a
Q-value may differ (see `DensePlayer`).
"""
import html
import io
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

import ipywidgets as widgets
from PIL import Image

from helpers.agents.recipes import Recipe
from helpers.measuring.shipped import build_to_measure, check_weights, identify, list_agents, shipped_recipe
from helpers.runs.folder import Run, load_runs
from helpers.watching.dense_player import DensePlayer
from helpers.watching.live_game import LiveGame

FIRST_STEPS = 60
"""Agent steps that are played before the first picture, three seconds of the game: one need not wait for all of it."""

STEPS_A_PICTURE = 4
"""Agent steps that are played at each picture until the game is over: it is played faster than it is watched."""

SPEEDS = {"a tenth": 500, "a quarter": 200, "half": 100, "as on the console": 50}
"""Milliseconds for each agent step, which lasts 3 emulator frames in the mean, each a sixtieth of a second."""

Loader = Callable[[], Tuple[Any, Optional[Recipe]]]
"""Loads an agent, and its recipe if it is known."""


def find_agents(weights: Optional[Path] = None, runs: Optional[Path] = None) -> Dict[str, Loader]:
    """Find the agents in the folder weights/, then the runs in runs/ that have saved weights, the newest first.

    Returns:
        for each name a function that loads that agent; it raises ValueError or FileNotFoundError if that fails.

    Raises:
        ValueError: the manifest is damaged.
    """
    found: Dict[str, Loader] = {name: lambda name=name: load_shipped(name, weights) for name in list_agents(weights)}
    for run in reversed(load_runs("", runs)):
        if newest_weights(run):
            found[f"runs/{run.name}"] = lambda run=run: load_run(run)
    return found


def newest_weights(run: Run) -> Optional[Path]:
    """Find the weights at the end of the run's training, or the last that it saved; None if there are none."""
    end = run.folder / "weights.h5"
    return end if end.exists() else (run.checkpoints or [None])[-1]


def load_shipped(name: str, folder: Optional[Path] = None) -> Tuple[Any, Recipe]:
    """Load the agent `name` of weights/ and its recipe; one on the RAM as a `DensePlayer`, which is there at once.

    Raises:
        ValueError, FileNotFoundError: its file is not the one that was measured, or not there.
    """
    weights, made = check_weights(name, folder), shipped_recipe(name, folder)
    return (DensePlayer(made, weights) if made.is_dense else build_to_measure(made, weights)), made


def load_run(run: Run) -> Tuple[Any, Recipe]:
    """Load the agent that a run trained, with its newest weights, and its recipe.

    Raises:
        ValueError: the run does not say which agent it trained, or the weights are another network's.
    """
    weights = newest_weights(run)
    found = identify(weights)
    if found.recipe is None:
        raise ValueError(f"runs/{run.name} does not say how its agent is built; expected \"agent\" or \"network\" "
                         "in its hyperparameters.json, as notebook 06 writes it. In the notebook that trained it, "
                         "GamePlayer({\"my agent\": agent}) plays it.")
    return build_to_measure(found.recipe, weights), found.recipe


class GamePlayer(widgets.VBox):
    """Buttons to pick an agent, a seed and an epsilon, and to watch the game that `measure` plays first with them.

    The game is played while it is watched, so the first picture comes at once; the slider goes as far as it was played.

    Args:
        agents: agents in memory, by name, beside those in the folders.
        weights: the folder of the trained agents; None for weights/.
        runs: the folder of your runs; None for runs/.

    Attributes:
        agent, seed, epsilon, start, speed: what one sets and presses.
        play, step: what plays the recording, and the slider.
        picture, words: the game with its Q-values, and the same in words.
        message: what went wrong, or what to wait for.
        game: the game that is shown; None before the first.
    """

    def __init__(self, agents: Optional[Dict[str, Any]] = None, *, weights: Optional[Path] = None,
                 runs: Optional[Path] = None):
        self.game: Optional[LiveGame] = None
        self.message = widgets.HTML()
        self._loaders: Dict[str, Loader] = {name: lambda agent=agent: (agent, None)
                                            for name, agent in (agents or {}).items()}
        self._loaded: Dict[str, Tuple[Any, Optional[Recipe]]] = {}
        try:
            self._loaders.update(find_agents(weights, runs))
        except ValueError as error:
            self._say(str(error))
        self._build()
        if not self._loaders and not self.message.value:
            self._say("There is no trained agent yet: weights/ and runs/ hold none. Train one (make train-ram does), "
                      "and run this cell again.")
        super().__init__([self._settings, self.message, self._viewer])

    def _build(self) -> None:
        """Make the controls and connect them."""
        style, small = {"description_width": "initial"}, widgets.Layout(width="130px")
        self.agent = widgets.Dropdown(options=list(self._loaders), description="Agent", style=style,
                                      layout=widgets.Layout(width="260px"))
        self.seed = widgets.BoundedIntText(1, 0, 2**31 - 1, description="Seed", style=style, layout=small)
        self.epsilon = widgets.BoundedFloatText(0.05, min=0, max=1, step=0.01, description="Epsilon", style=style,
                                                layout=small, tooltip="share of random actions")
        self.start = widgets.Button(description="Play", icon="play", button_style="primary",
                                    disabled=not self._loaders, layout=widgets.Layout(width="90px"))
        self.play = widgets.Play(show_repeat=False, interval=SPEEDS["as on the console"])
        self.step = widgets.IntSlider(description="Step", style=style, layout=widgets.Layout(flex="1 1 200px"))
        self.speed = widgets.Dropdown(options=SPEEDS, value=self.play.interval, description="Speed", style=style,
                                      layout=widgets.Layout(width="210px"))
        fits = widgets.Layout(align_self="flex-start", max_width="calc(100% - 4px)")  # a widget's margins are 2 pixels
        self.picture = widgets.Image(format="png", layout=fits)
        self.words = widgets.HTML()  # an Image of ipywidgets 8.1 can't have a text alternative, nor a tooltip
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center", max_width="100%")
        self._settings = widgets.HBox([self.agent, self.seed, self.epsilon, self.start], layout=wrap)
        controls = widgets.HBox([self.play, self.step, self.speed], layout=wrap)
        self._viewer = widgets.VBox([self.picture, controls, self.words], layout=widgets.Layout(display="none"))
        widgets.jslink((self.play, "value"), (self.step, "value"))
        self.start.on_click(self._begin)
        self.step.observe(lambda change: self._show(), "value")
        self.speed.observe(lambda change: self.play.set_trait("interval", change.new), "value")

    def _begin(self, button: Any) -> None:
        """Load the agent that was picked, play its first steps, and start the show."""
        name = self.agent.value
        self.start.disabled, self.play.playing = True, False
        self._say("" if name in self._loaded else f"Loading {name}; the first time this takes some seconds.")
        try:
            if name not in self._loaded:
                self._loaded[name] = self._loaders[name]()
            agent, made = self._loaded[name]
            game = LiveGame(agent, made.make_env if made else None, self.seed.value, self.epsilon.value)
            game.play(FIRST_STEPS)
        except Exception as error:  # whatever it is: nobody looks into the log, where a button's errors go
            self._viewer.layout.display = "none"
            self._say(str(error) or repr(error))
            return
        finally:
            self.start.disabled = False
        self._say("")
        self.game = game
        self.step.value = self.play.value = 0
        self.step.max = self.play.max = len(game.moments) - 1
        self._show()
        self._viewer.layout.display = None
        self.play.playing = True

    def _show(self) -> None:
        """Draw the step at which the slider stands, and play on a little."""
        game = self.game.play(STEPS_A_PICTURE)
        last = len(game.moments) - 1
        if game.over or self.step.value > self.step.max - FIRST_STEPS // 2:
            self.step.max = self.play.max = last
        buffer = io.BytesIO()
        step = min(self.step.value, last)
        Image.fromarray(game.frame(step, scale=2, caption=True, q_values=True)).save(buffer, "PNG", compress_level=1)
        self.picture.value = buffer.getvalue()
        self.words.value = html.escape(game.describe(step))

    def _say(self, text: str) -> None:
        self.message.value = f'<span role="status">{html.escape(text)}</span>' if text else ""
