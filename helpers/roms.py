"""Find or fetch the Atari games (ROMs) and hand them to the emulator, atari_py.

At a terminal: `python -m helpers.roms --help`. In a notebook: `get_roms()`.
"""
import argparse
import contextlib
import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import List, Optional, Union

from helpers.children import child_environment, pip_command

SPACE_INVADERS_MD5 = "72ffbef6504b75e69ee1045af9075f66"  # Source: atari_py's own list, ale_interface/md5.txt

# The games travel in every wheel of ale-py 0.9 and newer. pip need not be able to run this one, only to unpack it.
ALE_PY = "ale-py==0.9.1"
ALE_PY_SHA256 = "26634d5cdedfa1bd1331f1d6795914a183f3e1ad83fc5120758b01694d45a471"
ALE_PY_BUILD = ["--python-version", "3.8", "--implementation", "cp", "--abi", "cp38"]
ALE_PY_BUILD += ["--platform", "manylinux2014_x86_64", "--only-binary", ":all:"]

DOWNLOAD_SECONDS = 300  # after that a download counts as stuck; AutoROM itself would wait for ever

# AutoROM's own code with our address for its default one, where AUTOROM_URL gives another
AUTOROM_CODE = """
import os, sys
from AutoROM import AutoROM
if os.environ.get("AUTOROM_URL"):
    AutoROM.download_tar_to_buffer.__defaults__ = (os.environ["AUTOROM_URL"],)
AutoROM.main(accept_license=True, install_dir=sys.argv[1], quiet=True)
"""

# Source: AutoROM 0.4.2, where `AutoROM` alone asks this
LICENSE_QUESTION = """AutoROM can download the games, under this licence:
    I own a license to these Atari 2600 ROMs. I agree to not distribute these ROMs.
Do you accept it? [y/N] """


class RomError(RuntimeError):
    """No way to the games worked; the message names every way tried and how it failed."""


class _NotTried(RomError):
    """A way that the reader has not opened: no folder named, no licence accepted."""


def games_dir() -> Path:
    """Return the folder in which the emulator looks for games."""
    from atari_py.games import get_games_dir  # here, because it loads the emulator

    return Path(get_games_dir())


def has_space_invaders(folder: Union[str, Path, None] = None) -> bool:
    """Return whether `folder` (the emulator's own by default) holds the one right space_invaders.bin."""
    rom = Path(folder or games_dir()) / "space_invaders.bin"
    return rom.is_file() and hashlib.md5(rom.read_bytes()).hexdigest() == SPACE_INVADERS_MD5


def get_roms(source: Union[str, Path, None] = None, accept_license: Optional[bool] = None,
             prompt: bool = False) -> str:
    """Make Space Invaders and the other games playable; say and return the way that worked.

    Ways, in this order: the games are there already; `source`; AutoROM; PyPI's ale-py wheel.

    Args:
        source: a folder or zip file that holds ROMs. Default: the environment variable ROM_SOURCE, if set.
        accept_license: True lets AutoROM fetch the games, False forbids it.
            Default: the environment variable ACCEPT_ROM_LICENSE (1 or 0), if set.
        prompt: may ask about the licence, if a person sits at a terminal, names no source, and nothing above has
            answered.

    Raises:
        RomError: no way worked, or ACCEPT_ROM_LICENSE is neither 1 nor 0.
    """
    if has_space_invaders():
        return _done("already in atari_py")
    failures = [f"already in atari_py: {_wrong_ones(games_dir()) or 'no space_invaders.bin there'}"]
    source = source or os.environ.get("ROM_SOURCE")
    # asked first: nobody waits for a download and then is asked
    accepted = _license_accepted(accept_license, prompt and not source)

    ways = [
        ("from the folder or zip you named", lambda work: _named(work, source)),
        ("with AutoROM", lambda work: _autorom(work, accepted)),
        (f"from PyPI's {ALE_PY} wheel", _ale_py),
    ]
    for way, fetch in ways:
        try:
            with tempfile.TemporaryDirectory(prefix="roms-") as work:
                count = _import(fetch(Path(work)))
            return _done(f"{way} ({_games(count)})")
        # whatever is wrong with a file or with the network must not keep the next way from being tried
        except Exception as error:
            failures.append(f"{way}: {error or type(error).__name__}")
            if not isinstance(error, _NotTried):
                print(f"ROMs: not {failures[-1]}", flush=True)
    tried = "".join(f"  {number}. {failure}\n" for number, failure in enumerate(failures, 1))
    raise RomError(f"no Space Invaders. Ways tried:\n{tried}Space Invaders could not be found or fetched: connect to "
                   "the network, or name a folder or zip that holds the ROMs (get_roms(source=...), --source or "
                   "ROM_SOURCE), then run this again.")


def _done(way: str) -> str:
    print(f"ROMs: {way}; Space Invaders has the right MD5, {SPACE_INVADERS_MD5}.", flush=True)
    return way


def _games(count: int) -> str:
    return "1 game" if count == 1 else f"{count} games"


