/* usage: PROGRAM throughput|cold|one-way COUNT VARIANT DIR [corrupt]
 * Prints JSON: `rate`, events a second, or `samples`, half round trips in
 * microseconds, and for channels that spin `line`: how many microseconds a
 * cache line took from one process to the other, before the measurement and
 * behind it. */

#include "harness.h"

#include "../line.h"
#include "../pin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_SECONDS 120

/* Round trips of a cache line, some milliseconds where the CPUs are far from
 * each other. */
#define LINE_SAMPLES 101

struct outcome {
  uint64_t end_ns;
  uint64_t warm_ns;
};

static struct outcome *outcome;
static bool corrupts;

static struct line_pair *lines;
static double line_before;

static void send_event(int which, uint64_t index) {
  channel_send(which, event_at(index));
}

static void receive_event(int which, uint64_t index) {
  kg_threat threat;
  channel_receive(which, &threat);
  verify_event(&threat, index);
}

static void send_all(uint64_t first, uint64_t last) {
  for (uint64_t i = first; i < last; i++) {
    if (corrupts && i == (first + last) / 2) {
      char *byte = &event_at(i)->details[7];
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
  end_with_readers(PATIENCE_SECONDS);
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
