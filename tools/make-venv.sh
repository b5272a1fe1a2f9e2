#!/bin/sh
# Makes the virtual environment. Debian ships python3 without ensurepip: fetch python3-venv when we may, else say how.
set -eu
venv=$1
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; '$python' is $("$python" -V)" >&2; exit 1; }
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
  if [ "$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq python3-venv
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo apt-get update -qq && sudo apt-get install -y -qq python3-venv
  else echo "Python's venv module is missing: ask an administrator for 'apt-get install python3-venv'" >&2; exit 1
  fi
fi
"$python" -m venv "$venv"
