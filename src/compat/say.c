/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compat/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void say(enum log_level level, const char *fmt, ...)
{
	char message[512], line[640];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	fflush(stdout); /* in the order in which it was said */
	fwrite(line, 1, log_format(line, sizeof(line), time(NULL), getpid(), level, message),
		stderr);
}
