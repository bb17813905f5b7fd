/* kindly-guard-ipc for C: write threats to a ring, read them from one.
 *
 * * Needs neither Node nor libuv. `make -C native` or `cmake -S native` makes
 * the library; native/README.md says how a program finds it. The bytes of the
 * file are in kg_layout.h.
 *
 * * Functions return 0 or a count, or a negative enum kg_error (kg_error.h),
 * and then fill `failure`, which may be NULL; kg_writer_error and
 * kg_reader_error tell the same of those that have none, but for
 * kg_reader_check, which is for any thread. No other pointer may
 * be NULL, except where something says so: KG_E_INVALID_ARGUMENT, and what
 * returns no error does nothing. Nothing passed in is kept behind the call. A
 * kg_writer or kg_reader belongs to one thread at a time, except where a
 * function or an option says otherwise; a library that was built with KG_DEBUG
 * looks, see kg_writer_adopt. In a forked child, what returns errors
 * gives KG_E_FORKED for those of the parent; closing them frees the child's
 * memory and nothing else. */
#ifndef KG_IPC_H
#define KG_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kg_error.h"
#include "kg_layout.h"
#include "kg_version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- Threats ------------------------------------------------------------ */

enum kg_threat_type {
  KG_THREAT_UNKNOWN = 0,
  KG_THREAT_UNICODE_INVISIBLE = 1,
  KG_THREAT_UNICODE_BIDI = 2,
  KG_THREAT_UNICODE_HOMOGLYPH = 3,
  KG_THREAT_INJECTION_ATTEMPT = 4,
  KG_THREAT_PATH_TRAVERSAL = 5,
  KG_THREAT_SUSPICIOUS_PATTERN = 6,
  KG_THREAT_RATE_LIMIT_VIOLATION = 7
};

enum kg_severity {
  KG_SEVERITY_LOW = 1,
  KG_SEVERITY_MEDIUM = 2,
  KG_SEVERITY_HIGH = 3,
  KG_SEVERITY_CRITICAL = 4
};

/* UTF-8 with its length in bytes; may hold NUL, needs none at its end. Length
 * 0: `bytes` may be NULL. Nothing checks it unless `checks` of the options says
 * so: bytes that are no UTF-8 are carried as they are, and JavaScript gets
 * U+FFFD in their place. */
typedef struct kg_text {
  const char *bytes;
  size_t length;
} kg_text;

typedef struct kg_threat {
  uint64_t timestamp_us; /* microseconds since 1970; 0 when writing: now */
  uint32_t threat_type;  /* enum kg_threat_type; other values are carried */
  uint8_t severity;      /* enum kg_severity; other values are carried */
  bool blocked;
  kg_text source;
  kg_text details;
  kg_text id;      /* length 0: none of its own */
  kg_text context; /* JSON; length 0: none */

  /* Writing: the continuation (kg_layout.h) of these texts, raw deflate (RFC
   * 1951), to be stored in the place of the plain one; length 0: none. See
   * kg_continuation_deflate. */
  kg_text deflated;

  /* Set by reading, ignored by writing. */
  uint64_t sequence;
  uint64_t publish_ns; /* the writer's monotonic clock */
  bool cut; /* texts are cut and id and context missing: the continuation was
               not inflated, or was too large to be taken or kept apart */
  uint8_t missing; /* enum kg_text_bit: the texts of which something may be
                      missing; also behind KG_E_RING_CORRUPT; 0: it is whole */
} kg_threat;

/* The lead slot does not tell whether a text in it was cut, nor whether there
 * was an id or a context. A source of less than 61 bytes is never cut, nor are
 * details of less than 253: so much of a longer one stands there. */
enum kg_text_bit {
  KG_TEXT_SOURCE = 1,
  KG_TEXT_DETAILS = 2,
  KG_TEXT_ID = 4,
  KG_TEXT_CONTEXT = 8
};

/* The id of a threat: its own, or the one that it has for JavaScript and other
 * readers when it has none, `<generation>-<sequence>`, which is made in `made`,
 * of KG_ID_BYTES, and ends with a NUL there. `generation` is the ring's, of
 * kg_reader_info or, for a threat whose `sequence` is what kg_writer_write
 * returned, kg_writer_info. */
#define KG_ID_BYTES 40
KG_API int kg_threat_id(const kg_threat *threat, uint64_t generation,
                        char *made, kg_text *id);

