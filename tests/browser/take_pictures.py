"""Takes again the pictures of what only runs live, the player and TensorBoard, into notebooks/pictures/.

python tests/browser/take_pictures.py     called by `make screenshots`; some minutes, most of them for two trainings

A notebook's stored outputs can't hold either, so a cell under each shows what a reader would see: the real thing, in a
real JupyterLab, in a real browser.
"""
import io
import re
import sys
import tempfile
from pathlib import Path
from typing import Optional

import nbformat
from PIL import Image
from playwright.sync_api import Locator
from seat import Seat, chromium, step_in
from server import Lab

PROJECT = Path(__file__).resolve().parents[2]
VIEWPORT = {"width": 1480, "height": 1000}  # pixels, of a laptop's browser
COLOURS = 128  # enough for these pictures, and a third of the bytes
NB_STEPS = 60_000  # agent steps of each training: some eighty games, so the curves say something
STEPS_PLAYED = 150  # agent steps of the game before its picture is taken: bombs fall by then
PICTURES = {"game_player": "GamePlayer()", "tensorboard": "open_tensorboard()"}
"""The name of each picture, and what stands in the cell that shows it live."""


def store(element: Locator, path: Path, height: Optional[int] = None) -> None:
    """What can be seen of an element, as a small PNG; of its upper part, if a height in pixels is given."""
    picture = Image.open(io.BytesIO(element.screenshot())).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(height or picture.height, picture.height)))
    picture.quantize(COLOURS).save(str(path), optimize=True)


def run(seat: Seat, words: str) -> Locator:
    """Run the cell with these words; return it."""
    number = seat.find(words)
    seat.run(number)
    while not re.match(r"\[\d+\]", seat.prompt(number)):  # Lab forgets it while it connects to a kernel just started
        seat.run(number)
    return seat.cell(number)


def take_game_player(seat: Seat, path: Path, steps: int = STEPS_PLAYED) -> None:
    """Press Play, let the agent play for some seconds, press pause."""
    cell = run(seat, PICTURES["game_player"])
    cell.get_by_role("button", name="Play").click()
    words = cell.locator(".widget-html-content").last
    words.get_by_text("tep").first.wait_for()
    seat.wait_until(lambda: step_in(words.inner_text()) >= steps, f"step {steps} is shown")
    cell.locator(".widget-play button").first.click()
    seat.page.wait_for_timeout(1_500)  # milliseconds, until what was under way has been drawn
    store(cell.locator(".jp-OutputArea-output").first, path)


def train_two(runs: Path, nb_steps: int = NB_STEPS) -> None:
    """Two trainings as in notebook 06: what its `SHOWN` says, and nothing but bytes."""
    from helpers import compare_settings, set_threads  # not before: it brings TensorFlow

    set_threads(1)
    common = {"observation_scale": 1 / 255, "reward_clip": 1.0, "train_interval": 4, "n_step": 3, "double": True,
              "replay_limit": 100_000, "epsilon_steps": nb_steps // 2, "target_update": 8_000, "learning_rate": 0.0001}
    settings = {"places": {"shown": ["positions", "invaders", "bombs"]}, "bytes": {}}
    compare_settings(settings, [1], nb_steps, 2, common=common, name="ram", root=runs)


def take_tensorboard(seat: Seat, path: Path) -> None:
    """Open TensorBoard under its cell, show the curves of the scores, and wait until they are drawn."""
    frame = run(seat, PICTURES["tensorboard"]).locator("iframe")
    frame.wait_for()
    frame.scroll_into_view_if_needed()
    inside = frame.element_handle().content_frame()
    inside.get_by_text("ram-002").first.wait_for()
    inside.get_by_role("button", name="Settings").first.click()  # they go, and the curves get wider
    tags = inside.locator("input[placeholder='Filter tags (regex)']")
    tags.fill("score")
    tags.press("Tab")  # the list of names goes
    inside.get_by_text("game/mean_score").first.wait_for()
    seat.page.mouse.move(0, 0)
    seat.page.wait_for_timeout(5_000)  # milliseconds, until the curves are drawn
    store(frame, path, height=520)


def main() -> int:
    pictures = PROJECT / "notebooks" / "pictures"
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        lab = Lab(PROJECT, Path(folder))
        try:
            train_two(lab.runs)
            for name, words in PICTURES.items():
                notebook = next(path for path in sorted(lab.notebooks.glob("*.ipynb"))
                                if any(words in cell.source for cell in nbformat.read(str(path), as_version=4).cells
                                       if cell.cell_type == "code"))
                page = browser.new_context(viewport=VIEWPORT).new_page()
                take = {"game_player": take_game_player, "tensorboard": take_tensorboard}[name]
                take(Seat(page, lab, notebook.name), pictures / f"{name}.png")
                page.close()
                print(f"notebooks/pictures/{name}.png: {(pictures / f'{name}.png').stat().st_size:,} bytes")
        finally:
            lab.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
