#!/bin/sh
# Opens JupyterLab on the first notebook; run by `make lab` inside the environment.
set -eu
CDPATH='' cd "$(dirname "$0")/.."

# Lab refuses to run as root (in a container, say) unless told that it is meant
[ "$(id -u)" != 0 ] || set -- --allow-root "$@"
# without a display a text browser would take over the terminal: print the address instead
[ "$(uname -s)" = Darwin ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || set -- --no-browser "$@"

# the first thing on the screen is the notebook, not a question about news;
# a default address, not a file argument: so the address that is printed leads to the first notebook too
# the folder is said three times: the reader's own configuration may set each
echo "==> JupyterLab: open the address below if no browser does; Ctrl-C twice stops it; don't update it if it advises to"
python -m jupyterlab --LabApp.app_settings_dir="$PWD/tools/lab_settings" \
    --ServerApp.root_dir="$PWD" --FileContentsManager.root_dir="$PWD" --FileContentsManager.preferred_dir="$PWD" \
    --LabApp.default_url=/lab/tree/notebooks/01_set_up.ipynb "$@" || {
    status=$?
    echo "make lab stopped: JupyterLab ended with status $status; see the messages above" >&2
    exit $status
}
