"""Binder's and the dev-container's files: thin wrappers of the Makefile's targets."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path


def test_binder_fetches_the_games_with_the_python_that_is_active(project, tmp_path):
    """repo2docker is not run here; its postBuild is, with a stand-in for Python that notes how it was called."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/called"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["sh", "./postBuild"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          cwd=str(project), env={**os.environ, "PATH": path})
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "called").read_text() == "-m helpers.roms --no-prompt\n"
    assert "environment" not in done.stdout and "72ffbef6504b75e69ee1045af9075f66" in done.stdout


def test_the_dev_container_calls_targets_that_exist(project):
    text = (project / ".devcontainer" / "devcontainer.json").read_text()
    settings = json.loads(re.sub(r"^//.*\n", "", text))
    make, *targets = settings["postCreateCommand"].split()
    makefile = (project / "Makefile").read_text()
    assert make == "make" and targets and all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    name = re.search(r"^name: (.*)", (project / "environment.yml").read_text(), re.MULTILINE).group(1)
    interpreter = Path(settings["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"])
    assert interpreter.parts[-4:] == ("envs", name, "bin", "python")
