#!/usr/bin/env bash
# Installs the servers that the tests need from the distribution's packages; without root it says what is missing.
set -euo pipefail
PATH="$PATH:/usr/sbin:/usr/local/sbin"
missing=()
command -v mariadbd >/dev/null || missing+=(mariadb-server-core mariadb-client-core)
command -v slapd >/dev/null || missing+=(slapd)
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "install the packages ${missing[*]}, then run 'make test' again" \
    "(HUB_TEST_NO_MARIADB=1 and HUB_TEST_NO_SLAPD=1 leave their tests out)." >&2
  exit 1
fi
echo "installing ${missing[*]} ..."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# The packages' own services stay off: the tests start private servers.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
