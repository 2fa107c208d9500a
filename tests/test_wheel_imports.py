"""tools/wheel_imports.py: who brings what the pinned wheels are linked with, on each platform."""
import json
import re
from typing import Dict, Set

import pytest
import wheel_imports

AGAIN = "run `make wheels`, which reads the pinned wheels again"
TABLE = json.loads(wheel_imports.TABLE.read_text())

# --- what a library's name says of where it comes from ---
GLIBC = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "ld-linux-x86-64.so.2"}
COMPILER = {"libgcc_s.so.1", "libstdc++.so.6"}  # on every Linux that has a desktop, a compiler or conda
ZLIB = {"libz.so.1"}  # Python's own zlib needs it
PYTHON = {"python37.dll", "python3.dll", "vcruntime140.dll"}  # beside python.exe
REDISTRIBUTABLE = {"msvcp140.dll", "msvcp140_1.dll", "vcruntime140_1.dll"}  # Visual C++ 2015-2019
WINDOWS = set("""
    aclui activeds advapi32 avicap32 bcrypt bcryptprimitives comctl32 comdlg32 credui crypt32 dbghelp dsound gdi32 imm32
    iphlpapi kernel32 lz32 mpr mswsock msvcrt netapi32 normaliz ntdll odbc32 ole32 oleaut32 pdh powrprof propsys psapi
    query rasapi32 shell32 shlwapi user32 userenv uxtheme version wininet winmm ws2_32 wtsapi32
""".split())  # in System32 of every Windows 10
MACOS = r"/usr/lib/lib(System\.B|c\+\+\.1|objc\.A|z\.1|bz2\.1\.0|iconv\.2|resolv\.9|expat\.1|ffi)\.dylib"
FRAMEWORK = r"/System/Library/Frameworks/(\w+)\.framework/Versions/[A-C]/\1"


def comes_from(library: str) -> str:
    """Who brings a library that a wheel does not bring itself; empty if nobody does."""
    name = library.lower()
    if library in GLIBC | COMPILER | ZLIB or re.fullmatch(MACOS, library) or re.fullmatch(FRAMEWORK, library):
        return "system"
    if name.startswith("api-ms-win-") or re.sub(r"\.dll$", "", name) in WINDOWS or name == "winspool.drv":
        return "system"
    if name in PYTHON:
        return "Python"
    return "redistributable" if name in REDISTRIBUTABLE else ""


def wheels_on(platform: str) -> Dict[str, Set[str]]:
    """Imported libraries by package, of everything that the lock installs on a platform."""
    noted = {one["sha256"]: set(one["imports"][platform]) for one in TABLE.values() if platform in one["imports"]}
    found = {}
    for pin, hashes in wheel_imports.locked_on(platform).items():
        package = pin.split("==")[0]
        if package not in wheel_imports.NO_WHEEL:
            wheels = [one for one in hashes if one in noted]
            assert len(wheels) == 1, f"{len(wheels)} wheels of {pin} for {platform} are noted: {AGAIN}"
            found[package] = noted[wheels[0]]
    return found


def brought_by(source: str, platform: str) -> Dict[str, Set[str]]:
    """By package: the imported libraries that come from one source."""
    needed = {package: {one for one in imports if comes_from(one) == source}
              for package, imports in wheels_on(platform).items()}
    return {package: libraries for package, libraries in needed.items() if libraries}


def test_every_pinned_wheel_is_noted_and_nothing_else():
    locked = {one for hashes in wheel_imports.read_lock().values() for one in hashes}
    assert {name for name, one in TABLE.items() if one["sha256"] not in locked} == set(), AGAIN
    for platform in wheel_imports.PLATFORMS:
        assert len(wheels_on(platform)) > 100


@pytest.mark.parametrize("platform", ["Linux", "macOS"])
def test_on_linux_and_macos_the_wheels_and_the_system_bring_every_library(platform):
    assert brought_by("", platform) == {}
    assert brought_by("redistributable", platform) == {}


def test_on_windows_the_emulator_needs_what_only_visual_studio_brings():
    """The known gap, and no other: were it filled, the README could offer Windows without WSL."""
    assert brought_by("", "Windows") == {"atari-py": {"MSVCP140D.dll", "VCRUNTIME140D.dll", "ucrtbased.dll"}}


def test_on_windows_tensorflow_needs_the_redistributable_besides():
    assert brought_by("redistributable", "Windows")["tensorflow"] == {"MSVCP140.dll", "VCRUNTIME140_1.dll"}


@pytest.mark.parametrize("platform", wheel_imports.PLATFORMS)
def test_the_emulator_s_wheels_are_read_again(platform, tmp_path):
    """Downloaded (2 MB each; pip keeps them), so that the table is not the only witness."""
    (wheel,) = wheel_imports.download(platform, tmp_path, only={"atari-py"})
    assert wheel_imports.imports_of(wheel, platform) == TABLE[wheel.name]["imports"][platform] != []


