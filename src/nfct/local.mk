# SPDX-License-Identifier: GPL-2.0-or-later
# nfct: the public library libnetfilter_conntrack over flow and nlmsg. What programs may use of it:
# include/libnetfilter_conntrack/ and the symbol map.
NFCT_SOURCES = \
	src/nfct/attr.c \
	src/nfct/attr_table.h src/nfct/attr_table.c \
	src/nfct/bitmask.h src/nfct/bitmask.c \
	src/nfct/build.c \
	src/nfct/callback.c \
	src/nfct/compare.h src/nfct/compare.c \
	src/nfct/copy.h src/nfct/copy.c \
	src/nfct/exp_attr.c \
	src/nfct/exp_build.c \
	src/nfct/exp_compare.c \
	src/nfct/exp_object.h src/nfct/exp_object.c \
	src/nfct/exp_parse.c \
	src/nfct/exp_print.c \
	src/nfct/exp_query.c \
	src/nfct/export.h \
	src/nfct/filter.h src/nfct/filter.c \
	src/nfct/filter_bpf.c \
	src/nfct/filter_dump.h src/nfct/filter_dump.c \
	src/nfct/group.c \
	src/nfct/handle.h src/nfct/handle.c \
	src/nfct/labelmap.h src/nfct/labelmap.c \
	src/nfct/message.h \
	src/nfct/object.h src/nfct/object.c \
	src/nfct/objopt.c \
	src/nfct/parse.c \
	src/nfct/print.h src/nfct/print.c \
	src/nfct/query.c \
	src/nfct/receive.c

# Everything as position-independent code, for the shared library and for the tests, which see
# what the symbol map hides.
noinst_LTLIBRARIES += src/nfct/libnfct.la
src_nfct_libnfct_la_SOURCES = $(NFCT_SOURCES) $(BASE_SOURCES) $(FLOW_SOURCES) $(NLMSG_SOURCES)
src_nfct_libnfct_la_CFLAGS = $(WARN_CFLAGS) $(SAN_CFLAGS) $(NFCT_HARDEN_CFLAGS) $(MNL_CFLAGS) \
	$(NFNETLINK_CFLAGS) -fvisibility=hidden -ffunction-sections -fdata-sections
src_nfct_libnfct_la_LIBADD = $(NFNETLINK_LIBS) $(MNL_LIBS)

lib_LTLIBRARIES += src/nfct/libnetfilter_conntrack.la
src_nfct_libnetfilter_conntrack_la_SOURCES =
src_nfct_libnetfilter_conntrack_la_LIBADD = src/nfct/libnfct.la
src_nfct_libnetfilter_conntrack_la_LDFLAGS = $(SAN_CFLAGS) $(NFCT_HARDEN_LDFLAGS) \
	-version-info $(NFCT_VERSION_INFO) -Wl,--gc-sections \
	-Wl,--version-script=$(srcdir)/src/nfct/libnetfilter_conntrack.map
EXTRA_src_nfct_libnetfilter_conntrack_la_DEPENDENCIES = src/nfct/libnetfilter_conntrack.map
EXTRA_DIST += src/nfct/libnetfilter_conntrack.map

pkgconfig_DATA = src/nfct/libnetfilter_conntrack.pc

nfctincludedir = $(includedir)/libnetfilter_conntrack
nfctinclude_HEADERS = \
	include/libnetfilter_conntrack/libnetfilter_conntrack.h \
	include/libnetfilter_conntrack/libnetfilter_conntrack_dccp.h \
	include/libnetfilter_conntrack/libnetfilter_conntrack_icmp.h \
	include/libnetfilter_conntrack/libnetfilter_conntrack_ipv4.h \
	include/libnetfilter_conntrack/libnetfilter_conntrack_ipv6.h \
	include/libnetfilter_conntrack/libnetfilter_conntrack_sctp.h \
	include/libnetfilter_conntrack/libnetfilter_conntrack_tcp.h \
	include/libnetfilter_conntrack/libnetfilter_conntrack_udp.h \
	include/libnetfilter_conntrack/linux_nf_conntrack_common.h \
	include/libnetfilter_conntrack/linux_nfnetlink_conntrack.h
