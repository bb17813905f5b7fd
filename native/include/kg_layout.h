/* The bytes of a ring file, version 3. This file states them and holds no
 * function: a program in any language that writes or reads a ring needs nothing
 * else. All numbers are little-endian.
 *
 *   0        +--------------------------------------------------+
 *            | header   writer: read-write   reader: read-only  |
 *            |   0    identity: written once, never changed     |
 *            |   128  writer: state, pid, start, boot, files    |
 *            |   256  heartbeat                                 |
 *            |   384  claim                                     |
 *            |   512  head, last sequence                       |
 *            |   640  the lane's claim                          |
 *            |   768  the lane's head                           |
 *            +--------------------------------------------------+
 *            | doorbell   writer and reader: read-write         |
 *            |   0    waiters                                   |
 *            |   128  whether the writer waits for space        |
 *            |   256  cells of reliable readers, 128 of 128     |
 *            +--------------------------------------------------+
 *            | slots    writer: read-write   reader: read-only  |
 *            |   capacity slots of 384 bytes, a power of two    |
 *            +--------------------------------------------------+
 *            | lane     writer: read-write   reader: read-only  |
 *            |   none, or a power of two of 384-byte slots      |
 *            +--------------------------------------------------+
 *
 * Regions stand in this order and begin at multiples of 64 KiB, because no
 * supported system maps or protects anything coarser, unless huge pages are
 * asked for: then the doorbell, the slots and the end are at multiples of
 * those. The header says where each of them is. Every field that changes while
 * events flow is alone on its 128 bytes (two cache lines, since lines are
 * fetched in pairs), except for head and the sequence that belongs to it, which
 * are always wanted together.
 *
 * Position p of the endless stream of slots lives in slot p mod capacity. An
 * event takes 1 + n consecutive positions (its span): a lead slot, then n
 * continuation slots when its text does not fit.
 *
 * The lane is a second, small ring with positions of its own. It has copies of
 * the priority events, those that their writer counted as severe: so they
 * outlast a flood of others. One that takes more than a quarter of the lane
 * stands there as a lead slot alone.
 *
 *   lead slot                            continuation slot
 *   0    position            u64         0    position            u64
 *   8    sequence            u64         8    sequence            u64
 *   16   publish time        u64         16   publish time        u64
 *   24   span                u16         24   span                u16
 *   26   place (0)           u16         26   place (1, 2, ...)   u16
 *   28   source used         u16         28   0                   u16
 *   30   details used        u16         30   0                   u16
 *   32   flags               u32         32   flags               u32
 *   36   continuation bytes  u32         36   continuation bytes  u32
 *   40   ThreatEvent         340         40   its bytes           340
 *   380  priority events     u32         380  checksum            u32
 *        so far, this one
 *        included, mod 2^32
 *
 *   ThreatEvent, packed
 *   0    timestamp_us        u64         microseconds since 1970
 *   8    threat_type         u32
 *   12   severity            u8
 *   13   blocked             u8          0 or 1
 *   14   source              64          UTF-8, cut at a character's border
 *   78   details             256         UTF-8, cut at a character's border
 *   334  checksum            u32
 *   338  0                   u8 x 2
 *
 * A checksum is CRC32C over the 384 bytes of its slot, with its own four
 * bytes taken as zero. It is computed only when the header says so.
 *
 * The bytes of the continuation slots, joined, are a run of fields, each `tag
 * u8, 0 u8 x 3, length u32` and then that many bytes, without padding. Text
 * that does not fit its array stands there whole. Unknown tags are passed over.
 */
#ifndef KG_LAYOUT_H
#define KG_LAYOUT_H

#ifdef __cplusplus
#define KG_IS_OLD_LANGUAGE (__cplusplus < 201103L)
#elif defined(__STDC_VERSION__)
#define KG_IS_OLD_LANGUAGE (__STDC_VERSION__ < 201112L)
#else
#define KG_IS_OLD_LANGUAGE 1
#endif
#if KG_IS_OLD_LANGUAGE
#error "kg_layout.h needs C11 or C++11: unions without a name, static_assert"
#endif
#undef KG_IS_OLD_LANGUAGE

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define KG_MAGIC UINT32_C(0x4B474D53)
#define KG_LAYOUT_VERSION UINT32_C(3)
#define KG_BYTE_ORDER UINT32_C(0x01020304)

