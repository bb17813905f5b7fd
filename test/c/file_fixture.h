/* Rings in files, for tests that need no more than one line for each step. */
#ifndef FILE_FIXTURE_H
#define FILE_FIXTURE_H

#include "../../native/platform/platform.h"
#include "fixture.h"

/* Opens a writer or reader that must open. */
kg_writer *open_writer(const char *dir, uint32_t max_events);
kg_reader *open_reader(const char *dir);

/* Opens one that must fail with `error`, and gives the failure. */
kg_failure refuse_writer(const char *dir, int error);
kg_failure refuse_reader(const char *dir, int error);

/* Writes `count` threats whose content and span follow from their sequence;
 * returns the last sequence. */
uint64_t write_events(kg_writer *writer, uint32_t count);

/* Writes `count` threats of one slot that say nothing. */
void write_alike(kg_writer *writer, int count, uint8_t severity);

/* The writer's ring loses its name, and the writer makes another one. */
void renew_ring(kg_writer *writer, const char *dir);

kg_reader_stats stats_from(const kg_reader *reader);

/* Reads once into the account; true when there is more. */
bool read_file_once(kg_reader *reader, account *account);

/* Reads everything that is there into the account. With a writer that is
 * faster there is no end to that. */
void drain_file(kg_reader *reader, account *account);

uint64_t sequence_of(const kg_writer *writer);
kg_ring_info writer_info(const kg_writer *writer);
kg_ring_info reader_info(const kg_reader *reader);

/* Checks that the ring in `dir` holds nothing but exact events from `first`
 * on, as far as it goes back, and returns the last sequence. */
uint64_t check_ring_from(const char *dir, uint64_t first);

/* Whole files. */
void put_file(const char *path, const void *bytes, size_t length);
size_t get_file(const char *path, void *bytes, size_t room);

/* Whether what has a ring's name in `dir` is a file, or leads to one. */
bool has_ring(const char *dir);

/* The files in `dir` that were made as rings, and did not get a ring's name. On
 * Windows those that have it keep their own as well, and are not counted; one
 * that was replaced is, as long as somebody has it open. */
int count_unnamed(const char *dir);

/* The file that has the bytes of the ring in `dir`: that of its name, or one
 * which that names. In static storage, until the next call. */
const char *ring_file(const char *dir);

/* Writes to and reads from the bytes of that ring, whoever has it open. */
void poke_ring(const char *dir, size_t offset, const void *bytes,
               size_t length);
void peek_ring(const char *dir, size_t offset, void *bytes, size_t length);

/* Maps that ring once more, to do to its doorbell what anybody may. */
kg_ring_doorbell *map_doorbell(const char *path);
void unmap_doorbell(kg_ring_doorbell *doorbell);

/* Puts a file of zeros in the place of that ring, as another writer would a
 * ring, and gives it; see kg__file_close. */
kg__file replace_ring_file(const char *path);

bool has_file(const char *dir, const char *name);
void remove_file(const char *dir, const char *name);

/* Removes a file that somebody has open. Where no system lets that happen, it
 * must be refused, and what comes of it does not come. */
void remove_opened(const char *dir, const char *name);

/* Gives a file in `dir` the name of another one, which goes. */
void rename_file(const char *dir, const char *from, const char *to);

void make_dir(const char *path);
void remove_dir(const char *path);

#if SYSTEM_HAS_MODES
/* Ends in a child when this process is root, as a user who is not: there
 * permissions mean something. Returns true in the process that goes on as a
 * plain user, which then ends with leave_plain_user(). */
bool become_plain_user(void);
void leave_plain_user(void);
#endif

#define RING_FILE "kindly-guard.shm"
#define LOCK_FILE "kindly-guard.lock"
#define WAKE_FILE "kindly-guard.wake"

/* The most slots of an event that write_events makes. */
#define FILE_SPAN 4

#endif
