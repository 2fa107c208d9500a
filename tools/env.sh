#!/bin/sh
# The tutorial's environment: `env.sh build` makes it unless it is ready, `env.sh run COMMAND...` runs a command in it.
# Where conda, mamba or micromamba is installed it is the conda environment named in environment.yml, elsewhere .venv/.
# Either way the packages come from requirements.lock, each checked against its hash.
#
# Whatever make runs, runs through this file. So here stands what becomes of what a reader has exported or configured.
# Left out:
#   sh          CDPATH, in each script; GREP_OPTIONS and CLICOLOR_FORCE, which change what grep and ls print
#   locale      LC_ALL=C and the like: Python 3.7 then misreads the name of a folder that has an umlaut
#   Python      all PYTHON* variables: packages of others, docstrings that TensorFlow reads, warnings as errors, ...
#   IPython     VIRTUAL_ENV, if it is another one: its packages would come before ours
#   pip         everything but addresses, proxy and certificates (helpers/children.py, also where helpers call pip)
#   Matplotlib  MPLBACKEND, without which no figure would appear, and matplotlibrc: figures look as the text says
#               (MPLBACKEND also by helpers/surroundings.py, for who starts Lab without make)
#   Keras       ~/.keras/keras.json: 16-bit numbers, or colours as the first axis (helpers/__init__.py)
#   Jupyter     JUPYTER_PATH and JUPYTERLAB_DIR: kernels and parts of another Lab; the configured folder (tools/lab.sh)
#   git         GIT_DIR and its like, where helpers.train notes the commit
# Honoured: MAKEFLAGS and what the targets' lines name; proxies, SSL_*; TMPDIR, DISPLAY, BROWSER; ports, passwords and
#   the like of ~/.jupyter; ~/.ipython; MPLCONFIGDIR; TF_*, OMP_NUM_THREADS; CONDA_*; this project's RUN_LENGTH,
#   RUNS_FOLDER, ROM_SOURCE, ACCEPT_ROM_LICENSE.
# Named in the README, for who works without make: PIP_USER, PYTHONOPTIMIZE, LC_ALL.
set -eu
root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd -P)
cd "$root"
unset GREP_OPTIONS CLICOLOR_FORCE
for variable in $(env | sed -n 's/^\(PYTHON[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$variable"
done
export PYTHONNOUSERSITE=1
case $(locale charmap 2>/dev/null) in
UTF-8 | "") ;;
*)
    for language in C.UTF-8 en_US.UTF-8; do
        [ "$(LC_ALL=$language locale charmap 2>/dev/null)" = UTF-8 ] || continue
        unset LC_ALL
        export LC_CTYPE="$language"
        break
    done
    case $(locale charmap):$root in
    UTF-8:*) ;;
    *[!\ -~]*)
        echo "make env stopped: the name of $root has letters that need a language with UTF-8, and this computer has" \
            "none (locale -a lists them). Set LC_ALL to one, or give the folder a plain name." >&2
        exit 1
        ;;
    esac
    ;;
esac

name=$(sed -n 's/^name: *//p' environment.yml)
conda=
for candidate in "${CONDA_EXE:-}" conda mamba "${MAMBA_EXE:-}" micromamba; do
    if [ -n "$candidate" ] && "$candidate" --version >/dev/null 2>&1 </dev/null; then
        conda=$candidate
        break
    fi
done

stop() {
    echo "make env stopped: $1" >&2
    exit 1
}

find_prefix() { # the environment's folder; nothing where there is none
    if [ -z "$conda" ]; then
        echo "$root/.venv"
    else
        "$conda" run -n "$name" python -c 'import sys; print(sys.prefix)' 2>/dev/null </dev/null | tail -n 1
    fi
}

stamp() { # changes when a package changes (a comment may), or when the project or its environment is moved
    echo "$root $prefix"
    sed 's/ *#.*//' environment.yml | cat - requirements.lock setup.py | cksum
}

ready() { # the stamp is written last, so an interrupted build is never ready
    [ -n "$prefix" ] && [ "$(cat "$prefix/atari-drl.stamp" 2>/dev/null)" = "$(stamp)" ] &&
        "$prefix/bin/python" -c '' 2>/dev/null
}

make_conda_env() { # the conda part of environment.yml; its pip part is in requirements.lock
    [ "$(uname -sm)" != "Darwin arm64" ] || export CONDA_SUBDIR=osx-64 # no Python 3.7 was built for Apple silicon
    channel=$(sed -n '/^channels:/,/^[a-z]*:$/s/^ *- *//p' environment.yml | head -n 1)
    verb=create
    [ -z "$prefix" ] || verb=install
    echo "==> conda environment $name ($conda $verb)"
    # word splitting is wanted: one argument for each "- name=version"
    "$conda" "$verb" -y -n "$name" --override-channels -c "$channel" \
        $(sed -n 's/^ *- *\([a-z]*=[0-9][^ #]*\).*/\1/p' environment.yml) </dev/null ||
        stop "$conda could not make the environment $name; see the error above (if it wants terms accepted: README.md)"
    prefix=$(find_prefix)
    [ -n "$prefix" ] || stop "$conda made the environment $name, but no python starts in it"
}

make_venv() {
    python=$(sh tools/find_python.sh) || exit 1
    echo "==> .venv, from $python"
    rm -rf .venv
    "$python" -m venv .venv || stop "$python could not make .venv; see the error above"
}

pip() {
    "$prefix/bin/python" -I helpers/children.py "$@" </dev/null
}

install() { # install ARGUMENTS...: at a terminal pip shows what it downloads, elsewhere it is quiet
    quiet=--quiet
    [ ! -t 1 ] || quiet=
    pip install $quiet --no-deps --no-build-isolation "$@" ||
        stop "pip could not install the packages; see the error above (no network? no space left?), then run make again"
}

build() {
    prefix=$(find_prefix)
    ! ready || return 0
    sh tools/check_machine.sh || exit 1
    if [ -n "$conda" ]; then make_conda_env; else make_venv; fi
    rm -f "$prefix/atari-drl.stamp"

    echo "==> pip, setuptools and wheel, as pinned" # they build gym, so they come before the rest
    awk '/^[a-z]/ { wanted = /^(pip|setuptools|wheel)==/ } wanted' requirements.lock >"$prefix/first.txt"
    install --require-hashes -r "$prefix/first.txt"
    echo "==> the packages in requirements.lock (a few minutes the first time)"
    install --require-hashes -r requirements.lock
    echo "==> helpers/"
    install -e .
    pip check || stop "the installed packages do not fit together; see above"
    stamp >"$prefix/atari-drl.stamp"
}

case ${1:-} in
build)
    build
    echo "==> environment: ready"
    ;;
run)
    shift
    prefix=$(find_prefix)
    ready || stop "the environment is not ready (it was interrupted, moved or never built); run make env"
    [ "${VIRTUAL_ENV:-}" = "$prefix" ] || unset VIRTUAL_ENV
    unset JUPYTER_PATH JUPYTERLAB_DIR MPLBACKEND
    PATH=$prefix/bin:$PATH
    # the environment's own kernel comes before a kernel of the same name in the reader's home folder
    export PATH JUPYTER_PREFER_ENV_PATH=1 MATPLOTLIBRC="$prefix/lib/python3.7/site-packages/matplotlib/mpl-data/matplotlibrc"
    exec "$@"
    ;;
*)
    stop "env.sh got '${1:-}'; it knows build and run COMMAND"
    ;;
esac
