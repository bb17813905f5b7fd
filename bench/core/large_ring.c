/* The largest ring there is: made, filled, read, lapped, and read by a reader
 * that was lapped. The writer and the readers are processes.
 *   usage: large_ring SLOTS DIR [corrupt]
 * Prints JSON: `slots`, `fileMb`; `createMs`; `fillNs`, `readNs`, `lapNs` and
 * `rereadNs` for an event; `openMs` of a reader; `writerMb` and `readerMb`, the
 * resident set of each at the end, without what it shares with the other, and
 * `mappedMb`, what it shares; `lost` and `received` of the reader that was
 * lapped. */

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reading.h"

#define PATIENCE_SECONDS 300

/* How far past the lap the writer goes, so that the loss is no whole ring. */
#define BEYOND 1000

enum step { BEGUN, FILLED, READ, LAPPED, DONE };

struct shared {
  _Alignas(128) _Atomic int step;
  double open_ms;
  double read_ns;
  double reread_ns;
  double reader_mb;
  double mapped_mb;
  uint64_t received;
  uint64_t lost;
};

static struct shared *shared;
static kg_ring_options options;

/* Partner: reach(). What stands in `shared` for a step is there behind it. */
static void await_step(enum step step) {
  while (atomic_load_explicit(&shared->step, memory_order_acquire) < (int)step)
    usleep(100);
}

/* Partner: await_step(). */
static void reach(enum step step) {
  atomic_store_explicit(&shared->step, step, memory_order_release);
}

/* A line of /proc/self/status, in MB. */
static double status_mb(const char *name) {
  char line[256];
  double kilobytes = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, name, strlen(name)) == 0)
      kilobytes = strtod(line + strlen(name), NULL);
  }
  if (file != NULL)
    fclose(file);
  return kilobytes / 1024;
}

static double own_mb(void) {
  return status_mb("VmRSS:") - status_mb("RssShmem:");
}

/* Reads up to a sequence; nanoseconds for each event that came. */
static double read_to(struct reading *reading, uint64_t sequence) {
  uint64_t before = now_ns();
  uint64_t received = reading->received;
  while (reading->next <= sequence) {
    if (!reading_take(reading))
      kg_reader_wait(reading->reader, 100);
  }
  return (double)(now_ns() - before) / (double)(reading->received - received);
}

static void read_all(uint32_t slots) {
  static struct reading first;
  static struct reading lapped;
  await_step(FILLED);
  uint64_t before = now_ns();
  reading_open(&first, &options);
  shared->open_ms = (double)(now_ns() - before) / 1e6;
  reading_open(&lapped, &options);
  shared->read_ns = read_to(&first, slots);
  kg_reader_close(first.reader);
  reach(READ);
  await_step(LAPPED);
  shared->reread_ns = read_to(&lapped, 2 * (uint64_t)slots + BEYOND);
  shared->received = lapped.received;
  shared->lost = lapped.lost;
  shared->reader_mb = own_mb();
  shared->mapped_mb = status_mb("RssShmem:");
  kg_reader_close(lapped.reader);
  reach(DONE);
}

/* Writes up to a sequence; nanoseconds for each event. */
static double write_to(kg_writer *writer, uint64_t from, uint64_t to,
                       bool corrupts) {
  uint64_t before = now_ns();
  for (uint64_t index = from; index < to; index++)
    writing_send(writer, index, corrupts && index == (from + to) / 2);
  double each = (double)(now_ns() - before) / (double)(to - from);
  kg_writer_beat(writer, NULL);
  return each;
}

static void write_all(uint32_t slots, bool corrupts) {
  kg_ring_info info;
  uint64_t before = now_ns();
  kg_writer *writer = writing_open(&options);
  double create_ms = (double)(now_ns() - before) / 1e6;
  kg_writer_info(writer, &info);
  if (info.capacity != slots) {
    fprintf(stderr, "the ring has %u slots\n", info.capacity);
    _exit(1);
  }
  double fill_ns = write_to(writer, 0, slots, corrupts);
  reach(FILLED);
  await_step(READ);
  double lap_ns =
      write_to(writer, slots, 2 * (uint64_t)slots + BEYOND, corrupts);
  reach(LAPPED);
  await_step(DONE);
  printf("{\"slots\":%u,\"fileMb\":%.1f,\"createMs\":%.2f,\"fillNs\":%.1f,"
         "\"openMs\":%.2f,\"readNs\":%.1f,\"lapNs\":%.1f,\"rereadNs\":%.1f,"
         "\"writerMb\":%.1f,\"readerMb\":%.1f,\"mappedMb\":%.1f,"
         "\"received\":%llu,\"lost\":%llu}\n",
         slots, (double)info.file_bytes / 1048576, create_ms, fill_ns,
         shared->open_ms, shared->read_ns, lap_ns, shared->reread_ns, own_mb(),
         shared->reader_mb, shared->mapped_mb,
         (unsigned long long)shared->received,
         (unsigned long long)shared->lost);
  kg_writer_close(writer);
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s SLOTS DIR [corrupt]\n", argv[0]);
    return 2;
  }
  uint32_t slots = (uint32_t)strtoul(argv[1], NULL, 10);
  options = (kg_ring_options){.dir = argv[2], .max_events = slots};
  make_events();
  shared = shared_memory(sizeof *shared);
  end_with_readers(PATIENCE_SECONDS);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    read_all(slots);
    _exit(0);
  }
  write_all(slots, argc > 3 && strcmp(argv[3], "corrupt") == 0);
  return 0;
}
