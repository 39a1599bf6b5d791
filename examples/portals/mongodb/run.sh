#!/bin/sh
# Bank Corp's MongoDB appears on Analysis Corp's localhost.
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=../rehearsal.sh
. "$HERE/../rehearsal.sh"
need go 'install Go 1.22 or later: it builds the database of this rehearsal'
begin "$@"

say "Bank Corp's database: FerretDB, which speaks MongoDB's protocol. To build it takes a minute, the first time."
MONGODB_PORT=$(free_port)
mkdir -p "$WORK/mongodb"
(cd "$HERE/server" && go build -o "$WORK/ferretdb" .)
keep mongodb "$WORK/ferretdb" "127.0.0.1:$MONGODB_PORT" "$WORK/mongodb/"
wait_for "The database" listens "$MONGODB_PORT"
[ -d "$HERE/node_modules" ] || (cd "$HERE" && npm ci --silent --no-audit --no-fund)

project
as admin project ticket --usage-count 1 --expires-in 10m --attribute mongodb-outlet=true --relay mongodb > "$WORK/bank.ticket"
as admin project ticket --usage-count 1 --expires-in 10m --attribute mongodb-inlet=true > "$WORK/analysis.ticket"

say "Bank Corp: an outlet next to the database, for whoever has the attribute mongodb-inlet."
quietly bank project enroll "$WORK/bank.ticket"
as bank node create
as bank relay create mongodb
as bank policy create --resource-type tcp-outlet --expression '(= subject.mongodb-inlet "true")' > /dev/null
as bank tcp-outlet create --to "127.0.0.1:$MONGODB_PORT"

say "Analysis Corp: an inlet next to the app, for whoever has the attribute mongodb-outlet."
INLET_PORT=$(free_port)
quietly analysis project enroll "$WORK/analysis.ticket"
as analysis node create
as analysis policy create --resource-type tcp-inlet --expression '(= subject.mongodb-outlet "true")' > /dev/null
as analysis tcp-inlet create --from "127.0.0.1:$INLET_PORT" --via mongodb

say "The app of Analysis Corp."
node "$HERE/app.mjs" "$INLET_PORT"
finish
