"""How other programs are started whose words are shown: settings of the reader's own must not change what they do.

`python -I helpers/children.py install ARGUMENTS...` runs pip so; tools/env.sh calls it before helpers is installed, so
this file imports nothing else of the project.
"""
import ast
import os
import subprocess
import sys
from typing import Dict, Iterator, List, Tuple

ADDRESSES = ("index-url", "extra-index-url", "find-links", "no-index")
CONNECTION = ("trusted-host", "proxy", "cert", "client-cert", "timeout", "default-timeout", "retries", "cache-dir")
"""What stays of pip's settings: where packages come from, and how they are reached.

Whatever else variables (PIP_USER, PIP_PREFIX, ...), pip.conf and ~/.pydistutils.cfg may say is left out. Much of it
sends packages elsewhere or nowhere: user, prefix, target, root, require-virtualenv, constraint, no-binary, dry-run.
"""
LISTS = ("extra-index-url", "find-links", "trusted-host")


def child_environment() -> Dict[str, str]:
    """Return the environment variables of this process, without those that change what Python and pip do.

    A child's output is not buffered: its last words on standard output and standard error stay in their order.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONNOUSERSITE": "1", "PYTHONIOENCODING": "utf-8:backslashreplace",
            "PIP_CONFIG_FILE": os.devnull}


def pip_command(verb: str, *arguments: str) -> List[str]:
    """Return `pip VERB ARGUMENTS` with what stays of the reader's settings; to be run in `child_environment()`.

    Raises:
        RuntimeError: pip can't read its settings.
    """
    settings = _settings(verb) if verb in ("install", "download") else {}
    options = [option for name in CONNECTION + ADDRESSES if name in settings
               for option in _options(name, settings[name])]
    # --isolated: neither variables nor ~/.pydistutils.cfg
    return [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-input", verb, *options,
            *arguments]


def _settings(verb: str) -> Dict[str, str]:
    """Return what pip.conf and PIP_* variables say to `pip VERB`, by name."""
    others = ("PYTHON", "PIP_PYTHON", "PIP_LOG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    # what `user` and the like, meant for `pip install`, would mean here: one file only, or not a word
    plainly = dict.fromkeys(("PIP_USER", "PIP_GLOBAL", "PIP_SITE", "PIP_QUIET", "PIP_VERBOSE"), "0")
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "list"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env={**kept, **plainly, "PYTHONIOENCODING": "utf-8", "PYTHONNOUSERSITE": "1"})
    said = asked.stdout.decode("utf-8", "replace")
    if asked.returncode:
        raise RuntimeError(f"pip can't read its settings ({said.strip()}); expected names that it knows in pip.conf "
                           "and in variables PIP_*. Correct them.")
    found = dict(_lines(said))
    return {name: value for section in ("global", verb, ":env:")  # the later ones win
            for (of, name), value in found.items() if of == section and value}


def _lines(said: str) -> Iterator[Tuple[Tuple[str, str], str]]:
    """Yield section, name and value of lines such as `global.timeout='60'`."""
    for line in said.splitlines():
        key, equals, value = line.partition("=")
        if equals and value[:1] in "'\"":
            section, _, name = key.rpartition(".")
            yield (section, name), ast.literal_eval(value)


def _options(name: str, value: str) -> List[str]:
    if name == "no-index":
        return ["--no-index"] if value.lower() in ("1", "true", "t", "y", "yes", "on") else []
    return [f"--{name}={one}" for one in (value.split() if name in LISTS else [value])]


if __name__ == "__main__":
    try:
        os.execve(sys.executable, pip_command(*sys.argv[1:]), child_environment())
    except RuntimeError as error:
        sys.exit(str(error))
