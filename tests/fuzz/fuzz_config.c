/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "parser/config.h"
#include "parser/diag.h"

/* Whatever is read is either refused with a reason or prints and parses to the same settings. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char out[1 << 16];
	static struct config config, again;
	static struct diag diag;
	struct text t = text_of(out, sizeof(out));

	if (config_parse(&config, "fuzz", (const char *)data, size, &diag) != 0) {
		CHECK(diag.errors > 0);
		diag_print(&diag, &t);
		CHECK(t.len < sizeof(out));
		return 0;
	}
	CHECK(diag.errors == 0);
	config_print(&config, &t);
	CHECK(t.len < sizeof(out));
	CHECK(config_parse(&again, "fuzz", out, t.len, &diag) == 0);
	CHECK(config_equal(&config, &again));
	return 0;
}