def _named(work: Path, source: Union[str, Path, None]) -> Path:
    """Find a folder that holds ROMs or zips of them, as each of these ways does, or raise what is wrong."""
    if not source:
        raise _NotTried("none was named")
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    if not path.exists():
        raise RomError(f"{path} does not exist")
    if not zipfile.is_zipfile(str(path)):
        raise RomError(f"{path} is neither a folder nor a whole zip file")
    shutil.copyfile(str(path), str(work / "named.zip"))  # atari_py's importer takes folders, and reads the zips in them
    return work


def _license_accepted(accept_license: Optional[bool], prompt: bool) -> bool:
    if accept_license is not None:
        return accept_license
    setting = os.environ.get("ACCEPT_ROM_LICENSE", "")
    if setting not in ("", "0", "1"):
        raise RomError(f"ACCEPT_ROM_LICENSE is {setting!r}; expected 1 (accept) or 0 (do not). Set one, or unset it.")
    if setting or not (prompt and sys.stdin.isatty() and sys.stdout.isatty()):
        return setting == "1"
    try:
        print(LICENSE_QUESTION, end="", flush=True)  # input() would ask on standard error
        return input().strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        return False


def _autorom(work: Path, accepted: bool) -> Path:
    if not accepted:
        raise _NotTried("its licence was not accepted (get_roms(accept_license=True) or ACCEPT_ROM_LICENSE=1 accepts)")
    last_words = _run([sys.executable, "-c", AUTOROM_CODE, str(work)])
    # AutoROM ends with status 0 without a network, so what counts is what is there
    if not has_space_invaders(work):
        raise RomError(f"it brought no Space Invaders with the right MD5; its last words: {last_words}")
    return work


def _ale_py(work: Path) -> Path:
    (work / "pin.txt").write_text(f"{ALE_PY} --hash=sha256:{ALE_PY_SHA256}\n")
    options = ["--quiet", "--no-deps", "--require-hashes", "-r", str(work / "pin.txt"), "-d", str(work)]
    last_words = _run(pip_command("download", "--retries=1", "--timeout=30", *options, *ALE_PY_BUILD))
    wheels = list(work.glob("*.whl"))
    if not wheels:
        raise RomError(f"pip could not download it; its last words: {last_words}")
    wheels[0].rename(work / "wheel.zip")  # a wheel is a zip file
    return work


def _run(command: List[str]) -> str:
    """Run a command that must not wait for an answer; return the end of what it said."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=child_environment(), timeout=DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired:
        return f"none; it was not done after {DOWNLOAD_SECONDS} seconds"
    lines = [line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines()]
    return " / ".join([line for line in lines if line and "%|" not in line][-2:]) or "none"  # %| is a progress bar


def _import(source: Path) -> int:
    """Import the ROMs in a folder, return their number; nothing is imported unless Space Invaders is right.

    atari_py's importer writes each file in place. So it is pointed at a folder beside the real one, and whole files
    are then moved, Space Invaders last: where it stands, the import is complete.
    """
    target = games_dir()
    target.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(".importing-*"):  # of an import that was killed
        if time.time() - leftover.stat().st_mtime > 3600:
            shutil.rmtree(str(leftover), ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".importing-", dir=str(target.parent)) as staging:
        importer = importlib.import_module("atari_py.import_roms")
        original = importer.get_games_dir
        importer.get_games_dir = lambda: staging
        try:
            with contextlib.redirect_stdout(None):  # a line and a path for each game
                importer.import_roms(str(source))
        finally:
            importer.get_games_dir = original
        games = sorted(Path(staging).glob("*.bin"), key=lambda game: game.name == "space_invaders.bin")
        if not has_space_invaders(staging):
            details = _wrong_ones(source)
            raise RomError(f"{_games(len(games))} found in it, none is Space Invaders{details and '; ' + details}")
        for game in games:
            os.replace(str(game), str(target / game.name))
    return len(games)


def _wrong_ones(folder: Path) -> str:
    """Say what is wrong with files, in a folder or its zips, that call themselves Space Invaders; "" if none do."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".zip" and zipfile.is_zipfile(str(path)):
            with zipfile.ZipFile(str(path)) as archive:
                found += [(name, archive.read(name)) for name in archive.namelist() if _like_space_invaders(name)]
        elif _like_space_invaders(path.name) and path.is_file():
            found.append((path.name, path.read_bytes()))
    return "; ".join(f"{name} has {len(data)} bytes (expected 4096) and MD5 {hashlib.md5(data).hexdigest()} (expected "
                     f"{SPACE_INVADERS_MD5})" for name, data in found[:3])


def _like_space_invaders(name: str) -> bool:
    return re.search(r"space[ _-]?invaders[^/]*\.(bin|a26|rom)$", name, re.IGNORECASE) is not None


def main(arguments: Optional[List[str]] = None) -> int:
    """Run `python -m helpers.roms`, get_roms() at a terminal; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m helpers.roms", description="Make Space Invaders and the other "
                                     "games playable, and say which way worked.")
    parser.add_argument("--source", help="a folder or zip file that holds ROMs (or set ROM_SOURCE)")
    parser.add_argument("--accept-license", action="store_true", default=None, help="let AutoROM fetch them")
    parser.add_argument("--no-prompt", action="store_true", help="never ask about the licence")
    options = parser.parse_args(arguments)
    try:
        get_roms(options.source, options.accept_license, prompt=not options.no_prompt)
    except RomError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
