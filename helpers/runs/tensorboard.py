"""TensorBoard in a notebook: curves of many runs side by side, and a table of their hyperparameters and scores."""
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Optional
from urllib.parse import urlparse

from helpers.runs.folder import RUNS_FOLDER


def open_tensorboard(folder: Optional[Path] = None, height: int = 800) -> None:
    """Show TensorBoard under the cell: the curves of all runs in a folder (Scalars), and their table (HParams).

    It runs inside the kernel and ends with it, however that ends. (`%tensorboard`, which comes with TensorBoard, starts
    programs of its own; they go on if the kernel is killed.) While a cell is busy it answers slowly.

    Args:
        folder: of the runs; None for runs/.
        height: in pixels.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    folder = Path(folder or RUNS_FOLDER).resolve()
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder.name!r}; expected the folder of your runs. Train first: "
                                "a run makes it.")
    from IPython.display import HTML, display
    from tensorboard import notebook  # not before: it imports TensorFlow

    port = serve_runs(str(folder))
    address = f"http://localhost:{port}/"
    display(HTML(f'TensorBoard is at <a href="{address}" target="_blank">{address}</a> too: that window is wider.'))
    notebook.display(port=port, height=height)


@lru_cache(maxsize=None)
def serve_runs(folder: str) -> int:
    """Start TensorBoard in a thread of this process, once for each folder; return its port on this computer."""
    from tensorboard import program

    server = program.TensorBoard()
    # "fast" would start a program of its own to read the files; runs of a tutorial are small
    server.configure(argv=[None, "--logdir", folder, "--port", "0", "--load_fast", "false"])
    return urlparse(server.launch()).port


def hparams_summary(hyperparameters: Dict[str, Any], run: str) -> bytes:
    """Write what TensorBoard's HParams tab wants to know of a run when it begins, as a serialized Summary.

    The tab compares the runs by the numbers that they log, of which it takes the last.
    """
    from tensorboard.plugins.hparams import api

    plain = {name: value if isinstance(value, (bool, int, float, str)) else str(value)
             for name, value in hyperparameters.items()}
    return api.hparams_pb(plain, trial_id=run).SerializeToString()
