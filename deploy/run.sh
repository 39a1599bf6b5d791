#!/bin/sh
# Two companies in two Kubernetes clusters of this machine, a project beside them: run.sh postgres|mongodb, run.sh cleanup.
# Needs a container engine, kind and kubectl. PROJECT_HOST is an address of this machine that pods can reach.
set -eu

HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
ROOT=$(CDPATH='' cd -- "$HERE/.." && pwd)
ENGINE=${ENGINE:-docker}
PROJECT_PORT=${PROJECT_PORT:-4000}
export POSTERN_HOME="${POSTERN_HOME:-$HERE/.rehearsal}"

postern() {
  node "$ROOT/dist/cli/main.js" "$@"
}

cleanup() {
  for company in bank analysis; do kind delete cluster --name "$company-corp" || true; done
  postern project stop || true
  rm -rf "$POSTERN_HOME"
}

for tool in "$ENGINE" kind kubectl; do
  command -v "$tool" > /dev/null || {
    echo "$tool is missing: install it first." >&2
    exit 69
  }
done

case ${1:-} in
  cleanup)
    cleanup
    exit 0
    ;;
  postgres | mongodb) database=$1 ;;
  *)
    echo "Usage: $0 postgres|mongodb|cleanup" >&2
    exit 64
    ;;
esac

PROJECT_HOST=${PROJECT_HOST:-$("$ENGINE" network inspect kind --format '{{range .IPAM.Config}}{{.Gateway}} {{end}}' | tr ' ' '\n' | grep -m 1 '\.')}
"$ENGINE" build -t postern:local -f "$HERE/Dockerfile" "$ROOT"
"$ENGINE" build -t app:local -f "$HERE/$database.Dockerfile" "$ROOT"

postern enroll --tcp-listener-address "0.0.0.0:$PROJECT_PORT" --public-address "$PROJECT_HOST:$PROJECT_PORT"
postern project ticket --usage-count 1 --expires-in 10m --attribute "$database-outlet=true" --relay "$database" > "$POSTERN_HOME/bank.ticket"
postern project ticket --usage-count 1 --expires-in 10m --attribute "$database-inlet=true" > "$POSTERN_HOME/analysis.ticket"

for company in bank analysis; do
  kind create cluster --name "$company-corp"
  kind load docker-image postern:local --name "$company-corp"
  [ "$company" = bank ] || kind load docker-image app:local --name "$company-corp"
  kubectl --context "kind-$company-corp" create secret generic postern-ticket --from-file=ticket="$POSTERN_HOME/$company.ticket"
  kubectl --context "kind-$company-corp" apply -k "$HERE/kubernetes/overlays/$database/$company"
  kubectl --context "kind-$company-corp" rollout status "deployment/$company" --timeout 180s
done
kubectl --context kind-analysis-corp logs deployment/analysis --container app --follow --timestamps=false
echo 'The example run was successful 🥳'
