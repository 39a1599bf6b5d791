#!/bin/sh
# Metrics Corp's InfluxDB appears on Datastream Corp's localhost.
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=../rehearsal.sh
. "$HERE/../rehearsal.sh"
need influxd 'apt-get install -y influxdb'
begin "$@"

say "Metrics Corp's InfluxDB, on loopback of its own network."
INFLUXDB_PORT=$(free_port)
cat > "$WORK/influxdb.conf" <<END
reporting-disabled = true
bind-address = "127.0.0.1:$(free_port)"
[meta]
  dir = "$WORK/influxdb/meta"
[data]
  dir = "$WORK/influxdb/data"
  wal-dir = "$WORK/influxdb/wal"
[http]
  bind-address = "127.0.0.1:$INFLUXDB_PORT"
END
keep influxdb influxd -config "$WORK/influxdb.conf"
wait_for "InfluxDB" listens "$INFLUXDB_PORT"

project
as admin project ticket --usage-count 1 --expires-in 60m --attribute influxdb-outlet=true --relay influxdb > "$WORK/metrics.ticket"
as admin project ticket --usage-count 1 --expires-in 60m --attribute influxdb-inlet=true > "$WORK/datastream.ticket"

say "Metrics Corp: what the start script of its instance does."
quietly metrics project enroll "$WORK/metrics.ticket"
cat > "$WORK/outlet.yaml" <<END
relay: influxdb
tcp-outlet:
  to: "127.0.0.1:$INFLUXDB_PORT"
  allow: '(= subject.influxdb-inlet "true")'
END
as metrics node create "$WORK/outlet.yaml"

say "Datastream Corp: what the start script of its instance does."
INLET_PORT=$(free_port)
quietly datastream project enroll "$WORK/datastream.ticket"
cat > "$WORK/inlet.yaml" <<END
tcp-inlet:
  from: 127.0.0.1:$INLET_PORT
  via: influxdb
  allow: '(= subject.influxdb-outlet "true")'
END
as datastream node create "$WORK/inlet.yaml"

say "The app of Datastream Corp writes points, and reads them back."
node "$HERE/app.mjs" "$INLET_PORT"
finish
