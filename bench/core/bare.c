/* The floor of what moves events of this size: they lie one behind the other,
 * and a counter says how many there are. No clock, and nothing is checked but
 * how far its reader is, once for many of them. */

#include <stdatomic.h>
#include <string.h>

#include "gather.h"
#include "harness.h"

const bool channel_spins = true;

/* As many as the ring of kg.c has slots. */
#define EVENTS 8192

/* As in kg.c. */
#define WINDOW 6000
#define ACK_EVERY 64

struct channel {
  _Alignas(128) _Atomic uint64_t head;
  _Alignas(128) _Atomic uint64_t taken;
  _Alignas(128) struct event events[EVENTS];
};

static struct channel *channels[2];
static uint64_t sent[2];
static uint64_t known[2]; /* of `taken` */
static uint64_t received[2];
static struct gather gathers[2];
static struct event copies[2];

void channel_prepare(int which, const char *variant, const char *dir) {
  (void)variant;
  (void)dir;
  channels[which] = shared_memory(sizeof(struct channel));
}

void channel_attach(int which, bool is_writer) {
  (void)which;
  (void)is_writer;
}

void channel_send(int which, struct event *event) {
  struct channel *channel = channels[which];
  while (sent[which] - known[which] > WINDOW) {
    known[which] = atomic_load_explicit(&channel->taken, memory_order_acquire);
  }
  memcpy(&channel->events[sent[which] % EVENTS], event, sizeof *event);
  atomic_store_explicit(&channel->head, ++sent[which], memory_order_release);
}

static bool is_empty(struct channel *channel, int which) {
  return atomic_load_explicit(&channel->head, memory_order_acquire) ==
         received[which];
}

void channel_receive(int which, kg_threat *threat) {
  struct channel *channel = channels[which];
  if (is_empty(channel, which)) {
    gather(&gathers[which], received[which]);
    while (is_empty(channel, which)) {
    }
  }
  memcpy(&copies[which], &channel->events[received[which]++ % EVENTS],
         sizeof copies[which]);
  view_event(&copies[which], threat);
  if (received[which] % ACK_EVERY == 0) {
    atomic_store_explicit(&channel->taken, received[which],
                          memory_order_release);
  }
}

void channel_remove(void) {}
