"""README.md: every score in it was printed by a notebook, or stands in weights/MANIFEST.json."""
import json
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXPECT = re.search(r"^## What to expect\n(.*?)^## ", README, re.MULTILINE | re.DOTALL).group(1)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\|.*", EXPECT, re.MULTILINE)][2:]
MANIFEST = json.loads((ROOT / "weights" / "MANIFEST.json").read_text(encoding="utf-8"))


def numbers_in(text):
    return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text)]


def in_words(measured):
    """Games, mean and interval as the table has them."""
    return [measured["episodes"], round(measured["mean"]), *map(round, measured["ci95"])]


def shipped(name, seed, epsilon):
    return next(measured for measured in MANIFEST[name]["seeds"][str(seed)] if measured["epsilon"] == epsilon)


def printed(number):
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    cells = nbformat.read(str(path), as_version=4).cells
    return "\n".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))


def lines_with(number, mean, low, high):
    """Lines of the notebook's output that hold a mean and its interval."""
    pattern = rf"\b{mean:,}, 95 % interval {low:,} to {high:,}\b"
    return [line for line in printed(number).splitlines() if re.search(pattern, line)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_every_score_has_its_source(row):
    player, *numbers = row
    games, mean, low, high = numbers_in(" ".join(numbers))
    agent = re.match(r"`(\w+)` of `weights/`", player)
    seed = {"the same training with another seed": 2, "the same training with a third seed": 3}.get(player)
    notebook = re.search(r"of notebook (\d\d)", player)
    if agent or seed:
        name = agent.group(1) if agent else "ram_best"
        assert [games, mean, low, high] == in_words(shipped(name, seed or MANIFEST[name]["seed"], 0.05))
    elif notebook:
        text, (line,) = printed(notebook.group(1)), lines_with(notebook.group(1), mean, low, high)
        (said,) = numbers_in(re.search(r"after ([\d,]+) steps", player).group(1))
        before = text[:text.index(line)]  # a notebook may train two agents, one after the other
        done = numbers_in(re.findall(r"([\d,]+) steps are done", before)[-1])[0]
        assert said == done or said == round(done, -3)
    else:
        (line,) = lines_with("06", mean, low, high)
        assert player.startswith(line.split("  ")[0].split(" mean")[0].strip())


def test_the_scores_without_random_moves_are_the_manifests():
    for seed in MANIFEST["ram_best"]["seeds"]:
        _, mean, low, high = in_words(shipped("ram_best", seed, 0.0))
        assert re.search(rf"{mean:,}( points)? \({low:,} to {high:,}\)", " ".join(EXPECT.split()))


def test_notebook_03s_random_player_is_quoted_as_printed():
    mean, low, high = numbers_in(re.search(r"notebook 03: ([^.]*)", EXPECT).group(1))
    text = printed("03")
    assert f"mean {mean} points" in text and f"95 % interval: {low} to {high}" in text
