/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/channel.h"
#include "io/channel_impl.h"
#include "io/iface.h"

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct channel_addr channel_addr_of_v4(struct in_addr v4)
{
	struct channel_addr a;

	memcpy(a.bytes, v4_mapped, sizeof(v4_mapped));
	memcpy(a.bytes + sizeof(v4_mapped), &v4, sizeof(v4));
	return a;
}

struct channel_addr channel_addr_of_v6(const struct in6_addr *v6)
{
	struct channel_addr a;

	memcpy(a.bytes, v6, sizeof(a.bytes));
	return a;
}

struct in_addr channel_v4_of(const struct channel_addr *a)
{
	struct in_addr v4;

	memcpy(&v4, a->bytes + sizeof(v4_mapped), sizeof(v4));
	return v4;
}

struct in6_addr channel_v6_of(const struct channel_addr *a)
{
	struct in6_addr v6;

	memcpy(&v6, a->bytes, sizeof(v6));
	return v6;
}

static bool is_multicast(const struct channel_config *c)
{
	if (c->family == AF_INET)
		return IN_MULTICAST(ntohl(channel_v4_of(&c->group).s_addr));
	return c->group.bytes[0] == 0xff;
}

static bool is_v4_mapped(const struct channel_addr *a)
{
	return memcmp(a->bytes, v4_mapped, sizeof(v4_mapped)) == 0;
}

/* Link-local scope, unicast or multicast: means nothing without an interface. */
static bool is_link_local(const struct channel_addr *a)
{
	return (a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80) ||
	       (a->bytes[0] == 0xff && (a->bytes[1] & 0x0f) <= 2);
}

socklen_t channel_sockaddr(const struct channel *ch, const struct channel_addr *a, uint16_t port,
	union sockaddr_ip *out)
{
	memset(out, 0, sizeof(*out));
	if (ch->config.family == AF_INET) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		if (!channel_addr_is_zero(a))
			out->v4.sin_addr = channel_v4_of(a);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	out->v6.sin6_addr = channel_v6_of(a);
	if (is_link_local(a))
		out->v6.sin6_scope_id = ch->ifindex;
	return sizeof(out->v6);
}

int channel_set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

int channel_set_buffer(int fd, int force, int plain, uint32_t bytes)
{
	int value = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;
	int err;

	if (bytes == 0)
		return 0;
	err = channel_set_int(fd, SOL_SOCKET, force, value);
	return err == -EPERM ? channel_set_int(fd, SOL_SOCKET, plain, value) : err;
}

int channel_free_bind(const struct channel *ch, int fd)
{
	return ch->config.family == AF_INET6 ? channel_set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1)
					     : 0;
}

bool channel_is_link_error(int err)
{
	return err == ENETDOWN || err == ENETUNREACH || err == EHOSTUNREACH || err == ENODEV ||
	       err == ENXIO || err == EADDRNOTAVAIL;
}

static int check_config(const struct channel_config *c)
{
	switch (c->kind) {
	case CHANNEL_MULTICAST:
		if (c->family != AF_INET && c->family != AF_INET6)
			return -EINVAL;
		if (!is_multicast(c))
			return -EINVAL;
		break;
	case CHANNEL_UDP:
		if (channel_addr_is_zero(&c->group))
			return -EINVAL;
		break;
	case CHANNEL_TCP:
		if (channel_addr_is_zero(&c->group) || !c->frame)
			return -EINVAL;
		break;
	}
	if (c->family != AF_INET && c->family != AF_INET6)
		return -EINVAL;
	if (c->family == AF_INET &&
		(!is_v4_mapped(&c->group) ||
			(!channel_addr_is_zero(&c->local) && !is_v4_mapped(&c->local))))
		return -EINVAL;
	if (c->port == 0 || memchr(c->interface, '\0', sizeof(c->interface)) == NULL ||
		c->interface[0] == '\0')
		return -EINVAL;
	return 0;
}

static int query_interface(struct channel *ch)
{
	struct iface iface;
	int err = iface_query(ch->config.interface, &iface);

	if (err)
		return err;
	if (iface.index == 0)
		return -ENODEV;
	ch->ifindex = iface.index;
	ch->mtu = iface.mtu;
	return iface.up;
}

static bool node_has_v6(const struct in6_addr *addr)
{
	struct ifaddrs *all;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *a = all; a && !found; a = a->ifa_next) {
		struct sockaddr_in6 v6;

		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET6)
			continue;
		memcpy(&v6, a->ifa_addr, sizeof(v6));
		found = memcmp(&v6.sin6_addr, addr, sizeof(*addr)) == 0;
	}
	freeifaddrs(all);
	return found;
}

