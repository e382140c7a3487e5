# SPDX-License-Identifier: GPL-2.0-or-later
NLMSG_TEST_LDADD = tests/lib/libtest.a src/nlmsg/libnlmsg.a src/flow/libflow.a src/base/libbase.a $(MNL_LIBS) \
	$(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_nlmsg_ct tests/unit/test_nlmsg_bpf
TESTS += tests/unit/test_nlmsg_ct tests/unit/test_nlmsg_bpf

tests_unit_test_nlmsg_ct_SOURCES = tests/unit/unit.h tests/unit/test_nlmsg_ct.c \
	tests/lib/nlmsg_random.h tests/lib/nlmsg_random.c
tests_unit_test_nlmsg_ct_CPPFLAGS = $(AM_CPPFLAGS) \
	-DCAPTURES_DIR='"$(abs_top_srcdir)/tests/lib/captures/nlmsg"'
tests_unit_test_nlmsg_ct_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
tests_unit_test_nlmsg_ct_LDADD = $(NLMSG_TEST_LDADD)

tests_unit_test_nlmsg_bpf_SOURCES = tests/unit/unit.h tests/unit/test_nlmsg_bpf.c \
	tests/lib/nlmsg_random.h tests/lib/nlmsg_random.c
tests_unit_test_nlmsg_bpf_LDADD = $(NLMSG_TEST_LDADD)

EXTRA_DIST += tests/lib/capture_nlmsg.py tests/lib/captures/nlmsg
