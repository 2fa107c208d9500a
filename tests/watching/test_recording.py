"""Recordings of the real game: right speed, right captions, files that a browser can play."""
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from gym.wrappers import TransformReward
from PIL import Image

from helpers.game.environment import PIXELS, RAM, make_game, seed_game
from helpers.game.wrappers import LifeAsEpisode
from helpers.measuring.play import play_games, random_player
from helpers.measuring.protocol import measure
from helpers.watching.live_game import LiveGame
from helpers.watching.recording import CAPTION_HEIGHT, FRAMES_PER_SECOND, record_game


@pytest.fixture(scope="module")
def recording():
    env = make_game(RAM)
    return record_game(env, random_player(env), seed=1)


def test_a_recording_holds_the_whole_game(recording):
    env = make_game(RAM)
    seed_game(env, 1)
    env.reset()
    done, screens = False, [env.render(mode="rgb_array")]
    while not done:
        _, _, done, _ = env.step(env.action_space.sample())
        screens.append(env.render(mode="rgb_array"))
    assert len(recording.moments) == len(screens)
    assert all((recording.frame(step) == screen).all() for step, screen in enumerate(screens))
    assert recording.score == env.scores[0]
    assert recording.seconds == pytest.approx(env.unwrapped.ale.getEpisodeFrameNumber() / FRAMES_PER_SECOND, abs=0.1)


def test_a_recording_that_begins_in_the_middle_of_a_game_is_not_longer_for_it():
    env = LifeAsEpisode(make_game(RAM))
    lives = [record_game(env, random_player(env), seed=seed) for seed in (1, None, None)]
    assert all(life.moments[0].frames == 1 for life in lives)
    frames = env.unwrapped.ale.getEpisodeFrameNumber()
    assert sum(life.seconds for life in lives) == pytest.approx(frames / FRAMES_PER_SECOND, abs=0.2)


def test_same_seed_same_recording_on_pixels_and_ram(recording):
    env = make_game(PIXELS)
    assert record_game(env, random_player(env), seed=1).moments == recording.moments


def test_points_are_the_games_own_whatever_a_wrapper_makes_of_them():
    def make_env():
        return TransformReward(make_game(RAM, 1), np.sign)

    assert record_game(make_env(), lambda observation: 1, seed=1).score == 285
    assert play_games(make_env(), lambda observation: 1, 1, seed=1).tolist() == [285]
    assert measure(lambda observation: 1, nb_games=1, epsilon=0, make_env=make_env).scores.tolist() == [285]
    assert LiveGame(lambda observation: 1, make_env, epsilon=0).play(10_000).score == 285


def test_memory_is_bounded(recording):
    assert sum(len(moment.screen) for moment in recording.moments) < 3_000 * len(recording.moments)
    env = make_game(RAM)
    assert len(record_game(env, random_player(env), seed=1, max_steps=50).moments) == 51


def test_captions_stand_under_the_frame_on_demand(recording):
    plain, captioned = recording.frame(100, scale=2), recording.frame(100, scale=2, caption=True)
    assert plain.shape == (420, 320, 3) and captioned.shape == (420 + CAPTION_HEIGHT, 320, 3)
    assert (captioned[:420] == plain).all() and captioned[420:].max() > 200
    assert (captioned[420:] != recording.frame(101, scale=2, caption=True)[420:]).any()


def test_a_clip_moves_at_the_consoles_speed(recording, tmp_path):
    path = tmp_path / "clip.png"
    recording.save_apng(path, start=2, seconds=5)
    with Image.open(path) as clip:
        assert clip.is_animated and clip.size == (320, 420 + CAPTION_HEIGHT)
        milliseconds = 0
        for index in range(clip.n_frames):
            clip.seek(index)
            milliseconds += clip.info["duration"]
    assert milliseconds == pytest.approx(5000, rel=0.02)
    assert path.stat().st_size < 200_000
    assert recording.clip(start=2, seconds=5).data == path.read_bytes()
    with pytest.raises(ValueError, match="Start earlier"):
        recording.clip(start=recording.seconds + 1)


def test_a_game_still_on_the_screen_can_be_clipped(recording):
    # Without captions the first second holds equal pictures in a row, which Pillow 7.2 can't write by itself.
    assert recording.clip(start=0, seconds=1, caption=False).data.startswith(b"\x89PNG")


def test_a_video_is_h264_of_the_right_length(recording, tmp_path):
    path = tmp_path / "game.mp4"
    recording.save_video(path)
    probe = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path), "-f", "null", "-"],
                           stderr=subprocess.PIPE, text=True).stderr
    assert "h264" in probe and "yuv420p" in probe and "320x444" in probe and "60 fps" in probe
    assert f"frame={int(recording.seconds * FRAMES_PER_SECOND + 0.5)}" in probe.replace("frame= ", "frame=")
    html = recording.video()._repr_html_()
    assert "data:video/mp4;base64," in html and "controls" in html


def test_an_agent_can_be_recorded():
    from helpers.agents.build import build_agent
    from helpers.agents.inputs import ScaleAndClip
    from helpers.agents.networks import build_ram_model

    agent = build_agent(build_ram_model(128, 6), 6, processor=ScaleAndClip())
    env = make_game(RAM)
    recording = record_game(env, agent, seed=1, max_steps=200)
    assert len(recording.moments) == 201 and recording.score == env.score
