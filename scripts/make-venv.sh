#!/usr/bin/env bash
# Makes the virtual environment $1 with Python $2, or with the first Python of 3.11 or newer that is found.
set -euo pipefail
venv=$1
shift

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

for python in "${@:-python3}" python3.13 python3.12 python3.11 python3.14; do
    new_enough "$python" && break
    python=
done
if [ -z "$python" ]; then
    echo "error: Python 3.11 or newer was not found" >&2
    echo "hint: sudo apt-get install python3 python3-venv, or make ... PYTHON=/path/to/python3" >&2
    exit 1
fi

# Debian keeps the part of venv that brings pip in a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("{}.{}".format(*sys.version_info))')
    "$(dirname "$0")/apt-install.sh" "python$version-venv"
fi
rm -rf "$venv"
"$python" -m venv "$venv"
