"""Run notebooks from top to bottom and store their outputs, tidied. Run by `make notebooks` inside the environment.

python tools/run_notebooks.py          all of them
python tools/run_notebooks.py 03 04    those whose names start so

RUN_LENGTH says how long they train (default: demo). A notebook is stored only if every cell ran, nothing but progress
bars was written to standard error, and no output holds this computer's name or a path on it.
"""
import argparse
import base64
import html
import io
import os
import re
import socket
import sys
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
CELL_SECONDS = 3600  # a demo cell takes minutes
WIDGET = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


class Refused(Exception):
    """A notebook that is not stored; the message says why."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Run notebooks and store their outputs.")
    parser.add_argument("names", nargs="*", help="how the notebooks' names start; default: all of them")
    parser.add_argument("--folder", type=Path, default=ROOT / "notebooks")
    options = parser.parse_args()
    os.environ.setdefault("RUN_LENGTH", "demo")
    os.environ.pop("MPLBACKEND", None)  # plots appear in the notebook
    try:
        for path in find_notebooks(options.folder, options.names):
            print(f"==> {path.name} ({os.environ['RUN_LENGTH']})", flush=True)
            with tempfile.TemporaryDirectory() as runs:  # the stored notebook knows nothing of the author's other runs
                os.environ["RUNS_FOLDER"] = runs
                run_and_store(path)
    except Refused as reason:
        print(f"make notebooks stopped: {reason}", file=sys.stderr)
        return 1
    return 0


def find_notebooks(folder: Path, names: List[str]) -> List[Path]:
    """Find the notebooks whose names start with one of `names`, in reading order."""
    paths = sorted(folder.glob("*.ipynb"))
    for name in names:
        if not any(path.name.startswith(name) for path in paths):
            known = ", ".join(path.name for path in paths) or "none"
            raise Refused(f"no notebook's name starts with {name!r}; expected one of: {known}")
    return [path for path in paths if not names or path.name.startswith(tuple(names))]


def run_and_store(path: Path) -> None:
    """Run one notebook and replace its file; on any failure the file stays as it was."""
    notebook = nbformat.read(str(path), as_version=4)
    timeout = None if os.environ["RUN_LENGTH"] == "full" else CELL_SECONDS
    notebook.metadata.kernelspec = NotebookNode(KERNEL)
    client = NotebookClient(
        notebook, timeout=timeout, record_timing=False, resources={"metadata": {"path": str(path.parent)}}
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        print(error, file=sys.stderr)
        last_line = re.sub(r"\x1b\[[\d;]*m", "", str(error)).strip().splitlines()[-1]  # without the colours
        raise Refused(f"{path.name} did not run to its end: {last_line}") from error
    tidy(notebook, client.widget_state)
    problems = list(find_problems(notebook))
    if problems:
        raise Refused(f"{path.name} ran, but is not stored: " + "; ".join(problems))
    part = path.with_suffix(".part")
    nbformat.write(notebook, str(part))
    os.replace(str(part), str(path))
    store_picture(notebook, path.parent / "pictures" / f"{path.stem}.png")


def store_picture(notebook: NotebookNode, path: Path) -> None:
    """Store the picture that the cell tagged `picture-of-the-end` made; the notebook's first cell shows it."""
    for cell in notebook.cells:
        if "picture-of-the-end" in cell.metadata.get("tags", []):
            pictures = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(base64.b64decode(pictures[-1]))


# --- tidy: what differs from one computer or run to the next goes ---


def tidy(notebook: NotebookNode, widgets: Dict[str, Dict]) -> None:
    """Leave only what a reader needs in a notebook that has just been run."""
    notebook.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python"))
    for cell in notebook.cells:
        for transient in ("execution", "collapsed", "scrolled", "ExecuteTime"):
            cell.metadata.pop(transient, None)
        if cell.cell_type == "code":
            cell.outputs = tidy_streams([drawn for output in cell.outputs for drawn in draw_widget(output, widgets)])
            cell.outputs = [output for output in cell.outputs if "//localhost:" not in html_of(output)]
            for output in cell.outputs:
                leave_out_what_moves(output)
                squeeze_picture(output)


def leave_out_what_moves(output: NotebookNode) -> None:
    """Put a sentence in the place of a film, which is about a megabyte, or of TensorBoard, which is not stored at all.

    GitHub's preview would show neither.
    """
    if "<video" in html_of(output):
        output.data = NotebookNode({"text/plain": "The whole game plays here when you run this cell."})
    elif "tensorboard-frame-" in html_of(output):
        output.data = NotebookNode({"text/plain": "TensorBoard opens here when you run this cell."})


