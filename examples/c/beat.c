/* A Shield that stays: publishes each line of its input as a threat, while a
 * thread says twice a second that it lives. Usage: beat [DIRECTORY]
 *
 * The beat also makes a ring anew that was removed or cut short. An event loop
 * does without a thread: it calls kg_writer_beat by a timer. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kg_ipc.h"
#include "print.h"

#define BEAT_NS 500000000L

static atomic_bool is_over;

static void *beat(void *argument) {
  kg_writer *writer = argument;
  const struct timespec pause = {.tv_nsec = BEAT_NS};
  int before = KG_OK;
  while (!atomic_load(&is_over)) {
    kg_failure failure;
    int result = kg_writer_beat(writer, &failure);
    /* Said once, and tried again: it heals when what is wrong is mended. */
    if (result != KG_OK && result != before) {
      print_failure("beat", &failure);
    }
    before = result;
    nanosleep(&pause, NULL);
  }
  return NULL;
}

int main(int argc, char **argv) {
  /* any_thread: the beat comes while this thread writes. */
  const kg_ring_options options = {.struct_size = sizeof options,
                                   .dir = argc > 1 ? argv[1] : NULL,
                                   .any_thread = true};
  kg_writer *writer;
  kg_failure failure;
  if (kg_writer_open(&options, &writer, &failure) != KG_OK) {
    return print_failure("open", &failure);
  }
  pthread_t thread;
  if (pthread_create(&thread, NULL, beat, writer) != 0) {
    fprintf(stderr, "there is no thread for the beat\n");
    kg_writer_close(writer);
    return 1;
  }
  char line[4096];
  while (fgets(line, sizeof line, stdin) != NULL) {
    const kg_threat threat = {.threat_type = KG_THREAT_SUSPICIOUS_PATTERN,
                              .severity = KG_SEVERITY_MEDIUM,
                              .source = {"stdin", 5},
                              .details = {line, strcspn(line, "\n")}};
    int64_t sequence = kg_writer_write(writer, &threat);
    if (sequence == KG_E_RING_TRUNCATED) {
      /* Somebody cut the ring short, and the next beat is not yet there. */
      (void)kg_writer_beat(writer, NULL);
      sequence = kg_writer_write(writer, &threat);
    }
    printf(sequence < 0 ? "refused: %" PRId64 "\n" : "published %" PRId64 "\n",
           sequence);
    fflush(stdout);
  }
  /* Behind its end nobody is in a function of the writer, which is closed. */
  atomic_store(&is_over, true);
  pthread_join(thread, NULL);
  kg_writer_close(writer);
  return 0;
}
