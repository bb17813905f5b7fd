/* usage: PROGRAM throughput|cold|one-way COUNT VARIANT DIR [corrupt]
 * Prints JSON: `rate`, events a second, or `samples`, half round trips in
 * microseconds, and for channels that spin `line`: how many microseconds a
 * cache line took from one process to the other, before the measurement and
 * behind it. */

#include "harness.h"

#include "../line.h"
#include "../pin.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_SECONDS 120

/* Round trips of a cache line, some milliseconds where the CPUs are far from
 * each other. */
#define LINE_SAMPLES 101

/* A prime, so that the cycle never falls into step with a ring. */
#define VARIETY 997

static struct event events[VARIETY];

struct outcome {
  uint64_t end_ns;
  uint64_t warm_ns;
};

static struct outcome *outcome;
static bool corrupts;

static struct line_pair *lines;
static double line_before;

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void give_up(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  _exit(1);
}

void *shared_memory(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED)
    give_up("mmap");
  return memory;
}

static uint32_t random_below(uint32_t limit) {
  static uint64_t state = 20261123;
  state = state * 48271 % 2147483647;
  return (uint32_t)(state % limit);
}

static void make_events(void) {
  _Static_assert(sizeof(struct event) == 384, "as large as a slot");
  for (uint32_t i = 0; i < VARIETY; i++) {
    struct event *event = &events[i];
    event->timestamp_us = UINT64_C(1795000000000000) + i;
    event->threat_type = random_below(8);
    event->severity = (uint8_t)(1 + random_below(4));
    event->blocked = (uint8_t)random_below(2);
    event->source_length = (uint16_t)snprintf(
        event->source, sizeof event->source, "mcp/server-%u", random_below(40));
    event->details_length = (uint16_t)(20 + random_below(181));
    for (uint32_t j = 0; j < event->details_length; j++) {
      event->details[j] = (char)('a' + random_below(26));
    }
  }
}

void view_event(const struct event *event, kg_threat *threat) {
  threat->sequence = event->sequence;
  threat->timestamp_us = event->timestamp_us;
  threat->threat_type = event->threat_type;
  threat->severity = event->severity;
  threat->blocked = event->blocked != 0;
  threat->source.bytes = event->source;
  threat->source.length = event->source_length;
  threat->details.bytes = event->details;
  threat->details.length = event->details_length;
}

static bool same(kg_text text, const char *bytes, size_t length) {
  return text.length == length && memcmp(text.bytes, bytes, length) == 0;
}

static void verify(const kg_threat *threat, uint64_t index) {
  const struct event *event = &events[index % VARIETY];
  if (threat->sequence != index + 1 ||
      threat->timestamp_us != event->timestamp_us ||
      threat->threat_type != event->threat_type ||
      threat->severity != event->severity ||
      threat->blocked != (event->blocked != 0) ||
      !same(threat->source, event->source, event->source_length) ||
      !same(threat->details, event->details, event->details_length)) {
    fprintf(stderr, "event %llu is not what was sent\n",
            (unsigned long long)index);
    _exit(1);
  }
}

static void send_event(int which, uint64_t index) {
  struct event *event = &events[index % VARIETY];
  event->sequence = index + 1;
  channel_send(which, event);
}

static void receive_event(int which, uint64_t index) {
  kg_threat threat;
  channel_receive(which, &threat);
  verify(&threat, index);
}

static void send_all(uint64_t first, uint64_t last) {
  for (uint64_t i = first; i < last; i++) {
    if (corrupts && i == (first + last) / 2) {
      char *byte = &events[i % VARIETY].details[7];
      *byte ^= 1;
      send_event(0, i);
      *byte ^= 1;
    } else {
      send_event(0, i);
    }
  }
}

/* How far the other process is, in microseconds; both call it. The host moves
 * virtual CPUs within seconds, so it is asked before and behind what is
 * measured. Those that sleep are on no CPU of their own: 0. */
