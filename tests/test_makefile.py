"""The Makefile and tools/, run for real with a small package list, on computers that have or lack a Python or conda."""
import ensurepip
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Dict

import nbformat
import pytest

REAL_PYTHON = Path(sys.base_prefix) / "bin" / "python3.7"
NO_PYTHON = """\
No Python 3.7 was found, and this tutorial's packages run on no other: install one of these, then run make again.
  conda or mamba (brings its own Python): the Miniconda installer from docs.conda.io, or Miniforge from conda-forge.org
  a Python 3.7 alone: `pyenv install 3.7.17` (github.com/pyenv/pyenv), or with uv `uvx uv@0.4.30 python install 3.7`
"""
BASIC_COMMANDS = """
    awk cat chmod cksum dirname env expand find grep head id locale ls make
    mkdir mktemp mv rm sed sh sleep sort tail touch tr true uname
"""


class Computer:
    """A home folder, a PATH with nothing but basic commands, and a copy of the project with a small package list."""

    def __init__(self, folder: Path, project: Path):
        self.folder, self.bin, self.clone = folder, folder / "bin", folder / "clone"
        self.bin.mkdir()
        (folder / "home").mkdir()
        for name in BASIC_COMMANDS.split():
            (self.bin / name).symlink_to(shutil.which(name))
        self.environment = {
            "PATH": str(self.bin),
            "HOME": str(folder / "home"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": (folder / "wheels").as_uri(),  # pip takes a space for the end of a path
        }
        self.clone.mkdir()
        shutil.copy(str(project / "Makefile"), str(self.clone))
        shutil.copytree(str(project / "tools"), str(self.clone / "tools"))
        (self.clone / "helpers").mkdir()
        (self.clone / "helpers" / "__init__.py").touch()
        shutil.copy(str(project / "helpers" / "children.py"), str(self.clone / "helpers"))
        (self.clone / "setup.py").write_text("from setuptools import setup\n\nsetup(packages=['helpers'])\n")
        (self.clone / "environment.yml").write_text(
            "name: atari-drl\nchannels:\n  - defaults\nvariables:\n  A: 'b'\ndependencies:\n"
            "  - python=3.7.11  # the language\n  - pip=22.3.1  # installs\n"
            "  - pip:\n      - tiny==1.0  # a package\n      - -e .\n"
        )
        self.lock("1.0")

    def lock(self, version: str) -> None:
        """Publish a version of the package `tiny`, and lock it beside the pip and setuptools that Python brings."""
        wheel = self.folder / "wheels" / f"tiny-{version}-py3-none-any.whl"
        wheel.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(str(wheel), "w") as archive:
            archive.writestr("tiny.py", f"version = {version!r}\n")
            info = f"tiny-{version}.dist-info"
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        bundled = {"pip": ensurepip._PIP_VERSION, "setuptools": ensurepip._SETUPTOOLS_VERSION}
        lines = [f"{name}=={bundle} \\\n    --hash=sha256:{'0' * 64}\n" for name, bundle in bundled.items()]
        lines.append(f"tiny=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
        (self.clone / "requirements.lock").write_text("".join(lines))

    def add(self, path: str, script: str) -> Path:
        """Put an executable shell script somewhere on this computer."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n" + script + "\n")
        file.chmod(0o755)
        return file

    def add_python(self, path: str) -> Path:
        """Put a Python 3.7 that really starts somewhere on this computer."""
        return self.add(path, f'exec "{REAL_PYTHON}" "$@"')

    def run(self, *command: str, umask: int = 0o022, **environment: str) -> "Said":
        done = subprocess.run(
            command,
            cwd=str(self.clone),
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,  # where many programs run beside it
            preexec_fn=lambda: os.umask(umask),
        )
        return Said(done.returncode, done.stdout.decode())


class Said:
    """How a command ended and what it said, without the line in which make itself reports a failure."""

    def __init__(self, status: int, text: str):
        self.status = status
        self.text = re.sub(r"^make(\[\d+\])?: \*\*\*.*\n", "", text, flags=re.MULTILINE)
        self.last = (self.text.splitlines() or [""])[-1]


@pytest.fixture
def computer(tmp_path, project) -> Computer:
    return Computer(tmp_path, project)


# --- make ---


def test_make_alone_prints_the_targets(computer):
    said = computer.run("make")
    targets = re.search(r"^\.PHONY: (.*)", (computer.clone / "Makefile").read_text(), re.MULTILINE).group(1).split()
    assert said.status == 0
    assert [line.split()[:2] for line in said.text.splitlines()] == [["make", target] for target in targets]
    assert all(len(line) < 110 and len(line.split()) > 3 for line in said.text.splitlines())


@pytest.fixture
def build_machine(computer) -> Computer:
    """A computer on which make only says where and for what it was asked; it fails if PIP_BROKEN says so."""
    (computer.bin / "make").unlink()
    computer.add("bin/make", 'echo "${PWD##*/}: make $*"; [ -z "${PIP_TELL:-}" ] || env; exit ${PIP_BROKEN:-0}')
    computer.add("bin/git", 'for last; do :; done; mkdir "$last"')
    (computer.bin / "bash").symlink_to(shutil.which("bash"))
    (computer.bin / "id").unlink()
    computer.add("bin/id", "echo 0")
    return computer


def test_continuous_integration_stops_where_make_test_fails(build_machine, project):
    said = build_machine.run(str(project / ".ci" / "run"), PIP_BROKEN="3")
    assert (said.status, said.text) == (3, "Atari für alle: make test\n")


def test_continuous_integration_gives_the_tests_no_more_than_a_reader_has(build_machine, project):
    """An empty home, PATH and LANG; besides, what a package client needs to reach its index."""
    needed = {"PIP_CERT": "/a b", "PIP_TELL": "1", "https_proxy": "http://one", "HTTP_PROXY": "two", "No_Proxy": "here",
              "REQUESTS_CA_BUNDLE": "/b", "CURL_CA_BUNDLE": "/c", "SSL_CERT_DIR": "/d", "SSL_X": "several\nlines"}
    others = {"PYTHONUNBUFFERED": "1", "PYTHONPATH": "/x", "PYTHONUTF8": "1", "MPLBACKEND": "agg", "CI": "true",
              "CDPATH": ".", "LC_ALL": "C", "RUN_LENGTH": "full", "VIRTUAL_ENV": "/v", "PYENV_ROOT": "/p", "X_PIP_": ""}
    said = build_machine.run(str(project / ".ci" / "run"), **needed, **others)
    assert said.status == 0
    lines = said.text.replace("several\nlines", "several lines").splitlines()
    received = dict(line.split("=", 1) for line in lines if "=" in line)
    home = received.pop("HOME")
    needed["SSL_X"] = "several lines"
    wanted = {**needed, "PATH": str(build_machine.bin), "LANG": "C.UTF-8",
              **{name: build_machine.environment[name] for name in build_machine.environment if name[:4] == "PIP_"}}
    set_by_sh = {name: received.pop(name) for name in ("PWD", "OLDPWD", "SHLVL", "_") if name in received}
    assert received == wanted
    assert re.search("[ ].*[äöü]|[äöü].*[ ]", Path(set_by_sh["PWD"]).name)
    assert home != build_machine.environment["HOME"] and not Path(home).exists()  # it was made for this


@pytest.mark.parametrize(
    "programs, installed",
    [
        ({}, []),
        ({"chromium": "exit 1", "apt-get": "echo apt-get $1"}, []),
        ({"id": "echo 1000", "apt-get": "echo apt-get $1"}, []),
        ({"apt-get": "echo apt-get $1"}, ["apt-get update", "apt-get install"]),
        ({"apt-get": "exit 100"}, ["Chromium could not be installed: the browser tests will be skipped."]),
    ],
    ids=["no apt-get", "has chromium", "not root", "installs", "can't install"],
)
def test_continuous_integration_installs_a_browser_where_it_can(build_machine, project, programs, installed):
    for name, script in programs.items():
        build_machine.add(f"bin/{name}", script)
    said = build_machine.run(str(project / ".ci" / "run"))
    assert said.status == 0
    clone = "Atari für alle"
    assert said.text.splitlines() == [f"{clone}: make test", *installed, f"{clone}: make test-browser"]


# --- which Python ---


def test_no_python_says_in_three_lines_what_to_install(computer):
    said = computer.run("make", "env")
    assert said.status != 0
    assert said.text == NO_PYTHON
    assert not (computer.clone / ".venv").exists()


def find_python(computer: Computer, **environment: str) -> Said:
    return computer.run("sh", "tools/find_python.sh", **environment)


def test_python_on_path_comes_first(computer):
    python = computer.add_python("bin/python3.7")
    computer.add_python("home/.pyenv/versions/3.7.17/bin/python")
    assert find_python(computer).text == f"{python}\n"


@pytest.mark.parametrize("where", ["PYENV_ROOT", "pyenv root", "home/.pyenv", "its shims", "its program"])
def test_newest_of_pyenv_s_versions_where_its_shim_refuses(computer, where):
    computer.add("bin/python3.7", "echo 'pyenv: python3.7: command not found' >&2; exit 127")
    root = computer.folder / (where if "/" in where else "else where")
    for version in ("3.7.9", "3.7.10", "2.7.18", "3.8.18"):
        computer.add_python(f"{root}/versions/{version}/bin/python")
    computer.add(f"{root}/versions/3.7.17/bin/python", "exit 1")  # the newest, but broken
    if where == "pyenv root":
        computer.add("bin/pyenv", f"echo '{root}'")
    environment = {"PYENV_ROOT": str(root)} if where == "PYENV_ROOT" else {}
    if where in ("its shims", "its program"):  # on PATH, all that is left of pyenv where the home is another one
        folder = root / ("shims" if where == "its shims" else "bin")
        environment = {"PATH": f"{folder}{os.pathsep}{computer.bin}"}
    assert find_python(computer, **environment).text == f"{root}/versions/3.7.10/bin/python\n"


@pytest.mark.parametrize("lacks", ["ssl", "ensurepip", "sqlite3"])
def test_incomplete_python_does_not_count(computer, lacks):
    (computer.folder / f"{lacks}.py").write_text("raise ImportError('built without it')\n")
    computer.add("bin/python3.7", f'PYTHONPATH="{computer.folder}" exec "{REAL_PYTHON}" "$@"')
    assert find_python(computer).text == NO_PYTHON


@pytest.mark.parametrize("way", ["installed", "python install 3.7", "tool run uv@0.4.30 python install 3.7", "none"])
def test_uv_comes_last(computer, way):
    python = computer.add_python("uv/python3.7")
    flag = computer.folder / "flag"
    if way == "installed":
        flag.touch()
    computer.add(
        "bin/uv",
        f"""case "$*" in
        --version) echo uv 1 ;;
        "python find --system 3.7") [ -e "{flag}" ] && echo "{python}" ;;
        "{way}") touch "{flag}" ;;
        *) exit 2 ;;
        esac""",
    )
    assert find_python(computer).text == (NO_PYTHON if way == "none" else f"{python}\n")


# --- .venv ---


def test_environment_is_built_once_and_again_only_when_it_must_be(computer):
    computer.add_python("bin/python3.7")
    built = "==> .venv, from"
    first = computer.run("make", "env")
    assert (first.status, first.last) == (0, "==> environment: ready"), first.text
    assert built in first.text
    assert computer.run("make", "env").text == "==> environment: ready\n"  # nothing is installed twice
    code = "import os; os.chdir('/'); import helpers, tiny"
    assert computer.run("sh", "tools/env.sh", "run", "python", "-c", code).status == 0

    computer.lock("1.1")
    assert built in computer.run("make", "env").text
    version = computer.run("sh", "tools/env.sh", "run", "python", "-c", "import tiny; print(tiny.version)")
    assert version.text == "1.1\n"

    comment = (computer.clone / "environment.yml").read_text().replace("# a package", "# the package")
    (computer.clone / "environment.yml").write_text(comment)
    assert built not in computer.run("make", "env").text

    computer.clone.rename(computer.folder / "moved")
    computer.clone = computer.folder / "moved"
    refused = computer.run("sh", "tools/env.sh", "run", "python", "-c", "")
    assert refused.status == 1 and refused.last.startswith("make env stopped: the environment is not ready")
    assert built in computer.run("make", "env").text

    (computer.clone / ".venv" / "bin" / "python").unlink()  # what removing the Python beneath leaves
    assert built in computer.run("make", "env").text


# What a reader may have exported, or have in the home folder, that is not meant for this tutorial
EXPORTED = {
    "CDPATH": ".:/", "GREP_OPTIONS": "--color=always", "CLICOLOR_FORCE": "1", "LC_ALL": "C", "VIRTUAL_ENV": "/other",
    "PYTHONPATH": "/other", "PYTHONHOME": "/other", "PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error",
    "PYTHONSTARTUP": "/other", "PYTHONINSPECT": "1", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0",
    "MPLBACKEND": "agg", "MATPLOTLIBRC": "/other", "JUPYTER_PATH": "/other", "JUPYTERLAB_DIR": "/other",
}
PIP_SETTINGS = {"prefix": "/other", "target": "/other", "root": "/other", "user": "true", "require-virtualenv": "true",
                "no-binary": ":all:", "constraint": "/other", "no-build-isolation": "false", "python-version": "3.9",
                "requirement": "/other", "dry-run": "true", "ignore-installed": "true",
                "no-deps": "false", "quiet": "1"}


@pytest.mark.parametrize("settings", ["exported", "in pip.conf"])
def test_what_a_reader_has_set_for_other_programs_does_not_reach_the_environment(tmp_path, project, settings):
    """Nor does a folder with a space and an umlaut in its name, or a home that only its owner may read."""
    (tmp_path / "ein ä b").mkdir()
    computer = Computer(tmp_path / "ein ä b", project)
    computer.add_python("bin/python3.7")
    if settings == "exported":
        pip = {f"PIP_{name.upper().replace('-', '_')}": value for name, value in PIP_SETTINGS.items()}
    else:
        conf = computer.folder / "home" / ".config" / "pip" / "pip.conf"
        conf.parent.mkdir(parents=True)
        lines = [f"{name} = {value}\n" for name, value in PIP_SETTINGS.items()]
        index = f"no-index = true\nfind-links = {(computer.folder / 'wheels').as_uri()}\n"  # this stays
        conf.write_text("[global]\n" + "".join(lines) + index, encoding="utf-8")
        (computer.folder / "home" / ".pydistutils.cfg").write_text("[install]\nprefix=/other\n")
        for name in ("PIP_CONFIG_FILE", "PIP_NO_INDEX", "PIP_FIND_LINKS"):
            del computer.environment[name]
        pip = {}
    hostile = {**EXPORTED, **pip}
    built = computer.run("make", "env", umask=0o077, **hostile)
    assert (built.status, built.last) == (0, "==> environment: ready"), built.text
    code = """if True:
        import os, sys, tiny
        sys.prefix.encode()  # an umlaut that was misread can't be written
        print(tiny.__file__)
        names = [name for name in os.environ if name.startswith("PYTHON") or os.environ[name] == "/other"]
        names = [name for name in names if not name.startswith("PIP_")]
        print(sorted(names), "MPLBACKEND" in os.environ, __doc__, sys.flags.optimize)"""
    said = computer.run("sh", "tools/env.sh", "run", "python", "-c", code, umask=0o077, **hostile)
    here = computer.clone / ".venv/lib/python3.7/site-packages/tiny.py"
    assert said.text.splitlines() == [str(here), "['PYTHONNOUSERSITE'] False None 0"]


def test_a_folder_whose_name_this_computer_can_not_write_is_named(tmp_path, project):
    (tmp_path / "ein ä b").mkdir()
    computer = Computer(tmp_path / "ein ä b", project)
    computer.add_python("bin/python3.7")
    (computer.bin / "locale").unlink()
    computer.add("bin/locale", "echo ANSI_X3.4-1968")  # whatever LC_ALL says: no other language is installed
    said = computer.run("make", "env", LC_ALL="C.UTF-8")
    assert said.status != 0 and said.last.startswith(f"make env stopped: the name of {computer.clone} has letters that")
    computer.clone.rename(tmp_path / "plain")
    computer.clone = tmp_path / "plain"
    assert "the environment is not ready" in computer.run("sh", "tools/env.sh", "run", "true").last


def test_every_script_that_changes_its_folder_bears_cdpath(project):
    scripts = [project / "postBuild", project / ".ci" / "run", *project.glob("*/*.sh")]
    for path in scripts:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert "cd " not in line or "CDPATH=''" in line or re.search(r'cd "\$(root|clone)', line) or \
                line.lstrip().startswith("#"), f"{path.name}: {line}"


@pytest.mark.skipif(not shutil.which("git"), reason="no git is installed, so there is no checkout to look at")
def test_no_checkout_has_windows_line_endings(project, tmp_path):
    """As git for Windows is set up by default, which turns LF into CRLF unless .gitattributes forbids it."""
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "core.autocrlf=true", *arguments],
                       cwd=str(tmp_path), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    (tmp_path / "one").mkdir()
    files = [".gitattributes", "Makefile", "postBuild", ".ci/run", "tools/env.sh", "environment.yml", "setup.py",
             "weights/ram_best.h5", "weights/experiments.csv", "notebooks/pictures/04_learn_by_hand.png"]
    for name in files:
        (tmp_path / "one" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(str(project / name), str(tmp_path / "one" / name))
    git("init", "one")
    git("-C", "one", "add", ".")
    git("-C", "one", "commit", "-m", "all")
    git("clone", "one", "two")
    for name in files:
        assert (tmp_path / "two" / name).read_bytes() == (project / name).read_bytes(), name


def test_interrupted_build_is_not_taken_for_done(computer):
    computer.add_python("bin/python3.7")
    with socket.socket() as silent:  # takes pip's question for packages and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        building = subprocess.Popen(
            ["make", "env"],
            cwd=str(computer.clone),
            env={**computer.environment, "PIP_FIND_LINKS": address},
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        silent.settimeout(100)
        connection, _ = silent.accept()
        os.killpg(building.pid, signal.SIGKILL)
        building.wait()
        connection.close()
    assert (computer.clone / ".venv" / "bin" / "python").exists()
    assert computer.run("sh", "tools/env.sh", "run", "true").status == 1
    assert "==> .venv, from" in computer.run("make", "env").text
    assert computer.run("sh", "tools/env.sh", "run", "true").status == 0


@pytest.mark.parametrize("mishap, said", [("tampered", "DO NOT MATCH THE HASHES"), ("absent", "No matching distrib")])
def test_packages_that_can_not_be_had(computer, mishap, said):
    computer.add_python("bin/python3.7")
    wheel = computer.folder / "wheels" / "tiny-1.0-py3-none-any.whl"
    if mishap == "tampered":
        with zipfile.ZipFile(str(wheel), "a") as archive:
            archive.writestr("more.py", "print('evil')")
    else:
        wheel.unlink()
    failed = computer.run("make", "env")
    assert failed.status != 0 and said in failed.text
    assert failed.last.startswith("make env stopped: pip could not install the packages; see the error above")
    assert computer.run("sh", "tools/env.sh", "run", "true").status == 1


# --- conda ---

CONDA = """
echo "[$CONDA_SUBDIR] $*" >>"$HOME/conda.log"
case $1 in
--version) echo conda 24 ;;
create) python3.7 -m venv "$HOME/envs/$4" ;;
install) ;;
run) shift 2; name=$1; shift; [ -d "$HOME/envs/$name" ] && PATH=$HOME/envs/$name/bin:$PATH && exec "$@" ;;
esac
"""


def conda_calls(computer: Computer) -> list:
    lines = (computer.folder / "home" / "conda.log").read_text().splitlines()
    return [line for line in lines if "--version" not in line and " run " not in line]


def test_conda_s_environment_is_made_where_there_is_conda(computer):
    computer.add_python("bin/python3.7")
    computer.add("bin/conda", CONDA)
    said = computer.run("make", "env")
    assert (said.status, said.last) == (0, "==> environment: ready"), said.text
    create = "[] create -y -n atari-drl --override-channels -c defaults python=3.7.11 pip=22.3.1"
    assert conda_calls(computer) == [create]
    assert not (computer.clone / ".venv").exists()
    where = computer.run("sh", "tools/env.sh", "run", "python", "-c", "import sys, tiny; print(sys.prefix)")
    assert where.text == f"{computer.folder}/home/envs/atari-drl\n"

    assert computer.run("make", "env").text == "==> environment: ready\n"
    assert conda_calls(computer) == [create]
    computer.lock("1.1")
    assert computer.run("make", "env").status == 0
    assert conda_calls(computer) == [create, create.replace("create", "install")]


def test_apple_silicon_is_told_first_and_takes_intel_s_packages_if_asked_to(computer):
    computer.add("bin/conda", CONDA)
    (computer.bin / "uname").unlink()
    computer.add("bin/uname", "echo Darwin arm64")
    said = computer.run("make", "env")
    assert said.status != 0 and said.last.startswith("make env stopped: This Mac's processor is Apple's")
    assert conda_calls(computer) == []
    computer.run("make", "env", ROSETTA_ADVERTISE_AVX="1")
    assert conda_calls(computer)[0].startswith("[osx-64] create")


@pytest.mark.parametrize("name", ["conda", "mamba", "micromamba", "CONDA_EXE", "MAMBA_EXE"])
def test_conda_s_relatives_are_found_and_their_failure_is_told(computer, name):
    script = "[ $1 = --version ] || { echo 'CondaHTTPError: no connection' >&2; exit 1; }"
    if name.endswith("_EXE"):  # where a shell function hides the program
        computer.environment[name] = str(computer.add("elsewhere/program", script))
        name = computer.environment[name]
    else:
        computer.add(f"bin/{name}", script)
    said = computer.run("make", "env")
    assert said.status != 0 and "CondaHTTPError" in said.text
    assert said.last == (f"make env stopped: {name} could not make the environment atari-drl; see the error above "
                         "(if it wants terms accepted: README.md)")


# --- make test ---


def run_tests(computer: Computer, files: Dict[str, str]) -> Said:
    """tools/test.sh, in this environment, on a project that has just these files."""
    for name, text in files.items():
        (computer.clone / name).parent.mkdir(exist_ok=True)
        (computer.clone / name).write_text(text)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    language = {name: os.environ[name] for name in ("LANG", "LC_ALL", "LC_CTYPE") if name in os.environ}
    return computer.run("sh", "tools/test.sh", PATH=path, JUPYTER_PREFER_ENV_PATH="1", **language)


def notebook(code: str) -> str:
    cells = [nbformat.v4.new_code_cell(code)]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=metadata))


CHECKS = ["ruff", "unit tests", "tests that measure time"]
GOOD_FILES = {
    "setup.py": "",
    "tests/test_one.py": "import os\n\n\ndef test_one():\n    assert os.environ['RUN_LENGTH'] == 'smoke'\n",
    "tests/test_alone.py": "import pytest\n\n\n@pytest.mark.alone\ndef test_alone():\n    pass\n",
    "notebooks/01_one.ipynb": notebook("import os\n\nassert os.environ['RUN_LENGTH'] == 'smoke'"),
}


@pytest.mark.parametrize(
    "files, last, steps",
    [
        ({}, "==> everything passed", [*CHECKS, "notebooks at smoke length", "everything passed"]),
        ({"setup.py": "import os\n"}, "make test stopped: ruff failed; see the messages above", ["ruff"]),
        (
            {"tests/test_one.py": "def test_one():\n    assert 1 == 2\n"},
            "make test stopped: unit tests failed; see the messages above",
            ["ruff", "unit tests"],
        ),
        (
            {"notebooks/01_one.ipynb": notebook("1 / 0")},
            "make test stopped: notebooks at smoke length failed; see the messages above",
            [*CHECKS, "notebooks at smoke length"],
        ),
    ],
    ids=["good", "ruff", "unit test", "notebook"],
)
def test_make_test_says_each_step_and_stops_at_the_first_failure(computer, files, last, steps):
    said = run_tests(computer, {**GOOD_FILES, **files})
    assert said.last == last, said.text
    assert (said.status == 0) == (not files)
    assert re.findall(r"^==> (.*)", said.text, re.MULTILINE) == steps


def test_make_test_without_notebooks(computer):
    said = run_tests(computer, {name: text for name, text in GOOD_FILES.items() if "notebooks" not in name})
    assert said.last == "==> everything passed", said.text


# --- make lab ---


def test_make_lab_serves_the_first_notebook_without_installing_anything(project, tmp_path):
    """Whatever the reader's own Jupyter configuration says of folders and first pages."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    lines = [f"c.{name} = {str(tmp_path)!r}\n" for name in (
        "NotebookApp.notebook_dir", "ServerApp.notebook_dir", "ServerApp.root_dir", "ServerApp.preferred_dir",
        "FileContentsManager.root_dir", "FileContentsManager.preferred_dir")]
    lines += [f"c.{name}.default_url = '/tree'\n" for name in ("NotebookApp", "ServerApp", "LabApp")]
    for name in ("notebook", "server", "lab"):
        (tmp_path / f"jupyter_{name}_config.py").write_text("".join(lines))
    environment.update(JUPYTER_CONFIG_DIR=str(tmp_path), PYTHONOPTIMIZE="2", PYTHONWARNINGS="error", CDPATH=".:/")
    lab = subprocess.Popen(
        ["make", "lab", f"LAB_ARGS=--no-browser --ip=127.0.0.1 --port={port} --ServerApp.token=secret"],
        cwd=str(project),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        address = f"http://127.0.0.1:{port}/api/contents/notebooks/01_set_up.ipynb?token=secret&content=0"
        deadline = time.time() + 60
        while True:
            try:
                assert b'"type": "notebook"' in urllib.request.urlopen(address, timeout=5).read()
                break
            except OSError as error:  # it does not listen yet
                assert lab.poll() is None and time.time() < deadline, error
                time.sleep(0.3)
    finally:
        os.killpg(lab.pid, signal.SIGTERM)
        said = lab.communicate(timeout=30)[0].decode()
    assert said.startswith("==> environment: ready\nROMs: already in atari_py;"), said
    assert f":{port}/lab/tree/notebooks/01_set_up.ipynb?token=" in said


def test_a_notebook_shows_its_figures_whatever_was_exported(project, tmp_path):
    """In the environment in which make runs things, from the first cell on."""
    cells = [nbformat.v4.new_code_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('$x$');")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), str(tmp_path / "one.ipynb"))
    (tmp_path / "matplotlibrc").write_text("backend: agg\ntext.usetex: true\n")  # no LaTeX is needed
    (tmp_path / "startup.py").write_text("raise SystemExit('a startup file ran')\n")
    (tmp_path / "lib" / "python3.7" / "site-packages" / "matplotlib").mkdir(parents=True)  # an empty one
    exported = {"MPLBACKEND": "agg", "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "PYTHONOPTIMIZE": "2",
                "PYTHONSTARTUP": str(tmp_path / "startup.py"), "VIRTUAL_ENV": str(tmp_path)}
    code = """if True:
        import sys, nbformat
        from nbclient import NotebookClient
        notebook = nbformat.read(sys.argv[1], 4)
        NotebookClient(notebook, timeout=60).execute()
        print([sorted(output.get("data", output)) for output in notebook.cells[0].outputs])"""
    done = subprocess.run(["sh", "tools/env.sh", "run", "python", "-c", code, str(tmp_path / "one.ipynb")],
                          env={**os.environ, **exported}, cwd=str(project), timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.stdout.splitlines()[-1] == "[['image/png', 'text/plain']]", done.stdout