/* Where a writer puts the regions of a new ring. One that is there says itself
 * where they are. */
#define KG_REGION_ALIGNMENT UINT32_C(65536)
#define KG_DOORBELL_OFFSET UINT32_C(65536)
#define KG_SLOTS_OFFSET UINT32_C(131072)

#define KG_DOORBELL_BYTES UINT32_C(65536)
#define KG_MAX_FILE_BYTES (UINT64_C(1) << 33)

#define KG_SLOT_BYTES 384
#define KG_EVENT_BYTES 340
#define KG_SOURCE_BYTES 64
#define KG_DETAILS_BYTES 256
#define KG_FIELD_HEADER_BYTES 8

#define KG_MIN_CAPACITY UINT32_C(16)
#define KG_MAX_CAPACITY (UINT32_C(1) << 22)
#define KG_MIN_PRIORITY_EVENTS UINT32_C(2)
#define KG_MAX_PRIORITY_EVENTS (UINT32_C(1) << 16)

/* No event and no batch takes more than this part of the slots, and no event
 * more of the lane or than one slot of it, so the slot before head survives any
 * crash and a successor can continue from it. */
#define KG_BATCH_DIVISOR 4
#define KG_MAX_SPAN UINT32_C(65535)

/* Sequences are JavaScript Numbers: the last one that is exact. */
#define KG_SEQUENCE_MAX ((UINT64_C(1) << 53) - 1)

/* No stream gets that far in the life of a machine: a head or claim beyond is
 * garbage. */
#define KG_POSITION_MAX (UINT64_C(1) << 62)

/* Header flags. */
#define KG_RING_CHECKSUMS UINT32_C(1)
#define KG_RING_PREDECESSOR_COUNTED UINT32_C(2) /* by predecessor_priority */

/* Header states. */
#define KG_STATE_LIVE UINT32_C(1)
#define KG_STATE_RETIRED UINT32_C(2)

/* Who waits, in the doorbell. */
#define KG_WAITS_ON_HEAD UINT32_C(1)        /* sleeps on `waiters` itself */
#define KG_WAITS_FOR_WAKE_FILE UINT32_C(2)  /* watches <name>.wake */
#define KG_WAITS_ON_SPACE UINT32_C(1)       /* the writer: sleeps on `space` */
#define KG_WAITS_FOR_SPACE_FILE UINT32_C(2) /* watches <name>.space */

/* What stands in `waiters` beside those two bits: how often a writer has taken
 * them, times this. So no two takes leave the same word behind. */
#define KG_WAITS_TURN UINT32_C(4)

/* What happens when a reliable reader has not taken what would have to be
 * overwritten. */
#define KG_OVERFLOW_OVERWRITES UINT32_C(0)
#define KG_OVERFLOW_REJECTS UINT32_C(1)

/* Reliable readers. Each holds the lock on the byte of <name>.readers that has
 * the number of its cell; without that lock a cell is free, whatever it says.
 * What stands in cells is a reader's word, and can be anything. */
#define KG_READER_CELLS 128
#define KG_CELL_FREE UINT32_C(0)
#define KG_CELL_ATTACHED UINT32_C(1)
#define KG_CELL_EVICTED UINT32_C(2) /* by the writer, who waits no longer */

/* Slot flags. */
#define KG_EVENT_DEFLATED UINT32_C(1)
#define KG_EVENT_PRIORITY UINT32_C(2) /* its writer counted it as one */
#define KG_EVENT_CUT UINT32_C(4)      /* lane: without its continuation */

/* Tags of the fields in a continuation. */
#define KG_FIELD_SOURCE 1
#define KG_FIELD_DETAILS 2
#define KG_FIELD_ID 3
#define KG_FIELD_CONTEXT 4 /* JSON text */

typedef struct kg_ring_identity {
  uint32_t magic;
  uint32_t version;
  uint32_t byte_order;
  uint32_t checksum; /* CRC32C of these 128 bytes, itself taken as zero */
  uint32_t slot_bytes;
  uint32_t event_bytes;
  uint32_t capacity; /* slots, a power of two */
  uint32_t flags;
  uint64_t file_bytes;
  uint64_t doorbell_offset;
  uint64_t slots_offset;
  uint64_t generation;             /* random, one per created file */
  uint64_t predecessor_generation; /* 0 when there was none */
  uint64_t predecessor_sequence;   /* the last one it published */
  uint64_t created_us;             /* wall clock, for people */
  uint64_t lane_offset;            /* 0: no lane */
  uint32_t priority_events;        /* slots of the lane, a power of two; 0 */
  uint32_t predecessor_priority;   /* its priority events, mod 2^32 */
  uint8_t reserved[24];
} kg_ring_identity;

