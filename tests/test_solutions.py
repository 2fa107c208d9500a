"""The folded solutions run: each is put behind its starter cell, and the notebook is run from the top."""
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from helpers.agents.build import build_agent
from helpers.agents.networks import build_ram_model
from helpers.agents.weights import weights_as_hdf5
from helpers.files import write_whole
from helpers.game.environment import NB_ACTIONS
from helpers.game.ram import nb_rows
from helpers.runs.folder import start_run

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def with_solutions(notebook):
    """The notebook with a code cell for each folded solution."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            solutions = re.findall(r"<summary>Solution</summary>\s*```python\n(.*?)```", cell.source, re.DOTALL)
            cells += [nbformat.v4.new_code_cell(solution) for solution in solutions]
    notebook.cells = cells
    return notebook


def leave_a_run(runs):
    """What a reader who worked through notebook 06 has in runs/, and notebook 08 asks for."""
    shown = ["positions", "invaders", "bombs"]
    agent = build_agent(build_ram_model(128, NB_ACTIONS, nb_rows(3, shown)), NB_ACTIONS, shown=shown,
                        observation_scale=1 / 255)
    run = start_run("ram", {"network": "RAM", "window": 3, "shown": shown, "observation_scale": 1 / 255}, runs)
    write_whole(run.folder / "weights-000000100.h5", weights_as_hdf5(agent))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_solutions_run(path, monkeypatch, tmp_path):
    monkeypatch.setenv("RUN_LENGTH", "smoke")
    monkeypatch.setenv("RUNS_FOLDER", str(tmp_path))
    leave_a_run(tmp_path)
    notebook = nbformat.read(str(path), as_version=4)
    cells = len(notebook.cells)
    notebook = with_solutions(notebook)
    assert len(notebook.cells) >= cells + 2
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(FOLDER)}}).execute()
