/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_KERNEL_LAB_H
#define CTSYNC_TESTS_KERNEL_LAB_H

#include <libmnl/libmnl.h>
#include <stdbool.h>

#include "flow/flow.h"
#include "flow/status.h"
#include "nlmsg/ct.h"

/* Requests to the running kernel, in a network namespace of this process, and stated facts. */

enum {
	CREATE = NLM_F_CREATE | NLM_F_EXCL,
	PARTS_UPDATE = NLMSG_PART_TUPLES | NLMSG_PART_STATE,
	SETTLED = FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_ASSURED | FLOW_STATUS_CONFIRMED,
	NAT_BITS = FLOW_STATUS_SRC_NAT | FLOW_STATUS_DST_NAT,
	NAT_DONE = FLOW_STATUS_SRC_NAT_DONE | FLOW_STATUS_DST_NAT_DONE,
};

/* 0, or -1 if there is no right to make a namespace. */
int lab_open(void);
/* Prints the summary; returns the program's exit status. */
int lab_close(const char *program);

/* A line, PASS or FAIL. */
void fact(const char *what, bool holds);
/* The same of a request's outcome, 0 or an errno. */
void expect(const char *what, int got, int wanted);

/* Sends a request and waits for its answer; out may be NULL. 0 or the answer's errno. */
int talk(const void *request, size_t len, struct flow *out);

/* Requests; each returns 0 or the errno that the kernel answered. */
int request(const struct flow *, uint16_t nl_flags, unsigned parts);
int create(const struct flow *);
int update(const struct flow *);
int destroy(const struct flow *, unsigned parts);

/* The entry as the kernel has it, valid until the next get; empty if there is none. */
struct flow get(const struct flow *);
bool exists(const struct flow *);

/* A settled flow that nothing else uses; tcp() is one of IPv4 TCP. */
struct flow fresh(uint8_t l3, uint8_t l4);
struct flow tcp(void);
struct flow tcp_created(void);

/* NAT to an address, and to a port (or ICMP id, or key) of its own. */
void add_snat(struct flow *, const char *addr);
void add_dnat(struct flow *, const char *addr);
void nat(void);

#endif
