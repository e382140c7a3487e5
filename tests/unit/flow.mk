# SPDX-License-Identifier: GPL-2.0-or-later
# What tests of several modules share: seeds, random flows, what records come to.
noinst_LIBRARIES += tests/lib/libtest.a
tests_lib_libtest_a_SOURCES = \
	tests/lib/expectgen.h tests/lib/expectgen.c \
	tests/lib/flowgen.h tests/lib/flowgen.c \
	tests/lib/recordset.h tests/lib/recordset.c \
	tests/lib/seed.h tests/lib/seed.c

FLOW_TEST_LDADD = \
	tests/lib/libtest.a src/flow/libflow.a src/base/libbase.a $(UNIT_LDADD)

check_PROGRAMS += \
	tests/unit/test_expect_pack \
	tests/unit/test_flow \
	tests/unit/test_flow_filter \
	tests/unit/test_flow_merge \
	tests/unit/test_flow_pack \
	tests/unit/test_flow_print
TESTS += \
	tests/unit/test_expect_pack \
	tests/unit/test_flow \
	tests/unit/test_flow_filter \
	tests/unit/test_flow_merge \
	tests/unit/test_flow_pack \
	tests/unit/test_flow_print
tests_unit_test_expect_pack_SOURCES = tests/unit/unit.h tests/unit/test_expect_pack.c
tests_unit_test_expect_pack_LDADD = $(FLOW_TEST_LDADD)
tests_unit_test_flow_SOURCES = tests/unit/unit.h tests/unit/test_flow.c
tests_unit_test_flow_LDADD = $(FLOW_TEST_LDADD)
tests_unit_test_flow_filter_SOURCES = tests/unit/unit.h tests/unit/test_flow_filter.c
tests_unit_test_flow_filter_LDADD = $(FLOW_TEST_LDADD)
tests_unit_test_flow_merge_SOURCES = \
	tests/unit/unit.h tests/unit/flow_value.h tests/unit/test_flow_merge.c
tests_unit_test_flow_merge_LDADD = $(FLOW_TEST_LDADD)
tests_unit_test_flow_pack_SOURCES = \
	tests/unit/unit.h tests/unit/flow_value.h tests/unit/test_flow_pack.c
tests_unit_test_flow_pack_LDADD = $(FLOW_TEST_LDADD)
tests_unit_test_flow_print_SOURCES = tests/unit/unit.h tests/unit/test_flow_print.c
tests_unit_test_flow_print_LDADD = $(FLOW_TEST_LDADD)
