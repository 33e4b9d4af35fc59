#!/usr/bin/env bash
# Makes the pinned lock files anew from the *.in files. Needs uv; run it only to move versions on purpose.
set -eu
cd "$(dirname "$0")"
all=$(mktemp)
lock() { uv pip compile -q --python-version 3.11 --no-header --no-annotate --allow-unsafe "$@"; }
lock base.in mssql.in oracle.in demo.in build.in airflow.in dev.in -o "$all"
lock --generate-hashes -c "$all" base.in -o base.txt
lock --generate-hashes -c "$all" base.in mssql.in oracle.in demo.in build.in -o demo.txt
lock --generate-hashes -c "$all" base.in mssql.in oracle.in demo.in build.in airflow.in -o airflow.txt
lock --generate-hashes -c "$all" base.in mssql.in oracle.in demo.in build.in airflow.in dev.in -o dev.txt
for peer in peers-*.in; do lock --generate-hashes "$peer" -o "${peer%.in}.txt"; done
