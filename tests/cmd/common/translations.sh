# SPDX-License-Identifier: LGPL-2.1-or-later
# Every message of the sources is in the Chinese catalogue, translated, and in good shape.
. "$srcdir/tests/functions.sh"
requires xgettext --version
requires msgfmt --version

(cd "$srcdir" && find lib cmd -name '*.c' -o -name '*.h' | sort) >sources
xgettext -D "$srcdir" -f sources -k_ -kN_ --from-code=UTF-8 -o messages.pot
msgmerge -q -N "$srcdir/po/zh_CN.po" messages.pot -o merged.po
msgfmt --check --statistics -o /dev/null merged.po 2>statistics ||
	fail "zh_CN.po is damaged: $(cat statistics)"
grep -qE '^[0-9]+ translated messages\.$' statistics || {
	msgattrib --untranslated merged.po
	msgattrib --only-fuzzy merged.po
	fail "zh_CN.po is not complete: $(cat statistics)"
}
