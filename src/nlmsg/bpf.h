/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NLMSG_BPF_H
#define CTSYNC_NLMSG_BPF_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/filter.h"

/*
 * Classic BPF for a ctnetlink event socket: drops what we caused ourselves (nlmsg_pid is one of
 * own_ports) and, if filter is not NULL, what the filter refuses, before it is queued. The
 * verdicts on births equal flow_filter_match()'s for every event that carries the attributes in
 * question; an event that lacks one passes, and user space decides, but a birth without a mark has
 * mark 0. Updates and ends are judged by protocol and addresses alone: user space may know a flow
 * whose state or mark the filter refuses by now, and has to learn that it does.
 *
 * Returns the number of instructions written to prog, or -ENOSPC if cap is too small, -E2BIG if
 * the kernel's limit of 4096 would be passed.
 */
enum { NLMSG_BPF_OWN_PORTS_MAX = 8 };

int nlmsg_bpf_build(struct sock_filter *prog, size_t cap, const uint32_t *own_ports,
	size_t own_ports_count, const struct flow_filter *filter);

#endif
