/* A writer that does not overwrite what reliable readers have not taken, such
 * readers, and cells in which anything may stand. A reader that keeps to the
 * rules and lives loses nothing until it is evicted; a writer without anybody
 * in its way has space; who is dead or timed out is not waited for. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../native/base/atomic.h"
#include "../../native/ring/ring_space.h"

#define READERS 3
#define MOST_STEPS 60
#define TIMEOUT_NS 1000
#define BATCH (FUZZ_CAPACITY / KG_BATCH_DIVISOR)

/* One that keeps to the rules. Its cell has its number. */
typedef struct honest {
  kg__ring_reader reader;
  fuzz_account account;
  bool is_attached;
  bool may_lose; /* it was evicted, called dead, or somebody else used its cell
                  */
} honest;

typedef struct world {
  fuzz_ring memory;
  kg__ring_writer writer;
  kg__space space;
  bool lives[KG_READER_CELLS];
  uint64_t now_ns;
  honest readers[READERS];
} world;

void fuzz_begin(void) {
  /* Many go into the lane, too. */
  critical_every = 3;
}

static bool lives(void *context, uint32_t cell) {
  const world *w = context;
  return w->lives[cell];
}

static kg_reader_cell *cell_of(world *w, uint32_t i) {
  return &w->memory.ring.doorbell->cells[i];
}

/* --- Readers -------------------------------------------------------------- */

static void attach(world *w, uint32_t i) {
  honest *one = &w->readers[i];
  kg__ring_reader_begin(&one->reader, &w->memory.ring);
  one->account = (fuzz_account){.next = one->reader.next, .is_honest = true};
  one->is_attached = true;
  /* Where others were evicted again and again, it is not waited for yet. */
  one->may_lose = w->space.patience[i].evictions > 0;
  w->lives[i] = true;
  /* As kg__register does. */
  cell_of(w, i)->cursor = one->reader.cursor;
  cell_of(w, i)->state = KG_CELL_ATTACHED;
}

static void take(world *w, uint32_t i, uint32_t slots) {
  honest *one = &w->readers[i];
  kg_slot *buffer = malloc(slots * sizeof *buffer);
  kg_batch batch;
  CHECK(buffer != NULL);
  if (cell_of(w, i)->state != KG_CELL_ATTACHED) {
    one->may_lose = true;
  }
  CHECK_RESULT(kg__ring_reader_read(&one->reader, buffer, slots, &batch), KG_OK,
               NULL);
  fuzz_account_batch(&one->account, &w->memory.ring, false, buffer, slots,
                     &batch);
  free(buffer);
  CHECK(batch.lost == 0 || one->may_lose);
  CHECK_EQUAL(one->reader.corrupt, 0);
  /* As kg__registration_update does. */
  cell_of(w, i)->cursor = one->reader.cursor;
  cell_of(w, i)->state = KG_CELL_ATTACHED;
}

/* --- The writer ----------------------------------------------------------- */

/* Whether some cell may be waited for at all. */
static bool somebody_is_in_the_way(world *w, uint32_t slots) {
  for (uint32_t i = 0; i < KG_READER_CELLS; i++) {
    const kg_reader_cell *cell = cell_of(w, i);
    uint64_t head = w->writer.head;
    uint64_t lag = cell->cursor < head ? head - cell->cursor : 0;
    if (cell->state == KG_CELL_ATTACHED && w->lives[i] &&
        lag <= FUZZ_CAPACITY && lag + slots > FUZZ_CAPACITY) {
      return true;
    }
  }
  return false;
}

static bool has_space(world *w, uint32_t slots) {
  bool has = kg__space_has(&w->space, &w->memory.ring, w->writer.head, slots,
                           w->now_ns);
  CHECK(w->space.limit <= w->writer.head + BATCH);
  if (!has) {
    CHECK(somebody_is_in_the_way(w, slots));
    kg__space_announce_wait(&w->memory.ring, KG_WAITS_ON_SPACE);
  }
  return has;
}

static void write_some(world *w, uint32_t slots) {
  if (!has_space(w, slots)) {
    return;
  }
  made_threat made;
  for (uint32_t i = 0; i < slots; i++) {
    make_threat(&made, w->writer.sequence + w->writer.staged_events + 1, 1);
    CHECK_RESULT(kg__ring_writer_stage(&w->writer, &made.threat, &batch_time),
                 KG_OK, NULL);
  }
  commit_staged(&w->writer);
}

/* -------------------------------------------------------------------------- */

static void forge_cell(world *w, fuzz_input *in) {
  uint32_t i = fuzz_below(in, KG_READER_CELLS);
  cell_of(w, i)->cursor = fuzz_near(in, w->writer.head);
  cell_of(w, i)->state = (uint32_t)fuzz_near(in, KG_CELL_ATTACHED);
  if (i < READERS) {
    w->readers[i].may_lose = true;
  }
}

static void change_life(world *w, fuzz_input *in) {
  uint32_t i = fuzz_below(in, KG_READER_CELLS);
  w->lives[i] = fuzz_below(in, 2) == 1;
  if (i < READERS) {
    w->readers[i].may_lose = true;
  }
}

static void step(world *w, fuzz_input *in) {
  uint32_t i;
  switch (fuzz_below(in, 8)) {
  case 0:
  case 1:
    write_some(w, 1 + fuzz_below(in, BATCH));
    break;
  case 2:
    attach(w, fuzz_below(in, READERS));
    break;
  case 3:
  case 4:
    i = fuzz_below(in, READERS);
    if (w->readers[i].is_attached) {
      take(w, i, 1 + fuzz_below(in, FUZZ_CAPACITY));
    }
    break;
  case 5:
    forge_cell(w, in);
    break;
  case 6:
    change_life(w, in);
    break;
  default:
    w->now_ns += fuzz_near(in, TIMEOUT_NS) % (4 * TIMEOUT_NS);
    kg__space_review(&w->space, &w->memory.ring, w->writer.head);
  }
}

void fuzz_one(fuzz_input *in) {
  static world w;
  memset(&w, 0, sizeof w);
  w.now_ns = 1;
  fuzz_ring_make(&w.memory, true);
  w.space =
      (kg__space){.timeout_ns = TIMEOUT_NS, .lives = lives, .context = &w};
  CHECK_RESULT(kg__ring_writer_begin(&w.writer, &w.memory.ring, NULL), KG_OK,
               NULL);
  for (uint32_t steps = 0; in->left > 0 && steps < MOST_STEPS; steps++) {
    step(&w, in);
  }
  /* Who stands still from here on is waited for no longer than its time. */
  has_space(&w, 1);
  w.now_ns += TIMEOUT_NS;
  has_space(&w, 1);
  w.now_ns += TIMEOUT_NS;
  CHECK(has_space(&w, 1));
  /* The dead are not waited for. */
  memset(w.lives, 0, sizeof w.lives);
  for (uint32_t i = 0; i < FUZZ_CAPACITY; i++) {
    uint64_t sequence = w.writer.sequence;
    write_some(&w, 1);
    CHECK_EQUAL(w.writer.sequence, sequence + 1);
  }
  kg__ring_writer_end(&w.writer);
}
