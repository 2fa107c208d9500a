"""A browser, a JupyterLab, and a tab with a notebook in it."""
from pathlib import Path

import pytest
from seat import NoBrowser, Seat, chromium
from server import Lab


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window; each start has an empty profile of its own."""
    try:
        with chromium() as browser:
            yield browser
    except NoBrowser as reason:
        pytest.skip(f"{reason}")


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
