/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "daemon/link.h"
#include "io/log.h"

enum {
	LINK_SEND_PER_TURN = 64, /* datagrams, so that sending never starves the rest */
	LINK_RECEIVE_PER_TURN = 256,
	LINK_RETRY_MS = 1, /* after ENOBUFS */
};

_Static_assert((int)ENGINE_ADDR_BYTES == (int)CHANNEL_ADDR_BYTES, "one form of address");

static void on_datagram(
	void *ctx, const struct channel_addr *from, const uint8_t *bytes, size_t len)
{
	struct link *l = ctx;
	struct engine_addr addr;

	memcpy(addr.bytes, from->bytes, sizeof(addr.bytes));
	engine_datagram(l->engine, loop_now(l->loop), 0, &addr, bytes, len);
}

static void on_readable(void *ctx, unsigned ready)
{
	struct link *l = ctx;

	(void)ready;
	/* Errors are counted by the channel; the socket stays. */
	channel_receive(&l->channel, LINK_RECEIVE_PER_TURN, on_datagram, l);
}

static void on_writable(void *ctx, unsigned ready)
{
	struct link *l = ctx;

	(void)ready;
	l->full = false;
	loop_want(l->loop, &l->tx_watch, 0);
}

static void on_iface_change(void *ctx, const struct iface *old, const struct iface *now)
{
	struct link *l = ctx;
	bool usable = now->index && now->up && now->running;
	int err;

	(void)old;
	if (usable != l->usable)
		log_notice("sync link %s is %s", now->name,
			usable	      ? "up"
			: !now->index ? "gone"
			: now->up     ? "without carrier"
				      : "down");
	if (usable) {
		err = channel_refresh(&l->channel);
		if (err)
			log_warning("sync link %s: %s", now->name, strerror(-err));
	}
	l->usable = usable;
}

static void on_iface_readable(void *ctx, unsigned ready)
{
	struct link *l = ctx;

	(void)ready;
	iface_watch_read(&l->ifaces, on_iface_change, l);
}

int link_open(struct link *l, const struct channel_config *config)
{
	const struct iface *iface;
	int err = iface_watch_init(&l->ifaces);

	if (err)
		return err;
	err = iface_watch_add(&l->ifaces, config->interface);
	if (err < 0)
		return err;
	iface = &l->ifaces.ifaces[0];
	l->usable = iface->index && iface->up && iface->running;
	return channel_open(&l->channel, config);
}

int link_start(struct link *l, struct loop *loop, struct engine *engine)
{
	int err;

	l->loop = loop;
	l->engine = engine;
	l->retry = MONO_NEVER;
	err = loop_add(loop, &l->rx_watch, l->channel.rx_fd, LOOP_READ, on_readable, l);
	if (!err)
		err = loop_add(loop, &l->tx_watch, l->channel.tx_fd, 0, on_writable, l);
	if (!err)
		err = loop_add(
			loop, &l->iface_watch, l->ifaces.sock.fd, LOOP_READ, on_iface_readable, l);
	return err;
}

void link_close(struct link *l)
{
	if (l->loop) {
		if (l->rx_watch.in_loop)
			loop_remove(l->loop, &l->rx_watch);
		if (l->tx_watch.in_loop)
			loop_remove(l->loop, &l->tx_watch);
		if (l->iface_watch.in_loop)
			loop_remove(l->loop, &l->iface_watch);
	}
	channel_close(&l->channel);
	iface_watch_fini(&l->ifaces);
}

/* Sends the pending datagram. False if it has to stay pending. */
static bool send_pending(struct link *l, mono now)
{
	int err = channel_send(&l->channel, l->pending, l->pending_len);

	if (err == -EAGAIN) {
		l->full = true;
		loop_want(l->loop, &l->tx_watch, LOOP_WRITE);
		return false;
	}
	if (err == -ENOBUFS) {
		l->retry = mono_add_ms(now, LINK_RETRY_MS);
		return false;
	}
	/* Any other failure is counted by the channel and is as good as a loss on the way. */
	l->pending_len = 0;
	return true;
}

void link_run(struct link *l, mono now)
{
	l->more = false;
	if (!l->usable || l->full || (!mono_is_never(l->retry) && mono_before(now, l->retry)))
		return;
	l->retry = MONO_NEVER;
	if (l->pending_len && !send_pending(l, now))
		return;
	for (unsigned i = 0; i < LINK_SEND_PER_TURN; i++) {
		unsigned link = 0;

		l->pending_len = engine_next_datagram(
			l->engine, now, l->pending, channel_payload_bytes(&l->channel), &link);
		if (!l->pending_len || !send_pending(l, now))
			return;
	}
	l->more = true;
}

mono link_deadline(const struct link *l, mono now)
{
	/* nothing is sent then, so that a retry that is due would wake the loop for ever */
	if (!l->usable || l->full)
		return MONO_NEVER;
	return l->more ? now : l->retry;
}
