/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parser/check.h"

#include "parser/settings.h"

/*
 * What is missing in the file as a whole is told only if nothing else is wrong: it may well stand
 * in a part that could not be read.
 */
static void check_sections(struct reader *r)
{
	if (r->sync_line > 0 && r->stats_line > 0)
		diag_error(r->diag, r->stats_line > r->sync_line ? r->stats_line : r->sync_line,
			"Stats: expected either Sync or Stats, found both");
	else if (r->sync_line == 0 && r->stats_line == 0 && r->diag->errors == 0)
		diag_error(r->diag, 0,
			"expected a section Sync, found none; statistics without it "
			"are not served yet");
	if (r->sync_line > 0 && !r->mode_seen)
		diag_warning(
			r->diag, r->sync_line, "Sync: expected a Mode, found none: FTFW is used");
}

static void check_links(struct reader *r)
{
	const struct config_sync *sync = &r->config->sync;
	const struct config_link *used = config_link_used(r->config);
	unsigned defaults = 0;

	if (r->sync_line > 0 && !r->link_seen)
		diag_error(r->diag, r->sync_line, "Sync: expected a section Multicast, found none");
	for (unsigned i = 0; i < sync->links_count; i++) {
		const struct config_link *link = &sync->links[i];
		const char *name = config_transport_name(link->transport);

		if (link->is_default && ++defaults > 1)
			diag_warning(r->diag, link->loc.line,
				"%s: expected one Default link, found another: the last one counts",
				name);
		if (link != used && link->transport == CONFIG_MULTICAST)
			diag_warning(r->diag, link->loc.line,
				"%s: a second link is not served yet: this one is not used, "
				"that of line %u is",
				name, used->loc.line);
	}
}

static void check_general(struct reader *r)
{
	struct config_general *g = &r->config->general;
	struct config_loc *loc = r->config->loc;

	if (g->unix_path[0] == '\0' && r->diag->errors == 0)
		diag_warning(r->diag, 0,
			"UNIX: expected a Path for the control socket, found none: the daemon "
			"cannot be controlled");
	if (g->netlink_buffer_bytes > g->netlink_buffer_max_bytes) {
		diag_warning(r->diag, loc[CONFIG_SET_NETLINK_BUFFER_SIZE].line,
			"NetlinkBufferSize: expected at most NetlinkBufferSizeMaxGrowth, which "
			"is %u, found %u: the system's default is used",
			g->netlink_buffer_max_bytes, g->netlink_buffer_bytes);
		g->netlink_buffer_bytes = 0;
	}
	if (loc[CONFIG_SET_SCHEDULER_PRIORITY].line > 0 &&
		loc[CONFIG_SET_SCHEDULER_TYPE].line == 0) {
		diag_warning(r->diag, loc[CONFIG_SET_SCHEDULER_PRIORITY].line,
			"Priority: expected a Type in section Scheduler too, found none: ignored");
		g->scheduler_priority = CONFIG_DEFAULT_SCHED_PRIORITY;
	}
	if (g->group[0] != '\0' && g->user[0] == '\0')
		diag_warning(r->diag, loc[CONFIG_SET_GROUP].line,
			"Group: expected a User too, found none: the user is not changed");
}

static void check_filter(struct reader *r)
{
	const struct flow_filter *f = &r->config->general.filter;
	const struct config_loc *loc = r->config->loc;
	uint32_t protocols = 0;

	for (unsigned i = 0; i < 8; i++)
		protocols |= f->protocols[i];
	if (f->protocol_policy == FLOW_FILTER_ACCEPT && protocols == 0)
		diag_warning(r->diag, loc[CONFIG_SET_FILTER_PROTOCOL].line,
			"Protocol: expected a protocol to accept, found none: nothing passes");
	if (f->address_policy == FLOW_FILTER_ACCEPT && f->nets_count == 0)
		diag_warning(r->diag, loc[CONFIG_SET_FILTER_ADDRESS].line,
			"Address: expected a network to accept, found none: nothing passes");
	if (f->state_policy == FLOW_FILTER_ACCEPT && f->tcp_states == 0)
		diag_warning(r->diag, loc[CONFIG_SET_FILTER_STATE].line,
			"State: expected a state to accept, found none: no TCP passes");
}

void check_config(struct reader *r)
{
	check_general(r);
	check_sections(r);
	check_links(r);
	check_filter(r);
}
