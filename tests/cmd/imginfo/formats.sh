# SPDX-License-Identifier: LGPL-2.1-or-later
# --formats says what can be done with each format, and needs no file.
. "$srcdir/tests/functions.sh"

json=$(imginfo --formats --output=json)
same '["cloop","cow","luks","qcow","qcow2","raw","vdi","vmdk"]' \
	"$(jq -c '[.formats[].name] | sort' <<<"$json")" "formats"
same true "$(jq '.formats[] | select(.name == "qcow2") | .compress' <<<"$json")" "qcow2"
same false "$(jq '.formats[] | select(.name == "raw") | .backing' <<<"$json")" "raw"
imginfo --formats | grep -qE '^qcow2 +read, written' || fail "$(imginfo --formats)"
exits 1 imginfo --formats x.raw 2>/dev/null
