/* Systems that refuse: every call that can fail does, at every place, and
 * the error has its name; once it is mended, all works. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../file_fixture.h"
#include "../system/faults.h"

static const char *dir;
static int descriptors;

static void check_failed(size_t which, int result, const kg_failure *failure) {
  if (result != system_faults[which].error) {
    fprintf(stderr, "%s fails with error %d\n", system_faults[which].name,
            system_faults[which].number);
  }
  CHECK_RESULT(result, system_faults[which].error, failure);
  CHECK_EQUAL(failure->error, system_faults[which].error);
  CHECK(strlen(failure->detail) > 0);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  CHECK(!SYSTEM_REMOVES_OPENED || count_unnamed(dir) == 0);
}

static int try_writer(size_t which, uint32_t at, const char *where,
                      uint32_t max_events, kg_writer **writer,
                      kg_failure *failure, bool *happened) {
  const kg_ring_options options = {.dir = where, .max_events = max_events};
  *writer = NULL;
  *failure = (kg_failure){.error = 0};
  descriptors = check_open_descriptors();
  system_fault_begin(&system_faults[which], at, 0);
  int result = kg_writer_open(&options, writer, failure);
  *happened = system_fault_end();
  return result;
}

TEST(new_ring, "F31 a writer that makes a ring: each failure has its name") {
  uint32_t failed = 0;
  for (size_t which = 0; which < system_fault_count; which++) {
    bool happened = true;
    uint32_t before = failed;
    for (uint32_t at = 1; happened; at++) {
      kg_failure failure;
      kg_writer *writer;
      dir = check_temp_dir();
      const char *made = check_path(dir, "made");
      int result =
          try_writer(which, at, made, 16, &writer, &failure, &happened);
      if (result != KG_OK) {
        CHECK(happened);
        failed++;
        check_failed(which, result, &failure);
        CHECK(!system_exists(made) || count_unnamed(made) == 0);
        CHECK(result != KG_E_SHM_UNAVAILABLE ||
              strstr(failure.detail, made) != NULL);
        CHECK_EQUAL(check_count_mappings(RING_FILE), 0);
        writer = open_writer(made, 16);
      }
      CHECK_EQUAL(write_events(writer, 2), 2);
      CHECK_EQUAL(count_unnamed(made), 0);
      kg_writer_close(writer);
      CHECK_EQUAL(check_open_descriptors(), descriptors);
      check_remove_dirs();
    }
    /* Each of these calls is made. */
    CHECK(failed > before);
  }
}

TEST(old_ring, "F31 a writer that continues a ring: it stays that ring") {
  uint32_t failed = 0;
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  uint64_t generation = writer_info(writer).generation;
  uint64_t sequence = write_events(writer, 3);
  kg_writer_close(writer);
  for (size_t which = 0; which < system_fault_count; which++) {
    bool happened = true;
    for (uint32_t at = 1; happened; at++) {
      kg_failure failure;
      int result = try_writer(which, at, dir, 16, &writer, &failure, &happened);
      if (result != KG_OK) {
        CHECK(happened);
        failed++;
        check_failed(which, result, &failure);
        writer = open_writer(dir, 16);
      }
      CHECK_EQUAL(writer_info(writer).generation, generation);
      CHECK_EQUAL(sequence_of(writer), sequence);
      sequence = write_events(writer, 1);
      kg_writer_close(writer);
      CHECK_EQUAL(check_open_descriptors(), descriptors);
    }
  }
  CHECK(failed > 20);
}

TEST(other_ring,
     "F31 a writer that replaces a ring: the old one stays till then") {
  uint32_t failed = 0;
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  uint64_t generation = writer_info(writer).generation;
  uint64_t sequence = write_events(writer, 3);
  uint32_t capacity = 16;
  kg_writer_close(writer);
  for (size_t which = 0; which < system_fault_count; which++) {
    bool happened = true;
    for (uint32_t at = 1; happened; at++) {
      kg_failure failure;
      capacity = capacity == 16 ? 64 : 16;
      int result =
          try_writer(which, at, dir, capacity, &writer, &failure, &happened);
      if (result != KG_OK) {
        CHECK(happened);
        failed++;
        check_failed(which, result, &failure);
        writer = open_writer(dir, capacity);
      }
      CHECK_EQUAL(writer_info(writer).predecessor_generation, generation);
      CHECK_EQUAL(writer_info(writer).predecessor_sequence, sequence);
      generation = writer_info(writer).generation;
      sequence = write_events(writer, 1 + (uint32_t)sequence % 3);
      kg_writer_close(writer);
      CHECK_EQUAL(check_open_descriptors(), descriptors);
    }
  }
  CHECK(failed > 20);
}