typedef struct kg_ring_header {
  kg_ring_identity identity;

  /* Who writes. For people, never for decisions: the kernel's lock is the
   * only witness of the writer's life. */
  uint32_t state;
  uint32_t writer_pid;
  uint64_t writer_start_us; /* wall clock */
  uint64_t boot_id;         /* the boot that publish times belong to */
  uint64_t boot_sequence;   /* the first event published in that boot */
  uint64_t wake_file_id;    /* of <name>.wake; 0: none */
  uint64_t space_file_id;   /* of <name>.space, which wakes the writer; 0 */
  uint32_t overflow;        /* KG_OVERFLOW_... */
  uint8_t reserved_writer[76];

  uint64_t heartbeat_ns; /* boot clock */
  uint8_t reserved_heartbeat[120];

  uint64_t claim; /* slots below this position may be half-written */
  uint8_t reserved_claim[120];

  uint64_t head;          /* slots below this position are published */
  uint64_t last_sequence; /* of the event that ends at head; 0: none yet */
  uint8_t reserved_head[112];

  uint64_t lane_claim; /* the same of the lane, in its positions */
  uint8_t reserved_lane_claim[120];

  uint64_t lane_head;
  uint8_t reserved_lane_head[120];
} kg_ring_header;

typedef struct kg_reader_cell {
  uint64_t cursor; /* the position up to which everything was taken */
  uint32_t state;  /* KG_CELL_... */
  uint8_t reserved[116];
} kg_reader_cell;

typedef struct kg_ring_doorbell {
  uint32_t waiters; /* KG_WAITS_...: readers sleep, or are about to; the turn */
  uint8_t reserved[124];

  uint32_t space_waiters; /* KG_WAITS_...: the writer waits for space */
  uint32_t space;         /* raised when readers made some */
  uint8_t reserved_space[120];

  kg_reader_cell cells[KG_READER_CELLS];
} kg_ring_doorbell;

#pragma pack(push, 1)
typedef struct kg_threat_event {
  uint64_t timestamp_us;
  uint32_t threat_type;
  uint8_t severity;
  uint8_t blocked;
  uint8_t source[KG_SOURCE_BYTES];
  uint8_t details[KG_DETAILS_BYTES];
  uint32_t checksum;
  uint8_t reserved[2];
} kg_threat_event;
#pragma pack(pop)

typedef struct kg_slot {
  uint64_t position;
  uint64_t sequence;
  uint64_t publish_ns; /* monotonic clock */
  uint16_t span;
  uint16_t place;
  uint16_t source_used;
  uint16_t details_used;
  uint32_t flags;
  uint32_t tail_bytes;
  union {
    kg_threat_event event;
    uint8_t tail[KG_EVENT_BYTES];
  } body;
  union {
    uint32_t priority_count; /* of a lead: priority events, this one included */
    uint32_t tail_checksum;  /* of a continuation */
  };
} kg_slot;

