/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_BASE_HASH_H
#define CTSYNC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { HASH_KEY_BYTES = 16 };

/*
 * SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF"), 64 bits. Keyed, because
 * whoever sends packets through a firewall chooses what is hashed: without the key nobody can
 * make tuples that collide.
 */
uint64_t hash_sip13(const uint8_t key[HASH_KEY_BYTES], const void *data, size_t len);

#endif
