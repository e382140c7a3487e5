# SPDX-License-Identifier: GPL-2.0-or-later
CORE_TEST_SOURCES = tests/unit/unit.h tests/unit/core_pair.h tests/unit/core_pair.c
CORE_HAND_SOURCES = $(CORE_TEST_SOURCES) tests/unit/core_hand.h tests/unit/core_hand.c
CORE_TEST_LDADD = src/core/libcore.a src/wire/libwire.a tests/lib/libtest.a \
	src/flow/libflow.a src/base/libbase.a $(UNIT_LDADD)

check_PROGRAMS += \
	tests/unit/test_arena \
	tests/unit/test_hash \
	tests/unit/test_core_commit \
	tests/unit/test_core_commit_flow \
	tests/unit/test_core_expect \
	tests/unit/test_core_hostile \
	tests/unit/test_core_inject \
	tests/unit/test_core_command \
	tests/unit/test_core_kernel \
	tests/unit/test_core_link \
	tests/unit/test_core_handshake \
	tests/unit/test_core_peer \
	tests/unit/test_core_many \
	tests/unit/test_core_release \
	tests/unit/test_core_modes \
	tests/unit/test_core_queue \
	tests/unit/test_core_record \
	tests/unit/test_core_pace \
	tests/unit/test_core_relay \
	tests/unit/test_core_sync \
	tests/unit/test_core_table \
	tests/unit/test_core_take \
	tests/unit/test_core_unheard \
	tests/unit/test_core_warm \
	tests/unit/test_core_warm_kernel
TESTS += \
	tests/unit/test_arena \
	tests/unit/test_hash \
	tests/unit/test_core_commit \
	tests/unit/test_core_commit_flow \
	tests/unit/test_core_expect \
	tests/unit/test_core_hostile \
	tests/unit/test_core_inject \
	tests/unit/test_core_command \
	tests/unit/test_core_kernel \
	tests/unit/test_core_link \
	tests/unit/test_core_handshake \
	tests/unit/test_core_peer \
	tests/unit/test_core_many \
	tests/unit/test_core_release \
	tests/unit/test_core_modes \
	tests/unit/test_core_queue \
	tests/unit/test_core_record \
	tests/unit/test_core_pace \
	tests/unit/test_core_relay \
	tests/unit/test_core_sync \
	tests/unit/test_core_table \
	tests/unit/test_core_take \
	tests/unit/test_core_unheard \
	tests/unit/test_core_warm \
	tests/unit/test_core_warm_kernel
tests_unit_test_arena_SOURCES = tests/unit/unit.h tests/unit/test_arena.c
tests_unit_test_arena_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_hash_SOURCES = tests/unit/unit.h tests/unit/test_hash.c
tests_unit_test_hash_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_commit_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_commit.c
tests_unit_test_core_commit_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_commit_flow_SOURCES = tests/unit/unit.h tests/unit/test_core_commit_flow.c
tests_unit_test_core_commit_flow_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_expect_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_expect.c
tests_unit_test_core_expect_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_hostile_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_hostile.c
tests_unit_test_core_hostile_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_kernel_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_kernel.c
tests_unit_test_core_kernel_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_link_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_link.c
tests_unit_test_core_link_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_handshake_SOURCES = $(CORE_HAND_SOURCES) tests/unit/test_core_handshake.c
tests_unit_test_core_handshake_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_peer_SOURCES = $(CORE_HAND_SOURCES) tests/unit/test_core_peer.c
tests_unit_test_core_peer_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_release_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_release.c
tests_unit_test_core_release_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_many_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_many.c
tests_unit_test_core_many_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_pace_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_pace.c
tests_unit_test_core_pace_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_sync_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_sync.c
tests_unit_test_core_sync_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_table_SOURCES = tests/unit/unit.h tests/unit/test_core_table.c
tests_unit_test_core_table_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_inject_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_inject.c
tests_unit_test_core_inject_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_command_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_command.c
tests_unit_test_core_command_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_modes_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_modes.c
tests_unit_test_core_modes_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_queue_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_queue.c
tests_unit_test_core_queue_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_record_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_record.c
tests_unit_test_core_record_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_relay_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_relay.c
tests_unit_test_core_relay_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_take_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_take.c
tests_unit_test_core_take_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_unheard_SOURCES = $(CORE_TEST_SOURCES) tests/unit/test_core_unheard.c
tests_unit_test_core_unheard_LDADD = $(CORE_TEST_LDADD)
WARM_TEST_SOURCES = $(CORE_TEST_SOURCES) tests/unit/warm_pair.h tests/unit/warm_pair.c
tests_unit_test_core_warm_SOURCES = $(WARM_TEST_SOURCES) tests/unit/test_core_warm.c
tests_unit_test_core_warm_LDADD = $(CORE_TEST_LDADD)
tests_unit_test_core_warm_kernel_SOURCES = $(WARM_TEST_SOURCES) tests/unit/test_core_warm_kernel.c
tests_unit_test_core_warm_kernel_LDADD = $(CORE_TEST_LDADD)
