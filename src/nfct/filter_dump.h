/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_FILTER_DUMP_H
#define CTSYNC_NFCT_FILTER_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

enum { FILTER_DUMP_MAGIC_BYTES = 4 };

/*
 * Begins with bytes that begin no uint32_t family, in neither byte order: NFCT_Q_FLUSH_FILTER is
 * given either.
 */
struct nfct_filter_dump {
	uint8_t magic[FILTER_DUMP_MAGIC_BYTES];
	uint32_t set; /* 1 << enum nfct_filter_dump_attr */
	struct nfct_filter_dump_mark mark, status;
	uint16_t zone;
	uint8_t l3num;
	struct nf_conntrack *tuple; /* a copy of the filter's own */
};

/* Is it a filter, or a family? Looks no further than it has to. */
bool filter_dump_is(const void *data);

static inline bool filter_dump_has(
	const struct nfct_filter_dump *f, enum nfct_filter_dump_attr attr)
{
	return f->set >> attr & 1;
}

/*
 * nfct_nlmsg_build_filter() within cap [bytes], counted from msg: 0; -EMSGSIZE; -EINVAL if families
 * contradict each other or the tuple has none. On errors the message is as it was.
 */
int filter_dump_append(struct nlmsghdr *msg, size_t cap, const struct nfct_filter_dump *);

#endif
