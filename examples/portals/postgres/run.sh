#!/bin/sh
# Bank Corp's PostgreSQL appears on Analysis Corp's localhost. A third company, with another attribute, gets nothing.
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=../rehearsal.sh
. "$HERE/../rehearsal.sh"
begin "$@"

say "Bank Corp's database, on loopback of its own network."
DATABASE_PORT=$(free_port)
keep database node --import tsx "$HERE/database.ts" "$DATABASE_PORT" "$WORK/database"
wait_for "The database" listens "$DATABASE_PORT"

project
say "A ticket for each company: what it will be allowed is in it."
as admin project ticket --usage-count 1 --expires-in 10m --attribute postgres-outlet=true --relay postgres > "$WORK/bank.ticket"
as admin project ticket --usage-count 1 --expires-in 10m --attribute postgres-inlet=true > "$WORK/analysis.ticket"
as admin project ticket --usage-count 1 --expires-in 10m --attribute marketing=true > "$WORK/marketing.ticket"

say "Bank Corp: an outlet next to the database, for whoever has the attribute postgres-inlet."
quietly bank project enroll "$WORK/bank.ticket"
as bank node create
as bank relay create postgres
as bank policy create --resource-type tcp-outlet --expression '(= subject.postgres-inlet "true")' > /dev/null
as bank tcp-outlet create --to "$DATABASE_PORT"

say "Analysis Corp: an inlet next to the app, for whoever has the attribute postgres-outlet."
INLET_PORT=$(free_port)
quietly analysis project enroll "$WORK/analysis.ticket"
as analysis node create
as analysis policy create --resource-type tcp-inlet --expression '(= subject.postgres-outlet "true")' > /dev/null
as analysis tcp-inlet create --from "$INLET_PORT" --via postgres

say "The app of Analysis Corp."
node "$HERE/app.mjs" "$INLET_PORT"

say "Marketing Corp is a member, too, without the attribute: nobody answers."
DENIED_PORT=$(free_port)
quietly marketing project enroll "$WORK/marketing.ticket"
as marketing node create
as marketing tcp-inlet create --from "$DENIED_PORT" --via postgres
if node "$HERE/app.mjs" "$DENIED_PORT" 3000; then
  echo "Marketing Corp reached the database." >&2
  exit 1
fi
finish
