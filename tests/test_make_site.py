"""tools/make_site.py: the real notebooks as pages, their navigation, links and pictures."""
import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

TOOL = Path(__file__).resolve().parents[1] / "tools" / "make_site.py"
spec = importlib.util.spec_from_file_location("make_site", TOOL)
make_site = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_site)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    make_site.SITE = tmp_path_factory.mktemp("build") / "site"
    assert make_site.main() == 0  # every link was followed
    return make_site.SITE


def test_every_notebook_is_a_page_that_leads_to_all_others(site):
    stems = [path.stem for kind in ("*.ipynb", "*.md") for path in sorted((TOOL.parents[1] / "notebooks").glob(kind))]
    assert [path.stem for path in sorted((site / "notebooks").glob("*.html"))] == stems
    for page in [site / "index.html", *(site / "notebooks").glob("*.html")]:
        bar = re.search(r'<nav class="series".*?</nav>', page.read_text(), re.DOTALL).group()
        assert [Path(target).stem for target in re.findall(r'href="(.*?)"', bar)] == ["index", *stems]
        assert bar.count('aria-current="page"') == 1


def test_no_link_leads_to_a_notebook_file_and_every_picture_has_a_text(site):
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert not re.findall(r'href="(?!http)[^"]*\.(?:ipynb|md)["#]', text)
        pictures = re.findall(r"<img [^>]*>", text)
        assert [picture[:200] for picture in pictures if not re.search(r'alt="[^"]{20,}"', picture)] == []


def test_a_link_to_nowhere_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(make_site, "SITE", tmp_path)
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A\n\n[b](b.ipynb)")])
    (tmp_path / "a.html").write_text(make_site.render(page, "a.html", {"a.html": "A"}))
    with pytest.raises(make_site.BadLink, match=r"a\.html links to b\.html, which is not there"):
        make_site.check_links(tmp_path / "a.html")
