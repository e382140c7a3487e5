/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "daemon/stats.h"
#include "flow/print.h"
#include "io/log.h"

enum { STATS_LINE_BYTES = 1024 }; /* the longest line needs some 500 */

int stats_open(struct stats *s, const struct config *config, struct engine *engine)
{
	const struct config_stats *stats = &config->stats;

	*s = (struct stats){
		.engine = engine,
		.filter = &config->general.filter,
		.syslog_facility = -1,
		.log.fd = -1,
		.date_s = -1,
	};
	if (config->purpose != CONFIG_STATS)
		return 0;
	if (stats->syslog)
		s->syslog_facility = stats->syslog_facility;
	s->wants_lines = stats->syslog || stats->log_file[0];
	return stats->log_file[0] ? linelog_open(&s->log, stats->log_file) : 0;
}

void stats_close(struct stats *s)
{
	linelog_close(&s->log);
}

int stats_reopen(struct stats *s)
{
	return linelog_reopen(&s->log);
}

int stats_change(struct stats *s, const struct config_stats *from, const struct config_stats *to)
{
	struct linelog log = {.fd = -1, .retry = MONO_NEVER};
	int err = 0;

	if (strcmp(from->log_file, to->log_file) != 0) {
		if (to->log_file[0])
			err = linelog_open(&log, to->log_file);
		if (err)
			return err;
		log.lines = s->log.lines;
		log.lost = s->log.lost;
		linelog_close(&s->log);
		s->log = log;
	}
	s->syslog_facility = to->syslog ? to->syslog_facility : -1;
	s->wants_lines = to->syslog || to->log_file[0];
	return 0;
}

/* As ctime() has it, made once per second. */
static const char *date_of_now(struct stats *s, int64_t now_s)
{
	time_t when = (time_t)now_s;
	struct tm tm;

	if (s->date_s != now_s && localtime_r(&when, &tm) &&
		strftime(s->date, sizeof(s->date), "%a %b %e %H:%M:%S %Y", &tm) > 0)
		s->date_s = now_s;
	return s->date;
}

/* Times of day are asked for by a flag that these lines do not have. */
static struct flow_date no_date(uint64_t s)
{
	(void)s;
	return (struct flow_date){.year = 1970, .month = 1, .day = 1};
}

static void tell(struct stats *s, const struct flow *ended)
{
	const struct flow_print_context context = {
		.now_s = (uint64_t)time(NULL),
		.date_of = no_date,
	};
	char line[STATS_LINE_BYTES];
	struct text t = text_of(line, sizeof(line));
	struct flow f = *ended;
	size_t entry, len;

	flow_mark_unset(&f, FLOW_TIMEOUT); /* of what is gone */
	text_puts(&t, date_of_now(s, (int64_t)context.now_s));
	text_putc(&t, '\t');
	entry = t.len;
	flow_print_with(&t, &f, 0, &context);
	s->lines++;
	if (s->syslog_facility >= 0)
		log_to_syslog(s->syslog_facility, line + entry);
	len = t.len < sizeof(line) - 1 ? t.len : sizeof(line) - 1;
	line[len] = '\n'; /* in place of the NUL */
	if (s->log.fd >= 0)
		linelog_put(&s->log, line, len + 1);
}

/* What the filter keeps out is not ours to tell of, unless it was in before. */
static bool is_ours(const struct stats *s, const struct flow *f)
{
	struct engine_flow_view view;

	return flow_filter_match(s->filter, f) ||
	       engine_find(s->engine, ENGINE_TABLE_LOCAL, f, &view);
}

void stats_on_end(struct stats *s, const struct flow *f)
{
	if (s->wants_lines && is_ours(s, f))
		tell(s, f);
}

void stats_run(struct stats *s, mono now)
{
	struct flow f;
	int err;

	while (engine_next_ended(s->engine, &f))
		if (s->wants_lines)
			tell(s, &f);
	err = linelog_flush(&s->log, now);
	if (err && !s->failing)
		log_error("writing %s failed: %s; lines are kept while there is room", s->log.path,
			strerror(-err));
	if (s->failing && !s->log.failing)
		log_notice("%s is written again; %" PRIu64 " lines were lost", s->log.path,
			s->log.lost - s->told_lost);
	if (!s->log.failing)
		s->told_lost = s->log.lost;
	s->failing = s->log.failing;
}

mono stats_deadline(const struct stats *s, mono now)
{
	return linelog_deadline(&s->log, now);
}
