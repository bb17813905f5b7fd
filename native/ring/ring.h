/* A ring in memory: where its parts are, how it is made and how it is
 * verified. Works on (base, length), so it needs neither a file nor Node.
 *
 * The protocol, and why a reader never delivers a torn event
 *
 *   writer  W1  claim = p + k                     release
 *           W2  release fence
 *           W3  copy k slots to p .. p + k - 1    relaxed words
 *           W4  last_sequence                     release
 *           W5  head = p + k                      release
 *           W6  seq_cst fence; W7 look at waiters; if set, clear it and wake
 *               those it names
 *
 *   reader  R1  h = head                          acquire
 *           R2  copy slots below h                relaxed words
 *           R3  acquire fence
 *           R4  c = claim                         relaxed, then an acquire
 * fence R5  drop every slot at a position below c - capacity
 *
 * W5 and R1 are partners: a reader that sees h sees all that was stored
 * before W5, so a slot below h is whole unless it was overwritten since. Say
 * the slot at position p was, by the event at p + capacity: then R2 read a
 * word that some later W3 stored. The fences W2 and R3 are partners through
 * that word: what stands before W2 happened before what stands behind R3, so
 * R4 reads a claim of p + capacity + 1 or more and R5 drops the slot. claim
 * never goes back, nor does head, a take-over included: a successor keeps the
 * larger claim and starts at head, or behind the events that its predecessor
 * had copied whole when it died: last_sequence names them (W3 before W4, which
 * is why that is a release; W4 before W5), and a head that does not agree with
 * it was forged.
 *
 * A claim that is more than a batch ahead of h is garbage, or the writer went
 * on since R1: a second look at head tells. W1 and the fence behind R4 are
 * partners: all that the writer stored before it claimed, its last head (W5)
 * included, is seen by what stands behind that fence. So the second head is at
 * most one batch behind an honest claim, and R5 is never left out.
 *
 * last_sequence belongs to head h when claim is h too, read after it: the
 * writer that would have stored a newer one has stored a larger claim first
 * (W1, W2, W4 with R3, R4 as above).
 *
 * Sleeping is Dekker's protocol: the reader stores waiters and then loads
 * head, the writer stores head and then loads waiters, with a seq_cst fence
 * between on both sides (W6, and S2 in ring_reader.c). One of them sees the
 * other's store, so the writer rings for every event that a reader has not
 * seen.
 *
 * It may ring between the look and the sleep, so the sleep is one on the
 * waiters word, and only while that is what the reader's own store (S1) left
 * there. The writer takes the waiters before it rings, and what it leaves was
 * never there before (KG_WAITS_TURN). Head would not do as that word: a writer
 * that is slow between W5 and W7 takes the waiters for an event that the reader
 * has drained since, head is as it was, and nobody would ring for the next
 * event. */
#ifndef KG_RING_H
#define KG_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/atomic.h"
#include "../base/error.h"
#include "../include/kg_layout.h"

/* A ring with its geometry, which was read once, verified and is private
 * from then on: nothing that appears in the file later can move a pointer. */
typedef struct kg__ring {
  kg_ring_header *header;
  kg_ring_doorbell *doorbell;
  kg_slot *slots;
  uint64_t generation;
  uint64_t predecessor_generation;
  uint64_t predecessor_sequence;
  uint64_t file_bytes;
  uint32_t capacity; /* slots, a power of two */
  bool checksums;
} kg__ring;

/* What a new ring is told when it is made. */
typedef struct kg__ring_setup {
  uint32_t capacity;
  bool checksums;
  uint64_t generation;
  uint64_t predecessor_generation;
  uint64_t predecessor_sequence;
  uint64_t created_us;
} kg__ring_setup;

/* The bytes that a ring of `capacity` slots takes, in whole regions. */
uint64_t kg__ring_bytes(uint32_t capacity);

/* Makes a ring in `length` zero bytes at `base` (kg__ring_bytes of them) and
 * attaches to it. */
void kg__ring_format(void *base, const kg__ring_setup *setup, kg__ring *ring);

/* Verifies what stands at `base` and fills `ring`: KG_E_RING_INVALID,
 * KG_E_RING_VERSION or KG_E_RING_TRUNCATED with what is wrong, and nothing
 * is written. */
int kg__ring_attach(void *base, size_t length, kg__ring *ring,
                    kg_failure *failure);

static inline kg_slot *kg__ring_slot(const kg__ring *ring, uint64_t position) {
  return &ring->slots[position & (ring->capacity - 1)];
}

/* The head as it is now. Any thread. */
static inline uint64_t kg__ring_head(const kg__ring *ring) {
  /* R1: partner of W5 in ring_writer.c. */
  return kg__load64_acquire(&ring->header->head);
}

/* The most slots that one batch may take. */
static inline uint32_t kg__ring_batch_slots(const kg__ring *ring) {
  return ring->capacity / KG_BATCH_DIVISOR;
}

/* The most slots that one event may take. */
static inline uint32_t kg__ring_event_slots(const kg__ring *ring) {
  uint32_t slots = kg__ring_batch_slots(ring);
  return slots < KG_MAX_SPAN ? slots : KG_MAX_SPAN;
}

/* The checksum that belongs into a private copy of a slot. */
uint32_t kg__slot_checksum(const kg_slot *slot);

/* The checksum that stands in it. */
uint32_t kg__slot_stored_checksum(const kg_slot *slot);

/* Puts the right one there. */
void kg__slot_seal(kg_slot *slot);

/* Whether a private copy of the slot at `position` holds together by itself:
 * position, sequence, span, place, lengths, checksum. Whether its neighbours
 * belong to it is for the reader. */
bool kg__slot_is_valid(const kg__ring *ring, const kg_slot *slot,
                       uint64_t position);

#endif
