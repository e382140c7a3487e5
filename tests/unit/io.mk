# SPDX-License-Identifier: GPL-2.0-or-later
io_unit_tests = \
	tests/unit/test_io_control \
	tests/unit/test_io_drain \
	tests/unit/test_io_journal \
	tests/unit/test_io_linelog \
	tests/unit/test_io_log \
	tests/unit/test_io_loop \
	tests/unit/test_io_netlink \
	tests/unit/test_io_process
io_unit_ldadd = src/io/libio.a src/base/libbase.a $(MNL_LIBS) $(CAPNG_LIBS) $(UNIT_LDADD)
check_PROGRAMS += $(io_unit_tests)
TESTS += $(io_unit_tests)

tests_unit_test_io_control_SOURCES = tests/unit/unit.h tests/unit/test_io_control.c
tests_unit_test_io_control_LDADD = $(io_unit_ldadd)
tests_unit_test_io_drain_SOURCES = tests/unit/unit.h tests/unit/test_io_drain.c
tests_unit_test_io_drain_LDADD = $(io_unit_ldadd)
tests_unit_test_io_journal_SOURCES = tests/unit/unit.h tests/unit/test_io_journal.c
tests_unit_test_io_journal_LDADD = $(io_unit_ldadd)
tests_unit_test_io_linelog_SOURCES = tests/unit/unit.h tests/unit/test_io_linelog.c
tests_unit_test_io_linelog_LDADD = $(io_unit_ldadd)
tests_unit_test_io_log_SOURCES = tests/unit/unit.h tests/unit/test_io_log.c
tests_unit_test_io_log_LDADD = $(io_unit_ldadd)
tests_unit_test_io_loop_SOURCES = tests/unit/unit.h tests/unit/test_io_loop.c
tests_unit_test_io_loop_LDADD = $(io_unit_ldadd)
tests_unit_test_io_netlink_SOURCES = tests/unit/unit.h tests/unit/test_io_netlink.c
tests_unit_test_io_netlink_LDADD = $(io_unit_ldadd)
tests_unit_test_io_process_SOURCES = tests/unit/unit.h tests/unit/test_io_process.c
tests_unit_test_io_process_LDADD = $(io_unit_ldadd)
