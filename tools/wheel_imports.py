"""Notes which libraries the pinned wheels need on Linux, macOS and Windows, in tests/data/wheel_imports.json.

Run by `make wheels`, after `make lock`; it downloads 1.5 GB. The tests ask of each noted library who brings it, so they
can say what works on computers that nobody here has.
"""
import hashlib
import io
import json
import re
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Set

import pefile
from elftools.elf.elffile import ELFFile
from macholib.MachO import MachO
from packaging.requirements import Requirement

from helpers.children import child_environment, pip_command

PROJECT = Path(__file__).resolve().parents[1]
TABLE = PROJECT / "tests" / "data" / "wheel_imports.json"
PYTHON = "3.7.11"
PLATFORMS = {  # what pip calls the oldest systems that the pinned wheels are for, and what the lock's markers ask for
    "Linux": (
        ["manylinux_2_17_x86_64", "manylinux2014_x86_64"],
        {"sys_platform": "linux", "platform_machine": "x86_64", "os_name": "posix"},
    ),
    "macOS": (
        ["macosx_10_15_x86_64"],
        {"sys_platform": "darwin", "platform_machine": "x86_64", "os_name": "posix"},
    ),
    "Windows": (["win_amd64"], {"sys_platform": "win32", "platform_machine": "AMD64", "os_name": "nt"}),
}
NO_WHEEL = {"gym"}  # published as source, in Python alone
STARTS = {  # of the files that a platform can load; a wheel for all platforms may hold those of others too
    "Linux": (b"\x7fELF",), "macOS": (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"), "Windows": (b"MZ",),
}
X86_64_MACH_O = 0x01000007


def read_lock() -> Dict[str, List[str]]:
    """Read the lock: the SHA-256 hashes of each requirement, markers included."""
    text = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.findall(r"^([a-z].*?)(?: \\)?\n((?:    --hash=.*\n)*)", text, re.MULTILINE)
    return {requirement: re.findall("sha256:([0-9a-f]{64})", hashes) for requirement, hashes in entries}


def locked_on(platform: str) -> Dict[str, List[str]]:
    """Return the hashes by `name==version`, of what the lock installs on a platform with the pinned Python."""
    python = {"python_full_version": PYTHON, "python_version": "3.7", "platform_python_implementation": "CPython"}
    found = {}
    for line, hashes in read_lock().items():
        one = Requirement(line)
        if one.marker is None or one.marker.evaluate({**python, **PLATFORMS[platform][1]}):
            found[f"{one.name}{one.specifier}"] = hashes
    return found


def download(platform: str, folder: Path, only: Optional[Set[str]] = None) -> List[Path]:
    """Download the wheels that pip would install on a platform, each checked against the lock.

    Args:
        only: names of packages; without, all of the lock.
    """
    names = {pin: pin.split("==")[0] for pin in locked_on(platform)}
    wanted = [f"{pin} {' '.join('--hash=sha256:' + one for one in hashes)}\n"
              for pin, hashes in locked_on(platform).items()
              if names[pin] not in NO_WHEEL and (only is None or names[pin] in only)]
    folder.mkdir(parents=True, exist_ok=True)
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(wanted))
    command = pip_command("download", "--quiet", "--no-deps", "--only-binary=:all:", "--implementation=cp",
                          "--abi=cp37m", "--python-version", PYTHON, "--require-hashes",
                          "--requirement", str(requirements), "--dest", str(folder))
    tags = [f"--platform={tag}" for tag in PLATFORMS[platform][0]]
    subprocess.run([*command, *tags], env=child_environment(), check=True)
    return sorted(folder.glob("*.whl"))


def imports_of(wheel: Path, platform: str) -> List[str]:
    """List what a wheel's 64-bit libraries and programs are linked with, as far as the wheel does not bring it."""
    with zipfile.ZipFile(str(wheel)) as archive:
        own = {name.split("/")[-1].lower() for name in archive.namelist()}
        needed: Set[str] = set()
        for name in archive.namelist():
            with archive.open(name) as file:
                is_library = file.read(4).startswith(STARTS[platform])
            if is_library:
                needed |= set(linked_with(archive.read(name)))
    foreign = [one for one in needed if one.split("/")[-1].lower() not in own]
    return sorted(foreign, key=lambda one: (one.lower(), one))


def linked_with(binary: bytes) -> Iterable[str]:
    """List what a PE, ELF or Mach-O file asks the system to load with it; nothing for other processors."""
    if binary[:2] == b"MZ":
        file = pefile.PE(data=binary, fast_load=True)
        if file.FILE_HEADER.Machine != pefile.MACHINE_TYPE["IMAGE_FILE_MACHINE_AMD64"]:
            return []
        file.parse_data_directories([pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_IMPORT"]])
        return [entry.dll.decode() for entry in getattr(file, "DIRECTORY_ENTRY_IMPORT", [])]
    if binary[:4] == b"\x7fELF":
        file = ELFFile(io.BytesIO(binary))
        table = file.get_section_by_name(".dynamic")
        if file.header.e_machine != "EM_X86_64" or table is None:
            return []
        return [tag.needed for tag in table.iter_tags("DT_NEEDED")]
    with tempfile.NamedTemporaryFile() as copy:  # macholib reads files only
        copy.write(binary)
        copy.flush()
        parts = [part for part in MachO(copy.name).headers if part.header.cputype == X86_64_MACH_O]
        return [library for part in parts for _, _, library in part.walkRelocatables()]


def main() -> None:
    table = {}
    with tempfile.TemporaryDirectory() as folder:
        for platform in PLATFORMS:
            print(f"==> wheels for {platform}", flush=True)
            for wheel in download(platform, Path(folder) / platform):
                digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
                row = table.setdefault(wheel.name, {"sha256": digest, "imports": {}})
                row["imports"][platform] = imports_of(wheel, platform)
    rows = (f"{json.dumps(name)}: {json.dumps(table[name])}" for name in sorted(table, key=str.lower))
    TABLE.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    print(f"==> {TABLE.relative_to(PROJECT)}: {len(table)} wheels")


if __name__ == "__main__":
    main()
