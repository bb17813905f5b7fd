#include "poller.h"

#include <stdlib.h>

#include "core/atomic.h"
#include "core/reader.h"

/* How often the file and the writer's lock are looked at. */
#define CHECK_NS UINT64_C(200000000)

/* Looking at the clock costs as much as looking at head a few dozen times. */
#define SPINS_PER_CLOCK 32

struct kg_poller {
  kg_reader *reader;
  bool has_chime;
  uint64_t spin_ns;
  kg_poller_callback on_wake;
  kg_poller_callback on_stopped;
  void *data;
  uv_async_t async;
  uv_poll_t chime;
  unsigned open_handles;
  uv_thread_t thread;
  uv_mutex_t mutex;
  uv_cond_t cond;

  /* Shared between the two threads. */
  uint64_t seen;      /* the loop read up to here; published by `armed` */
  uint32_t armed;     /* 1: the thread watches head */
  uint32_t listening; /* 1: the chime will tell the loop; neither: the loop
                         owes a drain */
  uint32_t parked;    /* 1: the thread waits on `cond` to be armed */
  uint32_t stop;
  uint32_t exited;
  uint32_t state; /* the last check, see pack_state */

  uint64_t next_check; /* of the thread alone */
  uint64_t last_arm;   /* of the loop alone */
  bool deaf;           /* of the loop alone */
};

/* A check's result and the writer's life in one word, so that they are read
 * as one. */
static uint32_t pack_state(int result, enum kg_writer_life life) {
  return (uint32_t)-result << 8 | (uint32_t)life;
}

int kg_poller_state(const kg_poller *poller, enum kg_writer_life *life) {
  /* Relaxed: the word says all that it has to say. */
  uint32_t state = kg__load32_relaxed(&poller->state);
  *life = (enum kg_writer_life)(state & 0xFF);
  return -(int)(state >> 8);
}

/* Looks at the file; true when something changed. */
static bool check(kg_poller *poller, uint64_t now) {
  enum kg_writer_life life;
  int result = kg_reader_check(poller->reader, &life);
  uint32_t state = pack_state(result, life);
  bool changed = state != kg__load32_relaxed(&poller->state);
  kg__store32_relaxed(&poller->state, state);
  poller->next_check = now + CHECK_NS;
  /* While a ring is out of its place, its successor is worth a wake. So is
   * what a chime that was broken did not tell. Relaxed, seen too: a wake too
   * many does no harm, and one too few is made good by the next check. */
  return changed || result != KG_OK ||
         (kg__load32_relaxed(&poller->listening) != 0 &&
          kg__reader_head(poller->reader) != kg__load64_relaxed(&poller->seen));
}

static bool is_stopped(const kg_poller *poller) {
  /* Relaxed: the mutex and the bell that wake the thread order it. */
  return kg__load32_relaxed(&poller->stop) != 0;
}

/* A1: partner of A2 in kg_poller_arm. */
static bool is_armed(const kg_poller *poller) {
  return kg__load32_acquire(&poller->armed) != 0;
}

/* Waits until the loop has drained, and goes on looking at the file
 * meanwhile: a loop that nobody consumes on wants to hear of its writer too.
 * Spins first: a short drain is over before this thread could fall asleep,
 * and the loop is spared a wake-up. */
static void wait_until_armed(kg_poller *poller) {
  uint64_t until = uv_hrtime() + poller->spin_ns;
  while (poller->spin_ns > 0 && !is_armed(poller) && !is_stopped(poller)) {
    for (int i = 0; i < SPINS_PER_CLOCK && !is_armed(poller); i++) {
      kg__cpu_relax();
    }
    if (uv_hrtime() >= until) {
      break;
    }
  }
  if (is_armed(poller) || is_stopped(poller)) {
    return;
  }
  uv_mutex_lock(&poller->mutex);
  kg__store32_seq_cst(&poller->parked, 1);
  /* P1: partner of P2 in unpark; one of the two sees the other's store. */
  kg__fence_seq_cst();
  while (!is_armed(poller) && !is_stopped(poller)) {
    if (uv_cond_timedwait(&poller->cond, &poller->mutex, CHECK_NS) != 0 &&
        check(poller, uv_hrtime())) {
      uv_async_send(&poller->async);
    }
  }
  kg__store32_relaxed(&poller->parked, 0);
  uv_mutex_unlock(&poller->mutex);
}

