# SPDX-License-Identifier: GPL-2.0-or-later
# core: the engine. No system call, clock, allocation or output; tests/tidy looks at its symbols.
noinst_LIBRARIES += src/core/libcore.a
src_core_libcore_a_SOURCES = \
	src/core/ack.h src/core/ack.c \
	src/core/addr.h src/core/addr.c \
	src/core/bulk.h src/core/bulk.c \
	src/core/command.h src/core/command.c \
	src/core/commit.h src/core/commit.c \
	src/core/commit_expect.h src/core/commit_expect.c \
	src/core/commit_flow.h src/core/commit_flow.c \
	src/core/counters.h src/core/counters.c \
	src/core/dumper.h src/core/dumper.c \
	src/core/engine.h src/core/engine.c \
	src/core/entry.h \
	src/core/expect.h src/core/expect.c \
	src/core/former.h src/core/former.c \
	src/core/inject.h src/core/inject.c src/core/inject_op.c \
	src/core/inject_gone.h src/core/inject_gone.c \
	src/core/inject_list.h src/core/inject_list.c \
	src/core/inject_ours.h src/core/inject_ours.c \
	src/core/warm.h src/core/warm.c \
	src/core/event.h src/core/event.c \
	src/core/handshake.h src/core/handshake.c \
	src/core/index.h src/core/index.c \
	src/core/kernel_ops.h src/core/kernel_ops.c \
	src/core/limits.h \
	src/core/link.h src/core/link.c \
	src/core/loss.h src/core/loss.c \
	src/core/local.h src/core/local.c src/core/local_check.c \
	src/core/pace.h src/core/pace.c \
	src/core/peer.h src/core/peer.c \
	src/core/purge.h src/core/purge.c \
	src/core/queue.h src/core/queue.c \
	src/core/record.h src/core/record.c \
	src/core/refresh.h src/core/refresh.c \
	src/core/relay.h src/core/relay.c \
	src/core/release.h src/core/release.c \
	src/core/remote.h src/core/remote.c \
	src/core/repair.h src/core/repair.c \
	src/core/sender.h src/core/sender.c \
	src/core/state.h \
	src/core/table.h src/core/table.c \
	src/core/take.h src/core/take.c \
	src/core/unheard.h src/core/unheard.c \
	src/core/view.h src/core/view.c
