# SPDX-License-Identifier: GPL-2.0-or-later
# ctl: ctsyncctl, a table of verbs with a file per group.
sbin_PROGRAMS += ctsyncctl
ctsyncctl_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
ctsyncctl_SOURCES = \
	src/ctl/ask.h src/ctl/ask.c \
	src/ctl/main.c \
	src/ctl/print.h src/ctl/print.c \
	src/ctl/verbs.h src/ctl/verbs_act.c src/ctl/verbs_view.c
ctsyncctl_LDADD = $(CLIENT_LDADD)
