"""helpers/machine.py and tools/check_machine.sh: which computers can't run this, said in the same words."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import machine
from helpers.machine import APPLE, ARM, DEBUG_LIBRARIES, NO_AVX, WINDOWS, why_not

INTEL_MAC = {"system": "darwin", "machine": "x86_64", "translated": False}
ROSETTA = {"system": "darwin", "machine": "x86_64", "translated": True, "features": {"sse4.2"}}
LINUX = {"system": "linux", "machine": "x86_64"}
WINDOWS_SAYS = WINDOWS.format("MSVCP140D.dll, VCRUNTIME140D.dll, ucrtbased.dll")


@pytest.mark.parametrize("computer, expected", [
    ({**LINUX, "features": {"sse4_2", "avx"}}, ""),
    ({**LINUX, "features": {"sse4_2", "avx512f"}}, NO_AVX),  # a name that only begins like it
    ({**LINUX, "features": {"sse4_2"}}, NO_AVX),
    ({**LINUX, "features": set()}, NO_AVX),
    ({**LINUX, "features": None}, ""),  # unknown: no verdict
    ({"system": "linux", "machine": "aarch64"}, ARM),
    ({**INTEL_MAC, "features": {"sse4.2", "avx1.0"}}, ""),
    ({**INTEL_MAC, "features": {"sse4.2"}}, NO_AVX),
    ({**INTEL_MAC, "features": None}, ""),
    (ROSETTA, APPLE),
    ({**ROSETTA, "features": {"avx1.0"}}, APPLE),  # shown only where it was asked for
    ({**ROSETTA, "advertised": True}, ""),
    ({"system": "darwin", "machine": "arm64", "advertised": True}, APPLE),  # no Intel Python at all
    ({"system": "win32", "machine": "", "missing": DEBUG_LIBRARIES}, WINDOWS_SAYS),
    ({"system": "win32", "machine": "", "missing": ["ucrtbased.dll"]}, WINDOWS.format("ucrtbased.dll")),
    ({"system": "win32", "machine": "", "missing": []}, ""),  # Visual Studio is there
])
def test_what_is_said_of_a_computer(computer, expected):
    assert why_not(**computer) == expected


def test_each_sentence_says_where_to_go_on_and_the_readme_has_that_section(project):
    readme = (project / "README.md").read_text(encoding="utf-8")
    for words in (NO_AVX, ARM, APPLE, WINDOWS_SAYS):
        section = re.search(r"\(README, section (\w+)\)", words).group(1)
        assert re.search(rf"^##+ {section}\b", readme, re.MULTILINE), f"README has no section {section}"


# --- what is read of this computer ---


def test_linux_lists_this_processor_s_flags(tmp_path):
    assert {"fpu", "avx"} <= machine.linux_features()
    (tmp_path / "arm").write_text("processor\t: 0\nFeatures\t: fp asimd\n")
    assert machine.linux_features(str(tmp_path / "arm")) is None
    assert machine.linux_features(str(tmp_path / "none")) is None


@pytest.mark.parametrize("said, expected", [
    ("machdep.cpu.features: FPU SSE4.2 AVX1.0", {"translated": False, "features": {"fpu", "sse4.2", "avx1.0"}}),
    ("sysctl.proc_translated: 1\nmachdep.cpu.features: FPU", {"translated": True, "features": {"fpu"}}),
    ("sysctl.proc_translated: 0", {"translated": False, "features": None}),
    ("", {"translated": False, "features": None}),
])
def test_macos_says_it_in_lines(said, expected, tmp_path):
    program = tmp_path / "sysctl"
    asked = '"$*" = "sysctl.proc_translated machdep.cpu.features"'
    program.write_text(f'#!/bin/sh\n[ {asked} ] && echo "{said}"\nexit 1\n')
    program.chmod(0o755)
    assert machine.sysctl(str(program)) == expected
    assert machine.sysctl(str(tmp_path / "none")) == {}


# --- importing helpers ---


@pytest.mark.parametrize("computer, expected", [
    ({**LINUX, "features": {"sse4_2"}}, NO_AVX),
    ({"system": "win32", "machine": "", "missing": list(DEBUG_LIBRARIES)}, WINDOWS_SAYS),
    (ROSETTA, APPLE),
])
def test_importing_helpers_says_it_before_anything_is_loaded(computer, expected):
    """A child process that is told it runs on another computer: what it reads is replaced, what it does is not."""
    code = f"""
