# The functions that rules of the ecosystem import as data.cautils, written for this project.
package cautils

import rego.v1

list_contains(list, element) if element in list

getPodName(metadata) := metadata.name

object_intersection(parent, sub) := {key: value | some key, value in sub; parent[key] == value}

is_subobject(sub, parent) if {
	every key, value in sub {
		parent[key] == value
	}
}

unix_permission_from_octal(digit) := {
	"read": bits.and(digit, 4) != 0,
	"write": bits.and(digit, 2) != 0,
	"exec": bits.and(digit, 1) != 0,
}

unix_permission(mode) := {
	"user": unix_permission_from_octal(bits.rsh(mode, 6)),
	"group": unix_permission_from_octal(bits.rsh(mode, 3)),
	"everyone": unix_permission_from_octal(mode),
	"setuid": bits.and(mode, 2048) != 0,
	"setgid": bits.and(mode, 1024) != 0,
	"sticky": bits.and(mode, 512) != 0,
}

# No bit is set in actual that is not set in allow; only the twelve bits of a mode count.
unix_permissions_allow(allow, actual) if {
	bits.and(bits.and(actual, 4095), bits.negate(allow)) == 0
}

# 0644, and nothing above it.
is_strict_conf_permission(mode) if unix_permissions_allow(420, mode)

is_not_strict_conf_permission(mode) if not is_strict_conf_permission(mode)

is_strict_conf_ownership(ownership) if ownership.err

is_strict_conf_ownership(ownership) if {
	ownership.uid == 0
	ownership.gid == 0
}

is_not_strict_conf_ownership(ownership) if not is_strict_conf_ownership(ownership)