/*
 * Multicast with the interface given by its index would be sent from any address, ours or not, and
 * nobody would notice a wrong IPv4_interface. IPv6 addresses may be there later: they go when an
 * interface is down.
 */
static int check_local(const struct channel *ch, bool up)
{
	const struct channel_addr *local = &ch->config.local;
	union sockaddr_ip addr;
	struct in6_addr v6 = channel_v6_of(local);
	socklen_t len;
	int err = 0, fd;

	if (channel_addr_is_zero(local))
		return 0;
	if (ch->config.family == AF_INET6)
		return up && !node_has_v6(&v6) ? -EADDRNOTAVAIL : 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	len = channel_sockaddr(ch, local, 0, &addr);
	if (bind(fd, &addr.any, len) < 0)
		err = -errno;
	close(fd);
	return err;
}

int channel_open(struct channel *ch, const struct channel_config *config)
{
	int err, up;

	*ch = (struct channel){.config = *config, .tx_fd = -1, .rx_fd = -1};
	err = check_config(config);
	if (err)
		return err;
	up = query_interface(ch);
	err = up < 0 ? up : check_local(ch, up > 0);
	if (err)
		return err;
	err = config->kind == CHANNEL_TCP ? channel_tcp_open(ch) : channel_udp_open(ch);
	if (err)
		channel_close(ch);
	return err;
}

void channel_close(struct channel *ch)
{
	channel_tcp_close(ch);
	channel_udp_close(ch);
	ch->tx_fd = ch->rx_fd = -1;
}

int channel_refresh(struct channel *ch)
{
	const unsigned before = ch->ifindex;
	int err = query_interface(ch);

	if (err < 0 || ch->tcp)
		return err < 0 ? err : 0;
	return channel_udp_refresh(ch, before);
}

void channel_tick(struct channel *ch, mono now)
{
	if (ch->tcp)
		channel_tcp_tick(ch, now);
}

mono channel_deadline(const struct channel *ch)
{
	return ch->tcp ? channel_tcp_deadline(ch) : MONO_NEVER;
}

void channel_hang_up(struct channel *ch)
{
	if (ch->tcp)
		channel_tcp_hang_up(ch);
}

bool channel_is_connected(const struct channel *ch)
{
	return !ch->tcp || channel_tcp_is_connected(ch);
}

bool channel_is_accepted(const struct channel *ch)
{
	return !ch->tcp || channel_tcp_is_accepted(ch);
}

bool channel_is_full(const struct channel *ch)
{
	return ch->tcp && channel_tcp_is_full(ch);
}

int channel_send(struct channel *ch, const void *bytes, size_t len)
{
	return ch->tcp ? channel_tcp_send(ch, bytes, len) : channel_udp_send(ch, bytes, len);
}

unsigned channel_train_max(const struct channel *ch, size_t each)
{
	size_t fit = each ? CHANNEL_TRAIN_BYTES / each : 0;

	if (!ch->trains || fit < 2)
		return 1;
	return fit < CHANNEL_TRAIN ? (unsigned)fit : CHANNEL_TRAIN;
}

int channel_send_train(struct channel *ch, const void *bytes, size_t len, size_t each, size_t *gone)
{
	const uint8_t *at = bytes;
	int err = 0;

	*gone = 0;
	if (len > each && ch->trains) {
		err = channel_udp_send_train(ch, bytes, len, each, gone);
		if (ch->trains)
			return err;
	}
	/* a device, or a route, that cannot: one by one from here on, and each for itself */
	while (*gone < len) {
		size_t n = len - *gone < each ? len - *gone : each;
		int lost = channel_send(ch, at + *gone, n);

		if (lost == -EAGAIN || lost == -ENOBUFS)
			return lost;
		if (lost)
			err = lost;
		*gone += n;
	}
	return err;
}

int channel_receive(struct channel *ch, unsigned datagrams_max, channel_datagram_fn *fn, void *ctx)
{
	return ch->tcp ? channel_tcp_receive(ch, datagrams_max, fn, ctx)
		       : channel_udp_receive(ch, datagrams_max, fn, ctx);
}

size_t channel_payload_bytes(const struct channel *ch)
{
	unsigned headers =
		ch->config.family == AF_INET ? CHANNEL_IPV4_HEADERS : CHANNEL_IPV6_HEADERS;
	unsigned mtu = ch->mtu < CHANNEL_DATAGRAM_BYTES ? ch->mtu : CHANNEL_DATAGRAM_BYTES - 1;

	if (ch->config.kind == CHANNEL_TCP)
		headers += CHANNEL_TCP_HEADER_MORE;
	return mtu > headers ? mtu - headers : 0;
}
