/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIBNETFILTER_CONNTRACK_LINUX_COMMON_H
#define LIBNETFILTER_CONNTRACK_LINUX_COMMON_H

/* Kept so that programs which include it by this name go on compiling: IPS_*, IPCT_*, IP_CT_*. */
#include <linux/netfilter/nf_conntrack_common.h>

#endif
