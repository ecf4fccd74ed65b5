#!/usr/bin/env bash
# Make the virtual environment: make-venv.sh PYTHON DIRECTORY. Does nothing when it is there. PYTHON may be empty: then
# the quickest that fits of the python3, python3.13, python3.12, python3.11 on the path is taken. They differ: one built
# from source without profile-guided optimisation, as pyenv does, takes 1.4 times as long as a distribution's.
# Debian splits ensurepip into python3-venv; as root on Debian it is installed, else the reader is told how.
set -eu
python=${1:-}
venv=$2

if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  exit 0
fi

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
fits() { case $1 in 3.11 | 3.12 | 3.13) true ;; *) false ;; esac; }
complete() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# milliseconds of CPU that a loop takes: the best of three
loop_ms() {
  "$1" - <<'PYTHON'
from time import process_time

def loop():
    counts, start = {}, process_time()
    for i in range(200_000):
        counts[i % 1000] = counts.get(i % 1000, 0) + i
    return process_time() - start

print(round(min(loop() for _ in range(3)) * 1000))
PYTHON
}

# Rounds, and the best of each: a neighbour of a virtual machine halves its speed for seconds. A later one must be a
# tenth quicker than the one before it, or the choice would be chance.
if [ -z "$python" ]; then
  candidates="" files=""
  for path in $(type -ap python3 python3.13 python3.12 python3.11); do
    file=$(readlink -f "$path")
    case $files in *" $file "*) continue ;; esac # the same by another name
    files="$files $file "
    fits "$(version_of "$path")" || continue
    python=${python:-$path}
    if complete "$path"; then candidates="$candidates $path"; fi
  done
  declare -A best=()
  if [ "$(wc -w <<<"$candidates")" -gt 1 ]; then
    for _ in 1 2 3 4 5; do
      for path in $candidates; do
        ms=$(loop_ms "$path") && [ -n "$ms" ] || continue
        [ "$ms" -ge "${best[$path]:-1000000}" ] || best[$path]=$ms
      done
    done
  fi
  quickest=""
  for path in $candidates; do
    ms=${best[$path]:-1000000}
    if [ -z "$quickest" ] || [ $((ms * 10)) -lt $((quickest * 9)) ]; then
      python=$path
      quickest=$ms
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
echo "建立虚拟环境 / making $venv with $python, Python $version …" >&2
if ! complete "$python"; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y -q "python$version-venv" >/dev/null ||
      { apt-get update -q && apt-get install -y -q "python$version-venv"; } >/dev/null
  else
    echo "缺 python$version-venv / python$version-venv is missing: sudo apt-get install python$version-venv" >&2
    exit 1
  fi
fi
"$python" -m venv "$venv"
