/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIBNETFILTER_CONNTRACK_IPV4_H
#define LIBNETFILTER_CONNTRACK_IPV4_H

#warning "libnetfilter_conntrack_ipv4.h declares nothing; libnetfilter_conntrack.h is enough"

#endif
