#!/bin/sh
# As much of the official image's entrypoint as docker-compose.yml uses, for the stand-in.
set -eu
: "${PGDATA:=/var/lib/postgresql/data}" "${POSTGRES_USER:=postgres}" "${POSTGRES_DB:=$POSTGRES_USER}"
export PGDATA
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username "$POSTGRES_USER" --auth-local trust --auth-host "$POSTGRES_HOST_AUTH_METHOD" >/dev/null
  pg_ctl -w start -o "-c listen_addresses=" >/dev/null
  createdb -h /var/run/postgresql -U "$POSTGRES_USER" "$POSTGRES_DB"
  pg_ctl -w stop -m fast >/dev/null
fi
exec "$@"
