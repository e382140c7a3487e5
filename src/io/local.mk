# SPDX-License-Identifier: GPL-2.0-or-later
# io: thin shells that move bytes. Includes base and the system's libraries, nothing else of ours.
noinst_LIBRARIES += src/io/libio.a
src_io_libio_a_SOURCES = \
	src/io/channel.h src/io/channel_impl.h src/io/channel.c src/io/channel_tcp.c src/io/channel_udp.c \
	src/io/control.h src/io/control.c \
	src/io/control_client.h src/io/control_client.c \
	src/io/daemonize.h src/io/daemonize.c \
	src/io/drain.h src/io/drain.c \
	src/io/nldump.h src/io/nldump.c \
	src/io/iface.h src/io/iface.c \
	src/io/journal.h src/io/journal.c \
	src/io/lockfile.h src/io/lockfile.c \
	src/io/linelog.h src/io/linelog.c \
	src/io/log.h src/io/log.c \
	src/io/loop.h src/io/loop.c \
	src/io/memory.h src/io/memory.c \
	src/io/nlbatch.h src/io/nlbatch.c \
	src/io/nlsock.h src/io/nlsock.c \
	src/io/notify.h src/io/notify.c \
	src/io/privs.h src/io/privs.c \
	src/io/process.h src/io/process.c \
	src/io/scheduler.h src/io/scheduler.c \
	src/io/sysctl.h src/io/sysctl.c
src_io_libio_a_CPPFLAGS = $(AM_CPPFLAGS) $(MNL_CFLAGS) $(CAPNG_CFLAGS)
