#include "poller.h"

#include <stdlib.h>

#include "../base/atomic.h"
#include "../file/reader.h"
#include "watch.h"

/* How often the file and the writer's lock are looked at. */
#define CHECK_NS UINT64_C(200000000)

/* A ring that is out of its place has a successor soon, or for a long time
 * none: after so many looks, only every so often one wakes the loop. */
#define DISPLACED_CHECKS 10
#define DISPLACED_EVERY 5

/* After so many events in a row without a signal, the wake file is not trusted:
 * what watches it may have been lost. */
#define MISSES 3

/* What wakes the loop when head has moved: its waker. The loop appoints one;
 * the waker that resets this to WAKER_NONE wakes the loop, once. */
enum waker {
  WAKER_NONE,   /* none: the loop is awake and has yet to arm */
  WAKER_THREAD, /* the thread watches head */
  WAKER_FILE,   /* the writer signals its wake file */
  WAKER_LOOP    /* the loop itself looks, in each of its turns */
};

struct kg_poller {
  kg_reader *reader;
  bool has_listener;
  uint64_t spin_ns;
  kg_poller_callback on_wake;
  kg_poller_callback on_stopped;
  void *data;
  uv_async_t async;
  kg__watch listener;
  uv_idle_t spin; /* while it is active, the loop does not sleep */
  unsigned open_handles;
  uv_thread_t thread;
  uv_mutex_t mutex;
  uv_cond_t cond;

  /* Shared between the two threads. */
  uint64_t seen;   /* the loop read up to here; published by `waker` */
  uint32_t waker;  /* enum waker */
  uint32_t parked; /* 1: the thread waits on `cond` to be the waker */
  uint32_t stop;
  uint32_t exited;
  uint32_t state;  /* the last check, a kg__reader_state */
  uint32_t missed; /* signals, in a row */

  uint64_t next_check; /* of the thread alone */
  uint32_t displaced;  /* of the thread alone: checks in a row */
  uint64_t last_event; /* of the loop alone: when it was through with it */
  uint64_t spin_until; /* of the loop alone */
  uint32_t turns;      /* of the loop alone: to be taken before it sleeps */
  bool is_muted;       /* of the loop alone: it does not watch the wake file */
};

static bool replace_waker(kg_poller *poller, uint32_t from, uint32_t to) {
  return kg__compare_exchange32_seq_cst(&poller->waker, from, to);
}

/* Relaxed: a hint; what follows from it is done by a compare-exchange. */
static uint32_t waker_of(const kg_poller *poller) {
  return kg__load32_relaxed(&poller->waker);
}

/* Whether the wake file can be relied on. Any thread. */
static bool can_listen(const kg_poller *poller) {
  /* Relaxed: a count that is compared with a limit. */
  return poller->has_listener && kg__load32_relaxed(&poller->missed) < MISSES &&
         kg__reader_can_listen(poller->reader);
}

uint32_t kg_poller_state(const kg_poller *poller) {
  /* Relaxed: the word says all that it has to say. */
  uint32_t state = kg__load32_relaxed(&poller->state);
  bool is_in_place = state < KG_STATE_ERROR;
  return is_in_place && kg__reader_is_retired(poller->reader)
             ? state + KG_STATE_ERROR * (uint32_t)-KG_E_NO_RING
             : state;
}

/* Whether the wake file should have woken the loop by now, or cannot do so any
 * more. */
static bool is_wake_late(kg_poller *poller) {
  if (waker_of(poller) != WAKER_FILE) {
    return false;
  }
  /* Relaxed, seen too: a wake too many does no harm, and one too few is made
   * good by the next check. */
  if (kg__reader_head(poller->reader) != kg__load64_relaxed(&poller->seen)) {
    kg__store32_relaxed(&poller->missed,
                        kg__load32_relaxed(&poller->missed) + 1);
    return true;
  }
  return !can_listen(poller);
}

