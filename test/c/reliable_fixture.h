/* A writer that rejects, and reliable readers. */
#ifndef RELIABLE_FIXTURE_H
#define RELIABLE_FIXTURE_H

#include "file_fixture.h"

#define CAPACITY 16

/* How long a reader may be in the way: longer than any test, and shorter. */
#define LONG_MS 600000
#define SHORT_MS 40

#define READERS_FILE "kindly-guard.readers"

kg_writer *open_rejecting(const char *dir, uint32_t capacity,
                          uint32_t timeout_ms);
kg_reader *open_reliable(const char *dir);
bool is_reliable(const kg_reader *reader);
kg_writer_stats stats_of(const kg_writer *writer);

/* Writes threats of one slot until that is refused; returns how many. */
uint32_t fill(kg_writer *writer);

int64_t write_one(kg_writer *writer);

void pause_ms(long ms);

/* Tries until a write is taken; returns how often it was refused. */
int insist(kg_writer *writer);

/* Reads events up to `most`, one slot at a time, into the account. */
uint32_t take(kg_reader *reader, account *account, uint32_t most);

/* Reads everything that is there. */
void drain_all(kg_reader *reader, account *account);

#endif
