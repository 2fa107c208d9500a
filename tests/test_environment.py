"""environment.yml, the lock and what is installed say the same; nothing is imported that is not pinned."""
import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Set

import importlib_metadata
import nbformat
import pytest
import wheel_imports
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers.children import child_environment, pip_command
from helpers.versions import read_pins


@pytest.fixture(scope="module")
def environment(project) -> Dict:
    return yaml.safe_load((project / "environment.yml").read_text())


@pytest.fixture(scope="module")
def pins() -> Dict[str, str]:
    """What environment.yml pins, without Python itself, under normalised names."""
    return {canonicalize_name(name): pin.version for name, pin in read_pins().items() if name != "python"}


@pytest.fixture(scope="module")
def lock() -> Dict[str, List[str]]:
    return wheel_imports.read_lock()


# --- environment.yml ---


def test_environment_is_what_one_conda_command_needs(environment):
    assert environment["name"] == "atari-drl"
    assert environment["channels"] == ["defaults"]
    *conda, pip_part = environment["dependencies"]
    assert conda == ["python=3.7.11", "pip=22.3.1", "setuptools=65.6.3", "wheel=0.38.4"]
    *packages, last = pip_part["pip"]
    assert last == "-e ."  # helpers, importable from any folder
    assert [line for line in packages if not re.match(r"^[\w.-]+==[\w.]+$", line)] == []


def test_the_post_s_versions(project):
    post = json.loads((project / "tests" / "data" / "the_post.json").read_text(encoding="utf-8"))["packages"]
    pins = {canonicalize_name(name): pin.version for name, pin in read_pins().items()}
    assert {name: pins[canonicalize_name(name)] for name in post} == post


def test_there_is_no_second_list_of_packages(project, pins):
    names = {path.name for path in project.iterdir()}
    others = {"requirements.txt", "requirements.in", "constraints.txt", "setup.cfg", "Pipfile", "uv.lock", "tox.ini"}
    assert names & others == set()
    required = re.findall(r'"([\w-]+)==([\w.]+)"', (project / "pyproject.toml").read_text())
    assert dict(required) == {name: pins[name] for name in ("setuptools", "wheel")}  # what builds helpers


# --- the lock ---


@pytest.mark.parametrize("platform", wheel_imports.PLATFORMS)
def test_lock_holds_every_pin_of_environment_yml(platform, pins):
    split = (pin.split("==") for pin in wheel_imports.locked_on(platform))
    locked = {canonicalize_name(name): version for name, version in split}
    assert {name: locked.get(name) for name in pins} == pins
    assert len(locked) > 100  # and what they need


def test_lock_has_a_hash_for_everything(lock):
    assert [requirement for requirement, hashes in lock.items() if not hashes] == []
    assert all(re.match(r"^[\w.-]+==[\w.]+ ", requirement) for requirement in lock)


def test_lock_names_no_computer(project):
    text = (project / "requirements.lock").read_text()
    assert "make lock" in text.splitlines()[1]
    assert not re.search(r"https?:|file:|/", re.sub(r"#.*", "", text)) and str(project) not in text


# --- what is installed ---


def test_installed_is_what_is_locked(lock):
    wanted = {one.name: str(one.specifier)[2:] for one in map(Requirement, lock) if one.marker.evaluate()}
    installed = {}
    for name in wanted:
        try:
            installed[name] = importlib_metadata.version(name)
        except importlib_metadata.PackageNotFoundError:
            installed[name] = "missing"
    assert installed == wanted


def test_pip_finds_no_conflict():
    checked = subprocess.run(pip_command("check"), env=child_environment(), stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    assert checked.returncode == 0, checked.stdout.decode()


def test_conda_s_pip_step_would_install_nothing_else(project, environment, tmp_path, no_network):
    # conda hands the pip part to pip as a file beside environment.yml, where `-e .` is this project
    part = tmp_path / "requirements.txt"
    part.write_text("\n".join(environment["dependencies"][-1]["pip"]))
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-build-isolation", "-U"]
    subprocess.run([*command, "--report", str(report), "-r", str(part)], cwd=str(project), check=True)
    assert [one["metadata"]["name"] for one in json.loads(report.read_text())["install"]] == ["atari-drl"]


def test_helpers_bring_the_whole_lock(lock):
    required = {str(Requirement(one)) for one in importlib_metadata.requires("atari-drl")}
    assert required == {str(Requirement(one)) for one in lock}


def test_notebooks_run_in_this_environment_whatever_kernels_the_reader_has(project, tmp_path):
    other = tmp_path / "share" / "jupyter" / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text(json.dumps({"argv": ["another-python"], "display_name": "Other"}))
    code = "from jupyter_client.kernelspec import get_kernel_spec; print(get_kernel_spec('python3').resource_dir)"
    elsewhere = dict(os.environ, JUPYTER_DATA_DIR=str(tmp_path / "share" / "jupyter"))
    elsewhere.pop("JUPYTER_PREFER_ENV_PATH", None)

    def kernel(*command) -> str:
        done = subprocess.run([*command, "python", "-c", code], env=elsewhere, cwd=str(project), stdout=subprocess.PIPE)
        return done.stdout.decode().strip()

    assert kernel() == str(other)  # the danger is real
    assert kernel("sh", "tools/env.sh", "run").startswith(sys.prefix)


# --- what is imported ---


def code_of(path: Path) -> str:
    if path.suffix == ".py":
        return path.read_text()
    cells = nbformat.read(str(path), as_version=4).cells
    magic = TransformerManager()
    return "\n".join(magic.transform_cell(cell.source) for cell in cells if cell.cell_type == "code")


def imported_packages(path: Path) -> Set[str]:
    """The first part of every absolute import in a Python file or notebook."""
    names: Set[str] = set()
    for node in ast.walk(ast.parse(code_of(path), str(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def in_standard_library(name: str) -> bool:
    if name in sys.builtin_module_names:
        return True
    spec = importlib.util.find_spec(name)
    origin = str(spec and spec.origin)
    return origin.startswith(os.path.dirname(os.__file__)) and "site-packages" not in origin


def test_every_imported_package_is_pinned(project, pins):
    distributions = importlib_metadata.packages_distributions()
    folders = [project / name for name in ("helpers", "tests", "tests/browser", "tools", "notebooks", "benchmarks")]
    files = [path for folder in folders for pattern in ("*.py", "*.ipynb") for path in folder.rglob(pattern)]
    assert len(files) > 5
    own = {"helpers", "benchmarks", *(path.stem for path in files)}
    # the other libraries that we are measured against have an environment of their own
    peers = {canonicalize_name(line.split("==")[0].strip())
             for line in (project / "benchmarks/peers-requirements.txt").read_text().splitlines() if "==" in line}
    unpinned = {
        f"{path.name} imports {name}"
        for path in files
        for name in imported_packages(path) - own
        if not in_standard_library(name)
        and not (path.name in ("peers.py", "todays_tools.py") and canonicalize_name(name) in peers)
        and not {canonicalize_name(distribution) for distribution in distributions.get(name, [])} & set(pins)
    }
    assert unpinned == set()


def test_an_unpinned_import_would_be_found(tmp_path):
    path = tmp_path / "one.ipynb"
    cells = [nbformat.v4.new_code_cell("%matplotlib inline\nimport requests.sessions\nfrom rl.agents import DQNAgent")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), str(path))
    assert imported_packages(path) == {"requests", "rl"}
    assert in_standard_library("json") and in_standard_library("sys") and not in_standard_library("rl")
