/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "daemon/names.h"
#include "daemon/report.h"
#include "io/log.h"

void report_outcome(struct text *t, const struct engine_event *e)
{
	text_u64(t, e->written);
	text_puts(t, e->command == ENGINE_PURGE ? " removed, " : " written, ");
	text_u64(t, e->refused);
	text_puts(t, " refused");
	for (unsigned i = 0; i < ENGINE_ERRNOS_MAX && e->errnos[i].count; i++) {
		text_puts(t, i ? ", " : " (");
		text_puts(t, name_errno(e->errnos[i].err));
		text_putc(t, ' ');
		text_u64(t, e->errnos[i].count);
	}
	if (e->errnos[0].count)
		text_putc(t, ')');
	text_puts(t, ", ");
	text_u64(t, e->skipped);
	text_puts(t, " skipped in ");
	text_i64(t, e->took_ns / NS_PER_MS);
	text_putc(t, '.');
	text_i64(t, e->took_ns % NS_PER_MS / (100 * NS_PER_US));
	text_puts(t, " ms");
}

static void report_done(const struct engine_event *e)
{
	char buf[256];
	struct text t = text_of(buf, sizeof(buf));

	switch (e->command) {
	case ENGINE_COMMIT:
	case ENGINE_PROMOTE:
	case ENGINE_PURGE:
		report_outcome(&t, e);
		log_write(e->refused ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "%s %s: %s",
			name_command(e->command), name_outcome(e->outcome), buf);
		break;
	case ENGINE_DEMOTE:
	case ENGINE_FAULT:
	case ENGINE_FLUSH:
	case ENGINE_RESYNC_KERNEL:
	case ENGINE_RESYNC_PEERS:
	case ENGINE_BULK:
	case ENGINE_PURGE_LATER:
		log_info("%s %s", name_command(e->command), name_outcome(e->outcome));
		break;
	}
}

void report_event(const struct engine_event *e)
{
	char addr[NAME_ADDR_BYTES];

	name_addr(&e->addr, addr);
	switch (e->kind) {
	case ENGINE_EVENT_DONE:
		report_done(e);
		break;
	case ENGINE_EVENT_ROLE:
		log_notice("this node's role is now %s", name_role(e->role));
		break;
	case ENGINE_EVENT_PEER_NEW:
		log_notice("peer %s appeared", addr);
		break;
	case ENGINE_EVENT_PEER_RESTARTED:
		log_notice("peer %s has restarted; asking it for its table, sending it ours", addr);
		break;
	case ENGINE_EVENT_PEER_LOST:
		log_warning("peer %s is silent", addr);
		break;
	case ENGINE_EVENT_PEER_BACK:
		log_notice("peer %s is heard again", addr);
		break;
	case ENGINE_EVENT_PEER_SYNCED:
		log_notice(
			"peer %s: its table is complete here, %" PRIu64 " flows", addr, e->flows);
		break;
	case ENGINE_EVENT_PEER_REFUSED:
		log_warning("sender %s ignored: %d peers are known already", addr, LIMIT_PEERS);
		break;
	case ENGINE_EVENT_RESYNC_ASKED:
		log_info("peer %s asked for our table; sending %" PRIu64 " flows", addr, e->flows);
		break;
	case ENGINE_EVENT_OVERRUN:
		log_warning("kernel events were lost; reading the kernel's table anew");
		break;
	case ENGINE_EVENT_KERNEL_SYNCED:
		log_notice("the local table equals the kernel's: %" PRIu64 " flows, %" PRIu64
			   " of them silent (born unheard)",
			e->flows, e->silent);
		break;
	case ENGINE_EVENT_TABLE_FULL:
		log_error("a table is full: flows are not replicated; raise HashLimit");
		break;
	case ENGINE_EVENT_PURGED:
		log_notice("standing by: %" PRIu64 " flows removed from the kernel", e->written);
		break;
	case ENGINE_EVENT_LINK: /* links_report() knows their names */
	case ENGINE_EVENT_NO_LINK:
	case ENGINE_EVENTS:
		break;
	}
}

void report_status(struct text *t, const struct engine_status *status, bool has_peers)
{
	char addr[NAME_ADDR_BYTES];

	text_puts(t, has_peers ? name_role(status->role) : "statistics");
	text_puts(t, ", ");
	text_u64(t, status->local_flows);
	text_puts(t, " flows here");
	if (!has_peers)
		return;
	text_puts(t, ", ");
	text_u64(t, status->remote_flows);
	text_puts(t, " held for peers");
	for (unsigned i = 0; i < status->peers_count; i++) {
		text_puts(t, "; peer ");
		text_puts(t, name_addr(&status->peers[i].addr, addr));
		text_putc(t, ' ');
		text_puts(t, name_sync(status->peers[i].sync));
	}
	if (!status->peers_count)
		text_puts(t, "; no peer heard yet");
}
