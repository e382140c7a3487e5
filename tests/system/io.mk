# SPDX-License-Identifier: GPL-2.0-or-later
# Against the real kernel, in network namespaces of its own; skipped without the privilege.
check_PROGRAMS += tests/system/io_kernel
TESTS += tests/system/io_kernel
tests_system_io_kernel_SOURCES = tests/system/io_kernel.c
tests_system_io_kernel_CPPFLAGS = $(AM_CPPFLAGS) $(MNL_CFLAGS)
tests_system_io_kernel_LDADD = src/io/libio.a src/base/libbase.a $(MNL_LIBS) $(CAPNG_LIBS)
