#!/bin/sh
# Says why this tutorial can't run on this computer, in the words of helpers/machine.py, before 1.8 GB are downloaded.
# check_machine.sh [FILE]: what Linux says of its processors, if not in /proc/cpuinfo.
elsewhere='Use GitHub Codespaces, Binder, or a computer with an Intel or AMD processor (README, section Start).'

stop() {
    echo "make env stopped: $1" >&2
    exit 1
}

apple() { # Rosetta may be tried
    [ "${ROSETTA_ADVERTISE_AVX:-}" = 1 ] ||
        stop "This Mac's processor is Apple's, and TensorFlow 2.3 is built for Intel's with AVX instructions, which Rosetta lacks before macOS 15 and hides since. $elsewhere To try Rosetta, which we have not tried, set ROSETTA_ADVERTISE_AVX=1 and start again."
    echo "==> Rosetta runs Intel's packages on this Mac; nobody here has tried that"
    exit 0
}

flags=
case $(uname -sm) in
"Darwin arm64") apple ;;
Darwin*)
    [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" != 1 ] || apple
    flags=$(sysctl -n machdep.cpu.features 2>/dev/null)
    ;;
"Linux aarch64" | "Linux arm"*)
    stop "This computer's processor is an ARM, and TensorFlow 2.3 and the emulator are built for Intel's and AMD's. $elsewhere"
    ;;
Linux*) flags=$(sed -n 's/^flags[^:]*://p' "${1:-/proc/cpuinfo}" 2>/dev/null | head -n 1) ;;
MINGW* | MSYS* | CYGWIN*) stop "This is Windows, where the emulator's package can't be loaded. Use WSL 2 (README, section Windows)." ;;
esac
case " $flags " in
"  " | *" avx "* | *" AVX1.0 "*) ;; # no list of what the processor can do is no verdict
*) stop "This processor has no AVX instructions, and TensorFlow 2.3 ends Python without them. $elsewhere" ;;
esac
