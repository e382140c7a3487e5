# SPDX-License-Identifier: GPL-2.0-or-later
NLMSG_TEST_LDADD = tests/lib/libtest.a src/nlmsg/libnlmsg.a src/flow/libflow.a src/base/libbase.a $(MNL_LIBS) \
	$(UNIT_LDADD)

check_PROGRAMS += \
	tests/unit/test_nlmsg_append \
	tests/unit/test_nlmsg_bpf \
	tests/unit/test_nlmsg_ct \
	tests/unit/test_nlmsg_exp
TESTS += \
	tests/unit/test_nlmsg_append \
	tests/unit/test_nlmsg_bpf \
	tests/unit/test_nlmsg_ct \
	tests/unit/test_nlmsg_exp
tests_unit_test_nlmsg_append_SOURCES = tests/unit/unit.h tests/unit/hex.h \
	tests/unit/test_nlmsg_append.c tests/lib/nlmsg_random.h tests/lib/nlmsg_random.c
tests_unit_test_nlmsg_append_LDADD = $(NLMSG_TEST_LDADD)
tests_unit_test_nlmsg_exp_SOURCES = tests/unit/unit.h tests/unit/hex.h \
	tests/unit/test_nlmsg_exp.c tests/lib/nlmsg_random.h tests/lib/nlmsg_random.c
tests_unit_test_nlmsg_exp_CPPFLAGS = $(tests_unit_test_nlmsg_ct_CPPFLAGS)
tests_unit_test_nlmsg_exp_LDADD = $(NLMSG_TEST_LDADD)

tests_unit_test_nlmsg_ct_SOURCES = tests/unit/unit.h tests/unit/test_nlmsg_ct.c \
	tests/lib/nlmsg_random.h tests/lib/nlmsg_random.c
tests_unit_test_nlmsg_ct_CPPFLAGS = $(AM_CPPFLAGS) \
	-DCAPTURES_DIR='"$(abs_top_srcdir)/tests/lib/captures/nlmsg"'
tests_unit_test_nlmsg_ct_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
tests_unit_test_nlmsg_ct_LDADD = $(NLMSG_TEST_LDADD)

tests_unit_test_nlmsg_bpf_SOURCES = tests/unit/unit.h tests/unit/test_nlmsg_bpf.c \
	tests/lib/nlmsg_random.h tests/lib/nlmsg_random.c
tests_unit_test_nlmsg_bpf_LDADD = $(NLMSG_TEST_LDADD)

EXTRA_DIST += tests/system/test_ctnetlink.sh tests/lib/capture_nlmsg.py tests/lib/captures/nlmsg

# By hand or by ./check, not by make check: they need root.
check_PROGRAMS += tests/system/kernel_accepts tests/system/kernel_filters
KERNEL_LAB_LDADD = src/nlmsg/libnlmsg.a src/flow/libflow.a src/base/libbase.a $(MNL_LIBS)
tests_system_kernel_accepts_SOURCES = tests/system/kernel_accepts.c \
	tests/system/kernel_nat.c tests/system/kernel_lab.h tests/system/kernel_lab.c
tests_system_kernel_accepts_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
tests_system_kernel_accepts_LDADD = $(KERNEL_LAB_LDADD)
tests_system_kernel_filters_SOURCES = tests/system/kernel_filters.c tests/system/kernel_nat.c \
	tests/system/kernel_lab.h tests/system/kernel_lab.c
tests_system_kernel_filters_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
tests_system_kernel_filters_LDADD = tests/lib/libtest.a $(KERNEL_LAB_LDADD)
