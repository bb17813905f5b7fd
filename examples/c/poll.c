/* A reader in an event loop, which waits for several things at once: prints
 * every threat that comes, until its input ends. Usage: poll [DIRECTORY]
 *
 * Where there is no descriptor for poll(), as on Windows, a thread calls
 * kg_reader_wait: see kg_reader_fd. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kg_ipc.h"
#include "print.h"

/* A writer that ends signals nothing, so the loop looks now and then. */
#define LOOK_MS 1000

int main(int argc, char **argv) {
  const kg_ring_options options = {.struct_size = sizeof options,
                                   .dir = argc > 1 ? argv[1] : NULL};
  kg_reader *reader;
  kg_failure failure = {.error = KG_E_NO_MEMORY};
  if (kg_reader_open(&options, &reader, &failure) != KG_OK) {
    return print_failure("open", &failure);
  }
  kg_ring_info info;
  kg_reader_info(reader, &info);
  /* No event is longer, so the reader never asks for a larger buffer. */
  uint32_t slots = info.capacity / KG_BATCH_DIVISOR;
  void *buffer = calloc(slots, sizeof(kg_slot));
  void *scratch = calloc(slots, KG_EVENT_BYTES);
  int result = buffer == NULL || scratch == NULL ? KG_E_NO_MEMORY : KG_OK;
  bool is_over = false;
  enum kg_writer_life life = KG_WRITER_LIVE;
  while (result >= 0 && !is_over && life != KG_WRITER_GONE) {
    /* Once it is armed, whatever comes makes the descriptor readable. */
    result = kg_reader_arm(reader);
    int fd = result == 1 ? kg_reader_fd(reader) : -1;
    struct pollfd waits[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                             {.fd = fd, .events = POLLIN}};
    if (result == 1 && poll(waits, 2, LOOK_MS) > 0 && waits[0].revents != 0) {
      char input[256];
      is_over = read(STDIN_FILENO, input, sizeof input) <= 0;
    }
    /* The writer's life is looked at before the last read, not after it; when
     * this ring is over, follow.c says how to go on. */
    if (result >= 0 && kg_reader_check(reader, &life) != KG_OK) {
      is_over = true;
    }
    kg_batch batch = {.more = true};
    while (result >= 0 && batch.more) {
      result = kg_reader_read(reader, buffer, slots, &batch);
      print_batch(&batch, buffer, scratch);
    }
  }
  if (result < 0) {
    if (result != KG_E_NO_MEMORY) {
      kg_reader_error(reader, &failure);
    }
    print_failure("read", &failure);
  }
  kg_reader_close(reader);
  free(scratch);
  free(buffer);
  return result < 0 ? 1 : 0;
}
