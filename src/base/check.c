/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/check.h"

static const char *volatile failed_file; /* for whoever reads the core dump */
static const char *volatile failed_what;
static volatile int failed_line;

/* No output here: base knows no file descriptor. The trap gives a core with the reason in it. */
_Noreturn void check_failed(const char *file, int line, const char *what)
{
	failed_file = file;
	failed_what = what;
	failed_line = line;
	__builtin_trap();
}