import importlib.util, sys
from pathlib import Path
file = {str(Path(machine.__file__))!r}
spec = importlib.util.spec_from_file_location("helpers.machine", file)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.look = lambda: {computer!r}
sys.modules["helpers.machine"] = module
try:
    from helpers import make_game
except ImportError as error:
    print(error)
print(*sorted({{"tensorflow", "atari_py", "gym", "numpy"}} & set(sys.modules)), "end")
"""
    said = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout
    assert said.splitlines() == [expected, "end"]


# --- make env ---


def check_machine(project, tmp_path, uname: str, cpuinfo: str = "", sysctl: str = "exit 1", **environment):
    """tools/check_machine.sh on a computer that says this of itself: its status and its words."""
    for name, script in (("uname", f'[ "$*" = -sm ] && echo "{uname}"'), ("sysctl", sysctl)):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    command = ["sh", str(project / "tools" / "check_machine.sh"), str(tmp_path / "cpuinfo")]
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **environment}
    done = subprocess.run(command, env=path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    return done.returncode, done.stdout


AVX_MAC = 'case $2 in machdep.cpu.features) echo "FPU AVX1.0 RDRAND" ;; *) exit 1 ;; esac'
OLD_MAC = 'case $2 in machdep.cpu.features) echo "FPU SSE4.2" ;; *) exit 1 ;; esac'
ROSETTA_MAC = 'case $2 in sysctl.proc_translated) echo 1 ;; *) echo "FPU SSE4.2" ;; esac'


@pytest.mark.parametrize("computer, words", [
    ({"uname": "Linux x86_64", "cpuinfo": "model name\t: one\nflags\t\t: fpu avx sse\nflags\t\t: fpu\n"}, ""),
    ({"uname": "Linux x86_64", "cpuinfo": "flags\t\t: fpu avx512f sse\n"}, NO_AVX),
    ({"uname": "Linux x86_64", "cpuinfo": "processor\t: 0\n"}, ""),
    ({"uname": "Linux aarch64"}, ARM),
    ({"uname": "Linux armv7l"}, ARM),
    ({"uname": "Darwin x86_64", "sysctl": AVX_MAC}, ""),
    ({"uname": "Darwin x86_64", "sysctl": OLD_MAC}, NO_AVX),
    ({"uname": "Darwin x86_64"}, ""),
    ({"uname": "Darwin x86_64", "sysctl": ROSETTA_MAC}, APPLE),
    ({"uname": "Darwin arm64"}, APPLE),
    ({"uname": "MINGW64_NT-10.0-19045 x86_64"}, "This is Windows, where the emulator's package can't be loaded. "
                                                "Use WSL 2 (README, section Windows)."),
])
def test_make_env_says_it_before_it_downloads(computer, words, project, tmp_path):
    expected = (1, f"make env stopped: {words}\n") if words else (0, "")
    assert check_machine(project, tmp_path, **computer) == expected


def test_make_env_goes_on_where_rosetta_is_told_to_show_avx(project, tmp_path):
    status, said = check_machine(project, tmp_path, "Darwin arm64", ROSETTA_ADVERTISE_AVX="1")
    assert status == 0 and "nobody here has tried" in said


def test_this_computer_can_run_it(project):
    assert machine.check() is None
    assert subprocess.run(["sh", str(project / "tools" / "check_machine.sh")], stdout=subprocess.PIPE).stdout == b""
