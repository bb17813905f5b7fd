/* A reader that stays: prints every threat, and goes over to the ring that
 * takes the place of its own, with the account of what it lost. Usage: follow
 * [DIRECTORY]
 *
 * A ring is replaced when it was removed, damaged or cut short, or when the
 * next Shield wants another size. */
#include <stdio.h>
#include <stdlib.h>

#include "kg_ipc.h"
#include "print.h"

/* How long one sleep lasts: then it is looked whether the ring has its place.
 */
#define LOOK_MS 200

/* The longest event has a quarter of the largest ring's slots, or so many. Most
 * programs never see one: let the buffer grow when slots_needed says so. */
#define SLOTS KG_MAX_SPAN

int main(int argc, char **argv) {
  const kg_ring_options options = {.struct_size = sizeof options,
                                   .dir = argc > 1 ? argv[1] : NULL};
  kg_reader *reader;
  kg_failure failure = {.error = KG_E_NO_MEMORY};
  if (kg_reader_open(&options, &reader, &failure) != KG_OK) {
    return print_failure("open", &failure);
  }
  /* Pages that nothing is written to cost nothing. */
  void *buffer = calloc(SLOTS, sizeof(kg_slot));
  void *scratch = calloc(SLOTS, KG_EVENT_BYTES);
  int result = buffer == NULL || scratch == NULL
                   ? KG_E_NO_MEMORY
                   : kg_reader_seek(reader, KG_FROM_OLDEST, 0);
  while (result >= 0) {
    kg_batch batch = {.more = false};
    result = kg_reader_read(reader, buffer, SLOTS, &batch);
    print_batch(&batch, buffer, scratch);
    if (batch.more) {
      continue;
    }
    enum kg_writer_life life;
    if (kg_reader_check(reader, &life) == KG_OK) {
      kg_reader_wait(reader, LOOK_MS);
      continue;
    }
    /* This ring is over, and was read: KG_E_RING_TRUNCATED says that as well.
     * 0: there is no other one yet. */
    result = kg_reader_reopen(reader, &batch, &failure);
    if (result == 1) {
      printf("another ring\n");
      print_batch(&batch, buffer, scratch);
    } else if (result == 0) {
      kg_reader_wait(reader, LOOK_MS);
    }
  }
  if (buffer != NULL && scratch != NULL) {
    kg_reader_error(reader, &failure);
  }
  print_failure("read", &failure);
  kg_reader_close(reader);
  free(scratch);
  free(buffer);
  return 1;
}
