#!/bin/sh
# chroot.sh ROOT COMMAND [ARG]...: runs a command in the system below ROOT, with
# processes, mounts and a network of its own. The network is the loopback
# interface only, and whatever the command started ends with it.
set -eu
# shellcheck disable=SC2016 # the inner shell expands it
exec unshare --mount --net --pid --fork --kill-child sh -euc '
	root=$1
	shift
	mount -t proc proc "$root/proc"
	ip link set lo up
	exec chroot "$root" "$@"' sh "$@"
