# SPDX-License-Identifier: GPL-2.0-or-later
# make bench: ctsyncd beside conntrackd and beside the kernel's floor (doc/PERFORMANCE.md). As root;
# BENCH_ARGS are options of tests/bench/bench.py.
EXTRA_DIST += \
	tests/bench/bench.py \
	tests/bench/bench_delay.py \
	tests/bench/bench_floor.py \
	tests/bench/bench_host.py \
	tests/bench/bench_load.py \
	tests/bench/bench_nfct.py \
	tests/bench/bench_pair.py \
	tests/bench/bench_table.py \
	tests/bench/bench_takeover.py \
	tests/bench/bench_tax.py \
	tests/bench/mix.py \
	tests/bench/scale.py

noinst_PROGRAMS += tests/bench/floor tests/bench/latency tests/bench/packets
tests_bench_packets_SOURCES = tests/bench/packets.c
tests_bench_floor_SOURCES = tests/bench/floor.c
tests_bench_floor_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
tests_bench_floor_LDADD = $(MNL_LIBS)
tests_bench_latency_SOURCES = tests/bench/latency.c
tests_bench_latency_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
tests_bench_latency_LDADD = $(MNL_LIBS)

# ns per operation of what every flow passes, without kernel and network
noinst_PROGRAMS += tests/bench/micro
tests_bench_micro_SOURCES = tests/bench/micro.c
tests_bench_micro_LDADD = tests/lib/libtest.a src/core/libcore.a src/wire/libwire.a \
	src/nlmsg/libnlmsg.a src/flow/libflow.a src/base/libbase.a $(MNL_LIBS)

# the library beside Debian's; LD_LIBRARY_PATH says which
noinst_PROGRAMS += tests/bench/nfct
tests_bench_nfct_SOURCES = tests/bench/nfct.c
tests_bench_nfct_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS) $(NFNETLINK_CFLAGS) \
	-Wno-deprecated-declarations
tests_bench_nfct_LDADD = src/nfct/libnetfilter_conntrack.la $(MNL_LIBS)

.PHONY: bench
bench: all
	$(top_srcdir)/tools/setup.sh check
	CTSYNC_BUILD=$(abs_top_builddir) python3 -B $(top_srcdir)/tests/bench/bench.py $(BENCH_ARGS)
	CTSYNC_BUILD=$(abs_top_builddir) python3 -B $(top_srcdir)/tests/bench/bench_nfct.py \
		$(BENCH_NFCT_ARGS)

# Each node of a pair with 4,000,000 flows; takes some minutes and 12 GiB of memory. As root.
.PHONY: check-scale
check-scale: all
	$(top_srcdir)/tools/setup.sh check
	CTSYNC_BUILD=$(abs_top_builddir) python3 -B $(top_srcdir)/tests/bench/scale.py $(SCALE_ARGS)
