# SPDX-License-Identifier: GPL-2.0-or-later
WIRE_TEST_LDADD = \
	src/wire/libwire.a tests/lib/libtest.a src/flow/libflow.a src/base/libbase.a $(UNIT_LDADD)

check_PROGRAMS += \
	tests/unit/test_wire_expect \
	tests/unit/test_wire_frame \
	tests/unit/test_wire_flow \
	tests/unit/test_wire_plain \
	tests/unit/test_wire_capture
TESTS += \
	tests/unit/test_wire_expect \
	tests/unit/test_wire_frame \
	tests/unit/test_wire_flow \
	tests/unit/test_wire_plain \
	tests/unit/test_wire_capture
tests_unit_test_wire_expect_SOURCES = tests/unit/unit.h tests/unit/hex.h \
	tests/unit/test_wire_expect.c
tests_unit_test_wire_expect_LDADD = $(WIRE_TEST_LDADD)
tests_unit_test_wire_frame_SOURCES = tests/unit/unit.h tests/unit/test_wire_frame.c
tests_unit_test_wire_frame_LDADD = $(WIRE_TEST_LDADD)
tests_unit_test_wire_flow_SOURCES = \
	tests/unit/unit.h tests/unit/flow_value.h tests/unit/test_wire_flow.c
tests_unit_test_wire_flow_LDADD = $(WIRE_TEST_LDADD)
tests_unit_test_wire_plain_SOURCES = tests/unit/unit.h tests/unit/test_wire_plain.c
tests_unit_test_wire_plain_LDADD = $(WIRE_TEST_LDADD)
# The fuzzer's entry is run over the recordings and their mutations by every `make check`.
tests_unit_test_wire_capture_SOURCES = \
	tests/unit/unit.h tests/unit/test_wire_capture.c tests/fuzz/fuzz_wire.c
tests_unit_test_wire_capture_LDADD = $(WIRE_TEST_LDADD)

# Recordings of conntrackd's datagrams, and what makes and uses them by hand.
EXTRA_DIST += \
	tests/lib/capture_wire.sh \
	tests/lib/check_wire_marks.sh \
	tests/lib/get_conntrackd.sh \
	tests/lib/wire_corpus.py \
	tests/lib/wire_mark_peer.py \
	tests/lib/wire_record.py \
	tests/lib/wire_traffic.py \
	tests/lib/captures/wire/alarm.bin \
	tests/lib/captures/wire/ftfw.bin \
	tests/lib/captures/wire/notrack.bin \
	tests/fuzz/corpus/wire
