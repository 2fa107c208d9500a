"""The pages around the code: what they name exists, and machines can read what is written for machines."""
import re
import shlex
from pathlib import Path
from typing import List

import pytest
import yaml

PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
MADE = ("runs/", "build/", ".venv", "/mnt/", "rl/")  # by running, on other computers, in other packages


def code_of(page: Path) -> List[str]:
    """Every command or name that a page shows as code, a line each."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`]+)`", re.sub(r"^ *```\n.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))
    return [re.sub(r"\s+", " ", line.split("  #")[0]).strip() for line in (*"\n".join(blocks).splitlines(), *inline)]


def commands_in(project: Path, name: str) -> List[List[str]]:
    return [shlex.split(part) for line in code_of(project / name) for part in line.split("&&")
            if re.match(r" *(\w+=\S+ )*(make|python|sh|bash|ruff|jupyter) ", part + " ")]


def anchors_of(page: Path) -> List[str]:
    """The links to headings that GitHub makes."""
    headings = re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("name", PAGES)
def test_commands_on_the_pages_exist(name, project):
    targets = set(re.findall(r"^([a-z-]+):", (project / "Makefile").read_text(), re.MULTILINE))
    seen = []
    for words in commands_in(project, name):
        words = [word for word in words if not re.match(r"[A-Z_]+=", word)]
        if words[0] == "make":
            assert set(words[1:]) <= targets, f"{name}: make knows no {words[1:]}"
        elif words[1:2] == ["-m"] and words[2].startswith(("helpers", "benchmarks")):
            assert (project / (words[2].replace(".", "/") + ".py")).exists(), f"{name}: {words}"
        seen.append(words)
    assert len(seen) > 3 or name == "CHANGELOG.md"


@pytest.mark.parametrize("name", PAGES)
def test_paths_and_links_on_the_pages_exist(name, project):
    text = (project / name).read_text(encoding="utf-8")
    words = {word for line in code_of(project / name) for word in line.split()}
    named = {word for word in words if re.fullmatch(r"[\w.-]*[\w-]/[\w./-]*|[\w-]+\.(md|yml|lock|cff|json)", word)}
    linked = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("http")]
    for path in [one for one in named if not one.startswith(MADE)] + [link.split("#")[0] for link in linked]:
        assert any((folder / path).exists() for folder in (project, project / "weights")), f"{name} names {path}"
    for link in linked:
        page, _, anchor = link.partition("#")
        assert not anchor or anchor in anchors_of(project / (page or name)), f"{name} links to {link}"


def test_every_room_of_helpers_is_explained(project):
    rooms = {f"helpers/{path.parent.name}/" for path in (project / "helpers").glob("*/__init__.py")}
    explained = re.findall(r"^\| `(helpers/\w+/)` \|", (project / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert set(explained) == rooms and len(explained) == len(rooms)


def test_github_runs_what_everyone_runs(project):
    workflow = yaml.safe_load((project / ".github" / "workflows" / "ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    (python,) = (step["with"]["python-version"] for step in job["steps"] if "with" in step)
    assert python == "3.7"
    script = (project / ".ci" / "run").read_text()
    for target in ("test", "test-browser"):
        assert re.search(rf"^as_a_reader make {target}$", script, re.MULTILINE)


def test_the_citation_has_what_its_format_asks_for(project):
    cited = yaml.safe_load((project / "CITATION.cff").read_text(encoding="utf-8"))
    version = re.search(r'version="([\d.]+)"', (project / "setup.py").read_text()).group(1)
    assert cited["cff-version"] == "1.2.0" and cited["message"] and cited["type"] == "software"
    assert cited["title"] == (project / "README.md").read_text(encoding="utf-8").splitlines()[0][2:]
    assert all("name" in author or "family-names" in author for author in cited["authors"])
    assert str(cited["version"]) == version
    assert cited["license"] in (project / "LICENSE").read_text().split("\n")[0]


def test_the_changelog_is_in_order_and_knows_the_version(project):
    text = (project / "CHANGELOG.md").read_text(encoding="utf-8")
    version = re.search(r'version="([\d.]+)"', (project / "setup.py").read_text()).group(1)
    assert version in text
    sections = re.findall(r"^### (\w+)$", text, re.MULTILINE)
    assert set(sections) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    for section in re.split(r"^### .*\n", text, flags=re.MULTILINE)[1:]:
        days = re.findall(r"^- (\d{4}-\d\d-\d\d): ", section, re.MULTILINE)
        assert days and days == sorted(days, reverse=True)
