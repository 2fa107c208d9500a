#!/bin/sh
# Makes requirements.lock from environment.yml: every package that the listed ones need, with hashes, for the three
# platforms in pyproject.toml. Run by `make lock`. pip, setuptools and wheel are in it too: they are installed first.
set -eu
CDPATH='' cd "$(dirname "$0")/.."
UV_PIN=uv==0.13.9 # used where no uv is on PATH

stop() {
    echo "make lock stopped: $1" >&2
    exit 1
}

mkdir -p build
if uv --version >/dev/null 2>&1; then
    uv=uv
else
    uv=build/uv/bin/uv
    "$uv" --version >/dev/null 2>&1 || {
        echo "==> $UV_PIN into build/uv"
        python3 -m venv --clear build/uv && build/uv/bin/python -I helpers/children.py install --quiet "$UV_PIN" ||
            stop "uv is not installed and python3 (3.8 or newer) could not install it; see the error above"
    }
fi

echo "==> requirements.lock"
# "- name==version" of the pip part and "- name=version" of the conda part; python itself is no package
sed -n 's/^ *- *\([A-Za-z0-9._-]*\)==*\([0-9][^ #]*\).*/\1==\2/p' environment.yml | GREP_OPTIONS='' grep -v '^python==' |
    "$uv" pip compile --quiet --universal --python-version 3.7.1 --no-build-isolation --generate-hashes --no-annotate \
        --custom-compile-command "make lock" --output-file build/requirements.lock - ||
    stop "uv found no set of packages that fits environment.yml; see the error above"
mv build/requirements.lock requirements.lock
