#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The parser against files with known answers:
#   good/X.conf  prints X.print; its warnings are X.messages (none without such a file);
#                what is printed parses and prints itself
#   bad/X.conf   is refused with exit status 2 and exactly X.messages
# and every example parses without a word, every directive has a place in the man page.
#
# REGENERATE=1 writes the answers instead; read the diff before you commit it.
set -u
here=$(cd "${srcdir:-.}" && pwd)
driver=$(pwd)/tests/golden/conf_driver
golden=$here/tests/golden
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

verdict() { # STATUS NAME
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $2"
	fi
}

# What is expected in file $1 against what was found in $2.
same() {
	if [ "${REGENERATE:-0}" = 1 ]; then
		if [ -s "$2" ]; then cp "$2" "$1"; else rm -f "$1"; fi
		return 0
	fi
	if [ ! -e "$1" ]; then
		[ ! -s "$2" ] && return 0
		diff -u /dev/null "$2"
		return 1
	fi
	diff -u "$1" "$2"
}

good() { # NAME: in the current directory
	"$driver" --print "$1.conf" >"$work/print" 2>"$work/messages" || {
		cat "$work/messages"
		return 1
	}
	same "$1.print" "$work/print" || return 1
	same "$1.messages" "$work/messages" || return 1
	"$driver" --print "$work/print" >"$work/again" 2>"$work/messages" || return 1
	diff -u "$work/print" "$work/again"
}

bad() {
	"$driver" --check "$1.conf" >"$work/out" 2>"$work/messages"
	[ $? -eq 2 ] || return 1
	[ ! -s "$work/out" ] || return 1
	same "$1.messages" "$work/messages"
}

example() {
	"$driver" --check "$1" 2>"$work/messages" || { cat "$work/messages"; return 1; }
	[ ! -s "$work/messages" ] || { cat "$work/messages"; return 1; }
}

man_page() {
	status=0
	"$driver" --directives | sort -u >"$work/directives"
	[ -s "$work/directives" ] || return 1
	while read -r name; do
		grep -Eq "^\.(It Ic|Ic|Ss|Sh) .*\b$name\b" "$here/doc/ctsyncd.conf.5" || {
			echo "doc/ctsyncd.conf.5 does not explain $name"
			status=1
		}
	done <"$work/directives"
	return $status
}

cd "$golden/good" || exit 1
for f in *.conf; do
	good "${f%.conf}"
	verdict $? "good/$f"
done
cd "$golden/bad" || exit 1
for f in *.conf; do
	bad "${f%.conf}"
	verdict $? "bad/$f"
done
for f in "$here"/examples/conf/*.conf; do
	example "$f"
	verdict $? "examples/conf/${f##*/}"
done
man_page
verdict $? "man page"
echo "conf: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
