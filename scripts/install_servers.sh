#!/usr/bin/env bash
# Installs the database server that the tests need from the distribution's packages; without root it says what is missing.
set -euo pipefail
if command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ]; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "MariaDB is missing: install the packages mariadb-server-core and mariadb-client-core, then run 'make test' again" \
    "(HUB_TEST_NO_MARIADB=1 leaves its tests out)." >&2
  exit 1
fi
echo "installing MariaDB ..."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends mariadb-server-core mariadb-client-core >/dev/null
