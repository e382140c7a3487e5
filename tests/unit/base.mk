# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += tests/unit/test_base
TESTS += tests/unit/test_base
tests_unit_test_base_SOURCES = tests/unit/unit.h tests/unit/test_base.c
tests_unit_test_base_LDADD = src/base/libbase.a $(UNIT_LDADD)