TEST(reader, "F31 a reader: each failure has its name") {
  uint32_t failed = 0;
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  write_events(writer, 3);
  for (size_t which = 0; which < system_fault_count; which++) {
    bool happened = true;
    for (uint32_t at = 1; happened; at++) {
      const kg_ring_options options = {.dir = dir};
      kg_failure failure = {.error = 0};
      kg_reader *reader = NULL;
      descriptors = check_open_descriptors();
      system_fault_begin(&system_faults[which], at, 0);
      int result = kg_reader_open(&options, &reader, &failure);
      happened = system_fault_end();
      if (result != KG_OK) {
        CHECK(happened);
        failed++;
        check_failed(which, result, &failure);
        reader = open_reader(dir);
      }
      kg_reader_close(reader);
      CHECK_EQUAL(check_open_descriptors(), descriptors);
      CHECK_EQUAL(check_ring_from(dir, 1), 3);
    }
  }
  CHECK(failed > 10);
  kg_writer_close(writer);
}

TEST(beat, "F31 F24 a ring that cannot be made anew is, once it is mended") {
  uint32_t failed = 0;
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  for (size_t which = 0; which < system_fault_count; which++) {
    bool happened = true;
    for (uint32_t at = 1; happened; at++) {
      kg_failure failure = {.error = 0};
      uint64_t generation = writer_info(writer).generation;
      uint64_t sequence = write_events(writer, 2);
      remove_file(dir, RING_FILE);
      remove_opened(dir, LOCK_FILE);
      descriptors = check_open_descriptors();
      system_fault_begin(&system_faults[which], at, 0);
      int result = kg_writer_beat(writer, &failure);
      happened = system_fault_end();
      if (result != KG_OK) {
        CHECK(happened);
        failed++;
        CHECK_RESULT(result, system_faults[which].error, &failure);
        CHECK(!SYSTEM_REMOVES_OPENED || count_unnamed(dir) == 0);
        CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
      }
      /* A bell that there is no memory for takes none. */
      if (!SYSTEM_BELL_TAKES_MEMORY ||
          system_faults[which].error != KG_E_NO_MEMORY) {
        CHECK_EQUAL(check_open_descriptors(), descriptors);
      }
      CHECK_EQUAL(writer_info(writer).predecessor_generation, generation);
      CHECK_EQUAL(writer_info(writer).predecessor_sequence, sequence);
      CHECK_EQUAL(write_events(writer, 1), 1);
      CHECK_EQUAL(check_ring_from(dir, 1), 1);
    }
  }
  CHECK(failed > 20);
  kg_writer_close(writer);
}

TEST(elsewhere,
     "F31 F60 what was published elsewhere is known after a failure") {
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_failure failure;
  write_events(writer, 3);
  uint64_t generation = writer_info(writer).generation;
  kg_writer_skip_to(writer, 9, 4);
  const system_fault *fault =
      &system_faults[system_fault_find("rename", KG_E_ACCESS)];
  for (int i = 0; i < 2; i++) {
    system_fault_begin(fault, 1, 0);
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_E_ACCESS, &failure);
    CHECK_EQUAL(writer_info(writer).generation, generation);
  }
  CHECK(system_fault_end());
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  CHECK_EQUAL(writer_info(writer).predecessor_generation, generation);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 9);
  CHECK_EQUAL(writer_info(writer).predecessor_priority, 4);
  kg_writer_close(writer);
}

#if SYSTEM_REMOVES_OPENED

TEST(swept, "F38 a ring that is swept away before it has its name: again") {
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_failure failure;
  system_fault gone = system_faults[system_fault_find("rename", KG_E_ACCESS)];
  gone.number = ENOENT;
  for (uint32_t sweeps = 1; sweeps <= 17; sweeps++) {
    remove_file(dir, RING_FILE);
    system_fault_begin(&gone, 0, sweeps);
    int result = kg_writer_beat(writer, &failure);
    system_fault_end();
    /* It tries once, and sixteen times more. */
    CHECK_RESULT(result, sweeps <= 16 ? KG_OK : KG_E_NO_RING, &failure);
    CHECK_EQUAL(count_unnamed(dir), 0);
  }
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  kg_writer_close(writer);
}

#endif

/* Opens a writer where the allocation number `at` fails; says in a word that is
 * shared whether there was one. */
CHILD(open_first, where, at) {
  kg_failure failure;
  kg_writer *writer;
  bool happened;
  dir = where;
  int result = try_writer(system_fault_find("malloc", KG_E_NO_MEMORY),
                          (uint32_t)at, dir, 16, &writer, &failure, &happened);
  /* Who has no memory for a bell does without. */
  if (result != KG_OK || !SYSTEM_BELL_TAKES_MEMORY) {
    CHECK_RESULT(result, happened ? KG_E_NO_MEMORY : KG_OK, &failure);
  }
  CHECK_EQUAL(check_count_mappings(RING_FILE), result == KG_OK ? 1 : 0);
  kg_writer_close(writer);
  if (!happened) {
    check_tell(check_shared());
  }
}

TEST(first, "F31 no memory for the first ring of a process, wherever") {
  const uint32_t *is_all = check_shared();
  for (uint32_t at = 1; *is_all == 0; at++) {
    CHECK_EXIT(CHECK_START(open_first, check_temp_dir(), at));
  }
}
