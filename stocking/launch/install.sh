#!/bin/sh
# Makes .venv with a Python of 3.11 or newer and installs one requirements file into it.
# Called by the Makefile from the top of the checkout: sh stocking/launch/install.sh requirements-base.txt
set -eu
requirements=$1

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${STOCKING_PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return 0
        fi
    done
    echo 'Stocking needs Python 3.11 or newer, and none was found as python3, python3.13, python3.12 or python3.11.' >&2
    echo 'Install it (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python@3.13)' >&2
    echo 'or say where it is: STOCKING_PYTHON=/path/to/python make run' >&2
    return 1
}

if ! is_new_enough .venv/bin/python || ! .venv/bin/python -c 'import pip' >/dev/null 2>&1; then
    python=$(find_python)
    echo "Making the virtual environment .venv with $python …"
    if ! "$python" -m venv --clear .venv; then
        echo "$python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    fi
fi

echo "Installing $requirements …"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --prefer-binary --requirement "$requirements"
