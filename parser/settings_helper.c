/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/check.h"
#include "parser/settings.h"

/* The helpers that conntrackd comes with. */
static const char *const helpers[] = {
	"amanda",
	"dhcpv6",
	"ftp",
	"mdns",
	"rpc",
	"sane",
	"slp",
	"ssdp",
	"tftp",
	"tns",
};

/* Type NAME inet|inet6 tcp|udp: judged, though the section is not served yet. */
bool settings_helper_type(struct reader *r, const struct directive *d, const struct statement *st)
{
	const struct token *words = st->words;
	bool known = false;

	if (st->words_count < 3) {
		settings_expected(r, d, &(struct token){"{", 1, st->name.line});
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++)
		known = known || token_is(&words[0], helpers[i]);
	if (!known)
		diag_error(r->diag, words[0].line,
			"Type: expected a known helper, found " TOKEN_FMT, TOKEN_ARGS(words[0]));
	if (!token_is(&words[1], "inet") && !token_is(&words[1], "inet6"))
		diag_error(r->diag, words[1].line, "Type: expected inet or inet6, found " TOKEN_FMT,
			TOKEN_ARGS(words[1]));
	if (!token_is(&words[2], "tcp") && !token_is(&words[2], "udp"))
		diag_error(r->diag, words[2].line, "Type: expected tcp or udp, found " TOKEN_FMT,
			TOKEN_ARGS(words[2]));
	return true;
}

bool settings_helper_policy(struct reader *r, const struct directive *d, const struct statement *st)
{
	if (st->words_count == 1) {
		r->policy_used = false;
		return true;
	}
	settings_expected(r, d, &(struct token){"{", 1, st->name.line});
	return false;
}

void settings_helper_policy_end(struct reader *r)
{
	if (!r->policy_used)
		diag_error(r->diag, r->stack[r->stack_used - 1].line,
			"Policy: expected ExpectMax or ExpectTimeout, found an empty section");
}
