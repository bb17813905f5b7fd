/* Backpressure in memory alone: just when a reader is waited for, and when no
 * longer. */
#include <string.h>

#include "../../../native/ring/ring_space.h"
#include "../fixture.h"

#define CAPACITY 16
#define QUARTER (CAPACITY / KG_BATCH_DIVISOR)
#define TIMEOUT 1000

/* When the first look is: 0 stands for never. */
#define START 5000

static memory_ring memory;
static kg__space space;
static bool is_alive[2];
static uint32_t looks;

static bool lives(void *context, uint32_t cell) {
  CHECK(context == &space && cell < 2);
  looks++;
  return is_alive[cell];
}

static void begin(void) {
  memory_ring_make(&memory, CAPACITY, true);
  space = (kg__space){.timeout_ns = TIMEOUT, .lives = lives, .context = &space};
  is_alive[0] = is_alive[1] = true;
}

static void end(void) {
  memset(memory.ring.doorbell->cells, 0, sizeof memory.ring.doorbell->cells);
  memory_ring_free(&memory);
}

static kg_reader_cell *cell(uint32_t i) {
  return &memory.ring.doorbell->cells[i];
}

static void stand(uint32_t i, uint64_t cursor) {
  *cell(i) = (kg_reader_cell){.cursor = cursor, .state = KG_CELL_ATTACHED};
}

/* Looks, whatever an earlier look has allowed. */
static bool has(uint64_t head, uint32_t slots, uint64_t now) {
  space.limit = 0;
  return kg__space_has(&space, &memory.ring, head, slots, now);
}

TEST(taken, "as much may be written as every reader leaves") {
  for (uint64_t lag = 0; lag <= CAPACITY; lag++) {
    for (uint32_t slots = 1; slots <= QUARTER; slots++) {
      begin();
      stand(0, 100 - lag);
      CHECK_EQUAL(has(100, slots, START), lag + slots <= CAPACITY);
      end();
    }
  }
}

TEST(overtaken, "one that was overtaken is told, one just in time is not") {
  for (uint64_t lag = CAPACITY; lag <= CAPACITY + 1; lag++) {
    begin();
    stand(0, 100 - lag);
    CHECK_EQUAL(has(100, 1, START), lag > CAPACITY);
    CHECK_EQUAL(cell(0)->state,
                lag > CAPACITY ? KG_CELL_EVICTED : KG_CELL_ATTACHED);
    CHECK_EQUAL(space.evicted, 0);
    end();
  }
}

TEST(dead, "a dead one that is in the way is gone at once, its cell free") {
  begin();
  stand(0, 0);
  is_alive[0] = false;
  CHECK(has(CAPACITY, 1, START));
  CHECK_EQUAL(cell(0)->state, KG_CELL_FREE);
  CHECK_EQUAL(space.evicted, 0);
  end();
}

TEST(timeout, "one in the way is evicted to the nanosecond") {
  begin();
  stand(0, 0);
  CHECK(!has(CAPACITY, 1, START));
  CHECK(!has(CAPACITY, 1, START + TIMEOUT - 1));
  CHECK_EQUAL(space.evicted, 0);
  CHECK(has(CAPACITY, 1, START + TIMEOUT));
  CHECK_EQUAL(space.evicted, 1);
  CHECK_EQUAL(cell(0)->state, KG_CELL_EVICTED);
  end();
}

TEST(next_of_dead, "who is next in its cell has a time of its own") {
  for (int has_left = 0; has_left < 2; has_left++) {
    begin();
    stand(0, 0);
    CHECK(!has(CAPACITY, 1, START));
    is_alive[0] = false;
    if (has_left) {
      cell(0)->state = KG_CELL_FREE;
    }
    CHECK(has(CAPACITY, 1, START + TIMEOUT / 2));
    is_alive[0] = true;
    stand(0, 0);
    CHECK(!has(CAPACITY, 1, START + TIMEOUT - 1));
    CHECK(!has(CAPACITY, 1, START + 2 * TIMEOUT - 2));
    CHECK(has(CAPACITY, 1, START + 2 * TIMEOUT - 1));
    end();
  }
}

TEST(slower, "one that took a whole ring in its time gets another") {
  for (uint64_t taken = CAPACITY - 1; taken <= CAPACITY; taken++) {
    begin();
    stand(0, 0);
    CHECK(!has(CAPACITY, 1, START));
    stand(0, taken);
    CHECK_EQUAL(has(CAPACITY + taken, 1, START + TIMEOUT), taken < CAPACITY);
    CHECK_EQUAL(space.evicted, taken < CAPACITY ? 1 : 0);
    if (taken == CAPACITY) {
      CHECK(!has(CAPACITY + taken, 1, START + 2 * TIMEOUT - 1));
      CHECK(has(CAPACITY + taken, 1, START + 2 * TIMEOUT));
    }
    end();
  }
}