/* --- Checking texts ----------------------------------------------------- */

/* Whether all of `text` is UTF-8, by the Unicode standard: no surrogates,
 * nothing longer than it need be. KG_E_INVALID_THREAT: it is not, and the first
 * byte that is wrong has the offset that `wrong_at` (may be NULL) gets. */
KG_API int kg_utf8_check(const char *text, size_t length, size_t *wrong_at);

/* The same for JSON (RFC 8259), which is UTF-8: one value, in no more than
 * KG_JSON_DEPTH lists and objects. What passes, JSON.parse takes. */
#define KG_JSON_DEPTH 1024
KG_API int kg_json_check(const char *text, size_t length, size_t *wrong_at);

/* --- Continuations: the texts that a lead slot does not hold ------------- */

/* No event has a longer one. */
#define KG_MAX_CONTINUATION_BYTES \
  ((size_t)(KG_MAX_SPAN - 1) * (size_t)KG_EVENT_BYTES)

/* What the texts of an event may have together when no other number is agreed
 * on: maxEventBytes in JavaScript. */
#define KG_DEFAULT_EVENT_BYTES (UINT32_C(1) << 20)

/* The most bytes of the continuation of so many bytes of text. */
#define KG_CONTINUATION_BYTES(text_bytes) \
  ((size_t)(text_bytes) + (size_t)4 * KG_FIELD_HEADER_BYTES)

/* A shorter continuation takes longer to deflate than that saves. */
#define KG_DEFLATE_FROM 16384

/* Whether this library was built with zlib; otherwise nothing is deflated and
 * nothing inflated: KG_E_NO_ZLIB. */
KG_API bool kg_has_zlib(void);

/* Puts the continuation of a threat into `bytes`, as it stands in a ring, if it
 * has no more than `room` (0: `bytes` may be NULL). Returns how many it has, 0:
 * all texts fit into the lead slot. Writing needs no such call. It is for who
 * deflates by other means than zlib, or keeps threats elsewhere. */
KG_API int64_t kg_continuation_encode(const kg_threat *threat, void *bytes,
                                      size_t room);

/* Sets the texts of `threat` whose fields stand in a continuation that is not
 * deflated, and leaves the others; they point into `bytes`. KG_E_RING_CORRUPT
 * when that is not a run of fields: those before the wrong one are set. */
KG_API int kg_continuation_decode(const void *bytes, size_t length,
                                  kg_threat *threat);

/* Deflates the continuation of a threat, for its `deflated`. Returns the bytes
 * of that. 0: it has less than KG_DEFLATE_FROM, would take no slot less, or
 * does not fit into `room`, and is to be written as it is. As much `room` as
 * kg_continuation_encode returns always does. KG_E_NO_ZLIB, KG_E_NO_MEMORY,
 * KG_E_EVENT_TOO_LARGE. A reader in JavaScript takes KG_DEFAULT_EVENT_BYTES of
 * text unless it was told otherwise. */
KG_API int64_t kg_continuation_deflate(const kg_threat *threat, void *bytes,
                                       size_t room);

/* --- Where the ring is -------------------------------------------------- */

#define KG_DEFAULT_EVENTS 1000
#define KG_DEFAULT_PRIORITY_EVENTS 256
#define KG_PRIORITY_NONE UINT32_MAX

/* A number of priority events that cannot be told. */
#define KG_PRIORITY_UNKNOWN UINT64_MAX

