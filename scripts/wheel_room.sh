#!/usr/bin/env bash
# The product as a university installs it: a wheel with everything that it needs, in an empty environment and an empty folder,
# without the repository. Ends with 0 and one line, or says what broke.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
room=$(mktemp -d "${TMPDIR:-/tmp}/hub-wheel-XXXXXX")
chmod 711 "$room"
trap 'cd /; HUB_VAR=$room/home/var "$room/env/bin/python" -m campus stop >/dev/null 2>&1 || true; rm -rf "$room"' EXIT
trap 'exit 130' INT TERM

step() {
  local code=0 began=$SECONDS
  "$@" >"$room/said" 2>&1 || code=$?
  if [ $code -ne 0 ] || grep -q Traceback "$room/said"; then
    tail -40 "$room/said" >&2
    echo "wheel room: '$*' ended with $code" >&2
    exit 1
  fi
  echo "wheel room: ${*##*/} ($((SECONDS - began)) s)"
}

git clone -q "$here" "$room/sources"
python3 -m venv "$room/env"
pip=("$room/env/bin/pip" --disable-pip-version-check -q)
grep -oE '^[A-Za-z0-9_.-]+(\[[a-z,]+\])?==[^ ]+' "$room/sources/requirements/demo.txt" >"$room/pins"
step "${pip[@]}" wheel --no-deps -c "$room/pins" --wheel-dir "$room" "$room/sources"
rm -rf "$room/sources"
step "${pip[@]}" install -c "$room/pins" "$(echo "$room"/campus_hub-*.whl)[demo]"
mkdir "$room/home"
cd "$room/home"
unset HUB_HOME HUB_VAR HUB_URL
hub=$room/env/bin/hub
step "$hub" --help
step "$hub" lint
step "$hub" demo --persons 600
step "$hub" status
step "$hub" backup "$room/backup"
HUB_VAR=$room/elsewhere step "$hub" restore "$room/backup"
[ "$(ls)" = var ] || { echo "wheel room: something else than var was written: $(ls)" >&2; exit 1; }
echo "wheel room: all went well in $SECONDS s"
