# SPDX-License-Identifier: GPL-2.0-or-later
# daemon: main and wiring, the only place where core meets io.
noinst_LIBRARIES += src/daemon/libdaemon.a
src_daemon_libdaemon_a_CPPFLAGS = $(AM_CPPFLAGS) $(MNL_CFLAGS) $(JANSSON_CFLAGS)
src_daemon_libdaemon_a_SOURCES = \
	src/daemon/counters.h \
	src/daemon/daemon.h src/daemon/daemon.c \
	src/daemon/figures.h src/daemon/figures.c \
	src/daemon/kernel.h src/daemon/kernel.c \
	src/daemon/kernel_dump.h src/daemon/kernel_dump.c \
	src/daemon/kernel_events.h src/daemon/kernel_events.c \
	src/daemon/kernel_write.h src/daemon/kernel_write.c \
	src/daemon/links.h src/daemon/links.c \
	src/daemon/live.h src/daemon/live.c \
	src/daemon/names.h src/daemon/names.c \
	src/daemon/record.h src/daemon/record.c \
	src/daemon/reload.h src/daemon/reload.c \
	src/daemon/reply.h src/daemon/reply.c \
	src/daemon/reply_expect.h src/daemon/reply_expect.c \
	src/daemon/reply_flow.h src/daemon/reply_flow.c \
	src/daemon/reply_stats.h src/daemon/reply_stats.c \
	src/daemon/report.h src/daemon/report.c \
	src/daemon/request.h src/daemon/request.c \
	src/daemon/service.h src/daemon/service.c \
	src/daemon/settings.h src/daemon/settings.c \
	src/daemon/stats.h src/daemon/stats.c

sbin_PROGRAMS += ctsyncd
ctsyncd_SOURCES = src/daemon/main.c
ctsyncd_LDADD = src/daemon/libdaemon.a parser/libparser.a src/core/libcore.a src/wire/libwire.a \
	src/nlmsg/libnlmsg.a src/io/libio.a src/flow/libflow.a src/base/libbase.a \
	$(MNL_LIBS) $(JANSSON_LIBS) $(CAPNG_LIBS)
