"""tools/run_notebooks.py on small notebooks, with a real kernel: what is stored, and what is refused."""
import base64
import importlib.util
import io
import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image


@pytest.fixture
def run(tmp_path, project):
    """Store code cells as a notebook, run it, return (status, what was said, the file's notebook afterwards)."""

    def run(*codes, names=()):
        cells = [new_markdown_cell("# A title"), *map(new_code_cell, codes)]
        path = tmp_path / "01_try.ipynb"
        nbformat.write(new_notebook(cells=cells), str(path))
        done = subprocess.run(
            [sys.executable, str(project / "tools" / "run_notebooks.py"), "--folder", str(tmp_path), *names],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "RUN_"))},
            timeout=120,
        )
        return done.returncode, done.stdout.decode(), nbformat.read(str(path), as_version=4)

    return run


PROGRESS = """
import sys
from tqdm import tqdm
for i in tqdm(range(3), file=sys.stdout): pass
"""
PROGRESS_WITH_PICTURE = """
from IPython.display import display, Markdown
print("begin")
print("\\r 10%|#   |", end="", flush=True)
shown = display(Markdown("a plot"), display_id=True)
print("\\r 50%|##  |", end="", flush=True)
shown.update(Markdown("the last plot"))
print("\\r100%|####|")
"""
WIDGETS = """
import ipywidgets as widgets
from tqdm.notebook import tqdm
for _ in tqdm(range(4), desc="games"): pass
widgets.interact(lambda x: print("x is", x), x=widgets.IntSlider(7, description="size"));
widgets.VBox([widgets.HBox([widgets.IntText(5), widgets.Button(description="Go")])])
"""


def test_what_is_stored(run, tmp_path):
    status, said, notebook = run(
        "print('one')\nprint('two', flush=True)\nprint('three')", PROGRESS, PROGRESS_WITH_PICTURE, WIDGETS,
        "import os; print(os.environ['RUN_LENGTH'])", "import matplotlib.pyplot as plt\nplt.plot();",
    )
    assert status == 0, said
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(cell.metadata == {} for cell in notebook.cells)
    _, streams, progress, picture, widgets, length, plot = (cell.get("outputs") for cell in notebook.cells)
    assert [output.text for output in streams] == ["one\ntwo\nthree\n"]
    (bar,) = progress
    assert bar.text.startswith("100%|") and "\r" not in bar.text and bar.text.count("|") == 2
    assert [output.get("text") or output.data["text/markdown"] for output in picture] == [
        "begin\n", "the last plot", "100%|####|\n",
    ]
    games, slider, inside, player = widgets
    assert games.data["text/plain"].startswith("games: 100% 4/4 [")
    assert slider.data == {"text/plain": "size 7"}
    assert inside.text == "x is 7\n"
    assert player.data == {"text/plain": "Buttons to press appear here when you run this cell."}
    assert length[0].text == "demo\n"
    assert "image/png" in plot[0].data
    assert [path.name for path in tmp_path.iterdir()] == ["01_try.ipynb"]


@pytest.mark.parametrize(
    "code, reason",
    [
        ("1 / 0", "did not run to its end: ZeroDivisionError: division by zero"),
        ("import warnings; warnings.warn('look out')", "wrote to standard error: '"),
        ("import os, time; os.write(2, b'from C code\\n'); time.sleep(1)", "wrote to standard error: 'from C code'"),
        ("import os; os.getcwd()", "which is this computer's own"),
        ("import sys; print(sys.prefix)", "which is this computer's own"),
        ("object()", "shows an object's address"),
        ("import os; os._exit(1)", "did not run to its end: Kernel died"),
    ],
)
def test_what_is_refused(run, code, reason):
    status, said, notebook = run("print('fine')", code)
    assert status == 1
    last_line = said.splitlines()[-1]
    assert last_line.startswith("make notebooks stopped: 01_try.ipynb") and reason in last_line
    assert all(not cell.get("outputs") for cell in notebook.cells)  # the file is as it was


