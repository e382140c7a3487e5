# SPDX-License-Identifier: GPL-2.0-or-later
# The library's tests see its insides; how programs see it is tested in interop and with examples.
NFCT_TEST_VALUE = tests/unit/nfct_value.h tests/unit/nfct_value.c
NFCT_TEST_LDADD = tests/lib/libtest.a src/nfct/libnfct.la $(UNIT_LDADD)

check_PROGRAMS += \
	tests/unit/test_nfct_attr \
	tests/unit/test_nfct_compare \
	tests/unit/test_nfct_copy \
	tests/unit/test_nfct_expect \
	tests/unit/test_nfct_filter \
	tests/unit/test_nfct_labels \
	tests/unit/test_nfct_message \
	tests/unit/test_nfct_misuse \
	tests/unit/test_nfct_print \
	tests/unit/test_nfct_request \
	tests/unit/test_nfct_roundtrip
TESTS += \
	tests/unit/test_nfct_attr \
	tests/unit/test_nfct_compare \
	tests/unit/test_nfct_copy \
	tests/unit/test_nfct_expect \
	tests/unit/test_nfct_filter \
	tests/unit/test_nfct_labels \
	tests/unit/test_nfct_message \
	tests/unit/test_nfct_misuse \
	tests/unit/test_nfct_print \
	tests/unit/test_nfct_request \
	tests/unit/test_nfct_roundtrip
tests_unit_test_nfct_attr_SOURCES = tests/unit/unit.h tests/unit/test_nfct_attr.c $(NFCT_TEST_VALUE)
tests_unit_test_nfct_attr_LDADD = $(NFCT_TEST_LDADD)
tests_unit_test_nfct_compare_SOURCES = tests/unit/unit.h tests/unit/test_nfct_compare.c $(NFCT_TEST_VALUE)
tests_unit_test_nfct_compare_LDADD = $(NFCT_TEST_LDADD)
tests_unit_test_nfct_copy_SOURCES = tests/unit/unit.h tests/unit/test_nfct_copy.c $(NFCT_TEST_VALUE)
tests_unit_test_nfct_copy_LDADD = $(NFCT_TEST_LDADD)
tests_unit_test_nfct_expect_SOURCES = tests/unit/unit.h tests/unit/test_nfct_expect.c
tests_unit_test_nfct_expect_LDADD = $(NFCT_TEST_LDADD)
tests_unit_test_nfct_filter_SOURCES = tests/unit/unit.h tests/unit/test_nfct_filter.c \
	tests/lib/nlmsg_random.h tests/lib/nlmsg_random.c
tests_unit_test_nfct_filter_LDADD = $(NFCT_TEST_LDADD)
tests_unit_test_nfct_labels_SOURCES = tests/unit/unit.h tests/unit/test_nfct_labels.c
tests_unit_test_nfct_labels_LDADD = $(NFCT_TEST_LDADD)
tests_unit_test_nfct_message_SOURCES = tests/unit/unit.h tests/unit/hex.h \
	tests/unit/test_nfct_message.c tests/lib/nlmsg_random.h tests/lib/nlmsg_random.c
tests_unit_test_nfct_message_LDADD = $(NFCT_TEST_LDADD)
tests_unit_test_nfct_message_CPPFLAGS = $(AM_CPPFLAGS) \
	-DCAPTURES_DIR='"$(abs_top_srcdir)/tests/lib/captures/nlmsg"'
tests_unit_test_nfct_misuse_SOURCES = tests/unit/unit.h tests/unit/test_nfct_misuse.c $(NFCT_TEST_VALUE)
tests_unit_test_nfct_misuse_CFLAGS = $(AM_CFLAGS) -Wno-deprecated-declarations
tests_unit_test_nfct_misuse_LDADD = $(NFCT_TEST_LDADD)
tests_unit_test_nfct_print_SOURCES = tests/unit/unit.h tests/unit/test_nfct_print.c
tests_unit_test_nfct_print_LDADD = $(NFCT_TEST_LDADD)
tests_unit_test_nfct_request_SOURCES = tests/unit/unit.h tests/unit/test_nfct_request.c
tests_unit_test_nfct_request_LDADD = $(NFCT_TEST_LDADD)
tests_unit_test_nfct_roundtrip_SOURCES = tests/unit/unit.h tests/unit/test_nfct_roundtrip.c \
	$(NFCT_TEST_VALUE)
tests_unit_test_nfct_roundtrip_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
tests_unit_test_nfct_roundtrip_LDADD = $(NFCT_TEST_LDADD) $(MNL_LIBS)
