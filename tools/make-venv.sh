#!/usr/bin/env bash
# Make the virtual environment: make-venv.sh PYTHON DIRECTORY. Does nothing when it is there.
# Debian splits ensurepip into python3-venv; as root on Debian it is installed, else the reader is told how.
set -eu
python=${1:-}
venv=$2
if [ -z "$python" ]; then
  echo "没有 Python 3.11 / Python 3.11 is needed: apt-get install python3.11 python3.11-venv" >&2
  exit 1
fi
"$python" - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"需要 Python 3.11，现有 / Python 3.11 is needed, this is {sys.version.split()[0]}: make PYTHON=/path/to/python3.11")
PY
[ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 && exit 0
echo "建立虚拟环境 / making $venv …" >&2
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y -q python3-venv >/dev/null || { apt-get update -q && apt-get install -y -q python3-venv; } >/dev/null
  else
    echo "缺 python3-venv / python3-venv is missing: sudo apt-get install python3-venv" >&2
    exit 1
  fi
fi
"$python" -m venv "$venv"
