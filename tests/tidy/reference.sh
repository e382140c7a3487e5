#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the library's reference, in the build folder where `make check` runs this: a warning of
# Doxygen's is an error, and each public function has to be in it. Skipped where there is no Doxygen.
set -eu
command -v doxygen >/dev/null || {
	echo "reference: skipped: doxygen is not installed (tools/setup.sh check installs it)"
	exit 77
}
map=${srcdir:-.}/src/nfct/libnetfilter_conntrack.map
make -s doc
passed=0 failed=0
for name in $(sed -n 's/^\t\(nf[a-z]*_[a-z0-9_]*\);$/\1/p' "$map"); do
	# Its description, not only its name in a list.
	if grep -q "class=\"memtitle\">.*</span>$name()" doc/reference/group__*.html; then
		passed=$((passed + 1))
	else
		echo "$name is in no group of the reference"
		failed=$((failed + 1))
	fi
done
echo "reference: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
