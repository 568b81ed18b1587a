# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts of this folder share: servers, and who asks them.
plugin=$builddir/cmd/nbdkit-img/.libs/nbdkit-img-plugin.so
[ -e "$plugin" ] || skip "the nbdkit plugin is not built"
[ -z "${SANITIZER-}" ] || skip "nbdkit is not built with a sanitizer"
requires nbdkit --version
requires nbdinfo --version
requires nbdcopy --version
requires qemu-io --version
requires jq --version

mib=$((1024 * 1024))
uri="nbd+unix:///?socket=$PWD/socket"

# serve OPTION...: the job $server does, at $uri.
serve() {
	rm -f socket pid
	nbdkit -f -P "$PWD/pid" -U socket "$@" 2>served.txt &
	server=$!
	cleanup_fn stop $server
	until [ -s pid ]; do
		[ -d /proc/$server ] || fail "not served: $*: $(cat served.txt)"
		sleep 0.02
	done
}

# stop JOB [SIGNAL]: and wait until it is gone.
stop() {
	kill "${@:2}" "$1" 2>/dev/null || return 0
	wait "$1" || true
}

# refuses MESSAGE OPTION...: the server does not start, and says why.
refuses() {
	rm -f refused
	! timeout 20 nbdkit -f -U refused "${@:2}" 2>err || fail "served: ${*:2}"
	grep -q "$1" err || fail "${*:2}: $(cat err)"
}

# io FILE COMMAND...: by qemu-io, to a raw file or to $uri.
io() {
	printf '%s\n' "${@:2}" | qemu-io -f raw ${reading:+-r} "$1" >io.txt 2>&1 &&
		! grep -qiE 'error|fail|can.t' io.txt
}

# reads FILE COMMAND...: the same by one who does not want to write.
reads() {
	local reading=yes

	io "$@"
}
