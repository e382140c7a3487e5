/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "daemon/links.h"
#include "daemon/names.h"
#include "daemon/settings.h"
#include "io/log.h"

enum {
	LINKS_SEND_PER_TURN = 64, /* datagrams, so that sending never starves the rest */
	LINKS_RECEIVE_PER_TURN = 256,
	LINKS_CATCH_UP = 64, /* times as many, at the most */
	LINKS_GATHER_US = 10000, /* busy: from one reading to the next, at the most */
	LINKS_BUSY = 4, /* datagrams in that time */
	LINKS_FULL = CHANNEL_DATAGRAMS, /* more in one reading makes them no cheaper */
	LINKS_DATAGRAM_COST = 4608, /* of a socket's buffer, of one of 1500 bytes: seen at most */
	LINKS_BUFFER_PARTS = 8, /* one of which a gathering may fill, since bursts come */
	LINKS_RETRY_MS = 1, /* after ENOBUFS */
	LINKS_TELL_MAX = 8, /* lines about one link's connection */
	LINKS_TELL_S = 60, /* in so many seconds */
};

_Static_assert((int)ENGINE_ADDR_BYTES == (int)CHANNEL_ADDR_BYTES, "one form of address");
_Static_assert((int)CONFIG_LINKS_MAX <= (int)LIMIT_LINKS, "the engine knows all links");
_Static_assert((int)CONFIG_LINKS_MAX <= (int)IFACE_MAX, "all interfaces are watched");

static const char *name_of(const struct link *l)
{
	return l->config->interface;
}

/* ---- opening ---- */

static void name_channel_addr(const struct channel_addr *a, char buf[NAME_ADDR_BYTES])
{
	struct engine_addr addr;

	memcpy(addr.bytes, a->bytes, sizeof(addr.bytes));
	name_addr(&addr, buf);
}

static const char *address_directive(const struct config_link *c)
{
	if (c->transport == CONFIG_MULTICAST)
		return "IPv4_interface";
	return c->l3 == AF_INET ? "IPv4_address" : "IPv6_address";
}

static void explain(const struct link *l, int err, const char *path, struct text *why)
{
	const struct config_link *c = l->config;
	const struct channel_addr *local = &l->channel.config.local;
	char addr[NAME_ADDR_BYTES];

	name_channel_addr(local, addr);
	text_puts(why, path);
	text_putc(why, ':');
	text_u64(why, err == -ENODEV ? c->interface_loc.line : c->loc.line);
	text_puts(why, ": ");
	if (err == -EADDRNOTAVAIL && !channel_addr_is_zero(local)) {
		text_puts(why, address_directive(c));
		text_putc(why, ' ');
		text_puts(why, addr);
		text_puts(why, " is not an address of this node");
	} else if (err == -ENODEV) {
		text_puts(why, "there is no interface '");
		text_puts(why, c->interface);
		text_putc(why, '\'');
	} else {
		text_puts(why, "cannot open the sync link on ");
		text_puts(why, c->interface);
		text_puts(why, ": ");
		text_puts(why, strerror(-err));
	}
}

static void warn_of_other_interface(const struct link *l, const char *path)
{
	const struct channel_addr *local = &l->channel.config.local;
	char addr[NAME_ADDR_BYTES];
	uint32_t v4_be;

	if (l->config->l3 != AF_INET || channel_addr_is_zero(local))
		return;
	memcpy(&v4_be, local->bytes + 12, sizeof(v4_be));
	if (iface_has_v4(name_of(l), v4_be))
		return;
	name_channel_addr(local, addr);
	log_warning("%s:%u: %s %s is not an address of %s: peers may fail to answer it", path,
		l->config->loc.line, address_directive(l->config), addr, name_of(l));
}

static int open_one(struct links *l, const struct config_link *c)
{
	struct link *k = &l->link[l->count];
	const struct iface *iface = &l->ifaces.ifaces[l->count];
	struct channel_config config;
	int err;

	settings_channel(c, &config);
	*k = (struct link){.all = l, .index = l->count, .config = c, .retry = MONO_NEVER};
	err = iface_watch_add(&l->ifaces, config.interface);
	if (err >= 0)
		err = channel_open(&k->channel, &config);
	else
		k->channel.config = config;
	if (err < 0)
		return err;
	k->up = iface->index && iface->up && iface->running;
	l->count++;
	return 0;
}

bool links_open(
	struct links *l, const struct config *config, const char *config_path, struct text *why)
{
	int err = iface_watch_init(&l->ifaces);

