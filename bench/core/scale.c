/* What a writer's bursts cost it while N readers sleep, each a process, and how
 * late each of them hears of a single event.
 *   usage: scale READERS BURSTS SINGLES SLOTS PAUSE_US DIR [corrupt]
 * Readers with a pause look again behind that, and sleep when nothing came
 * meanwhile: they are slower than a small ring. BURSTS is the most; they end
 * when they have taken BURSTS_MS.
 * Prints JSON: `ns`, the writer's CPU time for an event of a burst, the median
 * of the bursts, and `meanNs`; `bells`, wake-ups in a burst; `bursts`, how many
 * were counted; `published`; and
 * for each reader what it `received` and `lost`, and `p50`, `p99` and `max` of
 * single events, in microseconds. */

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reading.h"

#define PATIENCE_SECONDS 300
#define BURST 10000
#define MOST_READERS 256
/* The first bursts find the pages, the branches and the readers. */
#define WARM_UP 2
/* Behind the last event that a reader took, until it surely sleeps. */
#define SETTLE_US 10000
#define WAIT_MS 1000
/* Behind so many, bursts end that take far longer than they should. */
#define LEAST_BURSTS 3
#define BURSTS_MS 5000

/* One reader's; written by it alone. */
struct cell {
  _Alignas(128) _Atomic uint64_t taken; /* the last sequence, lost or not */
  _Atomic bool is_ready;
  /* Behind `is_done`. */
  _Atomic bool is_done;
  uint64_t received;
  uint64_t lost;
  double p50;
  double p99;
  double most;
};

struct plan {
  int readers;
  int bursts;
  int singles;
  useconds_t pause_us;
  kg_ring_options options;
};

static struct plan plan;
static struct cell *cells;
/* What the writer tells its readers: the number of the first single event, and
 * the last sequence of all; 0: not yet. */
struct told {
  _Atomic uint64_t first_single;
  _Atomic uint64_t last;
};

static struct told *told;
static _Atomic uint64_t *sent_ns; /* when each single event was sent */
static double *latencies;         /* this reader's, microseconds */
static int latency_count;

/* --- A reader ------------------------------------------------------------ */

static void on_event(struct reading *reading, uint64_t index) {
  (void)reading;
  /* Relaxed, as the next: it was stored before the event was published, and
   * reading the event acquired that. */
  uint64_t first =
      atomic_load_explicit(&told->first_single, memory_order_relaxed);
  if (first == 0 || index < first)
    return;
  uint64_t sent =
      atomic_load_explicit(&sent_ns[index - first], memory_order_relaxed);
  latencies[latency_count++] = (double)(now_ns() - sent) / 1000;
}

