/* The way of a wake-up to an event loop, in bare C: a word, a thread that waits
 * for it (with a third argument, `spin`, it does not sleep), an eventfd, epoll.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "floor.h"

struct watch {
  struct shared *shared;
  int count;
  int event_fd;
};

static bool spins;

static void *watch_word(void *argument) {
  struct watch *watch = argument;
  _Atomic uint32_t *word = &watch->shared->there.word;
  for (int i = 0; i < watch->count; i++) {
    if (spins) {
      spin_while(word, (uint32_t)i);
    } else {
      sleep_while(word, (uint32_t)i);
    }
    uint64_t one = 1;
    if (write(watch->event_fd, &one, sizeof one) < 0)
      abort();
  }
  return NULL;
}

static void receive(struct shared *shared, int count, int pause_us) {
  (void)pause_us;
  double *samples = calloc((size_t)count, sizeof *samples);
  struct watch watch = {shared, count, eventfd(0, EFD_NONBLOCK)};
  int epoll_fd = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, watch.event_fd, &event);
  pthread_t thread;
  pthread_create(&thread, NULL, watch_word, &watch);
  for (int i = 0; i < count; i++) {
    uint64_t value;
    epoll_wait(epoll_fd, &event, 1, -1);
    if (read(watch.event_fd, &value, sizeof value) < 0)
      abort();
    took(shared, &samples[i]);
  }
  pthread_join(thread, NULL);
  print_samples(samples, count);
  free(samples);
}

int main(int argc, char **argv) {
  spins = argc > 3 && strcmp(argv[3], "spin") == 0;
  return run_floor(argc, argv, receive, send_singles);
}