	if (err) {
		text_puts(why, "interfaces cannot be watched: ");
		text_puts(why, strerror(-err));
		return false;
	}
	l->watching = true;
	for (unsigned i = 0; i < config->sync.links_count; i++) {
		err = open_one(l, &config->sync.links[i]);
		if (err) {
			explain(&l->link[i], err, config_path, why);
			return false;
		}
		warn_of_other_interface(&l->link[i], config_path);
	}
	return true;
}

void links_close(struct links *l)
{
	for (unsigned i = 0; i < l->count; i++) {
		struct link *k = &l->link[i];

		if (k->rx_watch.in_loop)
			loop_remove(l->loop, &k->rx_watch);
		if (k->tx_watch.in_loop)
			loop_remove(l->loop, &k->tx_watch);
		channel_close(&k->channel);
	}
	if (l->iface_watch.in_loop)
		loop_remove(l->loop, &l->iface_watch);
	if (l->watching)
		iface_watch_fini(&l->ifaces);
	l->watching = false;
	l->count = 0;
}

uint32_t links_datagram_bytes(const struct links *l)
{
	size_t least = CHANNEL_DATAGRAM_BYTES;

	for (unsigned i = 0; i < l->count; i++) {
		size_t bytes = channel_payload_bytes(&l->link[i].channel);

		least = bytes < least ? bytes : least;
	}
	return (uint32_t)least;
}

/* ---- what a link is worth ---- */

/* One that comes and goes each second is not to fill the log. */
static bool may_tell(struct link *k)
{
	mono now = loop_now(k->all->loop);

	if (!k->told || mono_diff_sec(now, k->told_since) >= LINKS_TELL_S) {
		k->told_since = now;
		k->told = 0;
	}
	if (k->told++ == LINKS_TELL_MAX)
		log_notice("sync link %s: the connection comes and goes; no more of it for a while",
			name_of(k));
	return k->told <= LINKS_TELL_MAX;
}

static void tell_connection(struct link *k)
{
	const struct channel *ch = &k->channel;
	bool connected = channel_is_connected(ch);
	char addr[NAME_ADDR_BYTES];

	if (ch->config.kind != CHANNEL_TCP)
		return;
	name_channel_addr(&ch->config.group, addr);
	if (connected && !k->connected) {
		if (may_tell(k))
			log_notice("sync link %s: connected to %s", name_of(k), addr);
		k->told_error = 0;
	} else if (!connected && k->connected) {
		if (may_tell(k))
			log_notice("sync link %s: the connection to %s has ended: %s", name_of(k),
				addr, strerror(ch->last_error));
	} else if (!connected && k->up && ch->last_error && ch->last_error != k->told_error) {
		log_info("sync link %s: no connection to %s: %s; it is tried each second",
			name_of(k), addr, strerror(ch->last_error));
		k->told_error = ch->last_error;
	}
	k->connected = connected;
}

static void update(struct link *k)
{
	bool usable = k->up && channel_is_connected(&k->channel);

	tell_connection(k);
	if (usable == k->usable)
		return;
	k->usable = usable;
	k->full = k->full && usable;
	engine_link(k->all->engine, loop_now(k->all->loop), k->index, usable);
}

static void on_iface_change(void *ctx, const struct iface *old, const struct iface *now)
{
	struct links *l = ctx;
	struct link *k = &l->link[now - l->ifaces.ifaces];
	bool up = now->index && now->up && now->running;
	int err;

	(void)old;
	if (up != k->up)
		log_notice("sync link %s is %s", now->name,
			up	      ? "up"
			: !now->index ? "gone"
			: now->up     ? "without carrier"
				      : "down");
	if (up) {
		err = channel_refresh(&k->channel);
		if (err)
			log_warning("sync link %s: %s", now->name, strerror(-err));
	} else if (k->up) {
		channel_hang_up(&k->channel);
	}
	k->up = up;
	update(k);
}

static void on_iface_readable(void *ctx, unsigned ready)
{
	struct links *l = ctx;

	(void)ready;
	iface_watch_read(&l->ifaces, on_iface_change, l);
}

/* ---- receiving ---- */

static void on_datagram(
	void *ctx, const struct channel_addr *from, const uint8_t *bytes, size_t len)
{
	struct link *k = ctx;
	struct engine_addr addr;

	memcpy(addr.bytes, from->bytes, sizeof(addr.bytes));
	engine_datagram(k->all->engine, loop_now(k->all->loop), k->index, &addr, bytes, len);
}

