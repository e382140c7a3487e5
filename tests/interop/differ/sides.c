/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two libraries, and what stands between them and the process: functions of the C library that
 * they call and that this program defines first, so that exit() and a failed assertion become
 * something that can be compared.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/interop/differ/differ.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

struct api api_of[SIDES];
int errno_of[SIDES];
bool may_leak[SIDES] = {[THEIRS] = true};
static jmp_buf *way_out;

bool side_enter(enum side s)
{
	if (s >= SIDES)
		return false;
#ifdef SANITIZED
	if (may_leak[s])
		__lsan_disable();
#endif
	errno = 0;
	return true;
}

enum side side_leave(enum side s)
{
	errno_of[s] = errno;
#ifdef SANITIZED
	if (may_leak[s])
		__lsan_enable();
#endif
	return (enum side)(s + 1);
}

#ifdef SANITIZED
static const struct differ *running;

static void tell_episode(void)
{
	fprintf(stderr, "nfct_differ: in episode %llu at %s\n",
		(unsigned long long)running->episode, running->step);
}
#endif

void side_on_death(const struct differ *d)
{
#ifdef SANITIZED
	running = d;
	__sanitizer_set_death_callback(tell_episode);
#else
	(void)d;
#endif
}

bool side_survives(enum side s, void (*call)(enum side, void *), void *arg)
{
	jmp_buf env;

	if (setjmp(env) != 0) {
		way_out = NULL;
		return false;
	}
	way_out = &env;
	call(s, arg);
	way_out = NULL;
	return true;
}

/* What the libraries call instead of the C library's. */

void exit(int status);
void __assert_fail(const char *what, const char *file, unsigned line, const char *function)
	__attribute__((noreturn));
int __fprintf_chk(FILE *f, int flag, const char *format, ...);

void exit(int status)
{
	void (*real)(int) = (void (*)(int))dlsym(RTLD_NEXT, "exit");

	if (way_out)
		longjmp(*way_out, 1);
	if (real)
		real(status);
	_exit(status);
}

void __assert_fail(const char *what, const char *file, unsigned line, const char *function)
{
	if (way_out)
		longjmp(*way_out, 1);
	fprintf(stderr, "%s:%u: %s: %s\n", file, line, function, what);
	_exit(134);
}

int __fprintf_chk(FILE *f, int flag, const char *format, ...)
{
	va_list ap;
	int n;

	(void)flag;
	if (way_out && f == stderr)
		return 0;
	va_start(ap, format);
	n = vfprintf(f, format, ap);
	va_end(ap);
	return n;
}
