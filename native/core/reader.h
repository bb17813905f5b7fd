/* What a poll thread needs of a reader, beyond kg_ipc.h. */
#ifndef KG_READER_H
#define KG_READER_H

#include "kg_ipc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The head now, to compare with what was read. Any thread. */
uint64_t kg__reader_head(const kg_reader *reader);

/* The head up to which everything was read. The reading thread. */
uint64_t kg__reader_seen(const kg_reader *reader);

/* Sleeps until head may differ from `seen`. Any thread. */
void kg__reader_sleep(kg_reader *reader, uint64_t seen, uint64_t timeout_ns);

/* Wakes whoever sleeps on this ring, ourselves among them. Any thread. */
void kg__reader_interrupt(kg_reader *reader);

/* Publish times of events below this sequence say nothing about latency:
 * they are of another boot. */
uint64_t kg__reader_timed_from(const kg_reader *reader);

#ifdef __cplusplus
}
#endif

#endif