static void tell_source(struct link *k)
{
	char addr[NAME_ADDR_BYTES];

	if (k->told_source || !k->channel.stats.wrong_source)
		return;
	k->told_source = true;
	name_channel_addr(&k->channel.config.group, addr);
	log_warning("sync link %s: somebody else than %s was refused; link_wrong_source counts",
		name_of(k), addr);
}

/* One wake-up costs more than the datagrams that a burst brings: on a busy link they gather. */
static void drain_start(struct link *k)
{
	uint32_t full = k->channel.rcvbuf_bytes / LINKS_BUFFER_PARTS / LINKS_DATAGRAM_COST;

	drain_init(&k->drain, LINKS_BUSY, LINKS_GATHER_US * NS_PER_US);
	drain_bound(&k->drain, full < LINKS_BUSY   ? LINKS_BUSY
			       : full > LINKS_FULL ? LINKS_FULL
						   : full);
}

/* A bulk that waits for an acknowledgement would lose a gathering's time for each window. */
static void watch(struct link *k)
{
	bool at_once = drain_wants_wake(&k->drain) || engine_is_paced(k->all->engine);

	loop_want(k->all->loop, &k->rx_watch, at_once ? LOOP_READ : 0);
}

/* Errors are counted by the channel; the socket stays. */
static void receive(struct link *k, mono now)
{
	int n = channel_receive(&k->channel, LINKS_RECEIVE_PER_TURN, on_datagram, k);

	tell_source(k);
	k->rx_left = n == LINKS_RECEIVE_PER_TURN;
	if (k->channel.config.kind == CHANNEL_TCP) {
		k->full = channel_is_full(&k->channel);
		update(k);
		return;
	}
	drain_done(&k->drain, now, n > 0 ? (unsigned)n : 0);
	watch(k);
}

static void on_readable(void *ctx, unsigned ready)
{
	struct link *k = ctx;

	(void)ready;
	receive(k, loop_now(k->all->loop));
}

static bool is_due(const struct link *k, mono now)
{
	return k->rx_left || mono_reached(now, drain_deadline(&k->drain));
}

void links_catch_up(struct links *l, mono now)
{
	for (unsigned i = 0; i < l->count; i++) {
		struct link *k = &l->link[i];

		for (unsigned n = 0; n < LINKS_CATCH_UP; n++) {
			receive(k, now);
			if (!k->rx_left)
				break;
		}
	}
}

static void on_writable(void *ctx, unsigned ready)
{
	struct link *k = ctx;

	(void)ready;
	k->full = false;
	loop_want(k->all->loop, &k->tx_watch, 0);
}

int links_start(struct links *l, struct loop *loop, struct engine *engine)
{
	unsigned first;
	int err = 0;

	l->loop = loop;
	l->engine = engine;
	if (!l->count)
		return 0;
	for (unsigned i = 0; i < l->count && !err; i++) {
		struct link *k = &l->link[i];

		err = loop_add(loop, &k->rx_watch, k->channel.rx_fd, LOOP_READ, on_readable, k);
		if (!err && k->channel.tx_fd >= 0)
			err = loop_add(loop, &k->tx_watch, k->channel.tx_fd, 0, on_writable, k);
		drain_start(k);
		k->usable = true; /* what the engine believes */
	}
	if (!err)
		err = loop_add(
			loop, &l->iface_watch, l->ifaces.sock.fd, LOOP_READ, on_iface_readable, l);
	/* the first one last: the engine is not to move to one that it is told next to be down */
	(void)engine_current_link(engine, &first);
	for (unsigned i = 1; i <= l->count && !err; i++)
		update(&l->link[(first + i) % l->count]);
	return err;
}

/* ---- sending ---- */

/*
 * Takes from the engine what is to be sent next: one datagram, or several of one length, if there
 * are so many. Returns how many; 0: there is none.
 */
static unsigned couple(struct link *k, mono now, unsigned max)
{
	struct engine *e = k->all->engine;
	struct train *t = &k->pending;
	unsigned link = 0, n = 1, fit;
	size_t len;

	t->gone = 0;
	t->len = t->each =
		engine_next_datagram(e, now, t->bytes, channel_payload_bytes(&k->channel), &link);
	if (!t->len)
		return 0;
	/* a short one is the last of what there is: another look costs more than it would gain */
	if (t->each < channel_payload_bytes(&k->channel) / 2)
		return 1;
	fit = channel_train_max(&k->channel, t->each);
	for (len = t->each; n < fit && n < max && len == t->each; n += len > 0) {
		len = engine_next_datagram(e, now, t->bytes + t->len, t->each, &link);
		t->len += len;
	}
	return n;
}

