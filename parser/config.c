/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parser/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/check.h"
#include "parser/check.h"
#include "parser/diag.h"
#include "parser/reader.h"

void config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	c->general.hash_size = CONFIG_DEFAULT_HASH_SIZE;
	c->general.hash_limit = CONFIG_DEFAULT_HASH_LIMIT;
	c->general.syslog_facility = LOG_DAEMON;
	text_copy(c->general.lock_file, sizeof(c->general.lock_file), CONFIG_DEFAULT_LOCK_FILE);
	c->general.netlink_overrun_resync_s = CONFIG_DEFAULT_OVERRUN_RESYNC_S;
	c->general.event_iteration_limit = CONFIG_DEFAULT_EVENT_ITERATION_LIMIT;
	c->general.scheduler = CONFIG_SCHED_RR;
	c->general.scheduler_priority = CONFIG_DEFAULT_SCHED_PRIORITY;
	c->general.systemd = true;
	c->sync.mode = CONFIG_MODE_FTFW;
	c->sync.resend_queue_size = CONFIG_DEFAULT_RESEND_QUEUE_SIZE;
	c->sync.ack_window_size = CONFIG_DEFAULT_ACK_WINDOW_SIZE;
	c->sync.purge_timeout_s = CONFIG_DEFAULT_PURGE_TIMEOUT_S;
	c->sync.refresh_s = CONFIG_DEFAULT_REFRESH_S;
	c->sync.cache_timeout_s = CONFIG_DEFAULT_CACHE_TIMEOUT_S;
	c->sync.warm_age_s = CONFIG_DEFAULT_WARM_AGE_S;
	c->sync.warm_rate = CONFIG_DEFAULT_WARM_RATE;
	c->sync.new_events = true;
	c->stats.syslog_facility = LOG_DAEMON;
}

int config_parse(struct config *c, const char *name, const char *text, size_t len, struct diag *d)
{
	struct reader r = {.config = c, .diag = d};
	int err;

	config_init(c);
	diag_init(d, name);
	if (len > CONFIG_FILE_BYTES_MAX) {
		diag_error(d, 0, "expected at most %d bytes, found more", CONFIG_FILE_BYTES_MAX);
		return -EFBIG;
	}
	err = reader_run(&r, text, len);
	if (err < 0) {
		diag_error(d, 0, "not enough memory to read it");
		return err;
	}
	check_config(&r);
	return d->errors > 0 ? -EINVAL : 0;
}

/* Reads up to cap bytes; the count or a negative errno. */
static ssize_t config_read(int fd, char *text, size_t cap)
{
	size_t used = 0;
	ssize_t n;

	while (used < cap) {
		n = read(fd, text + used, cap - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

int config_load(struct config *c, const char *path, struct diag *d)
{
	const size_t cap = CONFIG_FILE_BYTES_MAX + 1; /* one more, to see that there is more */
	char *text = NULL;
	ssize_t len;
	int fd, err;

	config_init(c);
	diag_init(d, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO shall not hold us up */
	if (fd < 0) {
		err = -errno;
		diag_error(d, 0, "cannot be read: %s", strerror(-err));
		return err;
	}
	text = malloc(cap);
	if (!text) {
		err = -ENOMEM;
		diag_error(d, 0, "not enough memory to read it");
		goto out;
	}
	len = config_read(fd, text, cap);
	if (len < 0) {
		err = (int)len;
		diag_error(d, 0, "cannot be read: %s", strerror(-err));
		goto out;
	}
	err = config_parse(c, path, text, (size_t)len, d);
out:
	free(text);
	close(fd);
	return err;
}

const struct config_link *config_link_used(const struct config *c)
{
	const struct config_link *used = NULL;

	for (unsigned i = 0; i < c->sync.links_count; i++)
		if (!used || c->sync.links[i].is_default)
			used = &c->sync.links[i];
	return used;
}

const char *config_mode_name(enum config_mode mode)
{
	switch (mode) {
	case CONFIG_MODE_FTFW:
		return "FTFW";
	case CONFIG_MODE_ALARM:
		return "ALARM";
	case CONFIG_MODE_NOTRACK:
		return "NOTRACK";
	}
	return "";
}

const char *config_transport_name(enum config_transport transport)
{
	switch (transport) {
	case CONFIG_MULTICAST:
		return "Multicast";
	case CONFIG_UDP:
		return "UDP";
	case CONFIG_TCP:
		return "TCP";
	}
	return "";
}
