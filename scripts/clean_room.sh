#!/usr/bin/env bash
# The commands of the README on a machine that has Python and nothing else: a fresh clone of HEAD at a long path, a user without
# rights and with an empty home, umask 000, and a PATH in which MariaDB and slapd are not found, although they may be installed.
# As root it makes (and removes) that user; otherwise it works as whoever calls it. Ends with 0 and one line, or says what broke.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
user=hub-clean
room=$(mktemp -d "${TMPDIR:-/tmp}/hub-clean-XXXXXX")
chmod 711 "$room"
deep=$room/$(printf 'a-long-name-of-a-folder-%.0s' 1 2 3)/$(printf 'and-a-second-one-%.0s' 1 2 3)
made=

fail() {
  echo "clean room: $*" >&2
  exit 1
}

# What runs in the room: its processes have the room in their command or their folder, or belong to its user. One that has ended
# and that nobody has waited for yet (a machine whose first process reaps no orphans keeps it for ever) runs no more.
left() {
  local process
  for process in /proc/[0-9]*; do
    [ "${process#/proc/}" != $$ ] || continue
    grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "$process/status" || continue
    if [[ "$(readlink "$process/cwd" 2>/dev/null)" == "$room"* ]] ||
      grep -qaF "$room" "$process/cmdline" 2>/dev/null ||
      { [ -n "$made" ] && [ "$(stat -c %U "$process" 2>/dev/null)" = "$user" ]; }; then
      echo "${process#/proc/}"
    fi
  done
}

leave() {
  local pid
  for pid in $(left); do kill -INT "$pid" 2>/dev/null || true; done
  [ -z "$(left)" ] || sleep 3
  for pid in $(left); do kill -KILL "$pid" 2>/dev/null || true; done
  cd /
  rm -rf "$room"
  [ -z "$made" ] || userdel "$user" 2>/dev/null || true
}
trap leave EXIT
trap 'exit 130' INT TERM

# Folders of PATH, with links instead of a folder in which a server lies.
found=
number=0
while IFS= read -r -d : folder; do
  [ -d "$folder" ] || continue
  if ls "$folder" | grep -qE '^(mariadbd|mysqld|slapd|mariadb-install-db)$'; then
    number=$((number + 1))
    mkdir -p "$room/bin$number"
    ln -sf "$folder"/* "$room/bin$number/"
    rm -f "$room/bin$number"/{mariadbd,mysqld,mariadbd-safe,mysqld_safe,slapd,mariadb-install-db,mysql_install_db}
    folder=$room/bin$number
  fi
  found=$found${found:+:}$folder
done <<<"$PATH:"

# The package index is that of the caller: his settings of pip and of the network go along.
kept=()
while IFS= read -r -d '' pair; do
  case $pair in
  PIP_CACHE_DIR=* | PIP_CONFIG_FILE=*) ;;
  PIP_* | *_proxy=* | *_PROXY=* | SSL_CERT_FILE=* | REQUESTS_CA_BUNDLE=* | LANG=* | LC_ALL=*) kept+=("$pair") ;;
  esac
done < <(env -0)
for file in "${PIP_CONFIG_FILE:-}" "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf" "$HOME/.pip/pip.conf"; do
  if [ -f "$file" ]; then
    install -m 644 "$file" "$room/pip.conf"
    kept+=("PIP_CONFIG_FILE=$room/pip.conf")
    break
  fi
done

mkdir -p "$deep" "$room/home"
printf '[safe]\n\tdirectory = *\n' >"$room/git.conf" # the clone may be another user's; git's child reads files only
GIT_CONFIG_GLOBAL=$room/git.conf git clone -q "$here" "$deep/campus-hub"
[ ${#deep} -gt 120 ] || fail "the path is not long: $deep"
become=()
if [ "$(id -u)" -eq 0 ]; then
  if ! id "$user" >/dev/null 2>&1; then
    useradd --system --no-create-home --home-dir / --shell /bin/bash "$user"
    made=yes
  fi
  chown -R "$user": "$room/home" "${deep%/*}"
  become=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups)
fi

# One command in the room.
inside() {
  (
    cd "$deep/campus-hub"
    umask 000
    exec "${become[@]}" env -i HOME="$room/home" PATH="$found" TERM=dumb "${kept[@]}" "$@"
  )
}

step() {
  local code=0 began=$SECONDS
  inside "$@" >"$room/said" 2>&1 || code=$?
  if [ $code -ne 0 ]; then
    tail -40 "$room/said" >&2
    fail "'$*' ended with $code"
  fi
  echo "clean room: $* ($((SECONDS - began)) s)"
}

# What the commands wrote is for their user only, whatever umask he has.
closed() {
  local open
  open=$(find "$deep/campus-hub/var" ! -type l -perm /077 | head -5)
  [ -z "$open" ] || fail "open to others: $open"
}

! inside bash -c 'command -v mariadbd || command -v slapd' || fail "a server is still in PATH"
step make demo
grep -q 'mariadbd' "$room/said" && grep -q 'slapd' "$room/said" || fail "nobody said what was placed elsewhere"
grep -qE '注入 ([1-9][0-9]*) 处.*提示 \1 处，漏 0 处，误留 0 处' "$room/said" || {
  grep '注入' "$room/said" >&2 || true
  fail "not every fault of the demonstration was found"
}
closed
step .venv/bin/hub status
step .venv/bin/hub verify E01
step .venv/bin/hub night --as-of 2026-09-09
step .venv/bin/hub flows --json
python3 - "$room/said" <<'PY' || fail "not every edge was delivered"
import json, sys

states = [edge["state"] for edge in json.load(open(sys.argv[1], encoding="utf-8"))["edges"]]
sys.exit(states != ["accepted"] * 67)
PY
# The hub moves: what it is comes back from its backup, and its receivers take the next night.
step .venv/bin/hub backup ../backup
step rm -rf var/hub var/landing var/uploads var/deliveries var/notices var/reports var/brakes var/work
step .venv/bin/hub restore ../backup
# Who was signed in on the machine before signs in again.
step bash -c 'grep "^王工" var/demo-accounts.txt | cut -f 3 | .venv/bin/hub login 王工 --password-stdin'
step .venv/bin/hub verify E01
step .venv/bin/hub night --as-of 2026-09-10
closed
step make down
[ -z "$(left)" ] || sleep 2 # what is just ending
[ -z "$(left)" ] || {
  for pid in $(left); do
    grep -E '^(Name|State|Pid|PPid)' "/proc/$pid/status" >&2 || true
    tr '\0' ' ' <"/proc/$pid/cmdline" >&2 && echo >&2
  done
  fail "processes are left"
}
echo "clean room: all went well in $SECONDS s"
