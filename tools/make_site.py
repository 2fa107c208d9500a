"""Render the series as static HTML with navigation into build/site/, or the folder that is named.

Run by `make site` inside the environment.

The pages are the notebooks with their stored outputs, README.md as index.html, and the Markdown pages that these link
to.
"""
import html
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Dict, List

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build" / "site"

STYLE = """
body { max-width: 60rem; margin: 0 auto; padding: 0 1rem 3rem; overflow-x: hidden; }
nav.series { display: flex; flex-wrap: wrap; gap: 0.3rem 1rem; padding: 0.8rem 0; border-bottom: 1px solid #bbb; }
nav.series a { text-decoration: none; color: #005a8f; }
nav.series a[aria-current] { color: #000; font-weight: bold; }
.jp-Cell { padding-left: 0; padding-right: 0; }
.jp-InputPrompt, .jp-OutputPrompt { display: none; }
.jp-RenderedHTMLCommon img, .jp-RenderedImage img, video { max-width: 100%; height: auto; }
.jp-RenderedHTMLCommon table, .jp-RenderedHTMLCommon pre, .jp-RenderedText pre, .highlight pre, mjx-container
    { display: block; max-width: 100%; overflow-x: auto; }
.jp-RenderedHTMLCommon p, .jp-RenderedHTMLCommon li, .jp-RenderedHTMLCommon td { overflow-wrap: anywhere; }
@media (max-width: 40rem) { .jp-RenderedHTMLCommon { font-size: 1rem; } .highlight pre { font-size: 0.75rem; } }
"""


class BadLink(Exception):
    """A page links to something that is not part of the site."""


def main() -> int:
    shutil.rmtree(str(SITE), ignore_errors=True)
    pages = read_pages()
    titles = {name: title_of(page) for name, page in pages.items()}
    for name, page in pages.items():
        target = SITE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(render(page, name, titles), encoding="utf-8")
    shutil.copytree(str(ROOT / "notebooks" / "pictures"), str(SITE / "notebooks" / "pictures"))
    shutil.copy(str(ROOT / "LICENSE"), str(SITE))
    try:
        for name in pages:
            check_links(SITE / name)
    except BadLink as reason:
        print(f"make site stopped: {reason}", file=sys.stderr)
        return 1
    print(f"{len(pages)} pages; open {os.path.relpath(str(SITE / 'index.html'))} in a browser")
    return 0


def read_pages() -> Dict[str, NotebookNode]:
    """Read all pages by their name in the site, as notebooks, in reading order."""
    pages = {"index.html": from_markdown(ROOT / "README.md")}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        pages[f"notebooks/{path.stem}.html"] = nbformat.read(str(path), as_version=4)
    for path in (path for folder in ("notebooks", "benchmarks") for path in sorted((ROOT / folder).glob("*.md"))):
        pages[f"{path.parent.name}/{path.stem}.html"] = from_markdown(path)
    return pages


def from_markdown(path: Path) -> NotebookNode:
    """Turn a Markdown file into a notebook of one cell, so that all pages look alike."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(path.read_text(encoding="utf-8"))])


def title_of(page: NotebookNode) -> str:
    return re.search(r"^# (.*)", page.cells[0].source, re.MULTILINE).group(1)


def render(page: NotebookNode, name: str, titles: Dict[str, str]) -> str:
    """Render the page as HTML, with the navigation on top and links that lead to pages of the site."""
    exporter = HTMLExporter(template_name="lab", exclude_input_prompt=True, exclude_output_prompt=True)
    text, _ = exporter.from_notebook_node(page, {"metadata": {"name": titles[name]}})
    alternatives = iter(texts_of_pictures(page))
    text = re.sub(r'<img src="data:image/png', lambda tag: f'<img alt="{next(alternatives)}" {tag.group()[5:]}', text)
    text = re.sub(r'(href="(?!https?:|#)[^"#]*?)README\.md', r"\1index.html", text)
    text = re.sub(r'(href="(?!https?:|#)[^"#]*?)\.(?:ipynb|md)(?=["#])', r"\1.html", text)
    head = f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n</head>'
    text = text.replace("</head>", head, 1)
    return re.sub(r"<body[^>]*>", lambda body: body.group() + navigation(name, titles), text, count=1)


def texts_of_pictures(page: NotebookNode) -> List[str]:
    """List for each picture that a cell shows what its cell's metadata say of it, for those who can't see it."""
    return [html.escape(cell.metadata.get("alt", "")) for cell in page.cells if cell.cell_type == "code"
            for output in cell.outputs if "image/png" in output.get("data", {})]


def navigation(current: str, titles: Dict[str, str]) -> str:
    links: List[str] = []
    for name, title in titles.items():
        if name != "index.html" and not name.startswith("notebooks/"):
            continue
        number = re.match(r"[0-9]*", Path(name).name).group()
        label = "Start" if name == "index.html" else f"{number} {title}".strip()
        here = ' aria-current="page"' if name == current else ""
        address = os.path.relpath(name, os.path.dirname(current) or ".")
        links.append(f'<a href="{html.escape(address)}"{here}>{html.escape(label)}</a>')
    return f'\n<nav class="series" aria-label="The notebooks">{"".join(links)}</nav>\n'


def check_links(page: Path) -> None:
    """Refuse a page with a link or a picture that stays within the site and is not there."""
    for target in re.findall(r'(?:href|src)="((?!https?:|data:|#|mailto:)[^"#]+)', page.read_text(encoding="utf-8")):
        if not (page.parent / html.unescape(target)).exists():
            raise BadLink(f"{page.relative_to(SITE)} links to {target}, which is not there")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        SITE = Path(sys.argv[1]).resolve()
    sys.exit(main())
