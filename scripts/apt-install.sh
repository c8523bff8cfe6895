#!/usr/bin/env bash
# Installs Debian packages, as root or through a sudo that asks for no password; else says what to type.
set -euo pipefail

say_how() {
    echo "error: $* is needed and could not be installed from here" >&2
    echo "hint: sudo apt-get install $*" >&2
    exit 1
}

command -v apt-get >/dev/null || say_how "$@"
if [ "$(id -u)" = 0 ]; then
    as_root=()
elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    say_how "$@"
fi

install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" </dev/null 2>&1
}

echo "installing $*"
# A fresh machine has no package lists yet, an old one has lists that name versions which are gone.
if ! said=$(install "$@"); then
    "${as_root[@]}" apt-get update -qq </dev/null >/dev/null 2>&1 || true
    said=$(install "$@") || { echo "$said" >&2; say_how "$@"; }
fi
