"""A browser, a JupyterLab, and a tab with a notebook in it."""
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from seat import Seat
from server import Lab

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync
"""


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window; each start has an empty profile of its own."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("No browser was found: install Chromium or Chrome to run these tests.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """An empty tab, in a profile that nobody else has used."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def one_lab(browser, project, tmp_path_factory):
    lab = Lab(project, tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()


@pytest.fixture
def lab(one_lab):
    """A JupyterLab with the committed notebooks, no kernels and no runs."""
    one_lab.start_afresh()
    return one_lab


@pytest.fixture
def sit_down(page, lab):
    """Opens a notebook by the beginning of its name."""

    def open_notebook(beginning: str, **how: bool) -> Seat:
        (path,) = lab.notebooks.glob(f"{beginning}*.ipynb")
        return Seat(page, lab, path.name, **how)

    return open_notebook


@pytest.fixture(scope="session")
def screenshots(project) -> Path:
    """Where a person can look at what the tests saw."""
    return project / "build" / "screenshots"
