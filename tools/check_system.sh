#!/bin/sh
# tools/check_system.sh PYTHON: is all there that set-up needs from the system? If not, the exact
# line that installs it, and exit code 1. Downloads nothing.
set -eu
python=${1:-python3}

system="$(uname -s) $(uname -m)"
if [ "$system" != "Linux x86_64" ]; then
    echo "The set-up is for Linux x86-64; this is $system. With ROS 2 sourced, use colcon (README)." >&2
    exit 1
fi

missing=""
command -v gcc >/dev/null 2>&1 || missing="$missing gcc"
command -v g++ >/dev/null 2>&1 || missing="$missing g++"

if ! version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then
    echo "There is no working Python under the name '$python'." >&2
    missing="$missing python3 python3-dev python3-venv"
else
    case $version in
        3.10 | 3.11 | 3.12 | 3.13) ;;
        *)
            echo "'$python' is Python $version; CPython 3.10 to 3.13 is needed." >&2
            echo "Name another one: make demo PYTHON=python3.12 (a .venv made before: remove it first)." >&2
            exit 1
            ;;
    esac
    header='import os, sysconfig as s; raise SystemExit(
        not os.path.isfile(os.path.join(s.get_path("include"), "Python.h")))'
    "$python" -c "$header" || missing="$missing python$version-dev"
    "$python" -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python$version-venv"
fi

if [ -n "$missing" ]; then
    echo "Missing on this system:$missing. Install with:" >&2
    echo "    sudo apt-get update && sudo apt-get install -y$missing" >&2
    exit 1
fi