TEST(forgiven, "one that leaves a quarter for a quarter has a new time") {
  const struct {
    uint64_t head; /* meanwhile */
    uint64_t lag;
    bool is_forgiven;
  } cases[] = {
      {CAPACITY + QUARTER, CAPACITY - QUARTER, true},
      {CAPACITY + QUARTER - 1, CAPACITY - QUARTER, false},
      {CAPACITY + QUARTER, CAPACITY - QUARTER + 1, false},
      {CAPACITY + QUARTER, 0, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    begin();
    stand(0, 0);
    CHECK(!has(CAPACITY, 1, START));
    stand(0, cases[i].head - cases[i].lag);
    CHECK(has(cases[i].head, 1, START + 1));
    stand(0, cases[i].head - CAPACITY);
    CHECK_EQUAL(has(cases[i].head, 1, START + TIMEOUT), !cases[i].is_forgiven);
    end();
  }
}

/* Evicts the reader in cell 0 at `head`. */
static void evict(uint64_t head, uint64_t now) {
  uint64_t evicted = space.evicted;
  stand(0, head - CAPACITY);
  CHECK(!has(head, 1, now));
  CHECK(has(head, 1, now + TIMEOUT));
  CHECK_EQUAL(space.evicted, evicted + 1);
  CHECK(space.patience[0].is_given_up);
}

TEST(wait_again, "after an eviction it counts again in half a ring") {
  for (uint64_t passed = CAPACITY / 2 - 1; passed <= CAPACITY / 2; passed++) {
    begin();
    evict(100, START);
    /* It has caught up at once, as it says. */
    stand(0, 100 + passed);
    CHECK(has(100 + passed, 1, START));
    bool counts = passed == CAPACITY / 2;
    CHECK_EQUAL(space.patience[0].is_given_up, !counts);
    stand(0, 100 + passed - CAPACITY);
    CHECK_EQUAL(has(100 + passed, 1, START), !counts);
    end();
  }
}

TEST(wait_behind, "but not before it has caught up") {
  begin();
  evict(100, START);
  stand(0, 200 - CAPACITY + QUARTER - 1);
  CHECK(has(200, 1, START));
  CHECK(space.patience[0].is_given_up);
  stand(0, 200 - CAPACITY + QUARTER);
  CHECK(has(200, 1, START));
  CHECK(!space.patience[0].is_given_up);
  end();
}

TEST(growing, "twice as far with each eviction soon after, to 2^16 times") {
  begin();
  uint64_t head = 100;
  uint64_t now = START;
  for (uint32_t i = 0; i < 20; i++) {
    evict(head, now);
    uint64_t wanted = (uint64_t)(CAPACITY / 2) << (i < 16 ? i : 16);
    CHECK_EQUAL(space.patience[0].wait_again - head, wanted);
    head += wanted;
    now += 2 * TIMEOUT;
    stand(0, head);
    CHECK(has(head, 1, now));
    CHECK(!space.patience[0].is_given_up);
  }
  end();
}

TEST(long_after, "an eviction long after the last one is like a first") {
  /* Eight times as far as it was not waited for, and as much of the next. */
  const uint64_t soon = 8 * (CAPACITY / 2) + 7;
  for (uint64_t passed = soon; passed <= soon + 1; passed++) {
    begin();
    evict(100, START);
    stand(0, 100 + passed);
    CHECK(has(100 + passed, 1, START));
    evict(100 + passed, START);
    CHECK_EQUAL(space.patience[0].wait_again - (100 + passed),
                passed == soon ? CAPACITY : CAPACITY / 2);
    end();
  }
}

TEST(limit, "a look is good for what is free, a quarter at the most") {
  for (uint64_t lag = 0; lag < CAPACITY; lag++) {
    begin();
    stand(0, 100 - lag);
    CHECK(has(100, 1, START));
    uint64_t free = CAPACITY - lag;
    CHECK_EQUAL(space.limit, 100 + (free < QUARTER ? free : QUARTER));
    /* Up to there, who is in the way by now is not looked at. */
    uint64_t limit = space.limit;
    stand(0, limit - CAPACITY);
    looks = 0;
    CHECK(kg__space_has(&space, &memory.ring, limit - 1, 1, START));
    CHECK_EQUAL(looks, 0);
    CHECK(!kg__space_has(&space, &memory.ring, limit, 1, START));
    CHECK_EQUAL(looks, 1);
    end();
  }
}

TEST(slowest, "the slowest reader is the one that counts") {
  for (uint32_t slow = 0; slow < 2; slow++) {
    begin();
    stand(slow, 100 - CAPACITY + 2);
    stand(1 - slow, 95);
    CHECK(has(100, 1, START));
    CHECK_EQUAL(space.limit, 102);
    CHECK(has(100, 2, START));
    CHECK(!has(100, 3, START));
    end();
  }
}

TEST(ahead, "F18 a cursor ahead of everything leaves all of the ring") {
  begin();
  stand(0, UINT64_MAX);
  CHECK(has(100, QUARTER, START));
  CHECK_EQUAL(space.limit, 100 + QUARTER);
  CHECK_EQUAL(cell(0)->state, KG_CELL_ATTACHED);
  end();
}

TEST(review, "a review frees the cells of the dead, and forgives") {
  begin();
  evict(100, START);
  kg__space_review(&space, &memory.ring, 100);
  CHECK_EQUAL(cell(0)->state, KG_CELL_EVICTED);
  CHECK(space.patience[0].is_given_up);
  cell(1)->state = KG_CELL_EVICTED;
  is_alive[1] = false;
  kg__space_review(&space, &memory.ring, 100 + CAPACITY);
  CHECK_EQUAL(cell(0)->state, KG_CELL_EVICTED);
  CHECK_EQUAL(cell(1)->state, KG_CELL_FREE);
  CHECK(!space.patience[0].is_given_up);
  end();
}

TEST(others, "F18 only a cell that says it is attached is waited for") {
  const uint32_t states[] = {KG_CELL_FREE, KG_CELL_EVICTED, 3, UINT32_MAX};
  for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
    begin();
    *cell(1) = (kg_reader_cell){.cursor = 0, .state = states[i]};
    CHECK(has(CAPACITY, 1, START));
    CHECK_EQUAL(cell(1)->state, states[i]);
    end();
  }
}
