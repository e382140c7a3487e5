# SPDX-License-Identifier: GPL-2.0-or-later
# Run by ./check, not by make check: they need root and the unpacked packages.
EXTRA_DIST += \
	tests/system/pair.py \
	tests/system/test_bench_smoke.py \
	tests/system/test_commit.py \
	tests/system/test_conf.py \
	tests/system/test_crash.py \
	tests/system/test_examples.py \
	tests/system/test_expect.py \
	tests/system/test_inject.py \
	tests/system/test_kernel.py \
	tests/system/test_lab.py \
	tests/system/test_links.py \
	tests/system/test_memory.py \
	tests/system/test_nfct_handle.py \
	tests/system/test_notify.py \
	tests/system/test_overload.py \
	tests/system/test_polling.py \
	tests/system/test_process.py \
	tests/system/test_stats.py \
	tests/system/test_takeover.py \
	tests/system/test_unheard.py \
	tests/system/test_warm_crash.py
include tests/system/io.mk
include tests/system/nfct.mk