static void unpark(kg_poller *poller) {
  /* P2: partner of P1 in wait_until_armed. */
  kg__fence_seq_cst();
  if (kg__load32_relaxed(&poller->parked) != 0) {
    uv_mutex_lock(&poller->mutex);
    uv_cond_signal(&poller->cond);
    uv_mutex_unlock(&poller->mutex);
  }
}

/* Looks at the file when it is time to; true when something changed. */
static bool check_if_due(kg_poller *poller, uint64_t now) {
  return now >= poller->next_check && check(poller, now);
}

/* Asks for the chime when head is no longer `seen`; false when it is not so
 * already. */
static bool expect_chime(kg_poller *poller, uint64_t seen) {
  /* Relaxed: in front of a seq_cst operation on the doorbell, which the chime
   * answers. */
  kg__store32_relaxed(&poller->listening, 1);
  if (kg__reader_expects_chime(poller->reader, seen)) {
    return true;
  }
  kg__store32_relaxed(&poller->listening, 0);
  return false;
}

/* Waits until head is another than what the loop has seen, or the state
 * changed, or the poller is stopped. False when it is the chime that will
 * tell the loop. */
static bool watch(kg_poller *poller) {
  /* Relaxed: is_armed ordered it (A1). */
  uint64_t seen = kg__load64_relaxed(&poller->seen);
  uint64_t spin_until = 0;
  while (kg__reader_head(poller->reader) == seen && !is_stopped(poller)) {
    uint64_t now = uv_hrtime();
    if (spin_until == 0) {
      spin_until = now + poller->spin_ns;
    }
    if (check_if_due(poller, now)) {
      return true;
    }
    if (now < spin_until) {
      for (int i = 0; i < SPINS_PER_CLOCK; i++) {
        if (kg__reader_head(poller->reader) != seen) {
          return true;
        }
        kg__cpu_relax();
      }
    } else if (kg__reader_hears(poller->reader)) {
      /* No longer armed before it listens: from then on the loop may be told,
       * drain and arm this thread again, and that must not be undone. If the
       * loop armed it before, it did so for the same head or for one that
       * expect_chime() finds. Relaxed: the doorbell's operation orders it. */
      kg__store32_relaxed(&poller->armed, 0);
      return !expect_chime(poller, seen);
    } else {
      /* A stop that comes just before this sleep is noticed at the next
       * check, a fifth of a second later at the most. */
      kg__reader_sleep(poller->reader, seen, poller->next_check - now);
      if (kg__reader_head(poller->reader) == seen) {
        /* Time to look at the file, or somebody rang because it was
         * replaced. */
        poller->next_check = 0;
      }
    }
  }
  return true;
}

static void run(void *argument) {
  kg_poller *poller = argument;
  for (;;) {
    wait_until_armed(poller);
    if (is_stopped(poller)) {
      break;
    }
    bool moved = watch(poller);
    if (is_stopped(poller)) {
      break;
    }
    if (!moved) {
      continue;
    }
    /* Before the send: the loop may arm again at once. Relaxed: only the
     * loop looks at it, after the send. */
    kg__store32_relaxed(&poller->armed, 0);
    uv_async_send(&poller->async);
    /* Behind the send, so that no event waits for it; in a flood watch()
     * never comes to it. */
    if (check_if_due(poller, uv_hrtime())) {
      uv_async_send(&poller->async);
    }
  }
  /* E1: partner of E2 in on_async. */
  kg__store32_release(&poller->exited, 1);
  uv_async_send(&poller->async);
}

static void on_closed(uv_handle_t *handle) {
  kg_poller *poller = handle->data;
  if (--poller->open_handles > 0) {
    return;
  }
  kg_poller_callback on_stopped = poller->on_stopped;
  void *data = poller->data;
  uv_cond_destroy(&poller->cond);
  uv_mutex_destroy(&poller->mutex);
  free(poller);
  if (on_stopped != NULL) {
    on_stopped(data);
  }
}

static void close_handles(kg_poller *poller) {
  uv_close((uv_handle_t *)&poller->async, on_closed);
  if (poller->has_chime) {
    uv_close((uv_handle_t *)&poller->chime, on_closed);
  }
}

static void on_async(uv_async_t *async) {
  kg_poller *poller = async->data;
  /* E2: partner of E1 in run. */
  if (kg__load32_acquire(&poller->exited) != 0) {
    if (!uv_is_closing((uv_handle_t *)async)) {
      uv_thread_join(&poller->thread);
      close_handles(poller);
    }
  } else if (!is_stopped(poller)) {
    /* Relaxed: the thread's own store comes in front of its send. */
    kg__store32_relaxed(&poller->listening, 0);
    poller->on_wake(poller->data);
  }
}

