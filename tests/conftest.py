"""What several tests need."""
import os
import signal
import sys
from pathlib import Path

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # started in the background of a shell: the programs that the tests start, and interrupt, would inherit the deafness
    signal.signal(signal.SIGINT, signal.default_int_handler)

for name in ("NO_PROXY", "no_proxy"):  # the servers that the tests start on this computer are asked directly
    os.environ[name] = ",".join(filter(None, [os.environ.get(name), "localhost,127.0.0.1"]))


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder of this project."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module", autouse=True)
def a_graph_of_its_own():
    """The networks of the modules before are forgotten: in one graph with hundreds of them all gets slower."""
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].keras.backend.clear_session()


@pytest.fixture
def no_network(monkeypatch):
    """Every address but this computer's own sits behind a proxy that is not there; pip knows no other source."""
    for name in os.environ:
        if name.startswith("PIP_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
