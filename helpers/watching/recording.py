"""Record a game without a display, and show it inline: short clips as moving PNG, whole games as H.264 video."""
import base64
import io
import tempfile
import zlib
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import gym
import imageio
import numpy as np
from IPython.display import Image as InlineImage
from IPython.display import Video
from PIL import Image, ImageDraw

from helpers.game.wrappers import ScoreKeeper
from helpers.measuring.play import Player, play_games
from helpers.watching import q_bars
from helpers.watching.moving_png import write_moving_png

FRAMES_PER_SECOND = 60
"""The console draws 60 emulator frames a second (NTSC)."""

CAPTION_HEIGHT = 24
"""Pixels under the game, after enlarging, for score, step and action; even, as H.264 wants it."""


class Moment(NamedTuple):
    """What was on the screen after one agent step."""

    screen: bytes  # zlib-compressed uint8 RGB: about 1 kB instead of 100 kB
    frames: int  # emulator frames that this step lasted
    action: Optional[int]  # None right after reset
    score: float  # game points so far
    q_values: Optional[Tuple[float, ...]] = None  # from which `action` was chosen, so of the state before; if known


class Recorder(ScoreKeeper):
    """Take a picture after each step of the wrapped environment, and count its points."""

    def __init__(self, env: gym.Env):
        super().__init__(env)
        self.moments: List[Moment] = []
        self.shape: Tuple[int, ...] = ()
        meanings = getattr(env.unwrapped, "get_action_meanings", None)  # not every gym game is an Atari game
        nb_actions = getattr(env.action_space, "n", 0)  # who has other actions is refused later
        self.action_names = meanings() if meanings else [str(action) for action in range(nb_actions)]

    def reset(self, **kwargs: Any) -> np.ndarray:
        observation = super().reset(**kwargs)
        self.moments = []
        self._clock = self._frame_number()  # not 0 where a reset goes on with the game
        self._take(action=None)
        return observation

    def step(self, action: int) -> Tuple[np.ndarray, float, bool, Dict]:
        outcome = super().step(action)
        self._take(int(action))
        return outcome

    def _take(self, action: Optional[int]) -> None:
        screen = self.env.render(mode="rgb_array")
        clock = self._frame_number()
        self.shape = screen.shape
        self.moments.append(Moment(zlib.compress(screen.tobytes(), 1), max(1, clock - self._clock), action,
                                   self.score))
        self._clock = clock

    def _frame_number(self) -> int:
        """Return the console's frame number; in games without one, the number of moments."""
        ale = getattr(self.unwrapped, "ale", None)
        return ale.getEpisodeFrameNumber() if ale else len(self.moments)