/* A program that was compiled with an older header has a shorter one. */
typedef struct kg_ring_options {
  uint32_t struct_size; /* sizeof(kg_ring_options); 0: up to `any_thread` */
  const char *dir;      /* NULL: this system's default; made absolute */
  const char *name;     /* NULL: "kindly-guard"; letters, digits, ". _ -" */
  uint32_t max_events;  /* writer: at least so many slots; 0: those of the
                           ring that is there, KG_DEFAULT_EVENTS for a
                           new one */
  uint64_t max_bytes;   /* writer: the file may not be larger; 0: no limit */
  bool no_checksums;    /* writer */

  /* writer: events of this severity or a higher one are priority events, of
   * which the last ones are kept apart from the ring's others, so that a flood
   * of those does not hide them; 0: KG_SEVERITY_CRITICAL, KG_PRIORITY_NONE:
   * no events are */
  uint32_t priority_severity;
  uint32_t priority_events; /* writer: how many are kept, at least, and up to
                               KG_MAX_PRIORITY_EVENTS; 0: as many as in the ring
                               that is there, KG_DEFAULT_PRIORITY_EVENTS in a
                               new one; KG_PRIORITY_NONE: none */
  /* writer: the stream that this ring goes on from, when that was published by
   * other means; 0: none. A ring that is there is then continued only if it has
   * all of that stream, and replaced otherwise. A sequence above
   * KG_SEQUENCE_MAX: it is not known how far that stream went. It had
   * `predecessor_priority` priority events, mod 2^32, or KG_PRIORITY_UNKNOWN.
   */
  uint64_t predecessor_generation;
  uint64_t predecessor_sequence;
  uint64_t predecessor_priority;

  /* writer: refuse to overwrite what a reliable reader has not taken, with
   * KG_E_RING_FULL, instead of overwriting it */
  bool rejects;
  uint32_t reader_timeout_ms; /* writer: how long a reliable reader may be in
                                 the way, without taking a whole ring, before
                                 it is evicted; 0: 5000 */
  bool reliable;              /* reader: see kg_reader_open */
  bool any_thread; /* writer: any thread may call its functions at any time,
                      but for closing it; waiting for space then looks each
                      millisecond. There is one batch for all of them: what one
                      stages, another's kg_writer_write, or its error, drops,
                      and its commit publishes */

  /* writer: enum kg_checks, of the texts of each threat; one that does not pass
   * is refused with KG_E_INVALID_THREAT, and kg_writer_error names the field */
  uint64_t checks;

  uint32_t huge_pages; /* both ends: enum kg_huge_pages */
  uint32_t numa_node;  /* writer: KG_NUMA_NODE(n), the pages of the ring are
                          to be on that node, as long as it has any;
                          KG_NUMA_INTERLEAVE: on all in turn; 0: the system
                          chooses. KG_E_NUMA_NODE where the machine has one
                          node or not that one. Linux */
  /* What is added begins at the next multiple of 8. */
} kg_ring_options;

/* Where `dir` is on a hugetlbfs there are no other pages: KG_HUGE_OFF is
 * KG_E_INVALID_OPTION there. Elsewhere huge pages are transparent ones, which
 * the file system must allow (a tmpfs that is mounted with huge=advise). */
enum kg_huge_pages {
  KG_HUGE_AUTO = 0, /* advised for rings of 8 MiB and more */
  /* KG_E_HUGE_PAGES unless the kernel says that the whole ring is in such
   * pages. A writer makes the ring anew, in whole huge pages: 6 MiB at least
   * where they have 2 MiB. */
  KG_HUGE_REQUIRE = 1,
  KG_HUGE_OFF = 2
};

#define KG_NUMA_NODE(number) ((uint32_t)(number) + 1)
#define KG_NUMA_INTERLEAVE UINT32_MAX

/* Nodes that kg_memory tells of. */
#define KG_MEMORY_NODES 64

/* Where the pages of a ring are, by what the kernel says of the mapping of this
 * handle: of those pages that this process has touched so far. In bytes. */
typedef struct kg_memory {
  uint64_t page_bytes; /* of a page in this file system */
  uint64_t resident;   /* what was touched */
  uint64_t huge;       /* what of that is mapped by huge pages */
  uint32_t nodes;      /* how many of `node` are filled; 0: no NUMA here */
  uint64_t node[KG_MEMORY_NODES];
} kg_memory;

enum kg_checks {
  KG_CHECK_UTF8 = 1, /* source, details, id and context are UTF-8 */
  KG_CHECK_JSON = 2  /* a context is JSON, see kg_json_check */
};

/* What a ring is, as its header said when it was opened. */
typedef struct kg_ring_info {
  uint64_t generation;
  uint64_t predecessor_generation;
  uint64_t predecessor_sequence;
  uint64_t predecessor_priority; /* mod 2^32, or KG_PRIORITY_UNKNOWN */
  uint64_t file_bytes;
  uint32_t capacity;        /* slots */
  uint32_t priority_events; /* slots of the lane */
  bool checksums;
  char path[1024];
} kg_ring_info;

/* --- Writing ------------------------------------------------------------ */

typedef struct kg_writer kg_writer;

