"""A real JupyterLab on a copy of the notebooks, with settings, kernels and runs that nobody else has."""
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Dict, List

TOKEN = "secret"
START_SECONDS = 120  # seconds that Lab may take on a busy computer before the tests give up
STOP_SECONDS = 15  # that it may take to end its kernels
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy


def free_port() -> int:
    """A port of this computer that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def lab_environment(folder: Path) -> Dict[str, str]:
    """The environment variables for a Lab that keeps its settings, kernels and training runs in `folder`."""
    others = ("JUPYTER", "MAKE", "MFLAGS", "MPLBACKEND")  # MPLBACKEND: a notebook draws inline
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return dict(
        inherited,
        RUN_LENGTH="smoke",
        RUNS_FOLDER=str(folder / "runs"),
        IPYTHONDIR=str(folder / "ipython"),
        JUPYTER_CONFIG_DIR=str(folder / "config"),
        JUPYTER_DATA_DIR=str(folder / "data"),
        JUPYTER_RUNTIME_DIR=str(folder / "runtime"),
    )


class Server:
    """A started Lab; it listens on loopback, on a port of its own.

    Args:
        command: starts it, with `lab_arguments(port)` among its arguments.
        cwd: where to start it.
        port: where it will listen.
        folder: see `lab_environment`; its messages go to lab.log there.
    """

    def __init__(self, command: List[str], cwd: Path, port: int, folder: Path):
        self.port, self.log = port, folder / "lab.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=str(cwd), env=lab_environment(folder), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )

    def address(self, path: str) -> str:
        """The address of a page, with the token in it."""
        return f"http://127.0.0.1:{self.port}/{path}{'&' if '?' in path else '?'}token={TOKEN}"

    def ask(self, path: str, method: str = "GET") -> Any:
        """What Lab's REST API answers."""
        request = urllib.request.Request(self.address("api/" + path), method=method)
        answer = DIRECT.open(request, timeout=30).read()
        return json.loads(answer) if answer else None

    def wait_until_it_answers(self) -> None:
        """Wait until Lab listens; if it does not, show what it said."""
        deadline = time.time() + START_SECONDS
        while True:
            try:
                self.ask("status")
                return
            except OSError as error:  # it does not listen yet
                if self.process.poll() is not None or time.time() > deadline:
                    raise AssertionError(f"Lab did not start ({error}); it said:\n{self.log.read_text()}") from error
                time.sleep(0.1)

    def stop(self) -> None:
        """End Lab and its kernels, and wait until they are gone."""
        os.killpg(self.process.pid, signal.SIGTERM)
        deadline = time.time() + STOP_SECONDS
        while self.process.poll() is None or group_lives(self.process.pid):
            if time.time() > deadline:  # a kernel that was just starting can hold Lab back
                os.killpg(self.process.pid, signal.SIGKILL)
            time.sleep(0.1)


def group_lives(leader: int) -> bool:
    """Whether any process of a group is left; make and sh may be gone before Lab is."""
    try:
        os.killpg(leader, 0)
        return True
    except ProcessLookupError:
        return False


def lab_arguments(port: int) -> List[str]:
    """So that Lab listens at `port`, for those who know the token, and opens no browser by itself."""
    return ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
            f"--ServerApp.token={TOKEN}"]


class Lab(Server):
    """tools/lab.sh of this project, in a copy that has the same tools/ and notebooks/.

    Attributes:
        notebooks: the folder with the copies.
        runs: the folder of the training runs that the notebooks start.
    """

    def __init__(self, project: Path, folder: Path):
        self.project, self.copy = project, folder / "copy"
        self.notebooks, self.runs = self.copy / "notebooks", folder / "runs"
        shutil.copytree(str(project / "tools"), str(self.copy / "tools"))
        self.copy_notebooks()
        port = free_port()
        lab = ["sh", "tools/env.sh", "run", "sh", str(self.copy / "tools" / "lab.sh")]
        super().__init__([*lab, *lab_arguments(port)], project, port, folder)
        self.wait_until_it_answers()

    def copy_notebooks(self) -> None:
        """The notebooks as they are committed, and no runs."""
        for folder in (self.notebooks, self.runs):
            shutil.rmtree(str(folder), ignore_errors=True)
        shutil.copytree(str(self.project / "notebooks"), str(self.notebooks))

    def start_afresh(self) -> None:
        """No kernels, the notebooks as they are committed, and no runs."""
        for session in self.ask("sessions"):
            self.ask(f"sessions/{session['id']}", method="DELETE")
        self.copy_notebooks()