/* Sends what is pending. False if it has to stay pending. */
static bool send_pending(struct link *k, mono now)
{
	struct train *t = &k->pending;
	size_t gone = 0;
	int err = channel_send_train(
		&k->channel, t->bytes + t->gone, t->len - t->gone, t->each, &gone);

	t->gone += gone;
	if (err == -EAGAIN) {
		k->full = true;
		if (k->tx_watch.in_loop)
			loop_want(k->all->loop, &k->tx_watch, LOOP_WRITE);
		return false;
	}
	if (err == -ENOBUFS) {
		k->retry = mono_add_ms(now, LINKS_RETRY_MS);
		return false;
	}
	/* Any other failure is counted by the channel and is as good as a loss on the way. */
	k->pending.len = 0;
	if (err)
		update(k);
	return true;
}

/* The link to send by, if it can take something now. */
static struct link *sending(struct links *l, mono now)
{
	struct link *k;
	unsigned current;

	if (!engine_current_link(l->engine, &current))
		return NULL;
	k = &l->link[current];
	if (k->full || (!mono_is_never(k->retry) && mono_before(now, k->retry)))
		return NULL;
	k->retry = MONO_NEVER;
	return k;
}

static void maintain(struct links *l, mono now)
{
	unsigned current;

	(void)engine_current_link(l->engine, &current);
	for (unsigned i = 0; i < l->count; i++) {
		struct link *k = &l->link[i];

		/* sent later, it would call the peers back to a link that was left */
		if (i != current)
			k->pending.len = 0;
		if (k->up && mono_reached(now, channel_deadline(&k->channel))) {
			channel_tick(&k->channel, now);
			update(k);
		}
	}
}

static void send_all(struct links *l, mono now)
{
	l->more = false;
	for (unsigned i = 0, n; i < LINKS_SEND_PER_TURN; i += n) {
		struct link *k = sending(l, now);

		if (!k)
			return;
		n = k->pending.len ? 1 : couple(k, now, LINKS_SEND_PER_TURN - i);
		if (n == 0 || !send_pending(k, now))
			return;
	}
	l->more = true;
}

void links_run(struct links *l, mono now)
{
	if (!l->count)
		return;
	maintain(l, now);
	for (unsigned i = 0; i < l->count; i++)
		if (is_due(&l->link[i], now))
			receive(&l->link[i], now);
	send_all(l, now);
	for (unsigned i = 0; i < l->count; i++)
		if (l->link[i].channel.config.kind != CHANNEL_TCP)
			watch(&l->link[i]);
}

mono links_deadline(const struct links *l, mono now)
{
	mono at = MONO_NEVER;
	unsigned current;

	if (!l->count)
		return at;
	for (unsigned i = 0; i < l->count; i++) {
		if (l->link[i].rx_left)
			return now;
		at = mono_min(at, drain_deadline(&l->link[i].drain));
		if (l->link[i].up)
			at = mono_min(at, channel_deadline(&l->link[i].channel));
	}
	/* nothing is sent then, so that a retry that is due would wake the loop for ever */
	if (!engine_current_link(l->engine, &current) || l->link[current].full)
		return at;
	return l->more ? now : mono_min(at, l->link[current].retry);
}

/* ---- telling ---- */

void links_report(const struct links *l, const struct engine_event *event)
{
	if (l->count < 2 || event->link >= l->count)
		return;
	if (event->kind == ENGINE_EVENT_LINK)
		log_notice("sync link %s is the one in use", name_of(&l->link[event->link]));
	if (event->kind == ENGINE_EVENT_NO_LINK)
		log_warning("no sync link is usable");
}

struct channel_stats links_stats(const struct links *l)
{
	struct channel_stats sum = {0};

	for (unsigned i = 0; i < l->count; i++) {
		const struct channel_stats *s = &l->link[i].channel.stats;

		sum.sent += s->sent;
		sum.sent_bytes += s->sent_bytes;
		sum.received += s->received;
		sum.received_bytes += s->received_bytes;
		sum.send_errors += s->send_errors;
		sum.send_link_errors += s->send_link_errors;
		sum.send_full += s->send_full;
		sum.receive_errors += s->receive_errors;
		sum.truncated += s->truncated;
		sum.wrong_interface += s->wrong_interface;
		sum.own += s->own;
		sum.wrong_source += s->wrong_source;
		sum.connects += s->connects;
		sum.accepts += s->accepts;
		sum.breaks += s->breaks;
		sum.out_of_step += s->out_of_step;
	}
	return sum;
}
