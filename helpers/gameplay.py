"""Record a game without a display, and show it inline: short clips as moving PNG, whole games as H.264 video."""
import base64
import io
import tempfile
import zlib
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import gym
import imageio
import numpy as np
from IPython.display import Image as InlineImage
from IPython.display import Video
from PIL import Image, ImageDraw

from helpers.evaluate import Measurement, Player, play_games
from helpers.games import make_game
from helpers.parallel_games import play_in_parallel

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


class _Recorder(gym.Wrapper):
    """Take a picture after each step of the wrapped environment."""

    def __init__(self, env: gym.Env):
        super().__init__(env)
        self.moments: List[Moment] = []
        self.shape: Tuple[int, ...] = ()

    def reset(self, **kwargs: Any) -> np.ndarray:
        observation = self.env.reset(**kwargs)
        self.moments, self._clock = [], 0
        self._take(action=None, score=0.0)
        return observation

    def step(self, action: int) -> Tuple[np.ndarray, float, bool, Dict]:
        observation, reward, done, info = self.env.step(action)
        self._take(int(action), self.moments[-1].score + reward)
        return observation, reward, done, info

    def _take(self, action: Optional[int], score: float) -> None:
        screen = self.env.render(mode="rgb_array")
        ale = getattr(self.unwrapped, "ale", None)  # not every gym game is an Atari game
        clock = ale.getEpisodeFrameNumber() if ale else len(self.moments)
        self.shape = screen.shape
        self.moments.append(Moment(zlib.compress(screen.tobytes(), 1), max(1, clock - self._clock), action, score))
        self._clock = clock


class Recording:
    """One recorded game: its moments, and ways to look at them.

    Attributes:
        moments: one for the start and one for each agent step.
        score: points at the end of the recording.
        seconds: length at the speed at which the console plays.
    """

    def __init__(self, moments: List[Moment], shape: Tuple[int, ...], action_names: List[str]):
        self.moments, self.shape, self.action_names = moments, shape, action_names
        self.score = moments[-1].score
        self.seconds = sum(moment.frames for moment in moments) / FRAMES_PER_SECOND

    def __repr__(self) -> str:
        return f"<Recording: {self.score:.0f} points in {len(self.moments) - 1} steps, {self.seconds:.1f} s>"

    def frame(self, step: int, scale: int = 1, caption: bool = False) -> np.ndarray:
        """The screen after agent step `step`, uint8 of shape (height * scale [+ CAPTION_HEIGHT], width * scale, 3)."""
        moment = self.moments[step]
        screen = np.frombuffer(zlib.decompress(moment.screen), np.uint8).reshape(self.shape)
        screen = screen.repeat(scale, axis=0).repeat(scale, axis=1)
        if not caption:
            return screen
        picture = Image.new("RGB", (screen.shape[1], screen.shape[0] + CAPTION_HEIGHT))
        picture.paste(Image.fromarray(screen))
        action = "" if moment.action is None else self.action_names[moment.action]
        ImageDraw.Draw(picture).text((4, screen.shape[0] + 6), f"{moment.score:5.0f} points  step {step}  {action}")
        return np.asarray(picture)

    def _steps(self, start: float, seconds: float) -> List[int]:
        """The steps that begin between `start` and `start + seconds` seconds of play."""
        begins = np.cumsum([0] + [moment.frames for moment in self.moments[:-1]]) / FRAMES_PER_SECOND
        return [step for step, begin in enumerate(begins) if start <= begin < start + seconds]

    def save_apng(self, path: Any, start: float = 0, seconds: float = 8, scale: int = 2, caption: bool = True) -> None:
        """Write a moving PNG that repeats for ever, at the console's speed; an old viewer shows its first frame.

        Args:
            path: a path or an open binary file.
            start, seconds: the part of the game, in seconds of play.

        Raises:
            ValueError: the game was over before `start`.
        """
        pictures: List[Image.Image] = []
        durations: List[float] = []  # milliseconds
        for step in self._steps(start, seconds):
            picture = Image.fromarray(self.frame(step, scale, caption))
            milliseconds = 1000 * self.moments[step].frames / FRAMES_PER_SECOND
            if pictures and pictures[-1].tobytes() == picture.tobytes():
                durations[-1] += milliseconds  # Pillow 7.2 can't write two equal frames in a row
            else:
                pictures.append(picture)
                durations.append(milliseconds)
        if not pictures:
            raise ValueError(f"Received start={start} s, but this recording lasts {self.seconds:.1f} s. Start earlier.")
        pictures[0].save(path, "PNG", save_all=True, append_images=pictures[1:], duration=durations, loop=0)

    def save_video(self, path: Path, scale: int = 2, caption: bool = True) -> None:
        """Write the whole recording as H.264 at 60 frames a second, one frame of video for each emulator frame."""
        with imageio.get_writer(str(path), fps=FRAMES_PER_SECOND, codec="libx264", macro_block_size=2,
                                pixelformat="yuv420p", output_params=["-preset", "veryfast"]) as writer:
            for picture in self._emulator_frames(scale, caption):
                writer.append_data(picture)

    def _emulator_frames(self, scale: int, caption: bool) -> Iterator[np.ndarray]:
        for step, moment in enumerate(self.moments):
            picture = self.frame(step, scale, caption)
            for _ in range(moment.frames):
                yield picture

    def clip(self, start: float = 0, seconds: float = 8, scale: int = 2, caption: bool = True) -> InlineImage:
        """A short clip to be the last line of a cell; it is stored with the notebook and moves in GitHub's preview."""
        buffer = io.BytesIO()
        self.save_apng(buffer, start, seconds, scale, caption)
        return InlineImage(data=buffer.getvalue(), format="png")

    def video(self, scale: int = 2, caption: bool = True) -> Video:
        """The whole game as a video with controls, to be the last line of a cell; it is not stored in the notebook."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "game.mp4"
            self.save_video(path, scale, caption)
            data = base64.b64encode(path.read_bytes()).decode()
        return Video(data=data, embed=True, mimetype="video/mp4", html_attributes="controls autoplay muted loop")


def record_game(env: gym.Env, player: Player, seed: Optional[int] = None, max_steps: int = 10_000) -> Recording:
    """Play one game and record it; no display is needed.

    Args:
        env: a gym environment that can render to `rgb_array`.
        player: a function from an observation to an action, or a keras-rl2 agent, which plays by its `test_policy`.
        seed: as in `play_games`.
        max_steps: stop after so many agent steps; bounds the memory, about 1 kB a step.
    """
    recorder = _Recorder(env)
    play_games(recorder, player, nb_games=1, seed=seed, max_steps=max_steps)
    meanings = getattr(env.unwrapped, "get_action_meanings", None)
    names = meanings() if meanings else [str(action) for action in range(env.action_space.n)]
    return Recording(recorder.moments, recorder.shape, names)


def record_measured_game(player: Player, measured: Measurement, game: int,
                         make_env: Optional[Callable[[], gym.Env]] = None) -> Recording:
    """Play one of the games that `measure` played once more, step for step, and record it.

    Args:
        player: who played it.
        measured: what `measure` returned.
        game: its number: `measured.scores[game]` is its score.
        make_env: as it was given to `measure`.

    Raises:
        ValueError: there is no such game.
    """
    if not 0 <= game < measured.requested:
        raise ValueError(f"game is {game}; expected 0 to {measured.requested - 1}, the numbers of the games measured.")
    env = _Recorder(make_env() if make_env else make_game(measured.env_id))
    play_in_parallel(player, lambda: env, [game], measured.seed, measured.epsilon)
    return Recording(env.moments, env.shape, env.unwrapped.get_action_meanings())
