# SPDX-License-Identifier: LGPL-2.1-or-later
# libimg.so shows img_ names and no others, holds no variable that anyone could change, and waits for
# no library at its start that could be loaded when it is first used.
. "$srcdir/tests/functions.sh"
requires nm --version

lib=$builddir/lib/.libs/libimg.so
[ -e "$lib" ] || skip "libimg is not built as a shared library here"

leaks=$(nm -D --defined-only "$lib" | awk '$2 != "A" && $3 !~ /^img_/ { print $3 }')
[ -z "$leaks" ] || fail "libimg.so shows names that are not img_: $leaks"

# Sanitizers put variables of their own in every object.
! nm "$lib" | grep -qE '__(asan|tsan|ubsan|sanitizer)' || exit 0

# b, d: zeroed and initialised data that stays writable; .data.rel.ro is read-only once loaded.
variables=$(cd "$builddir/lib" && find . -name '*.o' -path '*/.libs/*' -exec nm -A --defined-only {} + |
	awk '$2 ~ /^[bBdDC]$/' | while read -r where kind name; do
		file=${where%%:*}
		objdump -t "$file" | awk -v n="$name" '
			$NF == n && !/\.data\.rel\.ro/ { bad = 1 } END { exit !bad }' &&
			echo "$file: $name" || true
	done)
[ -z "$variables" ] || fail "variables in lib/, where there must be none: $variables"

linked=$(objdump -p "$lib" | awk '$1 == "NEEDED" { print $2 }' |
	grep -vE '^(lib(c|dl|pthread|deflate|json-c)\.so|ld-)' || true)
[ -z "$linked" ] || fail "libimg.so is linked to what base/lazy.h should load: $linked"
