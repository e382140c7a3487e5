# SPDX-License-Identifier: GPL-2.0-or-later
# Built as a user's programs are: with the public headers, against the shared library and libmnl.
# What they print and do: tests/system/test_examples.py.
check_LIBRARIES += examples/nfct/libtalk.a
examples_nfct_libtalk_a_SOURCES = examples/nfct/mnl_talk.h examples/nfct/mnl_talk.c
NFCT_EXAMPLE_LDADD = examples/nfct/libtalk.a src/nfct/libnetfilter_conntrack.la $(MNL_LIBS)

examplesnfctdir = $(docdir)/examples/nfct
dist_examplesnfct_DATA = \
	examples/nfct/conntrack_create.c \
	examples/nfct/conntrack_create_nat.c \
	examples/nfct/conntrack_create_zone_labels.c \
	examples/nfct/conntrack_delete.c \
	examples/nfct/conntrack_dump.c \
	examples/nfct/conntrack_dump_filter.c \
	examples/nfct/conntrack_dump_tuple.c \
	examples/nfct/conntrack_events.c \
	examples/nfct/conntrack_events_filter.c \
	examples/nfct/conntrack_flush.c \
	examples/nfct/conntrack_get.c \
	examples/nfct/conntrack_groups.c \
	examples/nfct/conntrack_master.c \
	examples/nfct/conntrack_update.c \
	examples/nfct/expect_create.c \
	examples/nfct/expect_create_nat.c \
	examples/nfct/expect_delete.c \
	examples/nfct/expect_dump.c \
	examples/nfct/expect_events.c \
	examples/nfct/expect_flush.c \
	examples/nfct/expect_get.c \
	examples/nfct/expect_update.c \
	examples/nfct/handle_create.c \
	examples/nfct/handle_dump.c \
	examples/nfct/handle_events.c \
	examples/nfct/handle_expect_create.c \
	examples/nfct/handle_expect_dump.c \
	examples/nfct/handle_get.c \
	examples/nfct/mnl_talk.h examples/nfct/mnl_talk.c

check_PROGRAMS += \
	examples/nfct/conntrack_create \
	examples/nfct/conntrack_create_nat \
	examples/nfct/conntrack_create_zone_labels \
	examples/nfct/conntrack_delete \
	examples/nfct/conntrack_dump \
	examples/nfct/conntrack_dump_filter \
	examples/nfct/conntrack_dump_tuple \
	examples/nfct/conntrack_events \
	examples/nfct/conntrack_events_filter \
	examples/nfct/conntrack_flush \
	examples/nfct/conntrack_get \
	examples/nfct/conntrack_groups \
	examples/nfct/conntrack_master \
	examples/nfct/conntrack_update \
	examples/nfct/expect_create \
	examples/nfct/expect_create_nat \
	examples/nfct/expect_delete \
	examples/nfct/expect_dump \
	examples/nfct/expect_events \
	examples/nfct/expect_flush \
	examples/nfct/expect_get \
	examples/nfct/expect_update \
	examples/nfct/handle_create \
	examples/nfct/handle_dump \
	examples/nfct/handle_events \
	examples/nfct/handle_expect_create \
	examples/nfct/handle_expect_dump \
	examples/nfct/handle_get
examples_nfct_conntrack_create_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_create_nat_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_create_zone_labels_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_delete_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_dump_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_dump_filter_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_dump_tuple_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_events_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_events_filter_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_flush_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_get_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_groups_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_master_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_conntrack_update_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_expect_create_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_expect_create_nat_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_expect_delete_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_expect_dump_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_expect_events_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_expect_flush_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_expect_get_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_expect_update_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_handle_create_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_handle_dump_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_handle_events_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_handle_expect_create_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_handle_expect_dump_LDADD = $(NFCT_EXAMPLE_LDADD)
examples_nfct_handle_get_LDADD = $(NFCT_EXAMPLE_LDADD)
