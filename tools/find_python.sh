#!/bin/sh
# Prints the path of a Python 3.7 that really starts, or says in three lines what to install.
# Looks for python3.7 on PATH, then among pyenv's versions (its shim may refuse while a version is there), then asks uv.
# Where PYENV_ROOT is not exported, pyenv is found by its folders on PATH, .../shims or .../bin.

works() { # a 64-bit Python 3.7, complete enough to build the environment and run Jupyter
    "$1" -c '
import bz2, ctypes, ensurepip, sqlite3, ssl, struct, sys, venv, zlib
sys.exit(sys.version_info[:2] != (3, 7) or struct.calcsize("P") != 8)' >/dev/null 2>&1 </dev/null
}

candidates() { # a line each, best first
    echo "$PATH" | tr ':' '\n' | sed 's|$|/python3.7|'
    {
        echo "${PYENV_ROOT:-}"
        pyenv root 2>/dev/null
        echo "${HOME:-}/.pyenv"
        echo "$PATH" | tr ':' '\n' | sed -n -e 's|/shims/*$||p' -e 's|/bin/*$||p'
    } | while read -r root; do
        [ -d "$root/versions" ] || continue
        (cd "$root/versions" && ls -d 3.7.* 2>/dev/null) | sort -t. -k3,3nr | sed "s|.*|$root/versions/&/bin/python|"
    done
}

found=$(candidates | while read -r python; do
    [ -x "$python" ] && works "$python" && echo "$python" && break
done)

ask_uv() { # what uv has; a new uv can't download Python 3.7 any more, but it can run an old one that can
    uv python find --system 3.7 2>/dev/null && return
    uv python install 3.7 >&2 || uv tool run uv@0.4.30 python install 3.7 >&2 || return
    uv python find --system 3.7
}

if [ -z "$found" ] && uv --version >/dev/null 2>&1; then
    found=$(ask_uv)
    works "$found" || found=
fi

[ -n "$found" ] && echo "$found" && exit 0
cat >&2 <<'END'
No Python 3.7 was found, and this tutorial's packages run on no other: install one of these, then run make again.
  conda or mamba (brings its own Python): the Miniconda installer from docs.conda.io, or Miniforge from conda-forge.org
  a Python 3.7 alone: `pyenv install 3.7.17` (github.com/pyenv/pyenv), or with uv `uvx uv@0.4.30 python install 3.7`
END
exit 1
