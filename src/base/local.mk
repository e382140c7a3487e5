# SPDX-License-Identifier: GPL-2.0-or-later
# base: no knowledge of connection tracking; includes nothing but the C library's headers.
noinst_LIBRARIES += src/base/libbase.a
BASE_SOURCES = \
	src/base/arena.h src/base/arena.c \
	src/base/bucket.h \
	src/base/buf.h \
	src/base/check.h src/base/check.c \
	src/base/hash.h src/base/hash.c \
	src/base/mono.h \
	src/base/poison.h \
	src/base/rng.h src/base/rng.c \
	src/base/text.h src/base/text.c
src_base_libbase_a_SOURCES = $(BASE_SOURCES)