typedef struct kg_writer_stats {
  uint64_t published;   /* events by this writer */
  uint32_t priority;    /* priority events of the ring so far, mod 2^32 */
  uint64_t bytes;       /* of slots, by this writer */
  uint64_t bells;       /* times that sleepers were woken */
  uint64_t sequence;    /* the last one in the ring */
  uint64_t replaced;    /* rings it had to make anew since it was opened */
  uint64_t overwritten; /* events of the ring that it no longer holds */
  uint64_t rejected;    /* events refused with KG_E_RING_FULL */
  uint32_t wanted;      /* slots that the last refusal asked for; 0: none */
  uint64_t evicted;     /* reliable readers that were in the way for too long */
  int refuses;          /* KG_OK, or why nothing can be written at present */
} kg_writer_stats;

/* A reliable reader as its cell says, which is its own word. */
typedef struct kg_attached_reader {
  uint32_t cell;
  uint64_t cursor; /* the position up to which it has taken everything */
  uint64_t lag;    /* slots between that and the newest */
  bool evicted;
  bool alive; /* the kernel's word */
} kg_attached_reader;

/* Opens the ring for writing: takes its locks, then continues the ring that
 * is there or, when none is or it does not validate or has another geometry,
 * puts a new one in its place. KG_E_RING_LOCKED names the holder in
 * `failure`. Free the writer with kg_writer_close. */
KG_API int kg_writer_open(const kg_ring_options *options, kg_writer **writer,
                          kg_failure *failure);

/* The slots that a threat takes, 1 or more, for kg_writer_wait_for_space; more
 * than a ring allows is possible. */
KG_API int64_t kg_threat_span(const kg_threat *threat);

/* Publishes one threat and wakes the readers that sleep. Returns its sequence
 * (1 or more) or an error, which leaves the ring as it was. Never waits. After
 * KG_E_RING_TRUNCATED, kg_writer_beat makes another ring to write it to. A
 * batch that is staged is dropped: commit it before. */
KG_API int64_t kg_writer_write(kg_writer *writer, const kg_threat *threat);

/* Adds a threat to the batch that kg_writer_commit publishes. Nothing is seen
 * of it before that. KG_E_BATCH_TOO_LARGE or any other error drops the whole
 * batch. */
KG_API int kg_writer_stage(kg_writer *writer, const kg_threat *threat);

/* Publishes the batch at once, with one wake-up. Returns the sequence of its
 * last event; with an empty batch, the last one in the ring. Any error, such
 * as KG_E_RING_FULL, drops the whole batch: stage it again. */
KG_API int64_t kg_writer_commit(kg_writer *writer);

/* Waits until `slots` more (1 to a quarter of the ring; kg_threat_span) can be
 * written, `timeout_ms` at the most: KG_E_RING_FULL then. */
KG_API int kg_writer_wait_for_space(kg_writer *writer, uint32_t slots,
                                    uint32_t timeout_ms);

/* Ends that wait, or else the next one, within 50 ms: KG_E_RING_FULL unless
 * there is space. Any thread. Of several threads that wait it ends one. */
KG_API void kg_writer_interrupt(kg_writer *writer);

/* For an event loop that shall not wait: a descriptor that poll() finds
 * readable when readers have made space behind a KG_E_RING_FULL; then call this
 * again, which empties it, and write. It stays the writer's. Look every 50 ms
 * all the same: readers that die signal nothing. KG_E_SYSTEM where there is
 * none. */
KG_API int kg_writer_space_fd(kg_writer *writer);

/* Fills `readers` with the reliable readers, `most` at the most (there are
 * KG_READER_CELLS at the most); returns how many. */
KG_API uint32_t kg_writer_readers(const kg_writer *writer,
                                  kg_attached_reader *readers, uint32_t most);

/* The writer belongs to the calling thread from now on, as it did to the one
 * that opened it. Which of them does is looked at in a library that was built
 * with KG_DEBUG, and not for writers with `any_thread`: what returns errors
 * gives KG_E_WRONG_THREAD to other threads, and what does not does nothing, or
 * gives zeros. In others this does nothing. Closing is for any thread, when no
 * other one uses the handle any more. */
KG_API void kg_writer_adopt(kg_writer *writer);

/* Drops the batch. */
KG_API void kg_writer_discard(kg_writer *writer);

