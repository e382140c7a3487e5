# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += tests/unit/test_wire_frame
TESTS += tests/unit/test_wire_frame
tests_unit_test_wire_frame_SOURCES = tests/unit/unit.h tests/unit/test_wire_frame.c
tests_unit_test_wire_frame_LDADD = src/wire/libwire.a src/base/libbase.a $(UNIT_LDADD)
