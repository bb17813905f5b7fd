/* Readers that go on where one of another life had come to. */
#include <string.h>

#include "../file_fixture.h"

/* Reads `slots` slots at a time, `times`; returns the events, of one slot each,
 * and what was lost before them in `lost`. */
static uint32_t read_some(kg_reader *reader, uint32_t slots, int times,
                          kg_batch *lost) {
  static _Alignas(8) char buffer[64 * KG_SLOT_BYTES];
  uint32_t events = 0;
  *lost = (kg_batch){0};
  for (int i = 0; i < times; i++) {
    kg_batch batch;
    CHECK_EQUAL(kg_reader_read(reader, buffer, slots, &batch), KG_OK);
    *lost = batch.loss_reason != KG_LOSS_NONE ? batch : *lost;
    events += batch.events;
  }
  return events;
}

static kg_position position_of(kg_reader *reader) {
  kg_position position;
  CHECK_EQUAL(kg_reader_position(reader, &position), KG_OK);
  return position;
}

/* Another reader, that begins there. */
static kg_reader *resume(const char *dir, const kg_position *position,
                         kg_batch *lost) {
  kg_reader *reader = open_reader(dir);
  CHECK_EQUAL(kg_reader_seek_position(reader, position, lost), KG_OK);
  return reader;
}

