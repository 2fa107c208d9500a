#!/bin/sh
# Every check, one after the other; run by `make test` inside the environment.
set -eu
CDPATH='' cd "$(dirname "$0")/.."
export RUN_LENGTH=smoke
RUNS_FOLDER=$(mktemp -d) # the reader's own runs/ stay as they are
export RUNS_FOLDER
trap 'rm -rf "$RUNS_FOLDER"' EXIT
unset MPLBACKEND # a notebook draws inline; nothing here needs a display
CELL_SECONDS=600      # a cell takes seconds at smoke length: minutes mean that something hangs

step() { # step NAME COMMAND...
    name=$1
    shift
    echo "==> $name"
    "$@" </dev/null || {
        echo "make test stopped: $name failed; see the messages above" >&2
        exit 1
    }
}

step "ruff" ruff check .
step "unit tests" env MPLBACKEND=agg python -m pytest --numprocesses=2 --dist=loadfile -m "not alone" tests
step "tests that measure time" env MPLBACKEND=agg python -m pytest -m alone tests
if ls notebooks/*.ipynb >/dev/null 2>&1; then
    step "notebooks at smoke length" python -m pytest --nbval-lax --nbval-current-env \
        --nbval-cell-timeout=$CELL_SECONDS --timeout=0 notebooks
fi
echo "==> everything passed"