static void on_chime(uv_poll_t *chime, int status, int events) {
  kg_poller *poller = chime->data;
  (void)status;
  (void)events;
  kg__reader_heard(poller->reader);
  /* Relaxed: set by this thread, or by the other one in front of the
   * operation on the doorbell that the chime answered. */
  if (kg__load32_relaxed(&poller->listening) != 0) {
    kg__store32_relaxed(&poller->listening, 0);
    poller->on_wake(poller->data);
  } else if (!is_armed(poller)) {
    /* It rings for others, and nobody here wants to know. */
    kg__reader_deafen(poller->reader, true);
    poller->deaf = true;
  }
}

/* Lets the loop hear the chime, if there is one; a thread does without. */
static void start_chime(kg_poller *poller, uv_loop_t *loop) {
  intptr_t descriptor = kg__reader_listen(poller->reader);
  if (descriptor < 0 || uv_poll_init(loop, &poller->chime, (int)descriptor)) {
    return;
  }
  poller->chime.data = poller;
  poller->open_handles++;
  poller->has_chime = true;
  /* The async holds the loop open or not. */
  uv_unref((uv_handle_t *)&poller->chime);
  uv_poll_start(&poller->chime, UV_READABLE, on_chime);
}

int kg_poller_start(kg_poller **started, uv_loop_t *loop, kg_reader *reader,
                    uint64_t spin_ns, kg_poller_callback on_wake, void *data) {
  kg_poller *poller = calloc(1, sizeof *poller);
  if (poller == NULL) {
    return UV_ENOMEM;
  }
  enum kg_writer_life life;
  int result = kg_reader_check(reader, &life);
  poller->reader = reader;
  poller->spin_ns = spin_ns;
  poller->on_wake = on_wake;
  poller->data = data;
  poller->seen = kg__reader_seen(reader);
  poller->armed = 1;
  poller->state = pack_state(result, life);
  poller->next_check = uv_hrtime() + CHECK_NS;
  result = uv_mutex_init(&poller->mutex);
  if (result != 0) {
    free(poller);
    return result;
  }
  result = uv_cond_init(&poller->cond);
  if (result != 0) {
    uv_mutex_destroy(&poller->mutex);
    free(poller);
    return result;
  }
  result = uv_async_init(loop, &poller->async, on_async);
  if (result != 0) {
    uv_cond_destroy(&poller->cond);
    uv_mutex_destroy(&poller->mutex);
    free(poller);
    return result;
  }
  poller->async.data = poller;
  poller->open_handles = 1;
  start_chime(poller, loop);
  result = uv_thread_create(&poller->thread, run, poller);
  if (result != 0) {
    /* Handles can only be freed from their close callback. */
    close_handles(poller);
    return result;
  }
  *started = poller;
  return 0;
}

bool kg_poller_arm(kg_poller *poller) {
  uint64_t seen = kg__reader_seen(poller->reader);
  if (kg__reader_head(poller->reader) != seen) {
    return true;
  }
  if (poller->deaf) {
    kg__reader_deafen(poller->reader, false);
    poller->deaf = false;
  }
  /* Relaxed: A2 publishes it, where the thread is to watch. */
  kg__store64_relaxed(&poller->seen, seen);
  /* Spinning pays where events come closer to each other than it lasts; the
   * chime costs the thread no wake-up. */
  uint64_t now = uv_hrtime();
  bool dense = now - poller->last_arm <= poller->spin_ns;
  poller->last_arm = now;
  if (!dense && kg__reader_hears(poller->reader)) {
    return !expect_chime(poller, seen);
  }
  /* A2: partner of A1 in is_armed. */
  kg__store32_release(&poller->armed, 1);
  unpark(poller);
  return false;
}

void kg_poller_ref(kg_poller *poller) {
  uv_ref((uv_handle_t *)&poller->async);
}

void kg_poller_unref(kg_poller *poller) {
  uv_unref((uv_handle_t *)&poller->async);
}

void kg_poller_stop(kg_poller *poller, kg_poller_callback on_stopped) {
  poller->on_stopped = on_stopped;
  if (poller->has_chime) {
    uv_poll_stop(&poller->chime);
  }
  /* The loop must live until the thread is joined. */
  kg_poller_ref(poller);
  kg__store32_seq_cst(&poller->stop, 1);
  unpark(poller);
  kg__reader_interrupt(poller->reader);
}
