#!/bin/sh
# Builds .venv-peers/, the peers' environment, unless it is ready. Its Python is the first one on PATH that is 3.11 or
# newer; 3.11, with which the pinned versions were tried, comes first.
set -eu
CDPATH='' cd "$(dirname "$0")/.."
wanted=benchmarks/peers-requirements.txt
prefix=$PWD/.venv-peers
unset PYTHONHOME PYTHONPATH # other Pythons' packages stay out of this one
export PYTHONNOUSERSITE=1

stop() {
    echo "make bench-peers stopped: $1" >&2
    exit 1
}

works() { # a 64-bit Python, 3.11 or newer, that can make environments
    "$1" -c 'import ensurepip, ssl, struct, sys, venv
sys.exit(sys.version_info < (3, 11) or struct.calcsize("P") != 8)' >/dev/null 2>&1 </dev/null
}

find_python() {
    for name in python3.11 python3.12 python3.13 python3.14 python3; do
        echo "$PATH" | tr ':' '\n' | sed "s|\$|/$name|"
    done | while read -r python; do
        [ -x "$python" ] && works "$python" && echo "$python" && break
    done
}

stamp() { # changes when a version changes (a comment may), or when the project is moved
    echo "$prefix"
    sed 's/ *#.*//' "$wanted" | cksum
}

if [ "$(cat "$prefix/peers.stamp" 2>/dev/null)" != "$(stamp)" ] || ! "$prefix/bin/python" -c '' 2>/dev/null; then
    python=$(find_python) || : # said below
    [ -n "$python" ] || stop "the peers need a Python 3.11 or newer on PATH, and there is none; install one and try again"
    echo "==> .venv-peers, from $python"
    rm -rf "$prefix"
    "$python" -m venv "$prefix" || stop "$python could not make .venv-peers; see the error above"
    quiet=--quiet
    [ ! -t 1 ] || quiet=
    "$prefix/bin/python" -I helpers/children.py install $quiet -r "$wanted" </dev/null ||
        stop "pip could not install the peers; see the error above (no network? no space left?), then try again"
    stamp >"$prefix/peers.stamp"
fi
echo "==> the peers' environment: ready"