/* Looks at the file; true when the loop should know. */
static bool check(kg_poller *poller, uint64_t now) {
  uint32_t state = kg__reader_state(poller->reader);
  bool changed = state != kg__load32_relaxed(&poller->state);
  kg__store32_relaxed(&poller->state, state);
  poller->next_check = now + CHECK_NS;
  poller->displaced = state < KG_STATE_ERROR ? 0 : poller->displaced + 1;
  /* While a ring is out of its place, its successor is worth a wake. */
  bool seeks =
      poller->displaced > 0 && (poller->displaced <= DISPLACED_CHECKS ||
                                poller->displaced % DISPLACED_EVERY == 0);
  return is_wake_late(poller) || changed || seeks ||
         kg__reader_is_displaced(poller->reader);
}

static bool is_stopped(const kg_poller *poller) {
  /* Relaxed: the mutex and the bell that wake the thread order it. */
  return kg__load32_relaxed(&poller->stop) != 0;
}

/* A1: partner of A2 in fall_asleep. */
static bool is_armed(const kg_poller *poller) {
  return kg__load32_acquire(&poller->waker) == WAKER_THREAD;
}

/* Waits until this thread is the waker, and goes on checking the file
 * meanwhile: the state of the writer matters without consumers, too. */
static void wait_until_armed(kg_poller *poller) {
  if (is_armed(poller) || is_stopped(poller)) {
    return;
  }
  uv_mutex_lock(&poller->mutex);
  kg__store32_seq_cst(&poller->parked, 1);
  /* P1: partner of P2 in unpark; one of the two sees the other's store. */
  kg__fence_seq_cst();
  while (!is_armed(poller) && !is_stopped(poller)) {
    if (uv_cond_timedwait(&poller->cond, &poller->mutex, CHECK_NS) != 0) {
      /* The loop must not wait for a file system, so not under the mutex. What
       * it stores meanwhile is seen by the loop's condition. */
      uv_mutex_unlock(&poller->mutex);
      if (check(poller, uv_hrtime())) {
        uv_async_send(&poller->async);
      }
      uv_mutex_lock(&poller->mutex);
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

/* Looks at the file when it is time to; true when the loop should know. */
static bool check_if_due(kg_poller *poller, uint64_t now) {
  return now >= poller->next_check && check(poller, now);
}

/* Asks the writer for a signal. The wake file is the waker before that, since
 * the signal may come at once. True when head has moved already, and the caller
 * is to wake the loop. */
static bool request_wake(kg_poller *poller, uint64_t seen) {
  return !kg__reader_request_wake(poller->reader, seen) &&
         replace_waker(poller, WAKER_FILE, WAKER_NONE);
}

/* Waits until head is another than what the loop has seen, or the state
 * changed, or the poller is stopped. True when it is this thread that tells
 * the loop. */
static bool watch(kg_poller *poller) {
  /* Relaxed: is_armed ordered it (A1). */
  uint64_t seen = kg__load64_relaxed(&poller->seen);
  while (kg__reader_head(poller->reader) == seen && !is_stopped(poller)) {
    uint64_t now = uv_hrtime();
    if (check_if_due(poller, now)) {
      /* Whatever is the waker by now: only this thread knows what the check
       * found. */
      replace_waker(poller, WAKER_THREAD, WAKER_NONE);
      return true;
    }
    if (can_listen(poller)) {
      return replace_waker(poller, WAKER_THREAD, WAKER_FILE) &&
             request_wake(poller, seen);
    }
    /* A stop that comes just before this sleep is noticed at the next check, a
     * fifth of a second later at the most. */
    kg__reader_sleep(poller->reader, seen, poller->next_check - now);
    if (kg__reader_head(poller->reader) == seen) {
      /* Time to check the file, or this was woken because it was replaced. */
      poller->next_check = 0;
    }
    if (!is_armed(poller)) {
      /* The loop was woken by something else, and has decided anew. */
      return false;
    }
  }
  return replace_waker(poller, WAKER_THREAD, WAKER_NONE);
}

static void run(void *argument) {
  kg_poller *poller = argument;
  wait_until_armed(poller);
  while (!is_stopped(poller)) {
    if (watch(poller)) {
      uv_async_send(&poller->async);
      /* Behind the send, so that no event waits for it; in a flood watch()
       * never comes to it. */
      if (check_if_due(poller, uv_hrtime())) {
        uv_async_send(&poller->async);
      }
    }
    wait_until_armed(poller);
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
  uv_close((uv_handle_t *)&poller->spin, on_closed);
  if (poller->has_listener) {
    uv_close(&poller->listener.uv.handle, on_closed);
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
    /* What the other wakers would report, this wake finds. */
    replace_waker(poller, WAKER_FILE, WAKER_NONE);
    replace_waker(poller, WAKER_LOOP, WAKER_NONE);
    poller->on_wake(poller->data);
  }
}

/* A wake file that is signalled for other readers must not wake this loop while
 * it is not asleep. */
static void watch_listener(kg_poller *poller, bool watches) {
  if (poller->is_muted != watches) {
    return;
  }
  poller->is_muted = !watches;
  if (watches) {
    /* What was signalled meanwhile was for other readers. */
    kg__reader_drain_listener(poller->reader);
    kg__watch_start(&poller->listener);
  } else {
    kg__watch_stop(&poller->listener);
  }
}

/* Appoints the wake file, or the thread where there is none. True when head has
 * moved already, and the loop stays awake. */
static bool fall_asleep(kg_poller *poller) {
  uint64_t seen = kg__load64_relaxed(&poller->seen);
  if (poller->has_listener) {
    watch_listener(poller, true);
  }
  if (can_listen(poller)) {
    /* From the thread too, if that was it: it looks before it wakes the
     * loop. */
    kg__exchange32_seq_cst(&poller->waker, WAKER_FILE);
    return request_wake(poller, seen);
  }
  /* A2: partner of A1 in is_armed. */
  kg__store32_release(&poller->waker, WAKER_THREAD);
  unpark(poller);
  return false;
}

/* In each turn of a loop that does not sleep. */
static void on_spin(uv_idle_t *spin) {
  kg_poller *poller = spin->data;
  /* Relaxed: only this thread sets or resets WAKER_LOOP, or stores `seen`. */
  bool is_mine = waker_of(poller) == WAKER_LOOP;
  bool has_moved = is_mine && kg__reader_head(poller->reader) !=
                                  kg__load64_relaxed(&poller->seen);
  if (is_mine && !has_moved) {
    if (poller->turns > 0 || uv_hrtime() < poller->spin_until) {
      poller->turns -= poller->turns > 0 ? 1 : 0;
      return;
    }
    has_moved = fall_asleep(poller);
  }
  /* Whatever is the waker now, the next arm decides whether to spin on. */
  uv_idle_stop(spin);
  if (has_moved) {
    kg__store32_relaxed(&poller->waker, WAKER_NONE);
    poller->on_wake(poller->data);
  }
}

static void on_wake_file(kg__watch *listener) {
  kg_poller *poller = listener->uv.handle.data;
  kg__reader_drain_listener(poller->reader);
  /* Relaxed: see can_listen(). The loop may have been woken for it by something
   * else: that it was busy does not make the wake file unreliable. */
  kg__store32_relaxed(&poller->missed, 0);
  if (replace_waker(poller, WAKER_FILE, WAKER_NONE) ||
      (kg__watch_turns > 0 && replace_waker(poller, WAKER_LOOP, WAKER_NONE))) {
    poller->on_wake(poller->data);
  } else if (waker_of(poller) == WAKER_NONE) {
    watch_listener(poller, false);
  }
}

/* Watches the wake file, if there is one; otherwise the thread is the waker. */
static void start_listener(kg_poller *poller, uv_loop_t *loop) {
  intptr_t descriptor = kg__reader_open_listener(poller->reader);
  if (descriptor < 0 ||
      kg__watch_init(&poller->listener, loop, descriptor, on_wake_file) != 0) {
    return;
  }
  poller->listener.uv.handle.data = poller;
  poller->open_handles++;
  poller->has_listener = true;
  poller->is_muted = true;
  /* The async holds the loop open or not. */
  uv_unref(&poller->listener.uv.handle);
}

int kg_poller_start(kg_poller **started, uv_loop_t *loop, kg_reader *reader,
                    uint64_t spin_ns, bool by_thread,
                    kg_poller_callback on_wake, void *data) {
  kg_poller *poller = calloc(1, sizeof *poller);
  if (poller == NULL) {
    return UV_ENOMEM;
  }
  poller->reader = reader;
  poller->spin_ns = spin_ns;
  poller->on_wake = on_wake;
  poller->data = data;
  poller->seen = kg__reader_seen(reader);
  poller->waker = WAKER_THREAD;
  poller->state = kg__reader_state(reader);
  poller->next_check = uv_hrtime() + CHECK_NS;
  int result = uv_mutex_init(&poller->mutex);
  if (result != 0) {
    goto no_mutex;
  }
  result = uv_cond_init(&poller->cond);
  if (result != 0) {
    goto no_cond;
  }
  result = uv_async_init(loop, &poller->async, on_async);
  if (result != 0) {
    goto no_async;
  }
  poller->async.data = poller;
  uv_idle_init(loop, &poller->spin);
  poller->spin.data = poller;
  poller->open_handles = 2;
  /* The async holds the loop open or not. */
  uv_unref((uv_handle_t *)&poller->spin);
  if (!by_thread) {
    start_listener(poller, loop);
  }
  result = uv_thread_create(&poller->thread, run, poller);
  if (result != 0) {
    /* Handles can only be freed from their close callback. */
    close_handles(poller);
    return result;
  }
  *started = poller;
  return 0;

no_async:
  uv_cond_destroy(&poller->cond);
no_cond:
  uv_mutex_destroy(&poller->mutex);
no_mutex:
  free(poller);
  return result;
}

bool kg_poller_arm(kg_poller *poller) {
  uint64_t seen = kg__reader_seen(poller->reader);
  if (kg__reader_head(poller->reader) != seen) {
    return true;
  }
  uint64_t now = uv_hrtime();
  /* Relaxed, here and below: appointing a waker publishes it. */
  if (kg__load64_relaxed(&poller->seen) != seen) {
    /* Spinning pays where events come closer to each other than it lasts. The
     * loop itself spins: nothing has to wake it, and its other work gets its
     * turn as ever. */
    bool is_dense = now - poller->last_event <= poller->spin_ns;
    poller->spin_until = is_dense ? now + poller->spin_ns : 0;
    poller->last_event = now;
  }
  kg__store64_relaxed(&poller->seen, seen);
  poller->turns = poller->has_listener ? kg__watch_turns : 0;
  if (poller->turns == 0 && now >= poller->spin_until) {
    return fall_asleep(poller);
  }
  if (poller->turns > 0) {
    /* From now on a signal is for this loop, too. */
    watch_listener(poller, true);
  }
  kg__exchange32_seq_cst(&poller->waker, WAKER_LOOP);
  uv_idle_start(&poller->spin, on_spin);
  return false;
}

void kg_poller_hold(kg_poller *poller, bool holds) {
  (holds ? uv_ref : uv_unref)((uv_handle_t *)&poller->async);
}

void kg_poller_stop(kg_poller *poller, kg_poller_callback on_stopped) {
  poller->on_stopped = on_stopped;
  if (poller->has_listener) {
    kg__watch_stop(&poller->listener);
  }
  uv_idle_stop(&poller->spin);
  /* The loop must live until the thread is joined. */
  kg_poller_hold(poller, true);
  kg__store32_seq_cst(&poller->stop, 1);
  unpark(poller);
  kg__reader_interrupt(poller->reader);
}
