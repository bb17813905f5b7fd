/* Opening, verifying and reading real files, which are changed, cut short,
 * removed and exchanged while they are read. What a call says is in the table;
 * what is read is checked as in reader.c; nothing stays open. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_file.h"

#define MOST_STEPS 16
#define MOST_READ_SLOTS 32

typedef struct world {
  fuzz_file file;
  kg_reader *reader;
  fuzz_account account;
  bool is_changed; /* since it was opened */
  bool is_over;    /* a read said so */
} world;

void fuzz_begin(void) {
  fuzz_file_begin();
}

/* --- Opening -------------------------------------------------------------- */

/* What may stand under the ring's name that is not a file of ours. */
static void put_odd(fuzz_input *in) {
  const char *path = fuzz_path(fuzz_names.ring);
  unlink(path);
  switch (fuzz_below(in, 6)) {
  case 0:
    CHECK(mkdir(path, 0700) == 0);
    break;
  case 1:
    CHECK(symlink(fuzz_names.lock, path) == 0);
    break;
  case 2:
    CHECK(mkfifo(path, 0600) == 0);
    break;
  case 3:
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    CHECK(chmod(path, (mode_t)(0600 + fuzz_below(in, 0100))) == 0);
    break;
  case 4:
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    break;
  default:
    break;
  }
}

static void check_refusal(int result, const kg_failure *failure) {
  fuzz_check_failure(result, failure);
  CHECK(result == KG_E_NO_RING || result == KG_E_RING_INVALID ||
        result == KG_E_RING_VERSION || result == KG_E_RING_TRUNCATED ||
        result == KG_E_UNSAFE_PATH || result == KG_E_ACCESS ||
        result == KG_E_TOO_MANY_READERS);
}

static void open_reader(world *w, bool reliable) {
  kg_ring_options options = {.dir = fuzz_dir(), .reliable = reliable};
  kg_failure failure = {0};
  int result = kg_reader_open(&options, &w->reader, &failure);
  if (result != KG_OK) {
    check_refusal(result, &failure);
    CHECK(w->reader == NULL);
    return;
  }
  kg_ring_info info;
  kg_reader_info(w->reader, &info);
  CHECK(info.capacity >= KG_MIN_CAPACITY && info.capacity <= KG_MAX_CAPACITY);
  CHECK((info.capacity & (info.capacity - 1)) == 0);
  CHECK(info.generation != 0);
  CHECK(info.file_bytes <= KG_MAX_FILE_BYTES);
}

/* The lock alone, by one who wants no ring. */
static void try_lock(void) {
  kg_ring_options options = {.dir = fuzz_dir()};
  kg_failure failure = {0};
  kg_lock *lock = NULL;
  int result = kg_lock_take(&options, &lock, &failure);
  if (result != KG_OK) {
    fuzz_check_failure(result, &failure);
    CHECK(lock == NULL);
  }
  kg_lock_free(lock);
}

/* --- Reading -------------------------------------------------------------- */

static bool read_once(world *w, uint32_t slots) {
  kg_slot *buffer = malloc(slots * sizeof *buffer);
  kg_batch batch;
  CHECK(buffer != NULL);
  int result = kg_reader_read(w->reader, buffer, slots, &batch);
  if (result != KG_OK) {
    CHECK_RESULT(result, KG_E_RING_TRUNCATED, NULL);
    CHECK(w->file.is_cut);
    w->is_over = true;
    batch.more = false;
  } else {
    CHECK(!w->is_over || batch.events > 0);
    if (w->is_changed) {
      w->account.next = 0;
    }
    w->account.is_honest = w->file.is_honest;
    fuzz_account_batch(&w->account, &w->file.segment.ring, w->file.is_cut,
                       buffer, slots, &batch);
  }
  free(buffer);
  return batch.more && batch.slots_needed == 0;
}

static void read_all(world *w) {
  uint32_t limit = 4 * w->file.segment.ring.capacity + 16;
  while (read_once(w, MOST_READ_SLOTS)) {
    CHECK(limit-- > 0);
  }
}

static void seek(world *w, fuzz_input *in) {
  enum kg_from from = (enum kg_from)fuzz_below(in, 3);
  uint64_t sequence = fuzz_near(in, w->file.events);
  int result = kg_reader_seek(w->reader, from, sequence);
  if (from == KG_FROM_SEQUENCE &&
      (sequence == 0 || sequence > KG_SEQUENCE_MAX)) {
    CHECK_RESULT(result, KG_E_INVALID_ARGUMENT, NULL);
  } else {
    CHECK_RESULT(result, KG_OK, NULL);
    w->account.next = 0;
  }
}

static void look(world *w) {
  enum kg_writer_life life;
  kg_reader_stats stats;
  int result = kg_reader_check(w->reader, &life);
  CHECK(result == KG_OK || result == KG_E_NO_RING ||
        result == KG_E_RING_TRUNCATED);
  CHECK(result != KG_E_RING_TRUNCATED || w->file.is_cut);
  CHECK_EQUAL(life, KG_WRITER_GONE);
  kg_reader_stats_get(w->reader, &stats);
  CHECK_EQUAL(stats.received, w->account.received);
  kg_reader_wait(w->reader, 0);
  kg_reader_spin(w->reader, 0);
}

static void step(world *w, fuzz_input *in) {
  switch (fuzz_below(in, 9)) {
  case 0:
  case 1:
    read_once(w, 1 + fuzz_below(in, MOST_READ_SLOTS));
    break;
  case 2:
    read_all(w);
    break;
  case 3:
    seek(w, in);
    break;
  case 4:
    look(w);
    break;
  case 5:
    fuzz_file_cut(&w->file, in);
    break;
  case 6:
    fuzz_spoil_other(in);
    w->file.is_cut = true;
    break;
  default:
    fuzz_file_change(&w->file, in);
    w->is_changed = true;
  }
}

/* -------------------------------------------------------------------------- */

void fuzz_one(fuzz_input *in) {
  world w = {.reader = NULL};
  int lowest = fuzz_lowest_descriptor();
  uint8_t how = fuzz_u8(in);
  fuzz_file_make(&w.file, in);
  if (how % 8 == 7) {
    put_odd(in);
  }
  for (uint32_t some = how / 8 % 4; some > 1; some--) {
    fuzz_spoil_other(in);
  }
  open_reader(&w, how / 32 % 2 == 1);
  try_lock();
  /* A reader that opened a ring whose mapping here failed has nothing to be
   * compared with: its file was cut between. */
  if (w.reader != NULL && w.file.segment.base != NULL) {
    w.file.is_cut |= how % 8 == 7 || how / 8 % 4 > 1;
    for (uint32_t steps = 0; in->left > 0 && steps < MOST_STEPS; steps++) {
      step(&w, in);
    }
    read_all(&w);
  }
  kg_reader_close(w.reader);
  fuzz_file_end(&w.file);
  CHECK_EQUAL(fuzz_lowest_descriptor(), lowest);
}
