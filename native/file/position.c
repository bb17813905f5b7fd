#include "position.h"

#include "reader_fields.h"

/* How many of `lost` events had priority, from the counters before the first
 * and behind the last of them. */
static uint64_t count_priority(uint64_t before, uint64_t behind,
                               uint64_t lost) {
  if (before == KG_PRIORITY_UNKNOWN || behind == KG_PRIORITY_UNKNOWN) {
    return KG_PRIORITY_UNKNOWN;
  }
  uint64_t count = (uint32_t)(behind - before);
  return count <= lost ? count : KG_PRIORITY_UNKNOWN;
}

kg_batch kg__position_loss(const kg_position *position,
                           const kg_ring_info *ring) {
  kg_batch batch = {.loss_reason = KG_LOSS_REPLACED,
                    .lost = KG_LOST_UNKNOWN,
                    .lost_priority = KG_PRIORITY_UNKNOWN};
  if (ring->predecessor_generation != position->generation ||
      ring->predecessor_sequence > KG_SEQUENCE_MAX) {
    return batch;
  }
  if (ring->predecessor_sequence < position->next) {
    return (kg_batch){0};
  }
  batch.lost_from = position->next;
  batch.lost_to = ring->predecessor_sequence;
  batch.lost = batch.lost_to - batch.lost_from + 1;
  batch.lost_priority = count_priority(position->priority,
                                       ring->predecessor_priority, batch.lost);
  return batch;
}

kg_position kg__position_of(const kg_reader *reader) {
  kg_reader_stats stats;
  kg_ring_info info;
  kg_reader_stats_get(reader, &stats);
  kg_reader_info(reader, &info);
  return (kg_position){.generation = info.generation,
                       .next = stats.expected != 0 ? stats.expected
                                                   : stats.published + 1,
                       .priority = stats.priority};
}

int kg_reader_position(kg_reader *reader, kg_position *position) {
  if (position == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  int result = kg__reader_usable(reader);
  if (result == KG_OK) {
    *position = kg__position_of(reader);
  }
  return result;
}

/* A file in which it was kept may hold anything. */
static bool is_position(const kg_position *position) {
  return position->generation != 0 && position->next != 0 &&
         position->next <= KG_SEQUENCE_MAX + 1 &&
         (position->priority <= UINT32_MAX ||
          position->priority == KG_PRIORITY_UNKNOWN);
}

int kg_reader_seek_position(kg_reader *reader, const kg_position *position,
                            kg_batch *lost) {
  if (position == NULL || lost == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  *lost = (kg_batch){0};
  int result = kg__reader_usable(reader);
  if (result != KG_OK) {
    return result;
  }
  if (!is_position(position)) {
    return kg__reader_fail(
        reader, KG_E_POSITION_INVALID,
        "generation or next is 0, or next or priority too large");
  }
  kg_ring_info ring;
  kg_reader_info(reader, &ring);
  if (ring.generation == position->generation) {
    return kg_reader_seek_after(reader, position->next - 1, position->priority);
  }
  *lost = kg__position_loss(position, &ring);
  reader->earlier.lost += lost->lost == KG_LOST_UNKNOWN ? 0 : lost->lost;
  return kg_reader_seek(reader, KG_FROM_SEQUENCE, 1);
}
