#include "common.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct event bench_events[VARIETY];

uint64_t now_ns(void) {
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

/* One threat in so many is Critical, as in ../threats.js. The core's writer
 * copies those a second time. */
#define CRITICAL_EVERY 100

static uint32_t random_below(uint32_t limit) {
  static uint64_t state = 20261123;
  state = state * 48271 % 2147483647;
  return (uint32_t)(state % limit);
}

void make_events(void) {
  _Static_assert(sizeof(struct event) == 384, "as large as a slot");
  for (uint32_t i = 0; i < VARIETY; i++) {
    struct event *event = &bench_events[i];
    event->timestamp_us = UINT64_C(1795000000000000) + i;
    event->threat_type = random_below(8);
    event->severity = (i + 1) % CRITICAL_EVERY == 0
                          ? KG_SEVERITY_CRITICAL
                          : (uint8_t)(1 + random_below(3));
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

void verify_event(const kg_threat *threat, uint64_t index) {
  const struct event *event = &bench_events[index % VARIETY];
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

static void on_child(int number) {
  (void)number;
  int status = 0;
  while (waitpid(-1, &status, WNOHANG) > 0) {
    if (status != 0)
      _exit(1);
  }
}

void end_with_readers(unsigned seconds) {
  signal(SIGCHLD, on_child);
  alarm(seconds);
}
