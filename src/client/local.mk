# SPDX-License-Identifier: GPL-2.0-or-later
# client: what the programs that talk to the daemon share.
noinst_LIBRARIES += src/client/libclient.a
src_client_libclient_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_client_libclient_a_SOURCES = \
	src/client/ask.h src/client/ask.c
CLIENT_LDADD = src/client/libclient.a src/io/libio.a parser/libparser.a src/flow/libflow.a \
	src/base/libbase.a $(JANSSON_LIBS)
