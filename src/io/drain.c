/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "io/drain.h"

void drain_init(struct drain *d, unsigned messages_busy, int64_t gather_ns)
{
	*d = (struct drain){
		.gather_ns = gather_ns,
		.messages_busy = messages_busy,
		.next = MONO_NEVER,
		.window = {INT64_MIN},
	};
}

void drain_stretch(struct drain *d, unsigned messages_many)
{
	d->messages_many = messages_many;
}

void drain_bound(struct drain *d, unsigned messages_full)
{
	d->messages_full = messages_full;
}

static void gather(struct drain *d, mono now, bool many)
{
	int64_t ns = many ? d->gather_ns : 2 * d->gather_ns;

	d->last = now;
	d->next = mono_add_ns(now, d->messages_full ? d->interval_ns : ns);
}

/*
 * The next gathering is to bring no more than messages_full, if it goes on like this. That little
 * was there before its time, or behind a reading that did not take all, does not mean that little
 * comes.
 */
static void adapt(struct drain *d, mono now, unsigned messages)
{
	int64_t least = d->gather_ns / DRAIN_LEAST_PART;

	if (!d->messages_full)
		return;
	if (messages > d->messages_full)
		d->interval_ns = d->interval_ns * d->messages_full / messages;
	else if (messages < d->messages_full / 2 && mono_reached(now, d->next))
		d->interval_ns *= 2;
	if (d->interval_ns < least)
		d->interval_ns = least;
	if (d->interval_ns > d->gather_ns)
		d->interval_ns = d->gather_ns;
}

/*
 * Idle: each wake-up may find a single message however many there are a second, because reading
 * keeps up. So messages are counted over a window as long as one gathering.
 */
static void done_idle(struct drain *d, mono now, unsigned messages)
{
	if (d->window.ns == INT64_MIN || mono_reached(now, mono_add_ns(d->window, d->gather_ns))) {
		d->window = now;
		d->window_messages = 0;
	}
	if (messages >= d->messages_busy - d->window_messages) {
		d->busy = true;
		d->quiet = 0;
		if (d->messages_full)
			d->interval_ns = d->gather_ns / DRAIN_FIRST_PART;
		gather(d, now, true);
		d->switches++;
		return;
	}
	d->window_messages += messages;
}

/* Would so many come within gather_ns, if they go on coming as they did since the last reading? */
static bool are_many(const struct drain *d, mono now, unsigned messages)
{
	return (int64_t)messages * d->gather_ns >= d->messages_many * mono_diff_ns(now, d->last);
}

void drain_done(struct drain *d, mono now, unsigned messages)
{
	if (!d->busy) {
		done_idle(d, now, messages);
		return;
	}
	d->quiet = messages >= d->messages_busy ? 0 : d->quiet + 1;
	if (d->quiet < DRAIN_QUIET_GATHERINGS) {
		adapt(d, now, messages);
		gather(d, now, are_many(d, now, messages));
		return;
	}
	d->busy = false;
	d->next = MONO_NEVER;
	d->window = now;
	d->window_messages = 0;
}
