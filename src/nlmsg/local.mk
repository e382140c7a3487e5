# SPDX-License-Identifier: GPL-2.0-or-later
# nlmsg: ctnetlink's bytes <-> flow; pure functions over the caller's buffers.
noinst_LIBRARIES += src/nlmsg/libnlmsg.a
src_nlmsg_libnlmsg_a_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
NLMSG_SOURCES = \
	src/nlmsg/attr.h src/nlmsg/parse.h \
	src/nlmsg/ct.h src/nlmsg/ct_parse.c src/nlmsg/ct_parse_tuple.c \
	src/nlmsg/build.h src/nlmsg/build.c src/nlmsg/ct_build.c src/nlmsg/ct_append.c \
	src/nlmsg/exp.h src/nlmsg/exp_parse.c src/nlmsg/exp_build.c \
	src/nlmsg/bpf.h src/nlmsg/bpf.c \
	src/nlmsg/bpf_asm.h src/nlmsg/bpf_asm.c
src_nlmsg_libnlmsg_a_SOURCES = $(NLMSG_SOURCES)