/* Says "alive", and looks whether the ring still is the file in the
 * directory: when it is not, a new ring takes its place if the locks can be
 * had again (an error otherwise, until they can, and writing fails with it).
 * A batch that is staged is left in peace. To be called about twice a
 * second. */
KG_API int kg_writer_beat(kg_writer *writer, kg_failure *failure);

/* Says that the events of this generation up to `sequence` are published by
 * other means, because the ring cannot be written. It will not have them, so it
 * is retired: the next kg_writer_beat puts a new ring in its place, which names
 * `sequence` as the last one before it, and so does the next writer, which
 * cannot know that number. To be called before such an event is seen.
 * `priority` is the number of priority events up to it, mod 2^32, or
 * KG_PRIORITY_UNKNOWN. */
KG_API void kg_writer_skip_to(kg_writer *writer, uint64_t sequence,
                              uint64_t priority);

/* What the last call that failed had to say, whichever that was; an error of
 * KG_OK when none has. */
KG_API void kg_writer_error(const kg_writer *writer, kg_failure *failure);

KG_API void kg_writer_stats_get(const kg_writer *writer,
                                kg_writer_stats *stats);
KG_API void kg_writer_info(const kg_writer *writer, kg_ring_info *info);

/* Asks the kernel, which looks through all of the process' memory for it: some
 * milliseconds. KG_E_SYSTEM where it tells nothing (macOS, Windows). */
KG_API int kg_writer_memory(const kg_writer *writer, kg_memory *memory,
                            kg_failure *failure);

/* Releases the locks. The ring stays for late readers. NULL is allowed. */
KG_API void kg_writer_close(kg_writer *writer);

/* The lock of a ring without the ring: for a Shield that publishes by other
 * means and must be the only one all the same. */
typedef struct kg_lock kg_lock;

/* Takes the lock. KG_E_RING_LOCKED when a writer has it or the ring; free it
 * with kg_lock_free. */
KG_API int kg_lock_take(const kg_ring_options *options, kg_lock **lock,
                        kg_failure *failure);

/* NULL is allowed. */
KG_API void kg_lock_free(kg_lock *lock);

/* --- Reading ------------------------------------------------------------ */

typedef struct kg_reader kg_reader;

enum kg_from { KG_FROM_LATEST, KG_FROM_OLDEST, KG_FROM_SEQUENCE };

enum kg_loss_reason {
  KG_LOSS_NONE,
  KG_LOSS_OVERWRITTEN, /* the reader was slower than a whole ring */
  KG_LOSS_CORRUPT,     /* slots did not validate */
  KG_LOSS_BEFORE_JOIN, /* gone before `from: oldest`; outside the account */
  KG_LOSS_EVICTED,     /* overwritten after this reliable reader was evicted */
  KG_LOSS_REPLACED     /* by kg_reader_reopen: of the ring before this one */
};

/* A number of lost events that cannot be told. */
#define KG_LOST_UNKNOWN UINT64_MAX

/* What one read brought: first a loss, if there was one, then events. */
typedef struct kg_batch {
  uint32_t loss_reason; /* enum kg_loss_reason */
  uint64_t lost;        /* events, sequences lost_from to lost_to */
  uint64_t lost_from;
  uint64_t lost_to;
  uint64_t lost_priority; /* priority events of those, or
                             KG_PRIORITY_UNKNOWN */
  uint32_t slots;         /* filled in the caller's buffer */
  uint32_t events;        /* in them */
  uint32_t slots_needed;  /* not 0: the next event wants a buffer of so many */
  bool more;              /* call again, something is left */
} kg_batch;

typedef struct kg_reader_stats {
  uint64_t received;  /* events */
  uint64_t lost;      /* events; received + lost = published since joining. Of
                         a stream that turns out to be forged, nothing counts */
  uint64_t rescued;   /* of those received: they were no more in the ring, and
                         came from what is kept apart */
  uint64_t corrupt;   /* times that something in the ring did not validate */
  uint64_t bytes;     /* of slots */
  uint64_t sequence;  /* the last one received or lost; 0: none */
  uint64_t expected;  /* the next one it wants; 0: whatever comes */
  uint64_t priority;  /* priority events before that one, mod 2^32, or
                         KG_PRIORITY_UNKNOWN; see kg_reader_seek_after */
  uint64_t published; /* the last one in the ring */
  uint64_t writer_start_us; /* wall clock: since when the last writer has it */
  bool reliable;            /* the writer waits for this reader */
} kg_reader_stats;

