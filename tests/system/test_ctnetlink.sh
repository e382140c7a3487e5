#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What doc/KERNEL.md says of the kernel, and the event filters, on the running kernel. Needs root.
set -u
build=${CTSYNC_BUILD:-$(dirname "$0")/../../build/asan}
passed=0 failed=0
for program in kernel_accepts kernel_filters kernel_nfct_filter; do
	echo "$program:"
	if "$build/tests/system/$program"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "test_ctnetlink: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
