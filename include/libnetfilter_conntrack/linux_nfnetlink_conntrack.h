/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIBNETFILTER_CONNTRACK_LINUX_NFNETLINK_H
#define LIBNETFILTER_CONNTRACK_LINUX_NFNETLINK_H

/* ctnetlink's messages and attributes, IPCTNL_MSG_* and CTA_*, by the name programs know. */
#include <libnfnetlink/linux_nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

/*
 * What CTA_FILTER_ORIG_FLAGS and CTA_FILTER_REPLY_FLAGS of a dump request hold, in host byte order:
 * which parts of its tuples the kernel compares (CTA_FILTER_F_* in its nf_internals.h).
 */
enum ctattr_filter_flags {
	CTA_FILTER_FLAG_CTA_IP_SRC = 1 << 0,
	CTA_FILTER_FLAG_CTA_IP_DST = 1 << 1,
	CTA_FILTER_FLAG_CTA_TUPLE_ZONE = 1 << 2,
	CTA_FILTER_FLAG_CTA_PROTO_NUM = 1 << 3,
	CTA_FILTER_FLAG_CTA_PROTO_SRC_PORT = 1 << 4,
	CTA_FILTER_FLAG_CTA_PROTO_DST_PORT = 1 << 5,
	CTA_FILTER_FLAG_CTA_PROTO_ICMP_TYPE = 1 << 6,
	CTA_FILTER_FLAG_CTA_PROTO_ICMP_CODE = 1 << 7,
	CTA_FILTER_FLAG_CTA_PROTO_ICMP_ID = 1 << 8,
	CTA_FILTER_FLAG_CTA_PROTO_ICMPV6_TYPE = 1 << 9,
	CTA_FILTER_FLAG_CTA_PROTO_ICMPV6_CODE = 1 << 10,
	CTA_FILTER_FLAG_CTA_PROTO_ICMPV6_ID = 1 << 11,
};

#endif
