#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Replays every corpus; run by `make check` in the build folder.
status=0
for target in wire nlmsg config request engine nfct_parse nfexp_parse nfct_print labelmap; do
	"tests/fuzz/replay_$target" "${srcdir:-.}/tests/fuzz/corpus/$target" || status=1
done
exit $status
