/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_PARSER_PROTOCOL_H
#define CTSYNC_PARSER_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Layer 4 protocols by name. The common ones are known by themselves, so that a system without
 * /etc/protocols reads the same configuration; others are looked up there.
 */

/* A name, in any case for the common ones, or a number. False if unknown. */
bool protocol_find(const char *name, size_t len, uint8_t *l4);

/* The name of a common protocol, else NULL. */
const char *protocol_name(uint8_t l4);

#endif
