/* A ring in memory: where its parts are, how it is made and how it is
 * verified. Works on (base, length), so it needs neither a file nor Node.
 *
 * The protocol, and why a reader never delivers a torn event
 *
 *   writer  W1  claim = p + k                     release
 *           W2  release fence
 *           W3  store slots p .. p + k - 1        relaxed words, in any order
 *           W4  last_sequence                     release
 *           W5  head = p + k                      release
 *           W6  seq_cst fence; W7 look at waiters; if set, clear it and wake
 *               those it names
 *
 *   reader  R1  h = head                          acquire
 *           R2  copy slots below h                relaxed words
 *           R3  acquire fence
 *           R3 look  g = head                     relaxed
 *           R4  c = claim, acquire fence          relaxed
 *           R5  drop every slot at a position below c - capacity
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
 * A reader that is not far behind need not ask for claim, whose cache line
 * would go back and forth with each event. A writer claims no more than a batch
 * ahead of the head that it stored last (W5), and that store stands before W2,
 * too: so R3 look sees a head of p + capacity + 1 less a batch, or a later one.
 * Where g plus a batch is no more than p + capacity, no slot from p on was
 * overwritten, and R4 is left out.
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
 * The priority lane
 *
 *   writer  between W5 and W6, for each priority event of the batch by itself
 *           L1  lane claim = q + k                relaxed
 *           L2  release fence
 *           L3  copy its k slots to q .. q + k-1  relaxed words
 *           L4  lane head = q + k                 release
 *
 *   reader  R1 to R5 with the lane's head, slots and claim, where the events
 *           between two that it read are no more in the ring
 *
 * Nothing torn comes from the lane for the reason above: L1 to L4 are W1, W2,
 * W3 and W5.
 *
 * Nothing is missing from it that the lane has not overwritten. Events are
 * counted as overwritten for a claim of a later batch (R4), or for a head of a
 * later one (R1). What tells of either was stored behind L4 of theirs, by a
 * release: W1, with the fence behind R4, or W5. So the lane's head, which is
 * loaded after that, has them. Only where the slot of an event of the newest
 * batch is damaged may the lane be behind; the event is lost then, and passed
 * over when it comes.
 *
 * Nothing is in it that was not published. L1 stands behind W5: copied before,
 * an event of a writer that dies between would be in the lane under a sequence
 * that its successor gives to another one. What such a death leaves out of the
 * lane is of the last batch, or one that the successor publishes for the dead
 * writer (above): it copies that, before its first claim (W1), from the slots,
 * which no one overwrites before. The slot before the lane's head survives any
 * crash because no more than a quarter of the lane is claimed at once, and one
 * slot of two at the least.
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
#include "../include/kg_ipc.h"

/* A ring with its geometry, which was read once, verified and is private
 * from then on: nothing that appears in the file later can move a pointer. */
typedef struct kg__ring {
  kg_ring_header *header;
  kg_ring_doorbell *doorbell;
  kg_slot *slots;
  kg_slot *lane;
  uint64_t generation;
  uint64_t predecessor_generation;
  uint64_t predecessor_sequence;
  uint64_t predecessor_priority; /* KG_PRIORITY_UNKNOWN */
  uint64_t file_bytes;
  uint32_t capacity;        /* slots, a power of two */
  uint32_t priority_events; /* slots of the lane, a power of two; 0: none */
  bool checksums;
  bool is_wide; /* kg__cpu_is_wide, and the checksum is that of the CPU */
} kg__ring;

/* What a new ring is told when it is made. */
typedef struct kg__ring_setup {
  /* What the doorbell, the slots and the end are multiples of, a power of two;
   * 0: KG_REGION_ALIGNMENT, which is the least. */
  uint64_t region_bytes;
  uint64_t max_bytes; /* the file may not be larger; 0: no limit */
  uint32_t capacity;
  uint32_t priority_events;
  bool checksums;
  uint64_t generation;
  uint64_t predecessor_generation;
  uint64_t predecessor_sequence;
  uint64_t predecessor_priority; /* KG_PRIORITY_UNKNOWN */
  uint64_t created_us;
} kg__ring_setup;

/* The bytes that a ring of `capacity` slots takes, with a lane of so many, in
 * whole regions. */
uint64_t kg__ring_bytes(uint32_t capacity, uint32_t priority_events);

/* The same of a ring that is made by `setup`. */
uint64_t kg__setup_bytes(const kg__ring_setup *setup);

/* Makes a ring in zero bytes at `base` (kg__setup_bytes of them) and attaches
 * to it. */
void kg__ring_format(void *base, const kg__ring_setup *setup, kg__ring *ring);

/* Verifies the header at `base` of what has `length` bytes, and copies what
 * says where everything is: KG_E_RING_INVALID, KG_E_RING_VERSION or
 * KG_E_RING_TRUNCATED with what is wrong. */
int kg__ring_verify(const void *base, uint64_t length,
                    kg_ring_identity *identity, kg_failure *failure);

/* Fills `ring`, whose file begins at `base`, from a verified copy. */
void kg__ring_attach(void *base, const kg_ring_identity *identity,
                     kg__ring *ring);

static inline kg_slot *kg__ring_slot(const kg__ring *ring, uint64_t position) {
  return &ring->slots[position & (ring->capacity - 1)];
}

static inline kg_slot *kg__lane_slot(const kg__ring *ring, uint64_t position) {
  return &ring->lane[position & (ring->priority_events - 1)];
}

/* Copies a slot from private to shared memory or back, as kg__copy_shared
 * does. */
static inline void kg__ring_copy(const kg__ring *ring, kg_slot *to,
                                 const kg_slot *from) {
  static_assert(sizeof *to == KG__SIX_LINES_BYTES, "a slot's lines");
  if (ring->is_wide) {
    kg__copy_six_lines_wide(to, from);
  } else {
    kg__copy_six_lines(to, from);
  }
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

/* The most slots that one event may take of the lane. */
static inline uint32_t kg__lane_event_slots(const kg__ring *ring) {
  uint32_t slots = ring->priority_events / KG_BATCH_DIVISOR;
  return slots > 1 ? slots : 1;
}

/* The priority events before the one of this lead slot. */
static inline uint32_t kg__priority_before(const kg_slot *lead) {
  return lead->priority_count -
         ((lead->flags & KG_EVENT_PRIORITY) != 0 ? 1 : 0);
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

/* What stands at the start of `slots`, private copies of the `count` slots from
 * `position` on, of which those below `head` are published: the span of a whole
 * and valid event, 0 for none, or a negative span when its rest was not
 * copied. */
int32_t kg__ring_examine(const kg__ring *ring, const kg_slot *slots,
                         uint32_t count, uint64_t position, uint64_t head);

#endif
