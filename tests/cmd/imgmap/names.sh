# SPDX-License-Identifier: LGPL-2.1-or-later
# A name can hold anything; what is printed is still one line, JSON or XML.
. "$srcdir/tests/functions.sh"
requires xmllint --version

name=$'a "b" <c> & \n\x01\xff\xef\xbf\xbe\xef\xbf\xbf.raw'
printf content >"$name"
same 2 "$(imgmap "$name" | wc -l)" "lines for people"
imgmap --output=json "$name" | jq -e '.[0].filename | startswith("a \"b\" <c> & \n")' >/dev/null
imgmap --output=xml "$name" | xmllint --noout -
