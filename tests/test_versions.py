"""helpers/versions.py: environment.yml read line by line, against a YAML reader and against what is installed."""
import platform
import subprocess
import sys

import pytest
import yaml

from helpers import versions


def test_pins_are_what_a_yaml_reader_finds_in_the_file():
    *conda, pip_part = yaml.safe_load(versions.ENVIRONMENT_FILE.read_text())["dependencies"]
    expected = dict(line.split("=") for line in conda)
    expected.update(line.split("==") for line in pip_part["pip"] if line != "-e .")
    pins = versions.read_pins()
    assert {name: pin.version for name, pin in pins.items()} == expected
    assert next(iter(pins)) == "python"


def test_every_line_says_what_the_package_is_for():
    assert [name for name, pin in versions.read_pins().items() if not pin.purpose] == []


def test_table_says_ok_where_the_environment_is_the_pinned_one():
    table = versions.version_table()
    assert list(table.columns) == ["package", "what it is for", "pinned", "installed", "ok"]
    assert table["ok"].all(), table[~table["ok"]].to_string()
    assert table.set_index("package").loc["python", "installed"] == platform.python_version()


def test_table_shows_a_wrong_version_and_a_missing_package(tmp_path, monkeypatch):
    file = tmp_path / "environment.yml"
    file.write_text("  - numpy==9.9  # arrays\n  - no-such-package==1.0 # nothing\n")
    pins = versions.read_pins(file)
    monkeypatch.setattr(versions, "read_pins", lambda: pins)
    table = versions.version_table().set_index("package")
    assert not table["ok"].any()
    assert table.loc["numpy", "pinned"] == "9.9"
    assert table.loc["no-such-package", "installed"] == "missing"
    assert table.loc["no-such-package", "what it is for"] == "nothing"


@pytest.mark.parametrize(
    "running, said", [("3.7.11", ""), ("3.7.16", "any Python 3.7 works"), ("3.9.1", "conda activate atari-drl")]
)
def test_note_on_another_python(running, said, monkeypatch):
    monkeypatch.setattr(platform, "python_version", lambda: running)
    note = versions.python_note()
    assert said in note and bool(note) == bool(said)
    assert not note or running in note


def test_helpers_come_without_tensorflow_from_any_folder(tmp_path):
    code = "import sys, helpers.versions, helpers.roms; print('tensorflow' in sys.modules, 'gym' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], cwd=str(tmp_path), stdout=subprocess.PIPE, check=True).stdout
    assert said.split() == [b"False", b"False"]
