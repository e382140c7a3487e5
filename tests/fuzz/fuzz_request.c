/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "daemon/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A control request: any bytes give a request or a reason, and the reason is printable. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[REQUEST_ERROR_BYTES];
	struct request request;
	int err = request_parse((const char *)data, size, &request, error);

	if (err) {
		CHECK(error[0] != '\0');
		for (size_t i = 0; i < strlen(error); i++)
			CHECK(error[i] >= ' ' && error[i] < 127);
	} else {
		CHECK(request.verb < REQUEST_VERBS);
		CHECK(request_verb_name(request.verb));
	}
	return 0;
}