def test_the_name_of_this_computer_is_refused(project, monkeypatch):
    spec = importlib.util.spec_from_file_location("run_notebooks", str(project / "tools" / "run_notebooks.py"))
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr("socket.gethostname", lambda: "darkstar")
    cells = [new_code_cell(outputs=[new_output("stream", text=text)]) for text in ("on darkstar\n", "darkstarlight\n")]
    assert list(tool.find_problems(new_notebook(cells=cells))) == [
        "cell 0 shows 'darkstar', which is this computer's own"
    ]


def test_names(run):
    assert "==> 01_try.ipynb (demo)" in run("1", names=["01"])[1]
    status, said, _ = run("1", names=["07"])
    assert status == 1
    assert said.splitlines()[-1] == (
        "make notebooks stopped: no notebook's name starts with '07'; expected one of: 01_try.ipynb"
    )


FILM = """
from IPython.display import HTML
HTML("<video controls src='data:video/mp4;base64,AAAA'></video>")
"""
PICTURE = """
import matplotlib.pyplot as plt
plt.plot([1, 2]);
"""


def test_a_film_is_played_at_run_time_and_not_stored(run):
    status, said, notebook = run(FILM)
    assert status == 0, said
    (output,) = notebook.cells[1].outputs
    assert output.data == {"text/plain": "The whole game plays here when you run this cell."}


def test_tensorboard_opens_at_run_time_and_is_not_stored(run, tmp_path):
    status, said, notebook = run(f"from helpers import open_tensorboard\nopen_tensorboard({str(tmp_path)!r})")
    assert status == 0, said
    (output,) = notebook.cells[1].outputs
    assert output.data == {"text/plain": "TensorBoard opens here when you run this cell."}


def test_the_picture_of_the_end_is_stored_beside_the_notebook(project, tmp_path):
    cell = new_code_cell(PICTURE)
    cell.metadata["tags"] = ["picture-of-the-end"]
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A title"), cell]), str(tmp_path / "01_try.ipynb"))
    subprocess.run([sys.executable, str(project / "tools" / "run_notebooks.py"), "--folder", str(tmp_path)], check=True)
    assert (tmp_path / "pictures" / "01_try.png").read_bytes().startswith(b"\x89PNG")


TWO_PICTURES = """
import base64, io
from IPython.display import Image, display
import numpy as np
from PIL import Image as Pillow
from helpers.watching.moving_png import write_moving_png
pixels = np.random.RandomState(1).randint(0, 256, (40, 30, 4)).astype(np.uint8) // 64 * 64
pixels[..., 3] = 255
still, moving, glass = io.BytesIO(), io.BytesIO(), io.BytesIO()
Pillow.fromarray(pixels).save(still, "png", compress_level=0)
write_moving_png(moving, [(Pillow.fromarray(pixels[..., :3]), 100), (Pillow.fromarray(pixels[::-1, :, :3]), 100)])
Pillow.fromarray(pixels // 2).save(glass, "png", compress_level=0)
for one in (still, moving, glass):
    display(Image(data=one.getvalue(), format="png"))
print(base64.b64encode(still.getvalue()).decode(), base64.b64encode(moving.getvalue()).decode())
"""


def test_pictures_are_squeezed_without_loss_and_moving_ones_left_alone(run):
    status, said, notebook = run(TWO_PICTURES)
    assert status == 0, said
    still, moving, glass, words = notebook.cells[1].outputs
    before, as_it_was = map(base64.b64decode, words.text.split())
    after = base64.b64decode(still.data["image/png"])
    assert len(after) < len(before) / 2
    squeezed, original = (Image.open(io.BytesIO(data)) for data in (after, before))
    assert (squeezed.mode, original.mode) == ("RGB", "RGBA")
    assert squeezed.tobytes() == original.convert("RGB").tobytes()
    assert base64.b64decode(moving.data["image/png"]) == as_it_was
    assert Image.open(io.BytesIO(base64.b64decode(glass.data["image/png"]))).mode == "RGBA", "it can be seen through"


def test_a_line_that_was_not_overwritten_stays_to_the_letter(run):
    """nbval compares it with what the cell writes."""
    status, said, notebook = run("print('ends with a space ')")
    assert status == 0, said
    assert notebook.cells[1].outputs[0].text == "ends with a space \n"
