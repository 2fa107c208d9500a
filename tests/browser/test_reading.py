"""The series read without running it: the pages of `make site`, with JavaScript switched off, wide and narrow."""
import subprocess
import sys

import pytest

WIDTHS = (1280, 390)  # pixels, of a laptop and of a telephone

PICTURES_THAT_ARE_NOT_THERE = """() => [...document.images]
    .filter(one => !(one.complete && one.naturalWidth > 0)).map(one => one.alt || one.src.slice(0, 80))"""

# what has a scroll bar of its own may be wider inside
WIDER_THAN_THE_PAGE = """() => [...document.body.querySelectorAll('*')]
    .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .filter(one => {
        for (let above = one; above !== document.body; above = above.parentElement)
            if (['auto', 'scroll'].includes(getComputedStyle(above).overflowX)) return false;
        return getComputedStyle(one).position !== 'absolute' && one.getBoundingClientRect().width > 0;
    }).map(one => one.tagName + ' ' + one.textContent.slice(0, 60))"""

LEVELS = "() => [...document.querySelectorAll('h1, h2, h3, h4')].map(one => Number(one.tagName[1]))"


@pytest.fixture(scope="module")
def site(project, tmp_path_factory):
    """In a folder of its own, as two workers may be about it at once."""
    folder = tmp_path_factory.mktemp("site") / "site"
    subprocess.run([sys.executable, str(project / "tools" / "make_site.py"), str(folder)], check=True)
    return folder


@pytest.fixture
def reader(browser):
    """A tab that runs no scripts, as GitHub's preview of a notebook."""
    context = browser.new_context(java_script_enabled=False)
    context.route("http*://**", lambda route: route.abort())  # the pages' script for formulas, which would wait
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_can_be_read_without_scripts(reader, site, screenshots, width):
    reader.set_viewport_size({"width": width, "height": 900})
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= 8
    for page in pages:
        reader.goto(page.as_uri())
        assert reader.evaluate(PICTURES_THAT_ARE_NOT_THERE) == [], page.name
        assert reader.evaluate(WIDER_THAN_THE_PAGE) == [], page.name
        levels = reader.evaluate(LEVELS)
        assert levels.count(1) == 1 and levels[0] == 1, f"{page.name} has no title, or two"
        assert all(after - before <= 1 for before, after in zip(levels, levels[1:])), f"{page.name} skips a level"
        screenshots.mkdir(parents=True, exist_ok=True)
        reader.screenshot(path=str(screenshots / f"page_{page.stem}_{width}.png"))


def test_what_can_not_be_read_is_found(reader):
    reader.set_content('<h1>A</h1><h3>C</h3><img alt="gone" src="data:image/png;base64,AAAA">'
                       '<pre style="overflow-x: auto; width: 50px">scrolls, however long it is</pre>'
                       '<p style="width: 2000px">wide</p>')
    assert reader.evaluate(PICTURES_THAT_ARE_NOT_THERE) == ["gone"]
    assert reader.evaluate(WIDER_THAN_THE_PAGE) == ["P wide"]
    assert reader.evaluate(LEVELS) == [1, 3]
