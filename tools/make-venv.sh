#!/usr/bin/env bash
# Make the virtual environment: make-venv.sh PYTHON DIRECTORY. Does nothing when it is there. PYTHON may be empty: then
# the first of python3, python3.13, python3.12, python3.11 that fits is taken.
# Debian splits ensurepip into python3-venv; as root on Debian it is installed, else the reader is told how.
set -eu
python=${1:-}
venv=$2

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
fits() { case $1 in 3.11 | 3.12 | 3.13) true ;; *) false ;; esac; }

if [ -z "$python" ]; then
  for name in python3 python3.13 python3.12 python3.11; do
    if fits "$(version_of "$name")"; then
      python=$name
      break
    fi
  done
fi
python=${python:-python3}
version=$(version_of "$python") || version="不能运行 / not to be run"
if ! fits "$version"; then
  why=""
  case $version in 3.1[4-9]) why="，依赖还没有它的 wheel / its wheels are not out yet" ;; esac
  echo "需要 Python 3.11、3.12 或 3.13：make PYTHON=python3.13 / Python 3.11, 3.12 or 3.13 is needed: $python 是 / is ${version}${why}" >&2
  exit 1
fi
if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  exit 0
fi
echo "建立虚拟环境 / making $venv with Python $version …" >&2
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y -q "python$version-venv" >/dev/null ||
      { apt-get update -q && apt-get install -y -q "python$version-venv"; } >/dev/null
  else
    echo "缺 python$version-venv / python$version-venv is missing: sudo apt-get install python$version-venv" >&2
    exit 1
  fi
fi
"$python" -m venv "$venv"
