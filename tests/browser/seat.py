"""What a person at JupyterLab does and sees: one notebook in one browser tab."""
import base64
import io
import re
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, List

import nbformat
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from server import Lab

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync
"""

PATIENCE = 240  # seconds for cells to run; none takes so long unless it hangs or the computer is very busy
CLICK_SECONDS = 60  # for Lab to open, to draw, to react
TROUBLE = "[data-mime-type$='jupyter.error'], [data-mime-type$='jupyter.stderr']"
KERNEL = ".jp-Notebook-ExecutionIndicator"
BAR = re.compile(r"(\d+)%\|")  # how a progress bar begins

CELLS_THAT_WAIT_OR_RUN = """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')]
    .filter(prompt => prompt.textContent.includes('*')).length"""


class NoBrowser(Exception):
    """Neither Chromium nor Chrome is installed."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a window; each start has an empty profile of its own."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise NoBrowser("No browser was found; expected Chromium or Chrome. Install one of them.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS.split())
        yield browser
        browser.close()


class Seat:
    """An open notebook, and a person in front of it.

    Args:
        page: an empty browser tab.
        lab: serves the notebook.
        name: the notebook's file name.
        clear_workspace: forget what was open in Lab before.
        from_list: open Lab first, and the notebook by a double click on its name in the list of files.

    Attributes:
        began: when the notebook was opened, as time.time() has it.
    """

    def __init__(self, page: Page, lab: Lab, name: str, clear_workspace: bool = True, from_list: bool = False):
        self.page, self.lab, self.path = page, lab, lab.notebooks / name
        self.cells = nbformat.read(str(self.path), as_version=4).cells  # as committed
        page.set_default_timeout(1000 * CLICK_SECONDS)
        place = "notebooks" if from_list else f"notebooks/{name}"
        page.goto(lab.address(f"lab/tree/{place}{'?reset' if clear_workspace else ''}"))
        if from_list:
            entry = page.locator(".jp-DirListing-item").get_by_text(name, exact=True)
            entry.wait_for()
            page.wait_for_timeout(3_000)  # milliseconds: Lab has settled when a person looks for a notebook
        self.began = time.time()
        if from_list:
            entry.dblclick()
        page.locator(".jp-Notebook .jp-Cell").nth(len(self.cells) - 1).wait_for(state="attached")
        page.locator(f"{KERNEL}:is([data-status='idle'], [data-status='busy'])").wait_for()

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Look again and again until the condition holds."""
        deadline = time.time() + PATIENCE
        while not condition():
            if time.time() > deadline:
                raise AssertionError(f"waited {PATIENCE} s for this: {what}. To be seen then:\n{self.under_way()}")
            self.page.wait_for_timeout(50)  # milliseconds

    # --- what a person does ---

    def menu(self, name: str, entry: str) -> None:
        """Choose an entry of the menu bar."""
        self.page.locator(".lm-MenuBar-itemLabel").get_by_text(name, exact=True).click()
        self.page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()

    def button(self, command: str) -> None:
        """Press a button of the notebook's toolbar."""
        self.page.locator(f".jp-NotebookPanel-toolbar [data-command='{command}']").click()

    def run_all(self) -> None:
        """Clear what was stored, run every cell, and wait until the last one has run."""
        self.menu("Edit", "Clear All Outputs")
        self.menu("Run", "Run All Cells")
        self.wait_for_last_cell()

    def run_above(self, number: int) -> None:
        """Run every cell above this one."""
        self.editor(number).click()
        self.menu("Run", "Run All Above Selected Cell")
        self.wait_for_last_cell()

    def run_from(self, number: int) -> None:
        """Run this cell and every cell below it."""
        self.editor(number).click()
        self.menu("Run", "Run Selected Cell and All Below")
        self.wait_for_last_cell()

    def restart_and_run_all(self) -> None:
        """The kernel menu's entry, and the question whether it is meant."""
        self.menu("Kernel", "Restart Kernel and Run All Cells…")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.wait_for_last_cell()

    def run(self, number: int, wait: bool = True) -> None:
        """Click into a cell and press Shift+Enter."""
        before = self.prompt(number)
        self.editor(number).click()
        self.page.keyboard.press("Shift+Enter")
        self.wait_until(lambda: self.prompt(number) != before, f"cell {number} starts")
        if wait:
            self.wait_for(number)

    def stop(self) -> None:
        """Press ■."""
        self.button("kernelmenu:interrupt")

    def change(self, number: int, old: str, new: str) -> None:
        """Edit a cell: put `new` in the place of `old`."""
        source = self.cells[number].source
        assert source.count(old) == 1, f"cell {number} does not hold {old!r} once"
        self.editor(number).click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source.replace(old, new))
        self.cells[number].source = source.replace(old, new)

    def save(self) -> None:
        """Press Ctrl+S and wait until the file is written."""
        before = self.path.stat().st_mtime_ns
        self.page.keyboard.press("Control+S")
        self.wait_until(lambda: self.path.stat().st_mtime_ns > before, "the notebook is saved")

    # --- what a person waits for ---

    def wait_for(self, number: int) -> None:
        """Wait until a cell that was started has run."""
        self.wait_until(lambda: "*" not in self.prompt(number), f"cell {number} has run")

    def wait_for_last_cell(self) -> None:
        """Wait until cells run, and then until none runs or waits to be run."""
        self.wait_until(lambda: self.page.evaluate(CELLS_THAT_WAIT_OR_RUN) > 0, "the cells start")
        self.wait_until(lambda: self.page.evaluate(CELLS_THAT_WAIT_OR_RUN) == 0, "every cell has run")

    # --- what a person sees ---

    def find(self, words: str = "", tag: str = "") -> int:
        """The number of the first code cell that holds these words and has this tag."""
        found = [number for number, cell in enumerate(self.cells) if cell.cell_type == "code"
                 and words in cell.source and (not tag or tag in cell.metadata.get("tags", []))]
        assert found, f"{self.path.name} has no code cell with {words or tag!r}"
        return found[0]

    def cell(self, number: int) -> Locator:
        """A cell on the page."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def editor(self, number: int) -> Locator:
        """Where a cell's code can be clicked."""
        return self.cell(number).locator(".CodeMirror-line").last

    def prompt(self, number: int) -> str:
        """What stands left of a cell: [ ]: not run, [*]: waits or runs, [7]: has run."""
        return self.cell(number).locator(".jp-InputArea-prompt").inner_text()

    def pictures(self, number: int) -> Locator:
        """The pictures to be seen under a cell."""
        return self.cell(number).locator(".jp-OutputArea-output img:visible")

    def text(self, number: int) -> str:
        """The words under a cell."""
        return "\n".join(self.cell(number).locator(".jp-OutputArea-output").all_inner_texts())

    def bars(self, number: int) -> List[str]:
        """The percentages of the progress bars under a cell."""
        return BAR.findall(self.text(number))

    def under_way(self) -> str:
        """The kernel's state, an open dialog, the cells that wait or run, and errors, for a message."""
        kernel = self.page.locator(KERNEL).evaluate_all("all => all.map(one => one.dataset.status)")
        cells = [text for text in self.page.locator(".jp-CodeCell").all_inner_texts() if "[*]" in text]
        dialogs = self.page.locator(".jp-Dialog").all_inner_texts()
        return "\n".join([f"kernel: {kernel}", *dialogs, *cells, *self.trouble()])

    def trouble(self) -> List[str]:
        """Errors and warnings anywhere in the notebook."""
        return self.page.locator(TROUBLE).all_inner_texts()

    def screenshot(self, path: Path) -> None:
        """The whole notebook, from its first cell to its last, in one tall picture."""
        path.parent.mkdir(parents=True, exist_ok=True)
        size = self.page.viewport_size
        height = self.cell(len(self.cells) - 1).evaluate("last => last.offsetTop + last.offsetHeight")
        self.page.set_viewport_size({"width": size["width"], "height": height + 150})
        self.page.locator(".jp-Notebook").evaluate("notebook => notebook.scrollTo(0, 0)")
        self.page.screenshot(path=str(path))
        self.page.set_viewport_size(size)


# --- pictures, films and the player ---


def frames_in(picture: Locator) -> int:
    """How many frames a picture on the page has, once it has loaded."""
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("async one => { await one.decode(); return one.naturalWidth; }") > 0
    data = picture.get_attribute("src").split("base64,")[1]
    return Image.open(io.BytesIO(base64.b64decode(data))).n_frames


def wait_until_it_moves(seat: Seat, picture: Locator) -> None:
    """Look at a picture until it looks otherwise than at first."""
    first = picture.screenshot()
    seat.wait_until(lambda: picture.screenshot() != first, "the picture moves")


def wait_until_it_plays(seat: Seat, film: Locator) -> None:
    """Look at a film until its time advances."""
    film.scroll_into_view_if_needed()
    assert film.evaluate("one => one.error && one.error.message") is None
    seat.wait_until(lambda: film.evaluate("one => one.videoWidth > 0 && one.currentTime > 0.2"), "the film plays")

def step_in(words: str) -> int:
    """At which step the game stands, as the line below the picture says."""
    return int(re.search(r"[Ss]tep (\d+)", words).group(1))
