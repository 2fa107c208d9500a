"""helpers/roms.py: each way to the games, each way it fails, with real ROMs and the real importer, AutoROM and pip."""
import gzip
import hashlib
import io
import os
import pty
import resource
import signal
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from helpers import roms
from helpers.roms import RomError, get_roms, has_space_invaders

REAL_ROMS = roms.games_dir()
GAMES = ["space_invaders", "pong", "breakout"]
WHEEL = "ale_py-0.9.1-cp38-cp38-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"


def rom(game: str) -> bytes:
    return (REAL_ROMS / f"{game}.bin").read_bytes()


def fill(folder: Path, games=GAMES) -> Path:
    folder.mkdir(parents=True)
    for game in games:
        (folder / f"{game}.bin").write_bytes(rom(game))
    return folder


def zip_of(entries: dict) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tar_of(entries: dict) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in entries.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def files_under(folder: Path) -> set:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def games(tmp_path, monkeypatch, no_network) -> Path:
    """An emulator without games on a computer without network; returns the folder where it looks for games."""
    for name in ("ROM_SOURCE", "ACCEPT_ROM_LICENSE", "AUTOROM_URL", "PYTHONUNBUFFERED"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "emulator" / "atari_roms"
    folder.mkdir(parents=True)
    monkeypatch.setattr("atari_py.games._games_dir", str(folder))
    return folder


class Server(ThreadingHTTPServer):
    """Serves `pages` (address: status, body, announced length) and remembers what was asked for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages, self.asked, self.stop = {}, [], threading.Event()

    def add(self, page: str, body: bytes, status=200, length=None) -> str:
        self.pages[page] = (status, body, len(body) if length is None else length)
        return f"http://127.0.0.1:{self.server_port}{page}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/never-ends":
            self.server.stop.wait(60)
        status, body, length = self.server.pages.get(self.path, (404, b"", 0))
        self.send_response(status)
        self.send_header("Content-Type", "application/x-gzip" if self.path.endswith(".gz") else "text/html")
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.stop.set()
        server.shutdown()
        thread.join()


def test_servers_on_this_computer_are_asked_directly(server, monkeypatch):
    """conftest.py sees to it, for readers whose http_proxy comes without no_proxy."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    for host in ("127.0.0.1", "localhost"):
        address = server.add("/here", b"yes").replace("127.0.0.1", host)
        assert urllib.request.urlopen(address, timeout=10).read() == b"yes"


# --- the first way: they are there ---


def test_roms_that_are_there_are_left_alone(games, capsys):
    (games / "space_invaders.bin").write_bytes(rom("space_invaders"))
    before = (games / "space_invaders.bin").stat().st_mtime_ns
    assert get_roms() == "already in atari_py"
    assert (games / "space_invaders.bin").stat().st_mtime_ns == before
    assert roms.SPACE_INVADERS_MD5 in capsys.readouterr().out


@pytest.mark.parametrize("damage", [b"", rom("space_invaders")[:2000], rom("pong")])
def test_a_damaged_space_invaders_in_the_emulator_does_not_count(games, tmp_path, damage):
    (games / "space_invaders.bin").write_bytes(damage)
    assert not has_space_invaders()
    with pytest.raises(RomError, match=f"already in atari_py: space_invaders.bin has {len(damage)} bytes"):
        get_roms()
    get_roms(source=fill(tmp_path / "mine"))
    assert has_space_invaders()


# --- the second way: a folder or zip that the reader names ---


def test_folder(games, tmp_path, capsys):
    assert get_roms(source=fill(tmp_path / "mine")) == "from the folder or zip you named (3 games)"
    assert files_under(games.parent) == {f"atari_roms/{game}.bin" for game in GAMES}
    assert "from the folder or zip you named (3 games)" in capsys.readouterr().out


def test_folder_named_by_environment_variable_with_odd_file_names_and_zips_in_it(games, tmp_path, monkeypatch):
    folder = fill(tmp_path / "mine" / "of mine", ["pong"])
    (folder / "Space Invaders (1980).a26").write_bytes(rom("space_invaders"))
    (folder / "more.zip").write_bytes(zip_of({"x.bin": rom("breakout")}))
    monkeypatch.setenv("ROM_SOURCE", str(folder.parent))
    get_roms()
    assert files_under(games) == {f"{game}.bin" for game in GAMES}


def test_zip(games, tmp_path):
    (tmp_path / "roms.zip").write_bytes(zip_of({f"ROMS/{game}.bin": rom(game) for game in GAMES}))
    assert get_roms(source=str(tmp_path / "roms.zip")) == "from the folder or zip you named (3 games)"
    assert has_space_invaders()


def test_zip_that_reaches_out_of_its_folder_writes_nothing_there(games, tmp_path):
    names = ["../space_invaders.bin", "/../../../space_invaders.bin", "../../evil.bin", "..\\evil.bin"]
    (tmp_path / "evil.zip").write_bytes(zip_of({name: rom("space_invaders") for name in names}))
    get_roms(source=tmp_path / "evil.zip")
    assert files_under(tmp_path) == {"evil.zip", "emulator/atari_roms/space_invaders.bin"}


@pytest.mark.parametrize(
    "content, said",
    [
        ({}, "0 games found in it, none is Space Invaders"),
        ({"readme.txt": b"no ROMs here"}, "0 games found in it, none is Space Invaders"),
        ({"pong.bin": rom("pong")}, "1 game found in it, none is Space Invaders"),
        ({"Space Invaders.bin": rom("space_invaders")[:2048]}, "Space Invaders.bin has 2048 bytes (expected 4096)"),
        ({"space_invaders.bin": bytes(4096)}, f"MD5 {hashlib.md5(bytes(4096)).hexdigest()} (expected {'72ffbef6504b'}"),
    ],
)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_source_without_the_right_space_invaders(games, tmp_path, kind, content, said):
    source = tmp_path / "mine"
    if kind == "zip":
        source.write_bytes(zip_of(content))
    else:
        source.mkdir()
        for name, data in content.items():
            (source / name).write_bytes(data)
    with pytest.raises(RomError) as error:
        get_roms(source=source)
    assert said in str(error.value)
    assert files_under(games.parent) == set()


@pytest.mark.parametrize(
    "content, said", [(None, "does not exist"), (b"PK\3\4 cut short", "neither a folder nor a whole zip file")]
)
def test_source_that_is_nothing_of_the_kind(games, tmp_path, content, said):
    if content:
        (tmp_path / "mine").write_bytes(content)
    with pytest.raises(RomError, match=said):
        get_roms(source=tmp_path / "mine")


def test_a_source_that_fails_lets_the_next_way_be_tried(games, tmp_path, server, monkeypatch, capsys):
    monkeypatch.setenv("AUTOROM_URL", server.add("/Roms.tar.gz", tar_of({"a.bin": rom("space_invaders")})))
    assert get_roms(source=tmp_path / "absent", accept_license=True) == "with AutoROM (1 game)"
    assert "ROMs: not from the folder or zip you named" in capsys.readouterr().out


# --- the third way: AutoROM's own code against a server on this computer ---


def test_autorom(games, server, monkeypatch):
    archive = tar_of({f"ROM/{game}/{game}.bin": rom(game) for game in GAMES})
    monkeypatch.setenv("AUTOROM_URL", server.add("/Roms.tar.gz", archive))
    monkeypatch.setenv("ACCEPT_ROM_LICENSE", "1")
    assert get_roms() == "with AutoROM (3 games)"
    assert files_under(games.parent) == {f"atari_roms/{game}.bin" for game in GAMES}
    assert server.asked == ["/Roms.tar.gz"]


GOOD = tar_of({f"{game}.bin": rom(game) for game in GAMES})
CUT = gzip.compress(gzip.decompress(GOOD)[:3000])


@pytest.mark.parametrize(
    "page, said",
    [
        ({"body": b"", "status": 404}, "status_code == 200"),
        ({"body": GOOD[: len(GOOD) // 2], "length": len(GOOD)}, "IncompleteRead"),
        ({"body": GOOD[: len(GOOD) // 2]}, "end-of-stream"),
        ({"body": CUT}, "Failed to read tar archive"),
        ({"body": b"<html>moved</html>"}, "Failed to read tar archive"),
        ({"body": tar_of({"space_invaders.bin": bytes(4096), "pong.bin": rom("pong")})}, "Done!"),
        ({"body": tar_of({"pong.bin": rom("pong")})}, "Done!"),
    ],
    ids=["404", "connection cut", "gzip cut", "tar cut", "no archive", "wrong ROM", "other ROM"],
)
def test_autorom_fails(games, server, monkeypatch, page, said):
    monkeypatch.setenv("AUTOROM_URL", server.add("/Roms.tar.gz", **page))
    with pytest.raises(RomError) as error:
        get_roms(accept_license=True)
    (line,) = (line for line in str(error.value).splitlines() if "with AutoROM" in line)
    assert "no Space Invaders with the right MD5" in line and said in line
    assert files_under(games.parent) == set()


def test_autorom_archive_that_reaches_out_of_its_folder(games, tmp_path, server, monkeypatch):
    names = ["../../space_invaders.bin", "/tmp/../evil.bin"]
    archive = tar_of({name: rom("space_invaders") for name in names})
    monkeypatch.setenv("AUTOROM_URL", server.add("/Roms.tar.gz", archive))
    get_roms(accept_license=True)
    assert files_under(tmp_path) == {"emulator/atari_roms/space_invaders.bin"}


def test_autorom_that_never_ends_is_ended(games, server, monkeypatch):
    monkeypatch.setattr(roms, "DOWNLOAD_SECONDS", 3)
    monkeypatch.setenv("AUTOROM_URL", server.add("/never-ends", GOOD))
    with pytest.raises(RomError, match="not done after 3 seconds"):
        get_roms(accept_license=True)


@pytest.mark.parametrize("refusal", ["argument", "0", ""])
def test_autorom_is_not_asked_unless_its_licence_is_accepted(games, server, monkeypatch, refusal):
    monkeypatch.setenv("AUTOROM_URL", server.add("/Roms.tar.gz", GOOD))
    monkeypatch.setenv("ACCEPT_ROM_LICENSE", "1" if refusal == "argument" else refusal)
    with pytest.raises(RomError, match="with AutoROM: its licence was not accepted"):
        get_roms(accept_license=False if refusal == "argument" else None)
    assert server.asked == []


def test_licence_setting_that_is_neither_yes_nor_no(games, monkeypatch):
    monkeypatch.setenv("ACCEPT_ROM_LICENSE", "maybe")
    with pytest.raises(RomError, match=r"'maybe'; expected 1 \(accept\) or 0 \(do not\)"):
        get_roms()


# --- the fourth way: real pip, and a wheel like ale-py's, from a server on this computer ---


def serve_wheel(server, monkeypatch, entries) -> bytes:
    entries["ale_py-0.9.1.dist-info/METADATA"] = b"Metadata-Version: 2.1\nName: ale-py\nVersion: 0.9.1\n"
    entries["ale_py-0.9.1.dist-info/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
    wheel = zip_of(entries)
    address = server.add(f"/files/{WHEEL}", wheel)
    index = server.add("/simple/ale-py/", f'<a href="{address}">{WHEEL}</a>'.encode())
    monkeypatch.setenv("PIP_INDEX_URL", index.replace("ale-py/", ""))
    return wheel


def test_wheel(games, server, monkeypatch):
    wheel = serve_wheel(server, monkeypatch, {f"ale_py/roms/{game}.bin": rom(game) for game in GAMES})
    monkeypatch.setattr(roms, "ALE_PY_SHA256", hashlib.sha256(wheel).hexdigest())
    assert get_roms() == "from PyPI's ale-py==0.9.1 wheel (3 games)"
    assert files_under(games.parent) == {f"atari_roms/{game}.bin" for game in GAMES}


def test_wheel_whatever_else_pip_is_set_to(games, server, monkeypatch, tmp_path):
    """The index that the reader has set is asked; what is meant for installing, or for other projects, is not heard."""
    wheel = serve_wheel(server, monkeypatch, {f"ale_py/roms/{game}.bin": rom(game) for game in GAMES})
    monkeypatch.setattr(roms, "ALE_PY_SHA256", hashlib.sha256(wheel).hexdigest())
    for name in ("PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_DRY_RUN", "PYTHONOPTIMIZE", "PYTHONINSPECT"):
        monkeypatch.setenv(name, "1")
    for name in ("PIP_NO_BINARY", "PIP_PREFIX", "PIP_TARGET", "PIP_CONSTRAINT", "PIP_DEST", "PYTHONPATH", "PYTHONHOME"):
        monkeypatch.setenv(name, ":all:")
    (tmp_path / "pip.conf").write_text(f"[download]\nindex-url = {os.environ['PIP_INDEX_URL']}\nabi = cp27\n")
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert get_roms() == "from PyPI's ale-py==0.9.1 wheel (3 games)"


def test_wheel_with_another_hash_is_refused(games, server, monkeypatch):
    serve_wheel(server, monkeypatch, {"ale_py/roms/space_invaders.bin": rom("space_invaders")})
    with pytest.raises(RomError, match="pip could not download it; its last words: .*Got"):
        get_roms()
    assert f"/files/{WHEEL}" in server.asked and files_under(games.parent) == set()


# --- at a terminal and in a script ---


@pytest.fixture
def command(games, tmp_path):
    """Arguments and environment of `python -m helpers.roms` with a folder of its own for games, empty so far."""
    folder = tmp_path / "site" / "atari_py_roms" / "atari_roms"  # atari_py looks in such a package first
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    return {
        "args": [sys.executable, "-m", "helpers.roms"],
        "env": dict(os.environ, PYTHONPATH=str(folder.parents[1]), PYTHONDONTWRITEBYTECODE="1"),
        "cwd": str(tmp_path),
    }


def run(command, *arguments, **options):
    done = subprocess.run(
        command["args"] + list(arguments),
        **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options},
        env=command["env"],
        cwd=command["cwd"],
        timeout=120,
    )
    return done.returncode, (done.stdout or b"").decode()


def own_games(command) -> Path:
    return Path(command["env"]["PYTHONPATH"]) / "atari_py_roms" / "atari_roms"


def test_no_network_gives_one_message_that_names_every_way(command):
    status, said = run(command, "--accept-license", stdin=subprocess.DEVNULL)
    assert status == 1
    for line in (
        "1. already in atari_py: no space_invaders.bin there",
        "2. from the folder or zip you named: none was named",
        "3. with AutoROM: it brought no Space Invaders",
        "4. from PyPI's ale-py==0.9.1 wheel: pip could not download it",
    ):
        assert line in said
    assert said.splitlines()[-1].startswith("Space Invaders could not be found or fetched: connect to the network, or")
    assert "Traceback" not in said


def at_a_terminal(command, answer: bytes, *arguments):
    """Run with a terminal for input and output, where `answer` has been typed; return what was on the screen."""
    keyboard, terminal = pty.openpty()
    os.write(keyboard, answer)
    status, _ = run(command, *arguments, stdin=terminal, stdout=terminal, stderr=subprocess.DEVNULL)
    os.close(terminal)
    screen = b""
    while True:
        try:
            chunk = os.read(keyboard, 10000)
        except OSError:  # Linux's way to say that the terminal was closed
            break
        screen += chunk
        if not chunk:
            break
    os.close(keyboard)
    return status, screen.decode()


@pytest.mark.parametrize("answer, accepted", [(b"y\n", True), (b"n\n", False), (b"\n", False), (b"\4", False)])
def test_a_person_is_asked_for_the_licence(command, server, answer, accepted):
    command["env"]["AUTOROM_URL"] = server.add("/Roms.tar.gz", GOOD)
    status, screen = at_a_terminal(command, answer)
    assert "I own a license to these Atari 2600 ROMs" in screen
    assert (status == 0) == accepted == ("with AutoROM (3 games)" in screen)
    assert bool(server.asked) == accepted


@pytest.mark.parametrize("how", ["--no-prompt", "--accept-license", "ACCEPT_ROM_LICENSE"])
def test_nobody_is_asked_who_need_not_be(command, server, how):
    command["env"]["AUTOROM_URL"] = server.add("/Roms.tar.gz", GOOD)
    if how == "ACCEPT_ROM_LICENSE":
        command["env"][how] = "1"
    status, screen = at_a_terminal(command, b"", *([how] if how.startswith("--") else []))
    assert "[y/N]" not in screen
    assert (status == 0) == (how != "--no-prompt")


def test_nobody_is_asked_who_names_a_folder(command, tmp_path):
    status, screen = at_a_terminal(command, b"", "--source", str(fill(tmp_path / "mine")))
    assert status == 0 and "[y/N]" not in screen and "from the folder or zip you named" in screen


def test_a_script_is_never_asked(command):
    reader, writer = os.pipe()  # a standard input that never says anything and never ends
    status, said = run(command, stdin=reader)
    os.close(writer)
    assert status == 1 and "[y/N]" not in said


# --- half an import never counts ---


def test_full_disk(command, tmp_path):
    def nearly_full():  # no file may grow beyond 3000 bytes: what a full disk does to a ROM of 4096
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    source = fill(tmp_path / "mine")
    status, said = run(command, "--source", str(source), preexec_fn=nearly_full)
    assert status == 1 and "from the folder or zip you named: [Errno 27] File too large" in said
    assert files_under(own_games(command)) == set()
    assert not list(own_games(command).parent.glob(".importing-*"))
    assert run(command, "--source", str(source))[0] == 0


def test_import_that_is_killed_leaves_nothing_that_counts(command, tmp_path):
    source = fill(tmp_path / "mine")
    (source / "later").mkdir()
    os.mkfifo(str(source / "later" / "waits.bin"))  # reading it holds the importer up, after the games
    importing = subprocess.Popen(
        [*command["args"], "--source", str(source)], env=command["env"], cwd=command["cwd"], stdin=subprocess.DEVNULL
    )
    package = own_games(command).parent
    deadline = time.time() + 60
    while len(list(package.glob(".importing-*/*.bin"))) < len(GAMES) and time.time() < deadline:
        time.sleep(0.05)
    importing.send_signal(signal.SIGKILL)
    importing.wait()
    (leftover,) = package.glob(".importing-*")
    assert files_under(own_games(command)) == set()

    (source / "later" / "waits.bin").unlink()
    os.utime(str(leftover), (0, 0))  # long ago: it can't be an import that is still running
    status, said = run(command, "--source", str(source))
    assert status == 0 and "(3 games)" in said
    assert files_under(own_games(command)) == {f"{game}.bin" for game in GAMES}
    assert not list(package.glob(".importing-*"))