enum kg_writer_life {
  KG_WRITER_LIVE,    /* holds its lock */
  KG_WRITER_STALLED, /* holds its lock, gave no sign for three seconds */
  KG_WRITER_GONE     /* its lock is free */
};

/* Opens the ring for reading. Creates nothing and takes no lock of the
 * writer's. Free the reader with kg_reader_close. It stands at KG_FROM_LATEST.
 *
 * A reliable reader has a cell with its cursor, and a writer that rejects does
 * not overwrite what it has not read: KG_E_TOO_MANY_READERS when all cells are
 * taken. One that is evicted is told what it missed, and is reliable again.
 * With a writer that overwrites it is a reader like others; when one that
 * rejects goes on with the ring, it is reliable from its next read on. */
KG_API int kg_reader_open(const kg_ring_options *options, kg_reader **reader,
                          kg_failure *failure);

/* Moves to where reading begins: behind the newest event, at the oldest that
 * still stands, or at `sequence` (1 or more; what of it is gone is told as
 * lost, what is not there yet is waited for). */
KG_API int kg_reader_seek(kg_reader *reader, enum kg_from from,
                          uint64_t sequence);

/* Moves behind `sequence` (0 or more), where this reader or another one of this
 * generation had come to: its stats said `expected`, the next one, and
 * `priority`. With that number, or KG_PRIORITY_UNKNOWN, a loss there tells how
 * many of its events had priority. */
KG_API int kg_reader_seek_after(kg_reader *reader, uint64_t sequence,
                                uint64_t priority);

/* Where a reader has come to, to go on there another time: what a program
 * keeps that is started again. */
typedef struct kg_position {
  uint64_t generation; /* of the ring; never 0 */
  uint64_t next;       /* the sequence that comes next */
  uint64_t priority;   /* priority events before that, mod 2^32, or
                          KG_PRIORITY_UNKNOWN */
} kg_position;

/* Behind everything that was read. */
KG_API int kg_reader_position(kg_reader *reader, kg_position *position);

/* Goes on from there, as `after` does in JavaScript. When this ring is another
 * one than the position's, it begins at its first event, and `lost` tells what
 * of the other ring nobody will read any more, as that of kg_reader_reopen
 * does; otherwise it is empty, and reading tells what was lost. Only a position
 * that can be none is KG_E_POSITION_INVALID. */
KG_API int kg_reader_seek_position(kg_reader *reader,
                                   const kg_position *position, kg_batch *lost);

/* Copies validated events, whole ones in order, into `buffer` of `slots`
 * slots (8-byte aligned). Never waits. KG_E_RING_TRUNCATED when the file was
 * cut short: the ring is over, open the one that takes its place. An event that
 * takes more slots than that stays where it is and sets `slots_needed` (65,535
 * at the most). */
KG_API int kg_reader_read(kg_reader *reader, void *buffer, uint32_t slots,
                          kg_batch *batch);

/* Decodes the event that starts `*offset` slots into a buffer that
 * kg_reader_read filled, and moves `*offset` behind it. A continuation is put
 * together in `scratch`, which must outlive the texts, as the buffer must, and
 * hold KG_EVENT_BYTES for each of the event's slots (as many bytes as the
 * buffer has always do); KG_E_RING_CORRUPT when the continuation is not a run
 * of fields: `*offset` is behind it then as well, the event is `cut`, and texts
 * that were not found whole are those of the lead slot. A deflated continuation
 * gives the cut text of the lead slot. */
KG_API int kg_event_decode(const void *buffer, uint32_t *offset, void *scratch,
                           kg_threat *threat);

/* The same, and inflates a continuation that is deflated into `inflated`, which
 * must outlive the texts and hold KG_CONTINUATION_BYTES(max_event_bytes). Only
 * one that is deflated needs it. No more than that is ever inflated, whatever
 * the ring holds. These leave what the lead slot has, `cut`, and `*offset` is
 * behind the event all the same:
 * KG_E_EVENT_TOO_LARGE: the texts have more than `max_event_bytes`, inflated or
 * not, and some of them are not in the lead slot; KG_E_RING_CORRUPT: it does
 * not inflate; KG_E_NO_ZLIB; KG_E_NO_MEMORY, which zlib needs some 40 KiB of.
 */
