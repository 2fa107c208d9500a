"""The bridge to Gymnasium: its player runs on a current Python, and what its page says is what was played."""
import json
import re
import shutil
import subprocess

import pytest

from helpers.measuring.shipped import shipped_scores
from helpers.measuring.statistics import compare, mean_interval


def pinned(project):
    text = (project / "benchmarks/todays_tools.md").read_text(encoding="utf-8")
    return re.findall(r"\S+==\S+", text.split("pip install")[1].split("\n")[0])


@pytest.fixture(scope="module")
def today(project, tmp_path_factory):
    """Plays there, in an environment made as the page says."""
    python = next(filter(None, (shutil.which(f"python3.{minor}") for minor in (11, 12, 13, 14))), None)
    if python is None:
        pytest.skip("no Python 3.11 or newer on PATH")
    folder = tmp_path_factory.mktemp("today")
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin/python"), "-m", "pip", "install", "-q", *pinned(project)], check=True)

    def run(*arguments):
        return subprocess.run([str(folder / "bin/python"), "-m", "benchmarks.todays_tools", *arguments],
                              cwd=str(project), capture_output=True, text=True)
    return run


@pytest.mark.timeout(300)
@pytest.mark.parametrize("agent", ["ram_best", "ram_post"])
def test_an_agent_plays_on_todays_tools(today, agent):
    said = [today(agent, "--games", "1").stdout.splitlines()[-1] for _ in range(2)]
    assert said[0] == said[1], "the same seed plays the same games"
    mean = int(re.search(r"mean (\d+) points, standard error \d+, 2 games$", said[0]).group(1))
    assert mean > 0


def test_what_it_refuses(today):
    done = today("pixels_84")
    assert done.returncode == 1 and done.stderr.endswith(
        "agent is 'pixels_84'; expected one that plays from the RAM. Choose among ram_best, ram_post.\n"), done.stderr
    assert "--games is 0; expected at least 1" in today("--games", "0").stderr


def test_the_page_says_what_was_played(project):
    played = json.loads((project / "benchmarks/todays_tools.json").read_text())
    text = " ".join((project / "benchmarks/todays_tools.md").read_text(encoding="utf-8").split())
    pinned_scores = shipped_scores("ram_best")[0].scores
    for scores in (pinned_scores, played["scores"]):
        low, high = mean_interval(scores)
        assert f"| {len(scores)} | {sum(scores) / len(scores):,.0f} | {low:,.0f} to {high:,.0f} |" in text
    assert f"The difference is {compare(played['scores'], pinned_scores)}".split(":")[0].rstrip() in text
    for name, version in played["versions"].items():
        assert f"{name} {version}" in text.lower()
    assert all(one.split("==")[1] in text for one in pinned(project))