def squeeze_picture(output: NotebookNode) -> None:
    """Store the same pixels in fewer bytes: Matplotlib writes how opaque each one is, and all of them are.

    A moving picture stays as it is: Pillow 7 would store its first frame alone.
    """
    stored = base64.b64decode(output.get("data", {}).get("image/png", ""))
    if not stored or b"acTL" in stored[: stored.find(b"IDAT")]:
        return
    picture, squeezed = Image.open(io.BytesIO(stored)), io.BytesIO()
    if picture.mode == "RGBA" and picture.getextrema()[3] == (255, 255):
        picture = picture.convert("RGB")
    picture.save(squeezed, "png", optimize=True)
    if len(squeezed.getvalue()) < len(stored):
        output.data["image/png"] = base64.b64encode(squeezed.getvalue()).decode()


def html_of(output: NotebookNode) -> str:
    return output.get("data", {}).get("text/html", "")


def draw_widget(output: NotebookNode, widgets: Dict[str, Dict]) -> List[NotebookNode]:
    """Show what a widget showed last, as text and pictures: a stored widget is blank until its cell is run again."""
    if WIDGET not in output.get("data", {}):
        return [output]
    model = output.data.pop(WIDGET)["model_id"]
    if has_button(model, widgets):
        output.data["text/plain"] = "Buttons to press appear here when you run this cell."
        return [output]
    text = " ".join(widget_text(model, widgets).split())
    if text:
        output.data["text/plain"] = text
    return [output, *widget_outputs(model, widgets)]


def widget_text(model: str, widgets: Dict[str, Dict]) -> str:
    """Return a widget's words and numbers; tqdm writes a bar's percentage beside the bar."""
    state = widgets.get(model, {})
    value = "" if "Progress" in state.get("_model_name", "") else state.get("value", "")
    own = re.sub(r"<[^>]*>", "", f"{state.get('description') or ''} {value}")
    return " ".join([html.unescape(own), *(widget_text(child, widgets) for child in widget_children(state))])


def has_button(model: str, widgets: Dict[str, Dict]) -> bool:
    """Return whether there is something to press, so that what is seen at the end of a run is only the beginning."""
    state = widgets.get(model, {})
    return state.get("_model_name") == "ButtonModel" or any(has_button(child, widgets)
                                                            for child in widget_children(state))


def widget_outputs(model: str, widgets: Dict[str, Dict]) -> List[NotebookNode]:
    """Return what was shown inside a widget, such as the plot under a slider."""
    state = widgets.get(model, {})
    shown = [nbformat.from_dict(output) for output in state.get("outputs", [])]
    return shown + [output for child in widget_children(state) for output in widget_outputs(child, widgets)]


def widget_children(state: Dict) -> List[str]:
    """Return the models inside a box, which names them `IPY_MODEL_...`."""
    return [child[len("IPY_MODEL_") :] for child in state.get("children", [])]


def last_state(line: str) -> str:
    """Return what is left of a line that was overwritten; any other line stays to the letter, as nbval compares it."""
    return line.rstrip("\r").rsplit("\r", 1)[-1].rstrip() if "\r" in line else line


def tidy_streams(outputs: List[NotebookNode]) -> List[NotebookNode]:
    """Join each stream's neighbouring pieces, and leave of a line that was overwritten only its last state."""
    tidied: List[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream":
            same = [earlier for earlier in tidied if earlier.output_type == "stream" and earlier.name == output.name]
            if tidied and tidied[-1] in same:
                tidied[-1].text += output.text
                continue
            if same and output.text.startswith("\r"):  # the line goes on below a picture
                same[-1].text = same[-1].text[: same[-1].text.rfind("\n") + 1]
        tidied.append(output)
    for output in tidied:
        if output.output_type == "stream":
            output.text = "\n".join(last_state(line) for line in output.text.split("\n"))
    return [output for output in tidied if output.output_type != "stream" or output.text.strip()]


# --- problems: what must not be stored, and is for the author to mend ---


def find_problems(notebook: NotebookNode) -> Iterator[str]:
    """Yield a sentence for each output that other people should not see."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            text = output_text(output)
            if output.get("name") == "stderr" and not all("%|" in line for line in text.split("\n") if line):
                yield f"cell {number} wrote to standard error: {text.strip()[:300]!r}"
            for private in private_words():
                if re.search(rf"(?<![\w.-]){re.escape(private)}(?![\w-])", text):
                    yield f"cell {number} shows {private!r}, which is this computer's own"
            address = re.search(r"<[^<>]* at 0x[0-9a-f]{8,}>", text)
            if address:
                yield f"cell {number} shows an object's address, {address.group()}: end the line with a semicolon"


def output_text(output: NotebookNode) -> str:
    """Return all that can be read in an output: no pictures, no films."""
    data = [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    words = "\n".join([output.get("text", ""), *data, *output.get("traceback", [])])
    return re.sub(r"base64,[\w+/=\s]*", "", words)


def private_words() -> List[str]:
    """Return the names and paths of this computer."""
    words = [str(ROOT), str(Path.home()), sys.prefix, tempfile.gettempdir(), socket.gethostname(), socket.getfqdn()]
    return sorted({word for word in words if len(word) > 3 and not word.startswith("localhost")})


if __name__ == "__main__":
    sys.exit(main())
