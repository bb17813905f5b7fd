/* What a kg_reader tells of itself, beside its stats. For people. */
#include "reader.h"
#include "reader_fields.h"

void kg_reader_error(const kg_reader *reader, kg_failure *failure) {
  if (reader == NULL || failure == NULL) {
    return;
  }
  if (kg__reader_is_owned(reader)) {
    *failure = reader->failure;
  } else {
    (void)kg__fail(failure, KG_E_WRONG_THREAD, 0, "asking for an error");
  }
}

int kg_reader_memory(const kg_reader *reader, kg_memory *memory,
                     kg_failure *failure) {
  if (reader == NULL || memory == NULL) {
    return kg__fail(failure, KG_E_INVALID_ARGUMENT, 0,
                    "reader or memory is NULL");
  }
  *memory = (kg_memory){0};
  if (!kg__reader_is_owned(reader)) {
    return kg__fail(failure, KG_E_WRONG_THREAD, 0, "looking at its memory");
  }
  return kg__reader_is_forked(reader)
             ? kg__fail(failure, KG_E_FORKED, 0, "looking at its memory")
             : kg__memory_look(reader->segment.base, reader->segment.length,
                               memory, failure);
}

bool kg__reader_is_placed(const kg_reader *reader) {
  return reader->segment.is_placed;
}

void kg_reader_info(const kg_reader *reader, kg_ring_info *info) {
  if (reader == NULL || info == NULL) {
    return;
  }
  if (!kg__reader_is_owned(reader)) {
    *info = (kg_ring_info){0};
    return;
  }
  kg__segment_info(&reader->segment, &reader->dir, &reader->names, info);
}
