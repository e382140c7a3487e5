# SPDX-License-Identifier: GPL-2.0-or-later
# flow: what a connection is; pure functions over struct flow, no system call.
noinst_LIBRARIES += src/flow/libflow.a
FLOW_SOURCES = \
	src/flow/attr.h \
	src/flow/expect.h src/flow/expect.c \
	src/flow/expect_filter.h src/flow/expect_filter.c \
	src/flow/expect_pack.h src/flow/expect_pack.c \
	src/flow/expect_print.h src/flow/expect_print.c \
	src/flow/filter.h src/flow/filter.c \
	src/flow/flow.h src/flow/flow.c \
	src/flow/merge.h src/flow/merge.c \
	src/flow/pack.h src/flow/pack_layout.h src/flow/pack.c \
	src/flow/pack_compare.h src/flow/pack_compare.c \
	src/flow/plain.h src/flow/plain.c \
	src/flow/print.h src/flow/print.c \
	src/flow/print_xml.h src/flow/print_xml.c \
	src/flow/status.h src/flow/status.c
src_flow_libflow_a_SOURCES = $(FLOW_SOURCES)
