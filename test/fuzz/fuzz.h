/* What the fuzz targets share: the input as small numbers, rings in memory,
 * changes to a ring that carry right checksums where they are to pass for a
 * writer's work, and the account that a reader's batches are held against. A
 * check that fails ends the process, which is how the engine knows a finding.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "../c/fixture.h"

/* --- What a target is ----------------------------------------------------- */

/* Called once, in front of the first input. */
void fuzz_begin(void);

/* --- The input ------------------------------------------------------------ */

/* Numbers from its first byte on; behind its end, all of them are 0. */
typedef struct fuzz_input {
  const uint8_t *at;
  size_t left;
} fuzz_input;

/* Called with each input. */
void fuzz_one(fuzz_input *in);

uint8_t fuzz_u8(fuzz_input *in);
uint64_t fuzz_u64(fuzz_input *in);

/* From 0 to `limit` - 1; `limit` is 256 at the most. */
uint32_t fuzz_below(fuzz_input *in, uint32_t limit);

/* A number for a field whose right value is `value`: near it by FUZZ_NEAR at
 * the most, or at some limit, or anything at all. */
#define FUZZ_NEAR 80
uint64_t fuzz_near(fuzz_input *in, uint64_t value);

/* --- Rings in memory ------------------------------------------------------ */

typedef struct fuzz_ring {
  unsigned char *base;
  size_t length;
  kg__ring ring;
} fuzz_ring;

/* An empty ring of FUZZ_CAPACITY slots and a lane, in memory that is used
 * again. */
#define FUZZ_CAPACITY 16
#define FUZZ_LANE 8
void fuzz_ring_make(fuzz_ring *memory, bool checksums);

/* --- Changes -------------------------------------------------------------- */

enum fuzz_damage {
  FUZZ_DAMAGE, /* the checksums, or other fields, tell that it is wrong */
  FUZZ_FORGERY /* may pass for what a writer wrote */
};

/* Makes one change to a ring whose writer stands at `head` and `sequence`:
 * to its head, claim, last sequence, slots, doorbell or what else a writer
 * stores. Returns what it amounts to. */
enum fuzz_damage fuzz_change(fuzz_input *in, const kg__ring *ring,
                             uint64_t head, uint64_t sequence);

/* Puts an event of `span` slots where `position` is, sealed, with the bytes of
 * its continuation and of its lead slot from the input. */
void fuzz_forge_event(fuzz_input *in, const kg__ring *ring, uint64_t position,
                      uint64_t sequence, uint32_t span);

/* --- Accounts ------------------------------------------------------------- */

typedef struct fuzz_account {
  uint64_t next; /* the sequence that must come next; 0: whatever comes */
  uint64_t last; /* the last event that came */
  uint64_t received;
  uint64_t lost;
  bool has_lane;  /* something of the last batch came from the lane */
  bool is_honest; /* every event holds what follows from its sequence */
} fuzz_account;

/* Enters what a read brought into a buffer of `room` slots, and checks it: a
 * loss is a range that fills its gap, events are whole, in order, without a
 * gap, and stand so in the ring, unless `ring_is_gone`. */
void fuzz_account_batch(fuzz_account *account, const kg__ring *ring,
                        bool ring_is_gone, const void *buffer, uint32_t room,
                        const kg_batch *batch);

#endif