static int compare(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static double quantile(double part) {
  if (latency_count == 0)
    return 0;
  int at = (int)(part * latency_count);
  return latencies[at < latency_count ? at : latency_count - 1];
}

static void tell(struct cell *cell, const struct reading *reading) {
  qsort(latencies, (size_t)latency_count, sizeof *latencies, compare);
  cell->received = reading->received;
  cell->lost = reading->lost;
  cell->p50 = quantile(0.5);
  cell->p99 = quantile(0.99);
  cell->most = quantile(1);
  atomic_store(&cell->is_done, true);
}

static void read_all(struct cell *cell) {
  static struct reading reading;
  latencies = calloc((size_t)plan.singles + 1, sizeof *latencies);
  reading.on_event = on_event;
  reading_open(&reading, &plan.options);
  atomic_store(&cell->is_ready, true);
  uint64_t end;
  while ((end = atomic_load(&told->last)) == 0 || reading.next <= end) {
    if (!reading_take(&reading))
      kg_reader_wait(reading.reader, WAIT_MS);
    else if (plan.pause_us > 0)
      usleep(plan.pause_us);
    /* Partner: settle(). */
    atomic_store_explicit(&cell->taken, reading.next - 1, memory_order_release);
  }
  tell(cell, &reading);
  kg_reader_close(reading.reader);
}

/* --- The writer ---------------------------------------------------------- */

static uint64_t thread_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* All have taken what was sent, and sleep. Acquires what read_all() and tell()
 * release. */
static void settle(kg_writer *writer, uint64_t sequence) {
  for (int i = 0; i < plan.readers; i++) {
    while (!atomic_load(&cells[i].is_ready) ||
           atomic_load_explicit(&cells[i].taken, memory_order_acquire) <
               sequence) {
      usleep(200);
    }
  }
  kg_writer_beat(writer, NULL);
  usleep(SETTLE_US);
}

static uint64_t bells(const kg_writer *writer) {
  kg_writer_stats stats = {0};
  kg_writer_stats_get(writer, &stats);
  return stats.bells;
}

static void print_readers(uint64_t published) {
  printf(",\"published\":%llu,\"readers\":[", (unsigned long long)published);
  for (int i = 0; i < plan.readers; i++) {
    while (!atomic_load(&cells[i].is_done))
      usleep(200);
    printf("%s{\"received\":%llu,\"lost\":%llu,\"p50\":%.3f,\"p99\":%.3f,"
           "\"max\":%.3f}",
           i == 0 ? "" : ",", (unsigned long long)cells[i].received,
           (unsigned long long)cells[i].lost, cells[i].p50, cells[i].p99,
           cells[i].most);
  }
  printf("]}\n");
}

/* Writes BURST events; CPU nanoseconds for each. */
static double write_burst(kg_writer *writer, uint64_t *index) {
  uint64_t before = thread_ns();
  for (uint64_t end = *index + BURST; *index < end; (*index)++)
    writing_send(writer, *index, false);
  return (double)(thread_ns() - before) / BURST;
}

/* Prints what bursts cost. */
static void write_bursts(kg_writer *writer, uint64_t *index) {
  double *costs = calloc((size_t)plan.bursts, sizeof *costs);
  double sum = 0;
  uint64_t rung = 0;
  uint64_t wall = 0;
  int count = 0;
  for (int i = 0; i < WARM_UP; i++) {
    settle(writer, *index);
    write_burst(writer, index);
  }
  while (count < plan.bursts && (count < LEAST_BURSTS || wall < BURSTS_MS)) {
    settle(writer, *index);
    uint64_t rung_before = bells(writer);
    uint64_t begin = now_ns();
    costs[count] = write_burst(writer, index);
    wall += (now_ns() - begin) / 1000000;
    rung += bells(writer) - rung_before;
    sum += costs[count++];
  }
  qsort(costs, (size_t)count, sizeof *costs, compare);
  printf("{\"ns\":%.3f,\"meanNs\":%.3f,\"bells\":%.3f,\"bursts\":%d",
         costs[count / 2], sum / count, (double)rung / count, count);
  free(costs);
}

static void write_all(bool corrupts) {
  kg_writer *writer = writing_open(&plan.options);
  uint64_t index = 0;
  write_bursts(writer, &index);
  settle(writer, index);
  /* Relaxed, as the next: publishing an event releases it. */
  atomic_store_explicit(&told->first_single, index, memory_order_relaxed);
  for (int i = 0; i < plan.singles; i++, index++) {
    settle(writer, index);
    atomic_store_explicit(&sent_ns[i], now_ns(), memory_order_relaxed);
    writing_send(writer, index, corrupts && i == plan.singles / 2);
  }
  settle(writer, index);
  atomic_store(&told->last, index);
  print_readers(index);
  kg_writer_close(writer);
}

/* ------------------------------------------------------------------------- */

static bool is_possible(void) {
  return plan.readers >= 0 && plan.readers <= MOST_READERS &&
         plan.bursts >= LEAST_BURSTS && plan.singles >= 0 &&
         plan.options.max_events > 0;
}

int main(int argc, char **argv) {
  if (argc >= 7) {
    plan.readers = atoi(argv[1]);
    plan.bursts = atoi(argv[2]);
    plan.singles = atoi(argv[3]);
    plan.options.max_events = (uint32_t)strtoul(argv[4], NULL, 10);
    plan.pause_us = (useconds_t)strtoul(argv[5], NULL, 10);
    plan.options.dir = argv[6];
  }
  if (argc < 7 || !is_possible()) {
    fprintf(stderr,
            "usage: %s READERS BURSTS SINGLES SLOTS PAUSE_US DIR [corrupt]\n",
            argv[0]);
    return 2;
  }
  make_events();
  cells = shared_memory(sizeof *cells * MOST_READERS);
  told = shared_memory(sizeof *told);
  sent_ns = shared_memory(sizeof *sent_ns * ((size_t)plan.singles + 1));
  end_with_readers(PATIENCE_SECONDS);
  for (int i = 0; i < plan.readers; i++) {
    if (fork() != 0)
      continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    read_all(&cells[i]);
    _exit(0);
  }
  write_all(argc > 7 && strcmp(argv[7], "corrupt") == 0);
  return 0;
}
