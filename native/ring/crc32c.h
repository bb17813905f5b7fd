/* CRC32C (Castagnoli), as iSCSI and ext4 use it: reflected polynomial
 * 0x82F63B78, initial and final value all ones. */
#ifndef KG_CRC32C_H
#define KG_CRC32C_H

#include <stddef.h>
#include <stdint.h>

#include "../base/atomic.h"

/* The checksum of `length` bytes. */
uint32_t kg__crc32c(const void *bytes, size_t length);

/* The same in three steps: begin with KG__CRC32C_BEGIN, add 8-byte words,
 * and finish with KG__CRC32C_END(crc). */
#define KG__CRC32C_BEGIN UINT32_C(0xFFFFFFFF)
#define KG__CRC32C_END(crc) ((crc) ^ UINT32_C(0xFFFFFFFF))
uint32_t kg__crc32c_words(uint32_t crc, const kg__word *words, size_t count);

/* The checksum of a slot's words, of which the last two hold the checksum
 * itself: of those, only the bits of these masks count. All of it in one call,
 * since each event that is sent and each that is received pays for it. */
#define KG__SLOT_WORDS 48
uint32_t kg__crc32c_slot(const kg__word *words, uint64_t last_but_one_mask,
                         uint64_t last_mask);

/* Without the CPU's instruction, for tests that compare the two. */
uint32_t kg__crc32c_words_portable(uint32_t crc, const kg__word *words,
                                   size_t count);

#endif
