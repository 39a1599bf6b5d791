#!/bin/sh
# How it works: five commands on one machine, and a PostgreSQL client that reads through the portal.
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=../rehearsal.sh
. "$HERE/../rehearsal.sh"
begin "$@"

say "A PostgreSQL server, on loopback."
DATABASE_PORT=$(free_port)
keep database node --import tsx "$HERE/../postgres/database.ts" "$DATABASE_PORT" "$WORK/database"
wait_for "The database" listens "$DATABASE_PORT"

say "A project on this machine; whoever begins it is its administrator."
as home enroll --tcp-listener-address "127.0.0.1:$(free_port)" > /dev/null
say "Next to the database: an outlet, and a relay by which it is reached."
as home tcp-outlet create --to "$DATABASE_PORT"
as home relay create postgres
say "Next to the client: an inlet."
INLET_PORT=$(free_port)
as home tcp-inlet create --from "$INLET_PORT" --to postgres

say "An ordinary client, at the inlet's port."
node "$HERE/../postgres/app.mjs" "$INLET_PORT"
finish
