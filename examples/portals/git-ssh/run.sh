#!/bin/sh
# Bank Corp's git server over ssh appears on Analysis Corp's localhost: clone, commit, push.
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=../rehearsal.sh
. "$HERE/../rehearsal.sh"
need sshd 'apt-get install -y openssh-server'
need ssh 'apt-get install -y openssh-client'
need git 'apt-get install -y git'
begin "$@"

say "Bank Corp's git server: a real sshd, on loopback of its own network, with one deploy key."
SSH_PORT=$(free_port)
USER_NAME=$(id -un)
mkdir -p "$WORK/server"
chmod 700 "$WORK/server"
# sshd wants a folder for privilege separation; only root needs it, and only root can make it.
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$WORK/server/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$WORK/deploy_key"
cp "$WORK/deploy_key.pub" "$WORK/server/authorized_keys"
git init -q --bare --initial-branch=main "$WORK/server/demo_project.git"
cat > "$WORK/server/sshd_config" <<END
Port $SSH_PORT
ListenAddress 127.0.0.1
HostKey $WORK/server/host_key
AuthorizedKeysFile $WORK/server/authorized_keys
PidFile none
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
END
keep sshd "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f "$WORK/server/sshd_config"
wait_for "The git server" listens "$SSH_PORT"

project
as admin project ticket --usage-count 1 --expires-in 60m --attribute gitlab-outlet=true --relay gitlab > "$WORK/bank.ticket"
as admin project ticket --usage-count 1 --expires-in 60m --attribute gitlab-inlet=true > "$WORK/analysis.ticket"

say "Bank Corp: a node from a file."
quietly bank project enroll "$WORK/bank.ticket"
cat > "$WORK/outlet.yaml" <<END
relay: gitlab
tcp-outlet:
  to: "localhost:$SSH_PORT"
  allow: '(= subject.gitlab-inlet "true")'
END
as bank node create "$WORK/outlet.yaml"

say "Analysis Corp: a node from a file."
GIT_PORT=$(free_port)
quietly analysis project enroll "$WORK/analysis.ticket"
cat > "$WORK/inlet.yaml" <<END
tcp-inlet:
  from: 127.0.0.1:$GIT_PORT
  via: gitlab
  allow: '(= subject.gitlab-outlet "true")'
END
as analysis node create "$WORK/inlet.yaml"

say "Clone, commit and push through the portal."
export GIT_SSH_COMMAND="ssh -i '$WORK/deploy_key' -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile='$WORK/known_hosts'"
REPOSITORY=ssh://$USER_NAME@127.0.0.1:$GIT_PORT$WORK/server/demo_project.git
git clone -q "$REPOSITORY" "$WORK/clone"
head -c 2000000 /dev/urandom > "$WORK/clone/data"
echo '# Through a portal' > "$WORK/clone/README.md"
git -C "$WORK/clone" add .
git -C "$WORK/clone" -c user.name=Ada -c user.email=ada@example.com commit -q -m 'Two megabytes and a line'
git -C "$WORK/clone" push -q origin HEAD:main
git clone -q "$REPOSITORY" "$WORK/again"
cmp "$WORK/clone/data" "$WORK/again/data"
git --git-dir "$WORK/server/demo_project.git" log --oneline main
finish
