/* A reader in C: prints every threat that the ring holds and those that come,
 * until its writer is gone. Usage: extension [DIRECTORY]
 *
 * It ends as well when its ring is removed or cut short: follow.c goes on. */
#include <stdio.h>
#include <stdlib.h>

#include "kg_ipc.h"
#include "print.h"

int main(int argc, char **argv) {
  const kg_ring_options options = {.struct_size = sizeof options,
                                   .dir = argc > 1 ? argv[1] : NULL};
  kg_reader *reader;
  kg_failure failure;
  int result = kg_reader_open(&options, &reader, &failure);
  if (result != KG_OK) {
    return print_failure("open", &failure);
  }
  kg_ring_info info;
  kg_reader_info(reader, &info);
  /* No event is longer, so the reader never asks for a larger buffer. */
  uint32_t slots = info.capacity / KG_BATCH_DIVISOR;
  void *buffer = calloc(slots, sizeof(kg_slot));
  void *scratch = calloc(slots, KG_EVENT_BYTES);
  result = buffer == NULL || scratch == NULL
               ? KG_E_NO_MEMORY
               : kg_reader_seek(reader, KG_FROM_OLDEST, 0);

  /* The writer's life is looked at before the last read, not after it. */
  enum kg_writer_life life = KG_WRITER_LIVE;
  kg_batch batch = {.more = true};
  while (result == KG_OK && (batch.more || life != KG_WRITER_GONE)) {
    if (!batch.more) {
      kg_reader_wait(reader, 200);
    }
    (void)kg_reader_check(reader, &life);
    result = kg_reader_read(reader, buffer, slots, &batch);
    print_batch(&batch, buffer, scratch);
  }
  if (result != KG_OK) {
    fprintf(stderr, "%s: %s %s\n", kg_error_code(result), kg_error_what(result),
            kg_error_advice(result));
  }
  kg_reader_close(reader);
  free(scratch);
  free(buffer);
  return result == KG_OK ? 0 : 1;
}
