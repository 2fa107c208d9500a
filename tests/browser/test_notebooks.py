"""Every notebook, run from top to bottom in the browser: does a reader see what a reader should?"""
import re
from pathlib import Path

import pytest
from seat import frames_in, wait_until_it_moves, wait_until_it_plays

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_every_cell_runs_and_everything_can_be_seen(name, sit_down, screenshots):
    seat = sit_down(name)
    seat.run_all()
    seat.screenshot(screenshots / f"{name}.png")
    assert seat.trouble() == []

    for number, cell in enumerate(seat.cells):
        if cell.cell_type != "code":
            continue
        assert re.match(r"\[\d+\]", seat.prompt(number)), f"cell {number} did not run"
        text, pictures, films = seat.text(number), seat.pictures(number), seat.cell(number).locator("video")
        assert not re.search("warning", text, re.IGNORECASE), text
        assert seat.bars(number) in ([], ["100"]), text
        if ".fit" in cell.source and "callbacks" in cell.source:
            assert pictures.count() <= 1  # the live plot, redrawn in place
        moving = [picture for picture in pictures.all() if frames_in(picture) > 1]
        assert len(moving) >= cell.source.count("recording.clip(")
        assert films.count() == cell.source.count("recording.video(")
        for picture in moving:
            wait_until_it_moves(seat, picture)
        for film in films.all():
            wait_until_it_plays(seat, film)
