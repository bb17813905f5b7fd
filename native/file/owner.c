/* To which thread a handle belongs: see kg__reader_is_owned. */
#include "reader_fields.h"
#include "writer.h"

void kg_reader_adopt(kg_reader *reader) {
  if (reader != NULL) {
    kg__reader_own(reader);
  }
}

void kg_writer_adopt(kg_writer *writer) {
  if (writer != NULL) {
    kg__writer_own(writer);
  }
}
