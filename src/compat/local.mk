# SPDX-License-Identifier: GPL-2.0-or-later
# compat: the conntrackd command, built and installed only when asked for, since a package of that
# name has a file of that name.
if ENABLE_CONNTRACKD_COMMAND
noinst_LIBRARIES += src/compat/libcompat.a
sbin_PROGRAMS += conntrackd
endif
src_compat_libcompat_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_compat_libcompat_a_SOURCES = \
	src/compat/command.h src/compat/command.c \
	src/compat/options.h src/compat/options.c \
	src/compat/say.h src/compat/say.c \
	src/compat/stats.h src/compat/stats.c
conntrackd_CPPFLAGS = $(AM_CPPFLAGS) -DSBINDIR='"$(sbindir)"'
conntrackd_SOURCES = src/compat/main.c
conntrackd_LDADD = src/compat/libcompat.a $(CLIENT_LDADD)
