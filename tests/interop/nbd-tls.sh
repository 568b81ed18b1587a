# SPDX-License-Identifier: LGPL-2.1-or-later
# A server that demands TLS: keys shared beforehand and certificates, as libnbd takes them from the
# URI; whoever has none is told so.
. "$srcdir/tests/functions.sh"
requires nbdkit --version
requires psktool --version
requires certtool --version
nbdkit --dump-config | grep -qx tls=yes || skip "this needs: nbdkit with TLS"

# serve OPTION...: target.raw, to clients that use TLS alone.
serve() {
	rm -f socket pid
	nbdkit -P "$PWD/pid" -U "$PWD/socket" --tls=require "$@" file target.raw
	until [ -s pid ]; do sleep 0.02; done
	server=$(cat pid)
	cleanup_fn kill "$server"
}

# goes_both_ways URI: written, read, and the same.
goes_both_ways() {
	imgconv -q -O qcow2 disk.raw "$1"
	imgcmp -q disk.raw "$1"
	imginfo target.raw | grep -q '^format: *qcow2' || fail "not written: $1"
	truncate -s 0 target.raw
	truncate -s 4M target.raw
}

seq 1 200000 >disk.raw
truncate -s 4M disk.raw target.raw
socket="socket=$PWD/socket"

psktool -u alice -p keys.psk >/dev/null 2>&1
psktool -u alice -p other.psk >/dev/null 2>&1
serve --tls-psk="$PWD/keys.psk"
goes_both_ways "nbds+unix://alice@/?$socket&tls-psk-file=$PWD/keys.psk"
exits 1 imginfo "nbd+unix:///?$socket" 2>err
grep -q "server requires TLS" err || fail "$(cat err)"
exits 1 imginfo "nbds+unix://alice@/?$socket&tls-psk-file=$PWD/other.psk" 2>err
grep -q "gnutls_handshake" err || fail "$(cat err)"
kill "$server"

# A server that never heard of TLS is not talked to in the clear.
rm -f socket pid
nbdkit -P "$PWD/pid" -U "$PWD/socket" --tls=off file target.raw
until [ -s pid ]; do sleep 0.02; done
cleanup_fn kill "$(cat pid)"
exits 1 imginfo "nbds+unix://alice@/?$socket&tls-psk-file=$PWD/keys.psk" 2>err
kill "$(cat pid)"

# signed NAME LINE...: a key and a certificate that ca has signed.
signed() {
	printf '%s\n' "${@:2}" >template
	certtool --generate-privkey --key-type=ecc --outfile="pki/$1-key.pem" 2>/dev/null
	certtool --generate-certificate --load-privkey="pki/$1-key.pem" --template=template \
		--load-ca-certificate=pki/ca-cert.pem --load-ca-privkey=ca-key.pem \
		--outfile="pki/$1-cert.pem" 2>/dev/null
}

# authority FOLDER: who vouches for others, with the key ca-key.pem.
authority() {
	mkdir "$1"
	printf '%s\n' 'cn = a test' ca cert_signing_key >template
	certtool --generate-privkey --key-type=ecc --outfile=ca-key.pem 2>/dev/null
	certtool --generate-self-signed --load-privkey=ca-key.pem --template=template \
		--outfile="$1/ca-cert.pem" 2>/dev/null
}

authority pki
signed server 'cn = localhost' 'dns_name = localhost' tls_www_server signing_key encryption_key
signed client 'cn = client' tls_www_client signing_key encryption_key

serve --tls-certificates="$PWD/pki" --tls-verify-peer
goes_both_ways "nbds+unix:///?$socket&tls-certificates=$PWD/pki"
kill "$server"

# Over TCP libnbd looks at who vouches for the server, and for which name.
authority other
cp pki/client-*.pem other
port=$((20000 + $$ % 20000))
until nbdkit -P "$PWD/pid" -i localhost -p $port --tls=require --tls-certificates="$PWD/pki" \
	file target.raw 2>err; do
	grep -q "in use" err || fail "$(cat err)"
	port=$((port + 1))
done
until [ -s pid ]; do sleep 0.02; done
cleanup_fn kill "$(cat pid)"
goes_both_ways "nbds://localhost:$port/?tls-certificates=$PWD/pki"
exits 1 imginfo "nbds://127.0.0.1:$port/?tls-certificates=$PWD/pki" 2>err
grep -qi "certificate" err || fail "$(cat err)"
exits 1 imginfo "nbds://localhost:$port/?tls-certificates=$PWD/other" 2>err
grep -qi "certificate" err || fail "$(cat err)"
