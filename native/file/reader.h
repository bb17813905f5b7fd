/* What a poll thread needs of a reader, beyond kg_ipc.h. */
#ifndef KG_READER_H
#define KG_READER_H

#include "../include/kg_ipc.h"

/* The head now, to compare with what was read. Any thread. */
uint64_t kg__reader_head(const kg_reader *reader);

/* The head up to which everything was read. The reading thread. */
uint64_t kg__reader_seen(const kg_reader *reader);

/* Sleeps until head may differ from `seen`. Any thread. */
void kg__reader_sleep(kg_reader *reader, uint64_t seen, uint64_t timeout_ns);

/* Opens the wake file of the writer for listening. Returns a descriptor that
 * becomes readable when the writer signals, or -1 where there is no wake file.
 * The reader's close closes it. */
intptr_t kg__reader_open_listener(kg_reader *reader);

/* Whether that still is the writer's wake file. Any thread. */
bool kg__reader_can_listen(const kg_reader *reader);

/* Asks the writer to signal its wake file at the next event; false when head is
 * no longer `seen`, and nothing will come. Any thread. */
bool kg__reader_request_wake(kg_reader *reader, uint64_t seen);

/* Empties the descriptor, so that it is readable only when the writer signals
 * again. */
void kg__reader_drain_listener(kg_reader *reader);

/* kg_reader_check in one number, so that threads can exchange it in one word:
 * enum kg_writer_life, plus so many times the positive number of its error. Any
 * thread. */
#define KG_STATE_ERROR 256
uint32_t kg__reader_state(kg_reader *reader);

/* Whether the writer has left this ring for another one. Cheap.
 * Any thread. */
bool kg__reader_is_retired(const kg_reader *reader);

/* Whether the lock of a reliable reader is in a file that lost its name; the
 * next read takes another. Any thread. */
bool kg__reader_is_displaced(const kg_reader *reader);

/* Wakes all that sleep on this ring, this process among them. Any thread. */
void kg__reader_interrupt(kg_reader *reader);

/* Publish times of events below this sequence say nothing about latency:
 * they are of another boot. */
uint64_t kg__reader_timed_from(const kg_reader *reader);

/* As kg__writer_is_placed. */
bool kg__reader_is_placed(const kg_reader *reader);

#endif
