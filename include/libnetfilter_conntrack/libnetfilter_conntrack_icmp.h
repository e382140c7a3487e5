/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIBNETFILTER_CONNTRACK_ICMP_H
#define LIBNETFILTER_CONNTRACK_ICMP_H

/* Flags of an interface that is gone; kept for programs that still name them. */
enum icmp_flags {
	ICMP_TYPE_BIT = 0,
	ICMP_TYPE = 1 << ICMP_TYPE_BIT,
	ICMP_CODE_BIT = 1,
	ICMP_CODE = 1 << ICMP_CODE_BIT,
	ICMP_ID_BIT = 2,
	ICMP_ID = 1 << ICMP_ID_BIT,
};

#endif