class Recording:
    """One recorded game: its moments, and ways to look at them.

    Attributes:
        moments: one for the start and one for each agent step.
    """

    def __init__(self, moments: List[Moment], shape: Tuple[int, ...], action_names: List[str]):
        self.moments, self.shape, self.action_names = moments, shape, action_names
        self._axis_known = 0, q_bars.axis_for([])  # the axis for so many moments

    @property
    def score(self) -> float:
        """Points at the end of the recording."""
        return self.moments[-1].score

    @property
    def seconds(self) -> float:
        """Length at the speed at which the console plays."""
        return sum(moment.frames for moment in self.moments) / FRAMES_PER_SECOND

    def __repr__(self) -> str:
        return f"<Recording: {self.score:.0f} points in {len(self.moments) - 1} steps, {self.seconds:.1f} s>"

    def frame(self, step: int, scale: int = 1, caption: bool = False, q_values: bool = False) -> np.ndarray:
        """Draw the screen after step `step`, uint8 (height * scale [+ CAPTION_HEIGHT], width * scale [+ WIDTH], 3).

        Args:
            caption: write under it the points, the step, and the action that led here.
            q_values: draw beside it the Q-values of what is seen (see `helpers.watching.q_bars`), and which action is
                chosen next; none after the last step. In place of the caption's action.

        Raises:
            ValueError: this recording knows no Q-values.
        """
        moment = self.moments[step]
        screen = np.frombuffer(zlib.decompress(moment.screen), np.uint8).reshape(self.shape)
        screen = screen.repeat(scale, axis=0).repeat(scale, axis=1)
        if not (caption or q_values):
            return screen
        height, width = screen.shape[:2]
        picture = Image.new("RGB", (width + q_bars.WIDTH * q_values, height + CAPTION_HEIGHT * caption))
        picture.paste(Image.fromarray(screen))
        if caption:
            action = "" if moment.action is None or q_values else self.action_names[moment.action]
            ImageDraw.Draw(picture).text((4, height + 6), f"{moment.score:5.0f} points  step {step}  {action}")
        if q_values:
            chosen, values = self.choice(step)
            bars = q_bars.draw_q_values(self.action_names, values, chosen, self._axis(), height)
            picture.paste(bars, (width, 0))
        return np.asarray(picture)

    def choice(self, step: int) -> Tuple[Optional[int], Optional[Tuple[float, ...]]]:
        """Return the action chosen on the screen after step `step`, and the Q-values of that state; None if unknown.

        Nothing is chosen after the last step.
        """
        after = step % len(self.moments) + 1  # a step below 0 counts from the end
        if after == len(self.moments):
            return None, None
        return self.moments[after].action, self.moments[after].q_values

    def describe(self, step: int) -> str:
        """Say in words what `frame` shows with its Q-values: for who can't see the picture."""
        chosen, values = self.choice(step)
        words = f"Step {step}, {self.moments[step].score:.0f} points"
        if chosen is None:
            return f"{words}: the end of the recording."
        q_values = ", ".join(f"{name} {value:.3f}" for name, value in zip(self.action_names, values or ()))
        return f"{words}, chosen: {self.action_names[chosen]}." + (f" Q-values: {q_values}." if values else "")

    def _axis(self) -> q_bars.Axis:
        """Choose one axis for all steps, so that bars of two pictures can be compared."""
        if self._axis_known[0] != len(self.moments):
            known = [moment.q_values for moment in self.moments if moment.q_values]
            if not known and len(self.moments) > 1:
                raise ValueError("Received q_values=True, but this recording knows no Q-values; expected the recording "
                                 "of an agent. Make it with watch_game, or leave q_values out.")
            self._axis_known = len(self.moments), q_bars.axis_for(known)
        return self._axis_known[1]

    def _steps(self, start: float, seconds: float) -> List[int]:
        """Return the steps that begin between `start` and `start + seconds` seconds of play."""
        begins = np.cumsum([0] + [moment.frames for moment in self.moments[:-1]]) / FRAMES_PER_SECOND
        return [step for step, begin in enumerate(begins) if start <= begin < start + seconds]

    def save_apng(self, path: Any, start: float = 0, seconds: float = 8, scale: int = 2, caption: bool = True,
                  q_values: bool = False) -> None:
        """Write a moving PNG at the console's speed; see `write_moving_png`.

        Args:
            path: a path or an open binary file.
            start, seconds: the part of the game, in seconds of play.
            scale, caption, q_values: as in `frame`.

        Raises:
            ValueError: the game was over before `start`.
        """
        steps = self._steps(start, seconds)
        if not steps:
            raise ValueError(f"start is {start} s; expected less than the {self.seconds:.1f} s of this recording. "
                             "Start earlier.")
        write_moving_png(path, ((Image.fromarray(self.frame(step, scale, caption, q_values)),
                                 1000 * self.moments[step].frames / FRAMES_PER_SECOND) for step in steps))

    def save_video(self, path: Path, scale: int = 2, caption: bool = True, q_values: bool = False) -> None:
        """Write the whole recording as H.264 at 60 frames a second, one frame of video for each emulator frame."""
        with imageio.get_writer(str(path), fps=FRAMES_PER_SECOND, codec="libx264", macro_block_size=2,
                                pixelformat="yuv420p", output_params=["-preset", "veryfast"]) as writer:
            for picture in self._emulator_frames(scale, caption, q_values):
                writer.append_data(picture)

    def _emulator_frames(self, scale: int, caption: bool, q_values: bool) -> Iterator[np.ndarray]:
        for step, moment in enumerate(self.moments):
            picture = self.frame(step, scale, caption, q_values)
            for _ in range(moment.frames):
                yield picture

    def clip(self, start: float = 0, seconds: float = 8, scale: int = 2, caption: bool = True,
             q_values: bool = False) -> InlineImage:
        """Make a short clip, a cell's last line; it is stored with the notebook and moves in GitHub's preview."""
        buffer = io.BytesIO()
        self.save_apng(buffer, start, seconds, scale, caption, q_values)
        return InlineImage(data=buffer.getvalue(), format="png")

    def video(self, scale: int = 2, caption: bool = True, q_values: bool = False) -> Video:
        """Make a video of the whole game, with controls, a cell's last line; the notebook does not store it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "game.mp4"
            self.save_video(path, scale, caption, q_values)
            data = base64.b64encode(path.read_bytes()).decode()
        return Video(data=data, embed=True, mimetype="video/mp4", html_attributes="controls autoplay muted loop")


def record_game(env: gym.Env, player: Player, seed: Optional[int] = None, max_steps: int = 10_000) -> Recording:
    """Play one game and record it; no display is needed, unless the environment draws in a window, as CartPole does.

    Args:
        env: a gym environment that can render to `rgb_array`. Points are those of a `ScoreKeeper` in it, if there is
            one, such as `make_game` puts there; otherwise the rewards that it gives.
        player: a function from an observation to an action, or a keras-rl2 agent, which plays by its `test_policy`.
        seed: as in `play_games`.
        max_steps: stop after so many agent steps; bounds the memory, about 1 kB a step.
    """
    recorder = Recorder(env)
    play_games(recorder, player, nb_games=1, seed=seed, max_steps=max_steps)
    return Recording(recorder.moments, recorder.shape, recorder.action_names)
