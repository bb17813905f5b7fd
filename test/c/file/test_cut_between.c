/* A file that is cut short between two steps of one write. The linker puts
 * __wrap_kg__ring_writer_publish between what is copied and what is
 * published. */
#include <unistd.h>

#include "../file_fixture.h"

void __real_kg__ring_writer_publish(kg__ring_writer *writer);
void __wrap_kg__ring_writer_publish(kg__ring_writer *writer);

static const char *cut_before_publish; /* the directory; once */

void __wrap_kg__ring_writer_publish(kg__ring_writer *writer) {
  const char *dir = cut_before_publish;
  cut_before_publish = NULL;
  if (dir != NULL) {
    CHECK(truncate(check_path(dir, RING_FILE), 0) == 0);
  }
  __real_kg__ring_writer_publish(writer);
}

TEST(taken_back, "F22 cut between the copy and head: no sequence is skipped") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_failure failure;
  made_threat made;
  critical_every = 2;
  for (uint32_t events = 1; events <= 3; events++) {
    uint64_t last = write_events(writer, 4);
    kg_ring_info before = writer_info(writer);
    kg_writer_stats stats;
    for (uint32_t i = 1; i <= events; i++) {
      make_threat(&made, last + i, 1);
      CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
    }
    cut_before_publish = dir;
    CHECK_RESULT(kg_writer_commit(writer), KG_E_RING_TRUNCATED, NULL);
    CHECK(cut_before_publish == NULL);
    kg_writer_stats_get(writer, &stats);
    CHECK_EQUAL(stats.sequence, last);
    CHECK_EQUAL(stats.priority, count_critical(1, last));
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
    kg_ring_info after = writer_info(writer);
    CHECK_EQUAL(after.predecessor_generation, before.generation);
    CHECK_EQUAL(after.predecessor_sequence, last);
    CHECK_EQUAL(after.predecessor_priority, count_critical(1, last));
    CHECK_EQUAL(write_events(writer, 1), 1);
    CHECK_EQUAL(check_ring_from(dir, 1), 1);
  }
  kg_writer_close(writer);
}
