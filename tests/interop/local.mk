# SPDX-License-Identifier: GPL-2.0-or-later
# Run by ./check, not by make check: they need root and the unpacked packages.
EXTRA_DIST += tests/interop/clients.py tests/interop/matrix.py tests/interop/peers.py \
	tests/interop/test_command.py tests/interop/test_conntrackd.py \
	tests/interop/test_examples_start.py tests/interop/test_faults.py \
	tests/interop/test_helpers.py tests/interop/test_known_faults.py \
	tests/interop/test_matrix.py tests/interop/test_migration.py \
	tests/interop/test_nfct_abi.py tests/interop/test_nfct_clients.py \
	tests/interop/test_nfct_conntrack.py tests/interop/test_nfct_conntrackd.py \
	tests/interop/test_nfct_differ.py tests/interop/test_stats.py \
	tests/interop/test_sync_delay.py tests/interop/test_warm.py \
	tests/interop/test_warm_failover.py \
	tests/interop/nfct.abignore tests/interop/nfct_calls.c

# Two builds of libnetfilter_conntrack in one process. It stands before the C library for what the
# other build would end the process with, and before the system calls of the handles' sockets.
noinst_PROGRAMS += tests/interop/nfct_differ
tests_interop_nfct_differ_SOURCES = tests/interop/differ/differ.h tests/interop/differ/pair.h \
	tests/interop/differ/main.c tests/interop/differ/report.c tests/interop/differ/sides.c \
	tests/interop/differ/message.c tests/interop/differ/ct.c \
	tests/interop/differ/ct_message.c tests/interop/differ/text.c \
	tests/interop/differ/labels.c tests/interop/differ/exp.c \
	tests/interop/differ/filter.c tests/interop/differ/handle.c \
	tests/interop/differ/kernel.h tests/interop/differ/kernel.c
tests_interop_nfct_differ_CPPFLAGS = $(AM_CPPFLAGS) \
	-DCAPTURES_DIR='"$(abs_top_srcdir)/tests/lib/captures/nlmsg"'
tests_interop_nfct_differ_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS) $(NFNETLINK_CFLAGS) \
	-Wno-deprecated-declarations
tests_interop_nfct_differ_LDFLAGS = $(AM_LDFLAGS) -Wl,--export-dynamic-symbol=exit \
	-Wl,--export-dynamic-symbol=__assert_fail -Wl,--export-dynamic-symbol=__fprintf_chk \
	-Wl,--export-dynamic-symbol=sendto -Wl,--export-dynamic-symbol=sendmsg \
	-Wl,--export-dynamic-symbol=recvfrom -Wl,--export-dynamic-symbol=recvmsg
tests_interop_nfct_differ_LDADD = tests/lib/libtest.a src/base/libbase.a \
	$(NFNETLINK_LIBS) -ldl
