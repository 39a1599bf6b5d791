# shellcheck shell=sh
# Sourced by every run.sh. Three homes stand for three parties; nothing else is shared between them.
# HERE is the folder of the walk-through; everything that a rehearsal makes is in WORK.
set -eu

ROOT=$(CDPATH='' cd -- "$HERE/../../.." && pwd)
WORK=${WORK:-$HERE/.rehearsal}

# A command as a person types it, in one of the homes; the command line goes to standard error. Into a pipe a result has no line feed.
as() {
  home=$1
  shift
  echo "[$home] \$ postern $*" >&2
  POSTERN_HOME="$WORK/$home" node "$ROOT/dist/cli/main.js" "$@"
  echo
}

# As `as`, for a result that is not shown.
quietly() {
  as "$@" > /dev/null
}

say() {
  printf '\n%s\n' "$*" >&2
}

# A port of loopback that nobody listens at now.
free_port() {
  node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

# Keeps a server in the background until cleanup: name, then the command. What it says goes to a log.
keep() {
  name=$1
  shift
  "$@" > "$WORK/$name.log" 2>&1 &
  echo "$!" > "$WORK/$name.pid"
}

# Waits until a command succeeds, for half a minute at most: what for, then the command.
wait_for() {
  what=$1
  shift
  tries=0
  until "$@" > /dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 150 ]; then
      echo "$what did not come up; look at the logs in $WORK." >&2
      return 1
    fi
    sleep 0.2
  done
}

# Whether somebody listens at a port of loopback.
listens() {
  node -e 'require("node:net").connect(+process.argv[1], "127.0.0.1").once("connect", () => process.exit(0)).once("error", () => process.exit(1))' "$1"
}

# Names a part that is missing, with the line that installs it.
need() {
  command -v "$1" > /dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || {
    echo "$1 is missing: $2" >&2
    exit 69
  }
}

cleanup() {
  [ -d "$WORK" ] || return 0
  for home in "$WORK"/*/; do
    [ -e "$home/database.sqlite3" ] || continue
    POSTERN_HOME="${home%/}" node "$ROOT/dist/cli/main.js" node delete --all --yes > /dev/null 2>&1 || true
    POSTERN_HOME="${home%/}" node "$ROOT/dist/cli/main.js" project stop > /dev/null 2>&1 || true
  done
  for file in "$WORK"/*.pid; do
    [ -e "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2> /dev/null || true
    tries=0
    while kill -0 "$pid" 2> /dev/null && [ "$tries" -lt 50 ]; do
      sleep 0.1
      tries=$((tries + 1))
    done
  done
  rm -rf "$WORK"
}

begin() {
  if [ "${1:-}" = cleanup ]; then
    cleanup
    exit 0
  fi
  [ -e "$ROOT/dist/cli/main.js" ] || {
    echo "The command is not built: npm ci" >&2
    exit 69
  }
  cleanup
  mkdir -p "$WORK"
  trap ended EXIT
  trap 'exit 130' INT TERM
}

# What failed leaves nothing behind; what succeeded stays until it is told to end.
ended() {
  status=$?
  [ "$status" = 0 ] && return 0
  echo "The example failed; cleaning up." >&2
  cleanup
  exit "$status"
}

finish() {
  say "Everything still runs. To end it: $0 cleanup"
  echo 'The example run was successful 🥳'
}

# The administrator's project, and a ticket in a file for each party.
project() {
  say "The administrator begins a project. It is the only one that listens."
  quietly admin enroll --tcp-listener-address "127.0.0.1:$(free_port)"
}