TEST(same_ring,
     "in the same ring nothing is repeated and nothing passed over") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  kg_batch lost;
  write_alike(writer, 10, KG_SEVERITY_CRITICAL);
  CHECK_EQUAL(read_some(reader, 1, 4, &lost), 4);
  kg_position position = position_of(reader);
  CHECK_EQUAL(position.generation, writer_info(writer).generation);
  CHECK_EQUAL(position.next, 5);
  CHECK_EQUAL(position.priority, 4);
  kg_reader *other = resume(dir, &position, &lost);
  CHECK_EQUAL(lost.loss_reason, KG_LOSS_NONE);
  CHECK_EQUAL(lost.lost, 0);
  CHECK_EQUAL(read_some(other, 1, 1, &lost), 1);
  CHECK_EQUAL(stats_from(other).sequence, 5);
  CHECK_EQUAL(read_some(other, 8, 2, &lost), 5);
  CHECK_EQUAL(position_of(other).next, 11);

  /* What is gone by then is told by reading, to the unit; of what is critical
   * the lane still has the last ones. */
  write_alike(writer, 100, KG_SEVERITY_LOW);
  kg_reader *late = resume(dir, &position, &lost);
  CHECK_EQUAL(lost.loss_reason, KG_LOSS_NONE);
  uint32_t events = 0;
  while (stats_from(late).sequence < 110) {
    events += read_some(late, 64, 1, &lost);
  }
  CHECK_EQUAL(events, stats_from(late).received);
  CHECK_EQUAL(stats_from(late).received + stats_from(late).lost, 106);
  CHECK_EQUAL(stats_from(late).rescued, 6);
  CHECK_EQUAL(lost.lost_priority, 0);
  kg_reader_close(late);
  kg_reader_close(other);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(not_begun, "who has read nothing stands behind the newest event") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_batch lost;
  kg_reader *reader = open_reader(dir);
  CHECK_EQUAL(position_of(reader).next, 1);
  write_alike(writer, 3, 1);
  kg_reader *later = open_reader(dir);
  kg_position position = position_of(later);
  CHECK_EQUAL(position.next, 4);
  write_alike(writer, 2, 1);
  kg_reader *other = resume(dir, &position, &lost);
  CHECK_EQUAL(read_some(other, 8, 1, &lost), 2);
  kg_reader_close(other);
  kg_reader_close(later);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(next_ring, "of the ring before, what was not read is told, exactly") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  kg_batch lost;
  write_alike(writer, 4, KG_SEVERITY_CRITICAL);
  CHECK_EQUAL(read_some(reader, 1, 3, &lost), 3);
  kg_position position = position_of(reader);
  CHECK_EQUAL(read_some(reader, 1, 1, &lost), 1);
  kg_position whole = position_of(reader);
  renew_ring(writer, dir);
  write_alike(writer, 2, KG_SEVERITY_LOW);
  kg_reader *other = resume(dir, &position, &lost);
  CHECK_EQUAL(lost.loss_reason, KG_LOSS_REPLACED);
  CHECK_EQUAL(lost.lost, 1);
  CHECK_EQUAL(lost.lost_from, 4);
  CHECK_EQUAL(lost.lost_to, 4);
  CHECK_EQUAL(lost.lost_priority, 1);
  CHECK_EQUAL(stats_from(other).lost, 1);
  CHECK_EQUAL(read_some(other, 8, 1, &lost), 2);
  CHECK_EQUAL(stats_from(other).received, 2);
  kg_reader_close(other);
  /* Who had read all of it has lost nothing. */
  other = resume(dir, &whole, &lost);
  CHECK_EQUAL(lost.loss_reason, KG_LOSS_NONE);
  CHECK_EQUAL(read_some(other, 8, 1, &lost), 2);
  CHECK_EQUAL(stats_from(other).lost, 0);
  kg_reader_close(other);
  /* Two rings later it cannot be told. */
  renew_ring(writer, dir);
  write_alike(writer, 1, KG_SEVERITY_LOW);
  other = resume(dir, &position, &lost);
  CHECK_EQUAL(lost.loss_reason, KG_LOSS_REPLACED);
  CHECK_EQUAL(lost.lost, KG_LOST_UNKNOWN);
  CHECK_EQUAL(stats_from(other).lost, 0);
  CHECK_EQUAL(read_some(other, 8, 1, &lost), 1);
  kg_reader_close(other);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(none, "what can be no position is refused, and the reader stays") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  kg_batch lost = {.lost = 7};
  kg_failure failure;
  write_alike(writer, 3, 1);
  kg_position fine = {writer_info(writer).generation, KG_SEQUENCE_MAX + 1,
                      KG_PRIORITY_UNKNOWN};
  const kg_position wrong[] = {{0, 1, 0},
                               {fine.generation, 0, 0},
                               {fine.generation, KG_SEQUENCE_MAX + 2, 0},
                               {fine.generation, UINT64_MAX, 0},
                               {fine.generation, 1, UINT64_C(1) << 32},
                               {fine.generation, 1, UINT64_MAX - 1}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CHECK_EQUAL(kg_reader_seek_position(reader, &wrong[i], &lost),
                KG_E_POSITION_INVALID);
    CHECK_EQUAL(lost.lost, 0);
    kg_reader_error(reader, &failure);
    CHECK_EQUAL(failure.error, KG_E_POSITION_INVALID);
  }
  CHECK_EQUAL(kg_reader_seek_position(NULL, &fine, &lost),
              KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_seek_position(reader, NULL, &lost),
              KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_seek_position(reader, &fine, NULL),
              KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_position(NULL, &fine), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_position(reader, NULL), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(read_some(reader, 8, 1, &lost), 3);
  /* One of the far future waits. */
  CHECK_EQUAL(kg_reader_seek_position(reader, &fine, &lost), KG_OK);
  CHECK_EQUAL(read_some(reader, 8, 1, &lost), 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(damaged, "F11 behind an event that is damaged a reader has a place, too") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_batch lost;
  write_alike(writer, 3, 1);
  const uint8_t garbage[KG_SLOT_BYTES] = {1};
  poke_ring(dir, KG_SLOTS_OFFSET + 2 * KG_SLOT_BYTES, garbage, sizeof garbage);
  kg_reader *reader = open_reader(dir);
  kg_position position = position_of(reader);
  CHECK_EQUAL(position.next, 4);
  write_alike(writer, 1, 1);
  kg_reader *other = resume(dir, &position, &lost);
  CHECK_EQUAL(read_some(other, 8, 1, &lost), 1);
  CHECK_EQUAL(stats_from(other).sequence, 4);
  kg_reader_close(other);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

/* --- Readers that are killed -----------------------------------------------
 */

#define EACH 9
#define LIVES 12

typedef struct {
  kg_position position;
  uint64_t received;
} kept;

/* Reads a few events, keeps where it is, and is killed. */
CHILD(read_and_die, dir, life) {
  kept *kept = check_shared();
  kg_batch lost;
  kg_reader *reader =
      life == 0 ? open_reader(dir) : resume(dir, &kept->position, &lost);
  if (life == 0) {
    CHECK_EQUAL(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK);
  }
  kept->received += read_some(reader, 1, EACH, &lost);
  CHECK_EQUAL(lost.loss_reason, KG_LOSS_NONE);
  kept->position = position_of(reader);
  system_die();
}

TEST(killed, "readers that are killed go on one behind the other") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 256);
  kept *kept = check_shared();
  for (uint64_t life = 0; life < LIVES; life++) {
    write_alike(writer, EACH, 1);
    CHECK_EQUAL(system_wait(CHECK_START(read_and_die, dir, life)),
                SYSTEM_KILLED);
    CHECK_EQUAL(kept->received, EACH * (life + 1));
    CHECK_EQUAL(kept->position.next, EACH * (life + 1) + 1);
  }
  kg_writer_close(writer);
}