#define KG_ASSERT_OFFSET(type, field, offset) \
  static_assert(offsetof(type, field) == (offset), #type "." #field)

static_assert(sizeof(kg_ring_identity) == 128, "kg_ring_identity");
KG_ASSERT_OFFSET(kg_ring_identity, magic, 0);
KG_ASSERT_OFFSET(kg_ring_identity, version, 4);
KG_ASSERT_OFFSET(kg_ring_identity, byte_order, 8);
KG_ASSERT_OFFSET(kg_ring_identity, checksum, 12);
KG_ASSERT_OFFSET(kg_ring_identity, slot_bytes, 16);
KG_ASSERT_OFFSET(kg_ring_identity, event_bytes, 20);
KG_ASSERT_OFFSET(kg_ring_identity, capacity, 24);
KG_ASSERT_OFFSET(kg_ring_identity, flags, 28);
KG_ASSERT_OFFSET(kg_ring_identity, file_bytes, 32);
KG_ASSERT_OFFSET(kg_ring_identity, doorbell_offset, 40);
KG_ASSERT_OFFSET(kg_ring_identity, slots_offset, 48);
KG_ASSERT_OFFSET(kg_ring_identity, generation, 56);
KG_ASSERT_OFFSET(kg_ring_identity, predecessor_generation, 64);
KG_ASSERT_OFFSET(kg_ring_identity, predecessor_sequence, 72);
KG_ASSERT_OFFSET(kg_ring_identity, created_us, 80);
KG_ASSERT_OFFSET(kg_ring_identity, lane_offset, 88);
KG_ASSERT_OFFSET(kg_ring_identity, priority_events, 96);
KG_ASSERT_OFFSET(kg_ring_identity, predecessor_priority, 100);
KG_ASSERT_OFFSET(kg_ring_identity, reserved, 104);

static_assert(sizeof(kg_ring_header) == 896, "kg_ring_header");
KG_ASSERT_OFFSET(kg_ring_header, state, 128);
KG_ASSERT_OFFSET(kg_ring_header, writer_pid, 132);
KG_ASSERT_OFFSET(kg_ring_header, writer_start_us, 136);
KG_ASSERT_OFFSET(kg_ring_header, boot_id, 144);
KG_ASSERT_OFFSET(kg_ring_header, boot_sequence, 152);
KG_ASSERT_OFFSET(kg_ring_header, wake_file_id, 160);
KG_ASSERT_OFFSET(kg_ring_header, space_file_id, 168);
KG_ASSERT_OFFSET(kg_ring_header, overflow, 176);
KG_ASSERT_OFFSET(kg_ring_header, heartbeat_ns, 256);
KG_ASSERT_OFFSET(kg_ring_header, claim, 384);
KG_ASSERT_OFFSET(kg_ring_header, head, 512);
KG_ASSERT_OFFSET(kg_ring_header, last_sequence, 520);
KG_ASSERT_OFFSET(kg_ring_header, lane_claim, 640);
KG_ASSERT_OFFSET(kg_ring_header, lane_head, 768);

static_assert(sizeof(kg_reader_cell) == 128, "kg_reader_cell");
KG_ASSERT_OFFSET(kg_reader_cell, cursor, 0);
KG_ASSERT_OFFSET(kg_reader_cell, state, 8);

static_assert(sizeof(kg_ring_doorbell) == 256 + KG_READER_CELLS * 128,
              "kg_ring_doorbell");
static_assert(sizeof(kg_ring_doorbell) <= KG_DOORBELL_BYTES,
              "the doorbell's region");
KG_ASSERT_OFFSET(kg_ring_doorbell, waiters, 0);
KG_ASSERT_OFFSET(kg_ring_doorbell, space_waiters, 128);
KG_ASSERT_OFFSET(kg_ring_doorbell, space, 132);
KG_ASSERT_OFFSET(kg_ring_doorbell, cells, 256);

static_assert(sizeof(kg_threat_event) == KG_EVENT_BYTES, "kg_threat_event");
KG_ASSERT_OFFSET(kg_threat_event, timestamp_us, 0);
KG_ASSERT_OFFSET(kg_threat_event, threat_type, 8);
KG_ASSERT_OFFSET(kg_threat_event, severity, 12);
KG_ASSERT_OFFSET(kg_threat_event, blocked, 13);
KG_ASSERT_OFFSET(kg_threat_event, source, 14);
KG_ASSERT_OFFSET(kg_threat_event, details, 78);
KG_ASSERT_OFFSET(kg_threat_event, checksum, 334);
KG_ASSERT_OFFSET(kg_threat_event, reserved, 338);

static_assert(sizeof(kg_slot) == KG_SLOT_BYTES, "kg_slot");
KG_ASSERT_OFFSET(kg_slot, position, 0);
KG_ASSERT_OFFSET(kg_slot, sequence, 8);
KG_ASSERT_OFFSET(kg_slot, publish_ns, 16);
KG_ASSERT_OFFSET(kg_slot, span, 24);
KG_ASSERT_OFFSET(kg_slot, place, 26);
KG_ASSERT_OFFSET(kg_slot, source_used, 28);
KG_ASSERT_OFFSET(kg_slot, details_used, 30);
KG_ASSERT_OFFSET(kg_slot, flags, 32);
KG_ASSERT_OFFSET(kg_slot, tail_bytes, 36);
KG_ASSERT_OFFSET(kg_slot, body, 40);
KG_ASSERT_OFFSET(kg_slot, priority_count, 380);
KG_ASSERT_OFFSET(kg_slot, tail_checksum, 380);

#endif
