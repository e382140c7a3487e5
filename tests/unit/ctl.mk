# SPDX-License-Identifier: GPL-2.0-or-later
# The control socket's requests and what the daemon answers.
check_PROGRAMS += tests/unit/test_request
TESTS += tests/unit/test_request
tests_unit_test_request_SOURCES = tests/unit/unit.h tests/unit/test_request.c
tests_unit_test_request_LDADD = src/daemon/libdaemon.a src/base/libbase.a $(JANSSON_LIBS) $(UNIT_LDADD)
