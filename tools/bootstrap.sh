#!/bin/sh
# Creates the virtual environment $1 with lakepact and its extras local, demo and dev, at the versions of
# requirements/constraints.txt. Needs a Python 3.11 to 3.13, from $PYTHON or from PATH.
set -eu

venv=$1

usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
        if usable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    cat >&2 <<'MESSAGE'
error: lakepact needs Python 3.11, 3.12 or 3.13 with its venv module, and there is none on PATH
  hint: install it (`apt install python3 python3-venv`, `brew install python@3.13`, `dnf install python3.12`),
        or name one: make test PYTHON=/path/to/python3.12
MESSAGE
    exit 3
}

if ! usable "$venv/bin/python"; then
    python=$(find_python)
    echo "creating $venv with $("$python" --version)" >&2
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

echo "installing lakepact[local,demo,dev] into $venv (some minutes the first time)" >&2
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    --editable '.[local,demo,dev]' --constraint requirements/constraints.txt
echo "installed" >&2
