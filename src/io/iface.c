/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "io/iface.h"

enum { READ_DATAGRAMS = 64, READ_ROUNDS = 64 };

struct changes {
	struct iface_watch *w;
	iface_change_fn *fn;
	void *ctx;
};

int iface_query(const char *name, struct iface *out)
{
	struct ifreq req = {0};
	int fd, err = 0;

	*out = (struct iface){0};
	if (name[0] == '\0' || strlen(name) >= sizeof(out->name))
		return -EINVAL;
	text_copy(out->name, sizeof(out->name), name);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	text_copy(req.ifr_name, sizeof(req.ifr_name), name);
	if (ioctl(fd, SIOCGIFINDEX, &req) < 0)
		goto out;
	out->index = (unsigned)req.ifr_ifindex;
	if (ioctl(fd, SIOCGIFMTU, &req) < 0)
		goto out;
	out->mtu = (unsigned)req.ifr_mtu;
	if (ioctl(fd, SIOCGIFFLAGS, &req) < 0)
		goto out;
	out->up = req.ifr_flags & IFF_UP;
	out->running = req.ifr_flags & IFF_RUNNING;
	close(fd);
	return 0;
out:
	if (errno != ENODEV)
		err = -errno;
	close(fd);
	*out = (struct iface){0};
	text_copy(out->name, sizeof(out->name), name);
	return err;
}

bool iface_has_v4(const char *name, uint32_t addr_be)
{
	const size_t len = strlen(name);
	struct ifaddrs *all;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *a = all; a && !found; a = a->ifa_next) {
		struct sockaddr_in v4;

		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(&v4, a->ifa_addr, sizeof(v4));
		/* an address with a label comes under it: "eth2:1" */
		found = v4.sin_addr.s_addr == addr_be && !strncmp(a->ifa_name, name, len) &&
			(a->ifa_name[len] == '\0' || a->ifa_name[len] == ':');
	}
	freeifaddrs(all);
	return found;
}

int iface_watch_init(struct iface_watch *w)
{
	/* A message about one interface with many addresses and virtual functions is large. */
	static const struct nlsock_room room = {8, NLSOCK_DUMP_BYTES, NLSOCK_DUMP_BYTES};
	int err;

	*w = (struct iface_watch){.sock = {.fd = -1}};
	err = nlsock_open(&w->sock, NETLINK_ROUTE, &room);
	if (err)
		return err;
	err = nlsock_join(&w->sock, RTNLGRP_LINK);
	if (err)
		nlsock_close(&w->sock);
	return err;
}

void iface_watch_fini(struct iface_watch *w)
{
	nlsock_close(&w->sock);
	w->count = 0;
}

int iface_watch_add(struct iface_watch *w, const char *name)
{
	int err;

	if (w->count == IFACE_MAX)
		return -ENOSPC;
	err = iface_query(name, &w->ifaces[w->count]);
	if (err)
		return err;
	return (int)w->count++;
}

static bool is_equal(const struct iface *a, const struct iface *b)
{
	return a->index == b->index && a->mtu == b->mtu && a->up == b->up &&
	       a->running == b->running;
}

static void set(struct changes *c, struct iface *at, const struct iface *now)
{
	const struct iface old = *at;

	if (is_equal(at, now))
		return;
	*at = *now;
	if (c->fn)
		c->fn(c->ctx, &old, at);
}

static bool read_link(const struct nlmsghdr *nlh, size_t len, struct iface *out)
{
	const struct ifinfomsg *info;
	const struct nlattr *attr;
	const uint8_t *end;

	if (len < NLMSG_HDRLEN + sizeof(*info))
		return false;
	info = mnl_nlmsg_get_payload(nlh);
	if (info->ifi_family != AF_UNSPEC || info->ifi_index <= 0)
		return false; /* a bridge tells about its ports by the same type */
	*out = (struct iface){
		.index = (unsigned)info->ifi_index,
		.up = info->ifi_flags & IFF_UP,
		.running = info->ifi_flags & IFF_RUNNING,
	};
	attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(*info));
	end = (const uint8_t *)nlh + len;
	while (mnl_attr_ok(attr, (int)(end - (const uint8_t *)attr))) {
		if (mnl_attr_get_type(attr) == IFLA_MTU &&
			mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			out->mtu = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
			mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
			mnl_attr_get_payload_len(attr) <= sizeof(out->name))
			text_copy(out->name, sizeof(out->name), mnl_attr_get_str(attr));
		attr = mnl_attr_next(attr);
	}
	return out->name[0] != '\0';
}

static void on_link(void *ctx, const struct nlmsghdr *nlh, size_t len)
{
	struct changes *c = ctx;
	struct iface now;

	if (nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK)
		return;
	if (!read_link(nlh, len, &now))
		return;
	for (unsigned i = 0; i < c->w->count; i++) {
		struct iface *at = &c->w->ifaces[i];
		struct iface gone = {0};

		memcpy(gone.name, at->name, sizeof(gone.name));
		if (strcmp(at->name, now.name) == 0) {
			if (nlh->nlmsg_type == RTM_NEWLINK)
				set(c, at, &now);
			else if (at->index == now.index)
				set(c, at, &gone);
		} else if (at->index == now.index) {
			set(c, at, &gone); /* it was renamed */
		}
	}
}

/* Messages were lost: what counts is how things are now. */
static int look_again(struct changes *c)
{
	for (unsigned i = 0; i < c->w->count; i++) {
		struct iface now;
		int err = iface_query(c->w->ifaces[i].name, &now);

		if (err)
			return err;
		set(c, &c->w->ifaces[i], &now);
	}
	return 0;
}

int iface_watch_read(struct iface_watch *w, iface_change_fn *fn, void *ctx)
{
	struct changes c = {w, fn, ctx};
	struct nlsock_reading r = {.end = NLSOCK_MORE};
	const uint64_t truncated = w->sock.truncated;
	bool lost = false;
	int err = 0;

	for (int i = 0; i < READ_ROUNDS && !err && r.end == NLSOCK_MORE; i++) {
		err = nlsock_read(&w->sock, READ_DATAGRAMS, on_link, &c, &r);
		lost |= r.overrun;
	}
	if (!err && (lost || w->sock.truncated != truncated))
		err = look_again(&c);
	return err;
}
