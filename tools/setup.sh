#!/bin/sh
# tools/setup.sh demo|test: make .venv at the root of the project and install into it.
#
#   demo   what the demo needs: no torch, under 1 GB
#   test   everything: torch, the test suite, linters, TensorRT's parser
#
# What is missing on the system is named before anything is downloaded. A second call ends at once
# unless setup.cfg, constraints.txt, underlay/ or this file have changed. As root, 'test' also installs
# the system package chromium (apt) if there is no Chromium.
# Reads PYTHON (interpreter for a new .venv, default python3).
set -eu
cd "$(dirname "$0")/.."

profile=${1:?usage: tools/setup.sh demo|test}
case $profile in
    demo) extras=ros,world ;;
    test) extras=ros,world,train,edit,fleet,dev,tensorrt-check ;;
    *) echo "tools/setup.sh: expected demo or test, found '$profile'." >&2; exit 2 ;;
esac

# For the tests of the attention editor's page; looked for at each call. Without it they are skipped.
if [ "$profile" = test ] && ! command -v chromium >/dev/null 2>&1 \
    && ! command -v chromium-browser >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing the system package chromium (apt) for the tests of the attention editor"
        export DEBIAN_FRONTEND=noninteractive
        said=$({ apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium; } \
            2>&1) || echo "Chromium cannot be installed ($(printf '%s\n' "$said" | tail -n 1));" \
            "the tests in a browser are skipped."
    else
        echo "No Chromium here (apt-get install chromium): the tests in a browser are skipped."
    fi
fi

state=$(cat setup.cfg setup.py constraints.txt tools/setup.sh underlay/build.py \
    underlay/definitions/*/msg/*.msg | sha256sum | cut -c1-32)
state="$state $(pwd)"
for done in test "$profile"; do # 'test' has all that 'demo' has
    if [ "$(cat ".venv/.setup-$done" 2>/dev/null)" = "$state" ]; then
        exit 0
    fi
done

if [ -x .venv/bin/python ]; then python=.venv/bin/python; else python=${PYTHON:-python3}; fi
tools/check_system.sh "$python"

if [ ! -x .venv/bin/python ]; then
    echo "Making .venv with $python"
    "$python" -m venv .venv || { rm -rf .venv; exit 1; }
fi
if [ ! -x .venv/bin/uv ]; then
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.5"
fi
echo "Installing .[$extras] into .venv (versions in constraints.txt)"
.venv/bin/uv pip install --python .venv/bin/python --constraint constraints.txt --editable ".[$extras]"
.venv/bin/python underlay/build.py
printf '%s' "$state" >".venv/.setup-$profile"
