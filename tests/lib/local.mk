# SPDX-License-Identifier: GPL-2.0-or-later
# What the system and interop tests, the demo and the benchmark share.
EXTRA_DIST += tests/lib/cases.py tests/lib/ctnl.py tests/lib/netns.py \
	tests/lib/syncnode.py

noinst_PROGRAMS += tests/lib/flowload
tests_lib_flowload_SOURCES = tests/lib/flowload.c
tests_lib_flowload_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
tests_lib_flowload_LDADD = $(MNL_LIBS)
