"""helpers/surroundings.py, in Pythons and kernels that were started with what a shell may have exported."""
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from jupyter_client.manager import start_new_kernel

import helpers.surroundings
from helpers.surroundings import INLINE, check


def test_without_docstrings_it_says_so_before_tensorflow_does():
    said = subprocess.run([sys.executable, "-OO", "-c", "import helpers"], stderr=subprocess.PIPE, text=True).stderr
    assert said.splitlines()[-1].startswith("RuntimeError: Python runs with PYTHONOPTIMIZE=2 or -OO; expected less, ")
    subprocess.run([sys.executable, "-O", "-c", "import helpers"], check=True)


def test_a_misread_umlaut_is_named():
    check(prefix="/home/jörg/env")
    with pytest.raises(RuntimeError, match=r"misread .* '/home/j\\udcc3\\udcb6rg/env', .* Set LC_ALL=C.UTF-8"):
        check(prefix="/home/jörg/env".encode().decode("ascii", "surrogateescape"))


def test_keras_ignores_a_reader_s_own_settings(tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"floatx": "float16", "image_data_format": "channels_first"}')
    code = ("import helpers; from tensorflow.keras import backend as keras; "
            "print(keras.floatx(), keras.image_data_format())")
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("KERAS_HOME", None)
    said = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment).stdout
    assert said == "float32 channels_last\n"


@pytest.mark.parametrize("before", ["", "import matplotlib.pyplot as plt\n"], ids=["helpers first", "pyplot first"])
def test_a_figure_appears_in_the_notebook_whatever_backend_was_exported(before, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        shown = []

        def collect(message):
            shown.extend(message["content"].get("data", []))

        for code in (f"{before}import helpers\nimport matplotlib.pyplot as plt", "plt.plot([1, 2]);"):
            reply = client.execute_interactive(code, output_hook=collect, timeout=60)
            assert reply["content"]["status"] == "ok", reply["content"]
        assert "image/png" in shown
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_outside_of_a_notebook_the_backend_is_left_alone(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))  # as in a script
    helpers.surroundings.draw_in_notebook()
    assert os.environ["MPLBACKEND"] == "agg" != INLINE
