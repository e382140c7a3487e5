# SPDX-License-Identifier: GPL-2.0-or-later
# One target per input from outside. fuzz_X needs clang and --enable-fuzzers; replay_X runs the
# corpus in any build.
FUZZ_LIBS_wire = src/wire/libwire.a src/flow/libflow.a src/base/libbase.a
FUZZ_LIBS_nlmsg = src/nlmsg/libnlmsg.a src/flow/libflow.a src/base/libbase.a $(MNL_LIBS)
FUZZ_LIBS_config = parser/libparser.a src/flow/libflow.a src/base/libbase.a
FUZZ_LIBS_request = src/daemon/libdaemon.a src/base/libbase.a $(JANSSON_LIBS)
FUZZ_LIBS_engine = src/core/libcore.a src/wire/libwire.a tests/lib/libtest.a \
	src/flow/libflow.a src/base/libbase.a
FUZZ_LIBS_nfct = src/nfct/libnfct.la

FUZZ_REPLAYS = tests/fuzz/replay_wire tests/fuzz/replay_nlmsg tests/fuzz/replay_config \
	tests/fuzz/replay_request tests/fuzz/replay_engine \
	tests/fuzz/replay_nfct_parse tests/fuzz/replay_nfexp_parse \
	tests/fuzz/replay_nfct_print tests/fuzz/replay_labelmap
check_PROGRAMS += $(FUZZ_REPLAYS)
tests_fuzz_replay_wire_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_wire.c
tests_fuzz_replay_wire_LDADD = $(FUZZ_LIBS_wire)
tests_fuzz_replay_nlmsg_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_nlmsg.c
tests_fuzz_replay_nlmsg_LDADD = $(FUZZ_LIBS_nlmsg)
tests_fuzz_replay_config_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_config.c
tests_fuzz_replay_config_LDADD = $(FUZZ_LIBS_config)
tests_fuzz_replay_request_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_request.c
tests_fuzz_replay_request_LDADD = $(FUZZ_LIBS_request)
tests_fuzz_replay_engine_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_engine.c
tests_fuzz_replay_engine_CPPFLAGS = $(AM_CPPFLAGS) -DREPLAY_PREFIX_MAX=300
tests_fuzz_replay_engine_LDADD = $(FUZZ_LIBS_engine)
tests_fuzz_replay_nfct_parse_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_nfct_parse.c
tests_fuzz_replay_nfct_parse_LDADD = $(FUZZ_LIBS_nfct)
tests_fuzz_replay_nfexp_parse_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_nfexp_parse.c
tests_fuzz_replay_nfexp_parse_LDADD = $(FUZZ_LIBS_nfct)
tests_fuzz_replay_nfct_print_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_nfct_print.c
tests_fuzz_replay_nfct_print_CPPFLAGS = $(AM_CPPFLAGS) -DREPLAY_PREFIX_MAX=0
tests_fuzz_replay_nfct_print_LDADD = $(FUZZ_LIBS_nfct)
tests_fuzz_replay_labelmap_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_labelmap.c
tests_fuzz_replay_labelmap_LDADD = $(FUZZ_LIBS_nfct)
TESTS += tests/fuzz/run.sh
EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/seed_engine.py tests/fuzz/corpus

if ENABLE_FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_wire tests/fuzz/fuzz_nlmsg tests/fuzz/fuzz_config \
	tests/fuzz/fuzz_request tests/fuzz/fuzz_engine \
	tests/fuzz/fuzz_nfct_parse tests/fuzz/fuzz_nfexp_parse \
	tests/fuzz/fuzz_nfct_print tests/fuzz/fuzz_labelmap
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c
tests_fuzz_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_wire_LDADD = $(FUZZ_LIBS_wire)
tests_fuzz_fuzz_nlmsg_SOURCES = tests/fuzz/fuzz_nlmsg.c
tests_fuzz_fuzz_nlmsg_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_nlmsg_LDADD = $(FUZZ_LIBS_nlmsg)
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_config_LDADD = $(FUZZ_LIBS_config)
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c
tests_fuzz_fuzz_request_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_request_LDADD = $(FUZZ_LIBS_request)
tests_fuzz_fuzz_engine_SOURCES = tests/fuzz/fuzz_engine.c
tests_fuzz_fuzz_engine_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_engine_LDADD = $(FUZZ_LIBS_engine)
tests_fuzz_fuzz_nfct_parse_SOURCES = tests/fuzz/fuzz_nfct_parse.c
tests_fuzz_fuzz_nfct_parse_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_nfct_parse_LDADD = $(FUZZ_LIBS_nfct)
tests_fuzz_fuzz_nfexp_parse_SOURCES = tests/fuzz/fuzz_nfexp_parse.c
tests_fuzz_fuzz_nfexp_parse_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_nfexp_parse_LDADD = $(FUZZ_LIBS_nfct)
tests_fuzz_fuzz_nfct_print_SOURCES = tests/fuzz/fuzz_nfct_print.c
tests_fuzz_fuzz_nfct_print_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_nfct_print_LDADD = $(FUZZ_LIBS_nfct)
tests_fuzz_fuzz_labelmap_SOURCES = tests/fuzz/fuzz_labelmap.c
tests_fuzz_fuzz_labelmap_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_labelmap_LDADD = $(FUZZ_LIBS_nfct)
endif
