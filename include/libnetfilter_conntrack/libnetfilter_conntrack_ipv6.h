/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIBNETFILTER_CONNTRACK_IPV6_H
#define LIBNETFILTER_CONNTRACK_IPV6_H

#warning "libnetfilter_conntrack_ipv6.h declares nothing; libnetfilter_conntrack.h is enough"

#endif