KG_API int kg_event_decode_whole(const void *buffer, uint32_t *offset,
                                 void *scratch, void *inflated,
                                 uint32_t max_event_bytes, kg_threat *threat);

/* Sleeps until something may be there to read, `timeout_ms` at the most. May
 * return early. Where many readers would all be woken for each event of a
 * burst, it lets some gather: then one may be late by a third of a
 * millisecond. Not in a ring of less than 15,500 slots, which could be written
 * around meanwhile, and hardly ever on Windows. */
KG_API void kg_reader_wait(kg_reader *reader, uint32_t timeout_ms);

/* Ends that sleep, or else the next one, at once. Any thread. */
KG_API void kg_reader_interrupt(kg_reader *reader);

/* For an event loop: a descriptor that poll() finds readable when something may
 * be there to read, once kg_reader_arm has said 1. It stays the reader's.
 * Another writer may mean another one: ask behind each kg_reader_arm.
 * KG_E_SYSTEM where there is none, on Windows and where the system has no more
 * of them; then a thread calls kg_reader_wait. On macOS it is a kqueue, and so
 * is that of kg_writer_space_fd: poll() and other kqueues wait for it. */
KG_API int kg_reader_fd(kg_reader *reader);

/* Before the loop waits: empties that descriptor and asks the writer for a
 * signal. 1: wait; 0: there is something to read, now. Wait for a second at the
 * most, and see what kg_reader_check says: a writer that ends signals nothing.
 */
KG_API int kg_reader_arm(kg_reader *reader);

/* Spins until something is there to read, for `micros` at the most; true when
 * there is. For a thread that has a CPU to itself and is to wait for nothing:
 * kg_reader_spin, kg_reader_read, and again. In a flood it lets a few events
 * gather, for a few microseconds at the most, and both ends are faster. */
KG_API bool kg_reader_spin(kg_reader *reader, uint32_t micros);

/* Whether the ring is still the one in the directory: KG_OK,
 * KG_E_RING_TRUNCATED, or KG_E_NO_RING when it was removed, replaced or retired
 * (drain it, then open anew). `life` is set in any case, with
 * KG_E_RING_TRUNCATED to KG_WRITER_GONE, even while the lock is held. Any
 * thread. */
KG_API int kg_reader_check(kg_reader *reader, enum kg_writer_life *life);

/* As kg_writer_adopt. */
KG_API void kg_reader_adopt(kg_reader *reader);

/* As kg_writer_error. */
KG_API void kg_reader_error(const kg_reader *reader, kg_failure *failure);

/* Once kg_reader_check says KG_E_NO_RING or KG_E_RING_TRUNCATED, and everything
 * was read: goes over to the ring that has the place now, from its first event
 * on. 1: it did, and the stats go on from those before; `lost` tells what of
 * the old ring nobody will read any more, KG_LOSS_REPLACED, and has no events.
 * When the new ring does not know the old one, that is KG_LOST_UNKNOWN, which
 * the stats leave out. 0: there is none yet, or something is left to read; call
 * it again. Of the reader kg_reader_fd may be another one then.
 * Meanwhile no other thread may be in a function of this reader, but for
 * kg_reader_interrupt. */
KG_API int kg_reader_reopen(kg_reader *reader, kg_batch *lost,
                            kg_failure *failure);

KG_API void kg_reader_stats_get(const kg_reader *reader,
                                kg_reader_stats *stats);
KG_API void kg_reader_info(const kg_reader *reader, kg_ring_info *info);

/* As kg_writer_memory. */
KG_API int kg_reader_memory(const kg_reader *reader, kg_memory *memory,
                            kg_failure *failure);

/* NULL is allowed. */
KG_API void kg_reader_close(kg_reader *reader);

/* --- This system -------------------------------------------------------- */

/* The directory that a writer without `dir` would use now; it is made when
 * missing, and a file in it tells whether its file system can lock and map.
 * `path` holds 512 bytes. */
KG_API int kg_default_directory(char *path, kg_failure *failure);

/* KG_VERSION of the library that runs, which may be another than that of the
 * header. Static storage. */
KG_API const char *kg_version(void);

/* How checksums are computed here: "sse4.2", "armv8-crc" or "portable". */
KG_API const char *kg_checksum_method(void);

#ifdef __cplusplus
}
#endif

#endif
