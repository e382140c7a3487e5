/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "io/channel.h"
#include "io/channel_impl.h"

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

int channel_check_config(const struct channel_config *c)
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
		return -EOPNOTSUPP;
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

int channel_query_interface(struct channel *ch)
{
	struct ifreq req = {0};

	memcpy(req.ifr_name, ch->config.interface, sizeof(ch->config.interface));
	if (ioctl(ch->tx_fd, SIOCGIFINDEX, &req) < 0)
		return -errno;
	ch->ifindex = (unsigned)req.ifr_ifindex;
	if (ioctl(ch->tx_fd, SIOCGIFMTU, &req) < 0)
		return -errno;
	ch->mtu = (unsigned)req.ifr_mtu;
	return 0;
}

size_t channel_payload_bytes(const struct channel *ch)
{
	unsigned headers =
		ch->config.family == AF_INET ? CHANNEL_IPV4_HEADERS : CHANNEL_IPV6_HEADERS;
	unsigned mtu = ch->mtu < CHANNEL_DATAGRAM_BYTES ? ch->mtu : CHANNEL_DATAGRAM_BYTES - 1;

	return mtu > headers ? mtu - headers : 0;
}
