# SPDX-License-Identifier: GPL-2.0-or-later
# wire: bytes of sync datagrams <-> messages; includes base and flow alone.
noinst_LIBRARIES += src/wire/libwire.a
src_wire_libwire_a_SOURCES = \
	src/wire/v1.h src/wire/v1_attr.h src/wire/v1_read.h src/wire/v1_write.h \
	src/wire/v1_expect_get.c \
	src/wire/v1_expect_put.c \
	src/wire/v1_frame.c \
	src/wire/v1_flow_get.c \
	src/wire/v1_flow_put.c \
	src/wire/v1_plain_get.c \
	src/wire/v1_plain_put.c \
	src/wire/v1_stream.c
