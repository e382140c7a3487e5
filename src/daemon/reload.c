/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/reload.h"
#include "daemon/settings.h"
#include "io/log.h"
#include "parser/diag.h"

static void log_problems(const struct diag *diag)
{
	for (size_t i = 0; i < diag->count; i++) {
		char line[DIAG_NAME_MAX + DIAG_TEXT_MAX + 32];
		struct text t = text_of(line, sizeof(line));

		diag_print_item(diag, &diag->items[i], &t);
		log_write(
			diag->items[i].severity == DIAG_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
			"%s", line);
	}
}

/* On failure the next reload sees the difference again, and tries again. */
static void take_over_stats(struct daemon *d, const struct config_stats *fresh)
{
	int err = stats_change(&d->stats, &d->config.stats, fresh);

	if (err)
		log_error("%s: %s", fresh->log_file, strerror(-err));
	else
		d->config.stats = *fresh;
}

/* The settings that apply at once; config_diff_reload() says the same of each. */
static void take_over(struct daemon *d, const struct config *fresh)
{
	const bool log_changed =
		strcmp(d->config.general.log_file, fresh->general.log_file) != 0 ||
		d->config.general.syslog != fresh->general.syslog ||
		d->config.general.syslog_facility != fresh->general.syslog_facility;
	struct log_config log;
	int err;

	if (fresh->purpose == d->config.purpose && fresh->purpose == CONFIG_STATS) {
		take_over_stats(d, &fresh->stats);
	} else if (fresh->purpose == d->config.purpose) {
		d->config.sync.commit_timeout_s = fresh->sync.commit_timeout_s;
		d->config.sync.purge_timeout_s = fresh->sync.purge_timeout_s;
		d->config.sync.warm_age_s = fresh->sync.warm_age_s;
		d->config.sync.warm_rate = fresh->sync.warm_rate;
		engine_set_timeouts(
			d->engine, fresh->sync.commit_timeout_s, fresh->sync.purge_timeout_s);
		engine_set_warm(d->engine, fresh->sync.warm_age_s * 1000, fresh->sync.warm_rate);
	}
	if (!log_changed)
		return;
	settings_log(fresh, !d->detached, &log);
	err = log_open(&log);
	if (err) { /* the next reload sees the difference again, and tries again */
		log_error("%s: %s", fresh->general.log_file, strerror(-err));
		return;
	}
	memcpy(d->config.general.log_file, fresh->general.log_file,
		sizeof(d->config.general.log_file));
	d->config.general.syslog = fresh->general.syslog;
	d->config.general.syslog_facility = fresh->general.syslog_facility;
}

void reload_config(struct daemon *d)
{
	static struct config fresh; /* large; SIGHUPs come one at a time */
	static struct diag diag;
	struct config_change changes[CONFIG_SET_COUNT];
	size_t count;
	int err = log_reopen();

	if (err)
		log_error("cannot reopen %s, the old file stays in use: %s",
			d->config.general.log_file, strerror(-err));
	err = stats_reopen(&d->stats);
	if (err)
		log_error("cannot reopen %s, the old file stays in use: %s",
			d->config.stats.log_file, strerror(-err));
	diag_init(&diag, d->config_path);
	err = config_load(&fresh, d->config_path, &diag);
	log_problems(&diag);
	if (err) {
		log_error("%s has errors; nothing was changed", d->config_path);
		return;
	}
	count = config_diff_reload(&d->config, &fresh, changes);
	for (size_t i = 0; i < count; i++) {
		if (changes[i].at_runtime)
			log_notice("%s:%u: %s is in force", d->config_path, changes[i].line,
				changes[i].name);
		else
			log_warning("%s:%u: %s needs a restart; the old value stays in force",
				d->config_path, changes[i].line, changes[i].name);
	}
	if (!count)
		log_info("%s read again: nothing has changed", d->config_path);
	take_over(d, &fresh);
}
