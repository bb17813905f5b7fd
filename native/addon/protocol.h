/* The numbers in which the addon and lib/shm/ speak to each other. JavaScript's
 * (lib/shm/native-constants.js) are made from these by `npm run generate`. */
#ifndef KG_PROTOCOL_H
#define KG_PROTOCOL_H

/* The fields of the array that Reader.read() fills. */
enum kg_read_field {
  KG_READ_LOST,
  KG_READ_LOST_FROM,
  KG_READ_LOST_TO,
  KG_READ_LOST_PRIORITY, /* KG_UNKNOWN */
  KG_READ_LOSS_REASON,   /* enum kg_loss_reason */
  KG_READ_SLOTS_NEEDED,  /* 0, or how many the next event wants */
  KG_READ_MORE,          /* 1: something is left */
  KG_READ_NOW_NS,        /* the monotonic clock behind the read */
  KG_READ_TIMED_FROM,    /* events from this sequence on have a latency */
  KG_READ_FIELDS
};

/* A number of priority events that cannot be told. */
#define KG_UNKNOWN -1

/* What Reader.arm() returns when there is something to read already; otherwise
 * it returns what Reader.state() does, a kg__reader_state. */
#define KG_STATE_UNREAD -1

/* The numbers of each threat that is written or staged, behind one for the
 * sequence that comes back. */
enum kg_stage_column {
  KG_STAGE_TYPE,
  KG_STAGE_FACTS, /* the severity, with KG_STAGE_BLOCKED or without */
  KG_STAGE_TIMESTAMP,
  KG_STAGE_SOURCE, /* units of UTF-16 */
  KG_STAGE_DETAILS,
  KG_STAGE_COLUMNS
};

#define KG_STAGE_BLOCKED 256

/* Threats that one call stages, their texts in one string. */
#define KG_STAGE_MOST 64

#endif
