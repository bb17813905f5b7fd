/* The barest addon that can do the job: two strings into shared memory, a
 * thread on a futex, one uv_async, a callback with two strings. No ring, no
 * checks, no account: what it takes is what the machine, libuv and V8 take.
 * Beside it the clock of a thread's CPU time, which Node 20 does not have. */

#include <fcntl.h>
#include <linux/futex.h>
#include <node_api.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

/* Enough for the hiccups of a machine; nobody looks whether it is. */
#define SLOTS 1024

struct slot {
  uint64_t published_ns; /* before anything was written */
  uint64_t noticed_ns;   /* by the thread */
  uint64_t woken_ns;     /* the loop calls back */
  uint32_t source_length;
  uint32_t details_length;
  char source[64];
  char details[256];
};

struct shared {
  alignas(128) _Atomic uint32_t sequence;
  alignas(128) _Atomic uint32_t taken;
  alignas(128) struct slot slots[SLOTS];
};

static struct shared *shared;
static uv_async_t async;
static uv_thread_t thread;
static atomic_bool stopped;
static bool spins;
static uint32_t delivered;
static napi_env environment;
static napi_ref callback;

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static long futex(_Atomic uint32_t *word, int operation, uint32_t value) {
  return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void watch(void *argument) {
  (void)argument;
  uint32_t seen = 0;
  while (!atomic_load_explicit(&stopped, memory_order_relaxed)) {
    uint32_t now =
        atomic_load_explicit(&shared->sequence, memory_order_acquire);
    if (now == seen) {
      if (!spins)
        futex(&shared->sequence, FUTEX_WAIT, seen);
      continue;
    }
    uint64_t noticed_ns = now_ns();
    while (seen != now)
      shared->slots[seen++ % SLOTS].noticed_ns = noticed_ns;
    uv_async_send(&async);
  }
}

static void deliver(uv_async_t *handle) {
  (void)handle;
  uint64_t woken_ns = now_ns();
  napi_handle_scope scope;
  napi_open_handle_scope(environment, &scope);
  napi_value function, global, strings[2];
  napi_get_reference_value(environment, callback, &function);
  napi_get_global(environment, &global);
  uint32_t now = atomic_load_explicit(&shared->sequence, memory_order_acquire);
  while (delivered != now) {
    struct slot *slot = &shared->slots[delivered++ % SLOTS];
    slot->woken_ns = woken_ns;
    napi_create_string_utf8(environment, slot->source, slot->source_length,
                            &strings[0]);
    napi_create_string_utf8(environment, slot->details, slot->details_length,
                            &strings[1]);
    if (napi_make_callback(environment, NULL, global, function, 2, strings,
                           NULL) == napi_pending_exception) {
      napi_value error;
      napi_get_and_clear_last_exception(environment, &error);
      napi_fatal_exception(environment, error);
    }
  }
  atomic_store_explicit(&shared->taken, delivered, memory_order_release);
  napi_close_handle_scope(environment, scope);
}

/* open(path): the memory, made by the first who comes. */
static napi_value open_memory(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  char path[1024];
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_value_string_utf8(env, argument, path, sizeof path, &count);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof *shared) != 0) {
    napi_throw_error(env, NULL, "the memory cannot be made");
    return NULL;
  }
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_POPULATE, fd, 0);
  close(fd);
  if (shared == MAP_FAILED)
    napi_throw_error(env, NULL, "it cannot be mapped");
  return NULL;
}

/* publish(source, details) */
static napi_value publish(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2, length;
  uint64_t published_ns = now_ns();
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  uint32_t now = atomic_load_explicit(&shared->sequence, memory_order_relaxed);
  struct slot *slot = &shared->slots[now % SLOTS];
  slot->published_ns = published_ns;
  napi_get_value_string_utf8(env, arguments[0], slot->source,
                             sizeof slot->source, &length);
  slot->source_length = (uint32_t)length;
  napi_get_value_string_utf8(env, arguments[1], slot->details,
                             sizeof slot->details, &length);
  slot->details_length = (uint32_t)length;
  atomic_store_explicit(&shared->sequence, now + 1, memory_order_release);
  futex(&shared->sequence, FUTEX_WAKE, 1);
  return NULL;
}

/* listen(spins, callback) */
static napi_value start_listening(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  uv_loop_t *loop;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_bool(env, arguments[0], &spins);
  napi_create_reference(env, arguments[1], 1, &callback);
  environment = env;
  napi_get_uv_event_loop(env, &loop);
  uv_async_init(loop, &async, deliver);
  uv_thread_create(&thread, watch, NULL);
  return NULL;
}

/* stages(): of the event whose callback runs, nanoseconds from its publication
 * to the thread, from there to the loop, and from there to now. */
static napi_value stages(napi_env env, napi_callback_info info) {
  (void)info;
  const struct slot *slot = &shared->slots[(delivered - 1) % SLOTS];
  uint64_t now = now_ns();
  const uint64_t taken[] = {slot->noticed_ns - slot->published_ns,
                            slot->woken_ns - slot->noticed_ns,
                            now - slot->woken_ns};
  napi_value list;
  napi_create_array(env, &list);
  for (uint32_t i = 0; i < sizeof taken / sizeof *taken; i++) {
    napi_value number;
    napi_create_double(env, (double)taken[i], &number);
    napi_set_element(env, list, i, number);
  }
  return list;
}

/* stop(): ends what listen() began. */
static napi_value stop_listening(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  atomic_store(&stopped, true);
  /* It may be about to sleep: the word moves, so it does not. */
  atomic_fetch_add(&shared->sequence, 1);
  futex(&shared->sequence, FUTEX_WAKE, 1);
  uv_thread_join(&thread);
  uv_close((uv_handle_t *)&async, NULL);
  return NULL;
}

/* taken(): how many were delivered over there. */
static napi_value count_taken(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  uint32_t taken = atomic_load_explicit(&shared->taken, memory_order_acquire);
  napi_create_uint32(env, taken, &result);
  return result;
}

/* threadCpu(): nanoseconds of CPU that this thread took so far. */
static napi_value thread_cpu(napi_env env, napi_callback_info info) {
  (void)info;
  struct timespec now;
  napi_value result;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  napi_create_double(env, (double)now.tv_sec * 1e9 + (double)now.tv_nsec,
                     &result);
  return result;
}

static napi_value init(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
      {"open", NULL, open_memory, NULL, NULL, NULL, napi_enumerable, NULL},
      {"publish", NULL, publish, NULL, NULL, NULL, napi_enumerable, NULL},
      {"listen", NULL, start_listening, NULL, NULL, NULL, napi_enumerable,
       NULL},
      {"stages", NULL, stages, NULL, NULL, NULL, napi_enumerable, NULL},
      {"stop", NULL, stop_listening, NULL, NULL, NULL, napi_enumerable, NULL},
      {"taken", NULL, count_taken, NULL, NULL, NULL, napi_enumerable, NULL},
      {"threadCpu", NULL, thread_cpu, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof properties / sizeof *properties,
                         properties);
  return exports;
}

NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
