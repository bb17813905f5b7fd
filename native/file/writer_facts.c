/* What a kg_writer tells of itself: errors, counts, its ring. For people. */
#include "space_listener.h"
#include "writer.h"

void kg_writer_error(const kg_writer *writer, kg_failure *failure) {
  if (writer == NULL || failure == NULL) {
    return;
  }
  if (!kg__writer_is_owned(writer)) {
    (void)kg__fail(failure, KG_E_WRONG_THREAD, 0, "asking for an error");
  } else {
    kg__writer_enter(writer);
    *failure = writer->failure;
    kg__writer_leave(writer);
  }
}

void kg_writer_stats_get(const kg_writer *writer, kg_writer_stats *stats) {
  if (writer == NULL || stats == NULL) {
    return;
  }
  if (!kg__writer_is_owned(writer)) {
    *stats = (kg_writer_stats){.refuses = KG_E_WRONG_THREAD};
    return;
  }
  kg__writer_enter(writer);
  kg__guard_keep();
  *stats = (kg_writer_stats){
      .published = writer->published,
      .priority = writer->ring.priority - writer->ring.staged_priority,
      .bytes = writer->bytes,
      .bells = writer->bells,
      .sequence = writer->ring.sequence,
      .replaced = writer->replaced,
      .overwritten = kg__writer_is_forked(writer)
                         ? 0
                         : kg__ring_writer_overwritten(&writer->ring),
      .rejected = writer->rejected,
      .wanted = writer->wanted,
      .evicted = writer->space.evicted,
      .refuses = kg__writer_usable(writer)};
  kg__writer_leave(writer);
}

int kg_writer_memory(const kg_writer *writer, kg_memory *memory,
                     kg_failure *failure) {
  if (writer == NULL || memory == NULL) {
    return kg__fail(failure, KG_E_INVALID_ARGUMENT, 0,
                    "writer or memory is NULL");
  }
  *memory = (kg_memory){0};
  if (!kg__writer_is_owned(writer)) {
    return kg__fail(failure, KG_E_WRONG_THREAD, 0, "looking at its memory");
  }
  if (kg__writer_is_forked(writer)) {
    return kg__fail(failure, KG_E_FORKED, 0, "looking at its memory");
  }
  kg__writer_enter(writer);
  int result = kg__memory_look(writer->segment.base, writer->segment.length,
                               memory, failure);
  kg__writer_leave(writer);
  return result;
}

bool kg__writer_is_placed(const kg_writer *writer) {
  return writer->segment.is_placed;
}

void kg_writer_info(const kg_writer *writer, kg_ring_info *info) {
  if (writer == NULL || info == NULL) {
    return;
  }
  if (!kg__writer_is_owned(writer)) {
    *info = (kg_ring_info){0};
  } else {
    kg__writer_enter(writer);
    kg__segment_info(&writer->segment, &writer->dir, &writer->names, info);
    kg__writer_leave(writer);
  }
}
