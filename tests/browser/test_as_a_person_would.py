"""What people do with a notebook besides running it once from top to bottom."""
import io
import re
from pathlib import Path
from typing import Set

import numpy as np
import pytest
from PIL import Image
from seat import Seat, frames_in, wait_until_it_moves
from server import Lab

TRAIN_FOR_EVER = ("NB_STEPS = by_run_length(smoke=4_000,", "NB_STEPS = by_run_length(smoke=10_000_000,")
TRAIN = "agent, run, callbacks = train(hyperparameters)"
BLUE, ORANGE = (0, 107, 164), (255, 128, 14)  # the first two of Matplotlib's colours for colour-blind readers


def columns_with(colour, picture: bytes) -> int:
    """In how many columns of a picture a colour appears."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
    return int((np.abs(pixels - colour).max(axis=2) < 8).any(axis=0).sum())


def steps_done(text: str) -> int:
    """What a cell says about how far training got."""
    return int(re.search(r"(\d+) steps are done", text).group(1))


def games_played(text: str) -> int:
    """What a progress bar says about how many games are over; 0 before the first."""
    return int((re.findall(r"(\d+) games?,", text) or ["0"])[-1])


def runs_in(lab: Lab) -> Set[str]:
    """The names of the training runs so far."""
    return {path.name for path in lab.runs.iterdir()}


def games_in_log(run: Path) -> int:
    """How many games a training run has finished."""
    return len((run / "episodes.csv").read_text().splitlines()) - 1


@pytest.fixture
def in_training(sit_down):
    """Notebook 06, in which the training cell runs and does not end by itself; with it, that cell's number."""
    seat = sit_down("06")
    train = seat.find(TRAIN)
    seat.change(seat.find(tag="parameters"), *TRAIN_FOR_EVER)
    seat.run_above(train)
    seat.run(train, wait=False)
    seat.wait_until(lambda: games_played(seat.text(train)) > 0, "a first game is over")
    return seat, train


def test_change_a_number_and_compare(sit_down, lab, screenshots):
    seat = sit_down("06")
    parameters, train = seat.find(tag="parameters"), seat.find(TRAIN)
    table, plot = seat.find("list_runs("), seat.find("plot_runs(")
    seat.run_above(train)
    seat.run(train)
    assert runs_in(lab) == {"ram-001"}

    seat.change(parameters, "LEARNING_RATE = 0.0001", "LEARNING_RATE = 0.001")
    seat.run_from(parameters)
    assert seat.trouble() == []
    assert "ram-001" in seat.text(table) and "ram-002" in seat.text(table)
    curves = seat.pictures(plot)
    assert curves.count() == 1
    picture = curves.screenshot(path=str(screenshots / "both_curves.png"))
    assert columns_with(BLUE, picture) > 100 and columns_with(ORANGE, picture) > 100


def test_stop_training_and_watch(in_training, screenshots):
    seat, train = in_training
    plot = seat.pictures(train)
    seat.wait_until(lambda: plot.count() == 1, "the live plot appears")
    before, games = plot.get_attribute("src"), games_played(seat.text(train))
    seat.wait_until(lambda: games_played(seat.text(train)) > games + 1, "more games are over than the plot shows")
    seat.stop()
    seat.wait_for(train)
    assert plot.count() == 1 and plot.get_attribute("src") != before  # redrawn in place
    assert "Stopped after" in seat.text(train) and len(seat.bars(train)) == 1

    watch = seat.find("recording.clip(")
    seat.run(watch)
    seat.screenshot(screenshots / "stopped.png")
    assert seat.trouble() == []
    assert frames_in(seat.pictures(watch)) > 1
    wait_until_it_moves(seat, seat.pictures(watch))


def test_stop_training_and_go_on(in_training):
    seat, train = in_training
    seat.stop()
    seat.wait_for(train)
    done = steps_done(seat.text(train))
    resume = seat.find(tag="resume")
    for _ in range(2):
        seat.run(resume)
        before, done = done, steps_done(seat.text(resume))
        assert done - before in (50, 51)  # MORE_STEPS, in whole rounds of two games
        assert seat.bars(resume) == ["100"]
    assert seat.trouble() == []
    assert runs_in(seat.lab) == {"ram-001"}  # it is the same run


def test_close_the_tab_and_come_back(in_training, screenshots):
    seat, train = in_training
    seat.save()
    context = seat.page.context
    seat.page.close()

    again = Seat(context.new_page(), seat.lab, seat.path.name, clear_workspace=False)
    assert games_played(again.text(train)) > 0  # as it was saved
    watch = again.find("recording.clip(")
    again.run(watch, wait=False)
    games = games_in_log(seat.lab.runs / "ram-001")
    again.wait_until(lambda: games_in_log(seat.lab.runs / "ram-001") > games, "training goes on")
    assert again.prompt(watch) == "[*]:"  # the same kernel, which still trains

    again.stop()
    again.wait_for(watch)
    again.screenshot(screenshots / "came_back.png")
    assert again.trouble() == []
    assert frames_in(again.pictures(watch)) > 1
    wait_until_it_moves(again, again.pictures(watch))


def test_notebook_06_before_05(sit_down, lab):
    for beginning, runs in (("06", {"ram-001"}), ("05", {"ram-001", "pixels-001"})):
        seat = sit_down(beginning)
        watch = seat.find("recording.clip(")
        seat.run_above(watch)
        seat.run(watch)
        assert seat.trouble() == []
        assert runs_in(lab) == runs
        wait_until_it_moves(seat, seat.pictures(watch))


def test_restart_and_run_all(sit_down):
    seat = sit_down("03")
    seat.run(seat.find("from helpers import"))
    seat.restart_and_run_all()
    assert seat.trouble() == []
    code = [number for number, cell in enumerate(seat.cells) if cell.cell_type == "code"]
    assert [seat.prompt(number) for number in code] == [f"[{count}]:" for count in range(1, len(code) + 1)]
