# SPDX-License-Identifier: LGPL-2.1-or-later
# A cluster of Ceph for one test: `. "$srcdir/tests/ceph.sh"`, behind tests/functions.sh.
# One monitor, one manager and one store of objects, or up to three, in memory unless $ceph_store says
# otherwise, that listen on 127.0.0.1 alone and know nothing of a Ceph that this machine may have; they end with
# the test.

# Their runtime must know how C++ throws before librados is loaded, and sees nothing of what that does.
[ -z "${SANITIZER-}" ] || skip "librados cannot be loaded by a program with a sanitizer"
for program in ceph-mon ceph-mgr ceph-osd ceph-authtool monmaptool rbd; do
	requires "$program" --version
done
unset CEPH_ARGS CEPH_KEYRING
ceph_dir=$PWD/ceph
ceph_store=${ceph_store-memstore}
export CEPH_CONF=$ceph_dir/ceph.conf

# A port of this machine that nobody listens on.
free_port() {
	local port=$((20000 + $$ % 20000))

	while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		port=$((port + 1))
	done
	echo "$port"
}

# ceph_configuration PORT: what all programs of the cluster read.  Clients give up early: nothing here takes
# long.
ceph_configuration() {
	cat <<CONF
[global]
fsid = $(</proc/sys/kernel/random/uuid)
mon_host = v2:127.0.0.1:$1
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr1 = false
auth_allow_insecure_global_id_reclaim = false
keyring = $ceph_dir/keyring
run_dir = $ceph_dir
crash_dir = $ceph_dir
admin_socket =
client_mount_timeout = 20
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_data = $ceph_dir/mon
mon_allow_pool_size_one = true
mon_cluster_log_file = $ceph_dir/log
mon_data_avail_warn = 2
mon_data_avail_crit = 1
mon_debug_no_require_bluestore_for_ec_overwrites = true
paxos_propose_interval = 0.02
mgr_data = $ceph_dir/mgr
mgr_initial_modules =
mgr_module_path = $ceph_dir/none
mgr_stats_period = 1
osd_data = $ceph_dir/osd\$id
osd_objectstore = $ceph_store
osd_mon_report_interval = 1
osd_heartbeat_interval = 1
osd_client_watch_timeout = 6
memstore_device_bytes = 2147483648
bluestore_block_size = 10737418240
osd_memory_target = 1073741824
log_file = $ceph_dir/log.\$name
CONF
}

# Keys of the daemons and of the one client that may do everything.
ceph_keys() {
	local id tool=(ceph-authtool "$ceph_dir/keyring" --gen-key)

	"${tool[@]}" --create-keyring -n mon. --cap mon 'allow *'
	"${tool[@]}" -n client.admin --cap mon 'allow *' --cap mgr 'allow *' --cap osd 'allow *'
	"${tool[@]}" -n mgr.x --cap mon 'allow profile mgr' --cap osd 'allow *'
	for id in 0 1 2; do
		"${tool[@]}" -n "osd.$id" --cap mon 'allow profile osd' --cap mgr 'allow profile osd' \
			--cap osd 'allow *'
	done
}

# ceph_daemon KIND ID: runs until the test ends; its process is in $ceph_pid.
ceph_daemon() {
	"ceph-$1" -f -i "$2" >>"$ceph_dir/said" 2>&1 </dev/null &
	ceph_pid=$!
	disown "$ceph_pid"
	cleanup_fn ceph_kill "$ceph_pid"
}

# There is nothing to keep, and to end in good order takes seconds.
ceph_kill() {
	! kill -KILL "$1" 2>/dev/null || becomes ceph_is_gone "$1"
}

ceph_is_gone() {
	! kill -0 "$1" 2>/dev/null
}

# start_ceph: a cluster with the empty pool "rbd", at $CEPH_CONF.
start_ceph() {
	local port

	port=$(free_port)
	mkdir -p "$ceph_dir"/{mon,mgr,none}
	ceph_configuration "$port" >"$CEPH_CONF"
	ceph_keys >/dev/null
	# A monitor that is not told its port by this map takes another one.
	monmaptool --create --fsid "$(sed -n 's/^fsid = //p' "$CEPH_CONF")" \
		--addv a "[v2:127.0.0.1:$port]" "$ceph_dir/monmap" >/dev/null
	ceph-mon -i a --mkfs --monmap "$ceph_dir/monmap" --keyring "$ceph_dir/keyring" 2>>"$ceph_dir/said"
	ceph_daemon mon a
	ceph_monitor=$ceph_pid
	ceph_daemon mgr x
	new_osd 0
	ceph_osd=$ceph_pid
	new_pool rbd
}

# new_osd ID: one more store of objects; its process is in $ceph_pid.
new_osd() {
	local uuid

	uuid=$(</proc/sys/kernel/random/uuid)
	mkdir "$ceph_dir/osd$1"
	ceph osd new "$uuid" "$1" >/dev/null
	ceph-osd -i "$1" --mkfs --osd-uuid "$uuid" 2>>"$ceph_dir/said"
	ceph_daemon osd "$1"
}

# new_coded_pool NAME: one whose objects are spread over three stores, of which any two have all of it.
new_coded_pool() {
	ceph osd erasure-code-profile set coded k=2 m=1 crush-failure-domain=osd
	ceph osd pool create "$1" erasure coded >/dev/null 2>&1
	ceph osd pool set "$1" allow_ec_overwrites true >/dev/null 2>&1
	ceph osd pool application enable "$1" rbd >/dev/null 2>&1
}

# new_pool NAME: one more, for images.
new_pool() {
	ceph osd pool create "$1" >/dev/null 2>&1
	timeout 60 rbd pool init "$1"
}