static double time_line(bool is_writer) {
  double samples[LINE_SAMPLES];
  if (!channel_spins)
    return 0;
  if (!is_writer) {
    line_echo(lines, LINE_SAMPLES);
    return 0;
  }
  line_time(lines, LINE_SAMPLES, samples);
  return line_median(samples, LINE_SAMPLES);
}

/* Behind all that was measured: the end of what is printed. */
static void print_line(void) {
  double after = time_line(true);
  if (channel_spins)
    printf(",\"line\":[%.4f,%.4f]", line_before, after);
  printf("}\n");
}

/* The first `warm` of them are not counted. */
static void throughput(uint64_t warm, uint64_t count, bool is_writer) {
  channel_attach(0, is_writer);
  if (is_writer) {
    send_all(0, warm);
    while (warm > 0 && *(volatile uint64_t *)&outcome->warm_ns == 0)
      usleep(100);
    uint64_t begin = now_ns();
    send_all(warm, warm + count);
    while (*(volatile uint64_t *)&outcome->end_ns == 0)
      usleep(100);
    printf("{\"rate\":%.0f",
           (double)count * 1e9 / (double)(outcome->end_ns - begin));
    print_line();
    return;
  }
  for (uint64_t i = 0; i < warm + count; i++) {
    receive_event(0, i);
    if (i + 1 == warm)
      outcome->warm_ns = now_ns();
  }
  outcome->end_ns = now_ns();
  time_line(false);
}

/* So many round trips are one sample: the clock takes its time, too. */
#define TRIPS 10

static void one_way(uint64_t count, bool is_writer) {
  uint64_t warm = 100;
  channel_attach(0, is_writer);
  channel_attach(1, !is_writer);
  if (!is_writer) {
    for (uint64_t i = 0; i < (warm + count) * TRIPS; i++) {
      receive_event(0, i);
      send_event(1, i);
    }
    time_line(false);
    return;
  }
  printf("{\"samples\":[");
  for (uint64_t i = 0; i < warm + count; i++) {
    uint64_t begin = now_ns();
    for (uint64_t j = i * TRIPS; j < (i + 1) * TRIPS; j++) {
      send_all(j, j + 1);
      receive_event(1, j);
    }
    double microseconds = (double)(now_ns() - begin) / TRIPS / 2 / 1000;
    if (i >= warm)
      printf("%s%.4f", i == warm ? "" : ",", microseconds);
  }
  printf("]");
  print_line();
}

/* A writer whose reader gave up would wait for it. */
static void on_child(int number) {
  (void)number;
  int status = 0;
  if (waitpid(-1, &status, WNOHANG) > 0 && status != 0)
    _exit(1);
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr,
            "usage: %s throughput|cold|one-way COUNT VARIANT DIR [corrupt]\n",
            argv[0]);
    return 2;
  }
  uint64_t count = strtoull(argv[2], NULL, 10);
  corrupts = argc > 5 && strcmp(argv[5], "corrupt") == 0;
  bool is_one_way = strcmp(argv[1], "one-way") == 0;
  make_events();
  outcome = shared_memory(sizeof *outcome);
  lines = shared_memory(sizeof *lines);
  channel_prepare(0, argv[3], argv[4]);
  if (is_one_way)
    channel_prepare(1, argv[3], argv[4]);
  signal(SIGCHLD, on_child);
  alarm(PATIENCE_SECONDS);
  bool is_writer = fork() != 0;
  if (!is_writer) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    corrupts = false;
  }
  if (channel_spins)
    pin(is_writer ? 0 : 1);
  line_before = time_line(is_writer);
  if (is_one_way)
    one_way(count, is_writer);
  else
    throughput(strcmp(argv[1], "cold") == 0 ? 0 : count / 4, count, is_writer);
  if (!is_writer)
    _exit(0);
  channel_remove();
  return 0;
}
