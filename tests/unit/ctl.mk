# SPDX-License-Identifier: GPL-2.0-or-later
# The control socket's requests and what the daemon answers.
check_PROGRAMS += tests/unit/test_request
TESTS += tests/unit/test_request
tests_unit_test_request_SOURCES = tests/unit/unit.h tests/unit/test_request.c
tests_unit_test_request_LDADD = src/daemon/libdaemon.a src/base/libbase.a $(JANSSON_LIBS) $(UNIT_LDADD)

REPLY_TEST_LDADD = src/daemon/libdaemon.a parser/libparser.a src/core/libcore.a \
	src/wire/libwire.a src/nlmsg/libnlmsg.a src/io/libio.a src/flow/libflow.a \
	src/base/libbase.a $(MNL_LIBS) $(CAPNG_LIBS) $(JANSSON_LIBS) $(UNIT_LDADD)
check_PROGRAMS += tests/unit/test_reply tests/unit/test_reply_stats
TESTS += tests/unit/test_reply tests/unit/test_reply_stats
tests_unit_test_reply_SOURCES = tests/unit/unit.h tests/unit/test_reply.c
tests_unit_test_reply_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_reply_LDADD = $(REPLY_TEST_LDADD)
tests_unit_test_reply_stats_SOURCES = tests/unit/unit.h tests/unit/test_reply_stats.c
tests_unit_test_reply_stats_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_reply_stats_LDADD = $(REPLY_TEST_LDADD)

if ENABLE_CONNTRACKD_COMMAND
check_PROGRAMS += tests/unit/test_compat
TESTS += tests/unit/test_compat
endif
tests_unit_test_compat_SOURCES = tests/unit/unit.h tests/unit/test_compat.c
tests_unit_test_compat_LDADD = src/compat/libcompat.a src/base/libbase.a $(UNIT_LDADD)

# The engine's side of it is the test's own.
check_PROGRAMS += tests/unit/test_record_file
TESTS += tests/unit/test_record_file
tests_unit_test_record_file_SOURCES = tests/unit/unit.h tests/unit/test_record_file.c
tests_unit_test_record_file_LDADD = src/daemon/libdaemon.a src/io/libio.a src/base/libbase.a \
	$(MNL_LIBS) $(CAPNG_LIBS) $(UNIT_LDADD)
