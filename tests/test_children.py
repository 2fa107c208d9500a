"""helpers/children.py: which of pip's settings stay, and whose variables a child gets. What pip then does is tested in
test_makefile.py (install) and test_roms.py (download)."""
import os
import sys

import pytest

from helpers.children import ADDRESSES, CONNECTION, child_environment, pip_command


@pytest.fixture
def settings(monkeypatch, tmp_path):
    """A function that sets pip.conf and variables; none are set otherwise."""
    for name in os.environ:
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)

    def put(conf, **variables):
        (tmp_path / "pip.conf").write_text(conf)
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return put


def options(verb):
    """What pip is given; this computer's own pip.conf may add to it."""
    command = pip_command(verb, "what")
    assert command[:4] == [sys.executable, "-m", "pip", "--isolated"] and command[-1] == "what"
    given = command[command.index(verb) + 1:-1]
    assert {option.split("=")[0][2:] for option in given} <= set(ADDRESSES + CONNECTION)
    return given


def test_addresses_and_certificates_stay_and_nothing_else(settings):
    settings("[global]\nindex-url = http://one/simple\nuser = true\nquiet = 1\ncert = /a b\n"
             "[install]\nindex-url = http://two/simple\nprefix = /p\n[download]\nno-index = yes\n",
             PIP_EXTRA_INDEX_URL="http://x http://y", PIP_USER="1", PIP_QUIET="1", PIP_PYTHON="/nowhere",
             PIP_DEFAULT_TIMEOUT="7", PIP_NO_BINARY=":all:", PIP_CERT="")
    everywhere = {"--cert=/a b", "--default-timeout=7"}
    extra = {"--extra-index-url=http://x", "--extra-index-url=http://y"}
    assert {"--index-url=http://two/simple", *extra, *everywhere} <= set(options("install"))
    assert {"--index-url=http://one/simple", "--no-index", *extra, *everywhere} <= set(options("download"))
    assert options("check") == []  # which asks nobody


def test_variables_win_over_files(settings):
    settings("[global]\nindex-url = http://one/simple\n[install]\nindex-url = http://two/simple\n",
             PIP_INDEX_URL="http://three/simple")
    assert [option for option in options("install") if "--index" in option] == ["--index-url=http://three/simple"]


def test_settings_that_pip_can_not_read_are_reported(settings):
    settings("no section\n")
    with pytest.raises(RuntimeError, match=r"(?s)pip can't read its settings \(.* no section headers"):
        options("install")


def test_a_child_gets_none_of_the_variables_that_change_python_or_pip(monkeypatch):
    for name in ("PYTHONOPTIMIZE", "PYTHONPATH", "PIP_USER"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("SSL_CERT_FILE", "/here")
    child = child_environment()
    assert child["PYTHONUNBUFFERED"] == "1" and child["SSL_CERT_FILE"] == "/here" and child["PATH"]
    assert not {"PYTHONOPTIMIZE", "PYTHONPATH", "PIP_USER"} & set(child)
