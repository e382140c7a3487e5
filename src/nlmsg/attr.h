/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NLMSG_ATTR_H
#define CTSYNC_NLMSG_ATTR_H

#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A walk over netlink attributes that nobody has checked. Private to nlmsg.
 *
 * A walk ends at the first attribute whose length does not fit what is left; bad then says so.
 * Values are copied out, so nothing here asks for alignment.
 */

struct attr_walk {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

struct attr {
	const uint8_t *data;
	uint16_t len; /* of data [bytes] */
	uint16_t type; /* without NLA_F_NESTED and NLA_F_NET_BYTEORDER */
};

static inline struct attr_walk attr_walk_of(const void *data, size_t len)
{
	const uint8_t *p = (const uint8_t *)data;

	return (struct attr_walk){p, p + len, false};
}

static inline struct attr_walk attr_walk_nest(const struct attr *a)
{
	return attr_walk_of(a->data, a->len);
}

static inline bool attr_next(struct attr_walk *w, struct attr *a)
{
	size_t left = (size_t)(w->end - w->at);
	size_t step;
	struct nlattr head;

	if (left < sizeof(head)) {
		w->bad = w->bad || left > 0;
		return false;
	}
	memcpy(&head, w->at, sizeof(head));
	if (head.nla_len < sizeof(head) || head.nla_len > left) {
		w->bad = true;
		return false;
	}
	a->type = head.nla_type & NLA_TYPE_MASK;
	a->len = (uint16_t)(head.nla_len - sizeof(head));
	a->data = w->at + sizeof(head);
	step = NLA_ALIGN((size_t)head.nla_len);
	w->at += step < left ? step : left; /* the last one's padding may be cut off */
	return true;
}

#endif
