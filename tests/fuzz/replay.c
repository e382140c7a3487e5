/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Gives every file of a corpus to a fuzz target, for builds without libFuzzer: what once crashed,
 * or covers something, is run with every check. Each input lives in a heap block of its exact
 * size, so that the address sanitizer sees a read one byte past it.
 *
 * usage: replay_X DIR    prints "N passed, N failed"; a crash is a crash
 */
#ifndef REPLAY_PREFIX_MAX
#define REPLAY_PREFIX_MAX 4096
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	struct stat st;
	uint8_t *data;
	FILE *f = fopen(path, "rb");
	int ok;

	if (!f || fstat(fileno(f), &st)) {
		perror(path);
		return -1;
	}
	data = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
	ok = data && fread(data, 1, (size_t)st.st_size, f) == (size_t)st.st_size;
	fclose(f);
	if (ok) {
		/* The whole, and each prefix of a small one: cheap, and finds what fuzzers find. */
		size_t from = st.st_size <= REPLAY_PREFIX_MAX ? 0 : (size_t)st.st_size;

		for (size_t len = from; len <= (size_t)st.st_size; len++) {
			uint8_t *exact = malloc(len ? len : 1);

			if (!exact)
				break;
			memcpy(exact, data, len);
			LLVMFuzzerTestOneInput(exact, len);
			free(exact);
		}
	}
	free(data);
	return ok ? 0 : -1;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	struct dirent *entry;
	DIR *dir;

	if (argc != 2 || !(dir = opendir(argv[1]))) {
		fprintf(stderr, "usage: %s DIR (a corpus)\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir))) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (run_file(path))
			failed++;
		else
			passed++;
	}
	closedir(dir);
	printf("%s: %u passed, %u failed\n", argv[1], passed, failed);
	return failed || !passed;
}
