# SPDX-License-Identifier: GPL-2.0-or-later
# Run by test_nfct_handle.py, each case in a network namespace of its own.
check_PROGRAMS += tests/system/nfct_handle
tests_system_nfct_handle_SOURCES = tests/system/nfct_handle.h tests/system/nfct_handle.c \
	tests/system/nfct_handle_exp.c tests/system/nfct_handle_query.c \
	tests/system/nfct_handle_receive.c
tests_system_nfct_handle_LDADD = src/nfct/libnfct.la $(MNL_LIBS)

check_PROGRAMS += tests/system/kernel_nfct_filter
tests_system_kernel_nfct_filter_SOURCES = tests/system/kernel_nfct_filter.c \
	tests/system/kernel_lab.h tests/system/kernel_lab.c
tests_system_kernel_nfct_filter_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS) $(NFNETLINK_CFLAGS)
tests_system_kernel_nfct_filter_LDADD = src/nfct/libnfct.la $(MNL_LIBS)
