# SPDX-License-Identifier: LGPL-2.1-or-later
# As much of JSON Schema as the schemas in doc/ use.  Input: a document; $schema[0]: its schema.
# Gives nothing when it is valid, else where it is not.
def is_type($t):
	if $t == "integer" then type == "number" and . == floor else type == $t end;
def errors($s; $at):
	. as $doc
	| (if $s.anyOf and ([$s.anyOf[] as $a | select([$doc | errors($a; $at)] == [])] == [])
	   then "\($at): matches none of its shapes" else empty end),
	  (if $s.enum and ([$s.enum[] | select(. == $doc)] == [])
	   then "\($at): \($doc) is not allowed" else empty end),
	  (if $s.type and ($doc | is_type($s.type) | not)
	   then "\($at): is not of type \($s.type)" else empty end),
	  (if $s.minimum and ($doc < $s.minimum) then "\($at): \($doc) is too small" else empty end),
	  (if type == "object" then
		($s.required // [] | .[] | select(in($doc) | not) | "\($at): \(.) is missing"),
		(keys[] | . as $k | if $s.properties[$k] then
			$doc[$k] | errors($s.properties[$k]; "\($at).\($k)")
		elif $s.additionalProperties == false then "\($at): \($k) is not known"
		else empty end)
	   elif type == "array" and $s.items then
		range(length) as $i | .[$i] | errors($s.items; "\($at)[\($i)]")
	   else empty end);
errors($schema[0]; "")
