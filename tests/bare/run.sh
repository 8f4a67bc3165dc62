#!/bin/sh
# Proves ./studio on a bare machine: a root file system in which nothing but python3, git and ca-certificates was
# installed. Who runs this prepares that folder, with its own apt and pip settings in it (docs/development.md shows
# how); the folder is changed, so keep a copy. Needs root. Not part of ./studio test: it downloads much.
#
#   tests/bare/run.sh ROOTFS [PYTEST ARGS]
set -eu

[ "$(id -u)" = 0 ] || { echo 'run.sh: chroot needs root' >&2; exit 77; }
[ -x "${1-}/usr/bin/python3" ] || { echo 'usage: tests/bare/run.sh ROOTFS [PYTEST ARGS]' >&2; exit 64; }
rootfs=$(cd "$1" && pwd -P)
shift
checkout=$(cd "$(dirname "$0")/../.." && pwd -P)
failed=0

leave() { # nothing stays mounted and nothing stays running, however this ends
    for process in /proc/[0-9]*; do
        case $(readlink "$process/root" 2>/dev/null) in "$rootfs" | "$rootfs"/*) kill "${process#/proc/}" || true ;; esac
    done
    for point in dev/pts dev/shm proc; do umount -l "$rootfs/$point" 2>/dev/null || true; done
}
trap leave EXIT
trap 'exit 130' INT TERM

inside() { # inside UID COMMAND: in the environment of a login
    chroot --userspec="$1:$1" --groups= "$rootfs" \
        env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="/home/$1" LC_ALL=C.UTF-8 sh -c "cd ~ && $2" </dev/null
}

expect() { # expect WHAT CODE-WANTED CODE TEXT-WANTED FILE
    if [ "$2" = "$3" ] && grep -q -- "$4" "$5"; then
        echo "ok      $1"
    else
        echo "FAILED  $1: exit code $3 (wanted $2), wanted to read '$4'"
        failed=1
    fi
}

brokers() { # how many brokers run in there
    found=0
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/root" 2>/dev/null)" = "$rootfs" ] || continue
        case $(cat "$process/comm" 2>/dev/null) in mosquitto) found=$((found + 1)) ;; esac
    done
    echo "$found"
}

mount -t proc proc "$rootfs/proc"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$rootfs/dev/pts"
mount -t tmpfs tmpfs "$rootfs/dev/shm"
ln -sf pts/ptmx "$rootfs/dev/ptmx"
# every installed system has this file, a bare root file system has not
[ -e "$rootfs/etc/hosts" ] || echo '127.0.0.1 localhost' >"$rootfs/etc/hosts"
for user in 0 1000; do
    rm -rf "${rootfs:?}/home/$user"
    mkdir -p "$rootfs/home/$user"
    git -C "$checkout" bundle create -q "$rootfs/home/$user/studio.bundle" HEAD
    chown -R "$user:$user" "$rootfs/home/$user"
    inside "$user" 'git -c advice.detachedHead=false clone -q studio.bundle studio'
done
said=$rootfs/home/said

code=0
inside 1000 'studio/studio --version' >"$said" 2>&1 || code=$?
cat "$said"
expect 'a user who may not install is told the one line' 69 "$code" 'apt-get install -y .*python3.*-venv' "$said"

code=0
inside 1000 'studio/studio test' >"$said" 2>&1 || code=$?
cat "$said"
expect 'and for tests everything in one line' 69 "$code" 'install -y .*-venv.* mosquitto .*ffmpeg' "$said"

code=0
inside 0 'studio/studio --version' >"$said" 2>&1 || code=$?
cat "$said"
expect 'root: from nothing to the agent' 0 "$code" 'set up in' "$said"

code=0
inside 1000 'studio/studio --version' >"$said" 2>&1 || code=$?
cat "$said"
expect 'the user, once the package is there' 0 "$code" 'set up in' "$said"

began=$(date +%s%N) code=0
inside 1000 'studio/studio' >"$said" 2>&1 || code=$?
inside 1000 'studio/studio setup' >>"$said" 2>&1 || code=$?
echo "two later starts: $((($(date +%s%N) - began) / 1000000)) ms"
expect 'a later start sets nothing up' 0 "$code" 'studio demo' "$said"
if grep -q 'studio: ' "$said"; then expect 'a later start is silent' silence noise x "$said"; fi

code=0
inside 0 "studio/studio test $*" >"$said" 2>&1 || code=$?
cat "$said"
expect 'root: all the tests' 0 "$code" '^[0-9]* passed, 0 failed' "$said"
running=$(brokers)
expect "no broker left running ($running)" 0 "$running" '' "$said"

code=0
inside 0 'git -C studio status --porcelain' >"$said" 2>&1 || code=$?
expect 'the checkout is as clean as before' 0 "$(wc -l <"$said")" '' /etc/passwd
exit "$failed"
