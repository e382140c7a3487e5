# SPDX-License-Identifier: GPL-2.0-or-later
# Against the real kernel, in network namespaces of its own; skipped without the privilege.
check_PROGRAMS += tests/system/io_kernel tests/system/io_tcp tests/system/io_train
TESTS += tests/system/io_kernel tests/system/io_tcp tests/system/io_train
tests_system_io_kernel_SOURCES = \
	tests/system/io_kernel.c tests/system/io_lab.h tests/system/io_lab.c
tests_system_io_kernel_CPPFLAGS = $(AM_CPPFLAGS) $(MNL_CFLAGS)
tests_system_io_kernel_LDADD = src/io/libio.a src/base/libbase.a $(MNL_LIBS) $(CAPNG_LIBS)
tests_system_io_tcp_SOURCES = tests/system/io_tcp.c tests/system/io_lab.h tests/system/io_lab.c
tests_system_io_tcp_LDADD = src/io/libio.a src/base/libbase.a $(MNL_LIBS) $(CAPNG_LIBS)
tests_system_io_train_SOURCES = tests/system/io_train.c tests/system/io_lab.h tests/system/io_lab.c
tests_system_io_train_LDADD = src/io/libio.a src/base/libbase.a $(MNL_LIBS) $(CAPNG_LIBS)
