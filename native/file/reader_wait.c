/* What a kg_reader waits with: a look at head, a sleep, the wake file, or a CPU
 * of its own. */
#include "reader.h"
#include "reader_fields.h"

static uint64_t look(const kg_reader *reader) {
  uint64_t head = kg__ring_head(&reader->ring.ring);
  return kg__reader_is_broken(reader) ? KG__NO_HEAD : head;
}

uint64_t kg__reader_head(const kg_reader *reader) {
  kg__guard_keep();
  return look(reader);
}

uint64_t kg__reader_seen(const kg_reader *reader) {
  return reader->ring.seen;
}

/* Whether the ring was retired and no sleep has ended for that yet. It may have
 * happened before this reader said that it waits. */
static bool is_news(kg_reader *reader) {
  return kg__reader_is_retired(reader) &&
         kg__exchange32_seq_cst(&reader->is_retirement_told, 1) == 0;
}

void kg__reader_sleep(kg_reader *reader, uint64_t seen, uint64_t timeout_ns) {
  uint32_t word = 0;
  /* Looked at before the writer is asked, which costs it a system call. */
  bool waits =
      kg__reader_head(reader) == seen &&
      kg__ring_reader_waits(&reader->ring, KG_WAITS_ON_HEAD, seen, &word);
  if (kg__reader_is_broken(reader)) {
    kg__sleep(timeout_ns);
  } else if (waits && !is_news(reader)) {
    kg__bell_wait(&reader->segment.bell, word, timeout_ns);
  }
}

/* Relaxed: a word that is compared and bound to nothing. */
static uint64_t wake_file_id(const kg_reader *reader) {
  return kg__load64_relaxed(&reader->segment.ring.header->wake_file_id);
}

intptr_t kg__reader_open_listener(kg_reader *reader) {
  return kg__listener_open(&reader->dir, reader->names.wake_file,
                           wake_file_id(reader), &reader->listener);
}

bool kg__reader_can_listen(const kg_reader *reader) {
  /* A ring that was cut short does not say which it is any more; its writer
   * rings when another one is there. */
  return reader->listener.id != 0 &&
         (reader->listener.id == wake_file_id(reader) ||
          kg__reader_is_broken(reader));
}

bool kg__reader_request_wake(kg_reader *reader, uint64_t seen) {
  uint32_t word;
  bool waits =
      kg__ring_reader_waits(&reader->ring, KG_WAITS_FOR_WAKE_FILE, seen, &word);
  return kg__reader_is_broken(reader) ? seen == KG__NO_HEAD : waits;
}

void kg__reader_drain_listener(kg_reader *reader) {
  kg__listener_drain(&reader->listener);
}

void kg__reader_interrupt(kg_reader *reader) {
  kg__bell_ring(&reader->segment.bell);
}

static bool take_interrupt(kg_reader *reader) {
  return kg__exchange32_seq_cst(&reader->is_interrupted, 0) != 0;
}

/* Relaxed: a hint; it may be ahead of head by a batch. */
static uint64_t published(const kg_reader *reader) {
  return kg__load64_relaxed(&reader->segment.ring.header->last_sequence);
}

/* Head counts slots, of which one event can have many. Nothing in a ring that
 * was cut short. */
static uint64_t events_since(const kg_reader *reader, uint64_t seen,
                             uint64_t before) {
  uint64_t head = kg__reader_head(reader);
  uint64_t now = published(reader);
  return head == KG__NO_HEAD || head == seen || now < before ? 0 : now - before;
}

/* Relaxed: a hint, which may be what this reader left there itself. */
static bool is_anyone_asleep(const kg_reader *reader) {
  return (kg__load32_relaxed(&reader->segment.ring.doorbell->waiters) &
          KG_WAITS_ON_HEAD) != 0;
}

/* Naps as long as that is due, `*left_ns` at the most, which is what is left of
 * it then. False when a signal ended a nap: it ends a sleep, too. */
static bool nap(kg_reader *reader, uint64_t seen, uint64_t *left_ns) {
  /* Relaxed: an interrupt that this look misses is not missed by the one behind
   * the nap, which is short. */
  while (kg__reader_head(reader) == seen && !kg__reader_is_retired(reader) &&
         kg__load32_relaxed(&reader->is_interrupted) == 0) {
    uint64_t ns = kg__nap_begin(&reader->nap, reader->ring.ring.capacity);
    if (ns == 0 || ns >= *left_ns) {
      break;
    }
    uint64_t before = published(reader);
    uint64_t began_ns = kg__clock_monotonic_ns();
    kg__sleep(ns);
    uint64_t slept_ns = kg__clock_monotonic_ns() - began_ns;
    kg__nap_end(&reader->nap, slept_ns, events_since(reader, seen, before));
    *left_ns -= slept_ns < *left_ns ? slept_ns : *left_ns;
    if (slept_ns < ns) {
      return false;
    }
  }
  return true;
}

static void wait(kg_reader *reader, uint64_t timeout_ns) {
  uint64_t seen = reader->ring.seen;
  bool goes_on = nap(reader, seen, &timeout_ns);
  if (take_interrupt(reader) || !goes_on) {
    return;
  }
  bool has_company = is_anyone_asleep(reader);
  bool is_there = look(reader) != seen;
  uint64_t before = published(reader);
  uint64_t began_ns = kg__clock_monotonic_ns();
  kg__reader_sleep(reader, seen, timeout_ns);
  if (!is_there) {
    kg__nap_slept(&reader->nap, kg__clock_monotonic_ns() - began_ns,
                  has_company, events_since(reader, seen, before));
  }
  (void)take_interrupt(reader);
}

void kg_reader_wait(kg_reader *reader, uint32_t timeout_ms) {
  if (reader == NULL || kg__reader_is_forked(reader) ||
      !kg__reader_is_owned(reader)) {
    return;
  }
  /* Before the exchange in wait(): partner of the fence in
   * kg_reader_interrupt. */
  kg__store32_seq_cst(&reader->is_waiting, 1);
  wait(reader, (uint64_t)timeout_ms * 1000000);
  kg__store32_seq_cst(&reader->is_waiting, 0);
}

/* A sleep that begins behind the bell is rung out of it so much later. */
#define INTERRUPT_AGAIN_NS UINT64_C(100000)

void kg_reader_interrupt(kg_reader *reader) {
  if (reader == NULL || kg__reader_is_forked(reader)) {
    return;
  }
  kg__store32_seq_cst(&reader->is_interrupted, 1);
  /* Partner of the exchange in wait(): either that finds the store
   * above, or this loop the one before it. */
  kg__fence_seq_cst();
  /* Relaxed: the fence orders the first look, and others follow. */
  while (kg__load32_relaxed(&reader->is_waiting) != 0 &&
         kg__load32_relaxed(&reader->is_interrupted) != 0) {
    kg__reader_interrupt(reader);
    kg__sleep(INTERRUPT_AGAIN_NS);
  }
}

int kg_reader_fd(kg_reader *reader) {
  if (reader == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  if (!kg__reader_is_owned(reader)) {
    return KG_E_WRONG_THREAD;
  }
  if (kg__reader_is_forked(reader)) {
    return kg__fail(&reader->failure, KG_E_FORKED, 0, "a descriptor");
  }
  kg__guard_keep();
  if (!kg__reader_can_listen(reader) && kg__reader_open_listener(reader) < 0) {
    return kg__fail(&reader->failure, KG_E_SYSTEM, 0,
                    "there is no descriptor for what is written");
  }
  intptr_t descriptor = kg__listener_poll(&reader->listener);
  return descriptor >= 0 ? (int)descriptor
                         : kg__fail(&reader->failure, KG_E_SYSTEM, 0,
                                    "there is no descriptor for poll()");
}

int kg_reader_arm(kg_reader *reader) {
  int descriptor = kg_reader_fd(reader);
  if (descriptor < 0) {
    return descriptor;
  }
  kg__reader_drain_listener(reader);
  return kg__reader_request_wake(reader, reader->ring.seen) && !is_news(reader)
             ? 1
             : 0;
}

/* Looks at head between two looks at the clock, which costs as much as many of
 * them. */
#define LOOKS_PER_CLOCK 32

/* A microsecond or a few of them, as long as this CPU's pauses are. */
#define MOST_GATHERS 128

/* Each look at head takes its cache line from the writer, and each read those
 * behind it. A reader that follows closely holds up a writer in a hurry by
 * that, and gets more events when it lets a few gather. Where they come one by
 * one, nothing is to gather, and it looks at once. */
static void gather(kg_reader *reader) {
  uint64_t received = reader->ring.received;
  bool is_flood = received - reader->spun_through > 1;
  uint32_t more = reader->gathers == 0 ? 4 : 2 * reader->gathers;
  reader->gathers = !is_flood ? 0 : more < MOST_GATHERS ? more : MOST_GATHERS;
  reader->spun_through = received;
  for (uint32_t i = 0; i < reader->gathers; i++) {
    kg__cpu_relax();
  }
}

/* Relaxed: an exchange at each look would take the line from its readers. */
static bool take_interrupt_if_any(kg_reader *reader) {
  return kg__load32_relaxed(&reader->is_interrupted) != 0 &&
         take_interrupt(reader);
}

/* The time now. While nothing is there, the guard's system call holds up no
 * event: the read that follows one finds that it was just done. */
static uint64_t keep_spinning(kg_reader *reader) {
  reader->spun_at_ns = kg__clock_ns(&reader->clock);
  kg__guard_keep_early(reader->spun_at_ns);
  return reader->spun_at_ns;
}

bool kg_reader_spin(kg_reader *reader, uint32_t micros) {
  if (reader == NULL || kg__reader_is_forked(reader) ||
      !kg__reader_is_owned(reader)) {
    return false;
  }
  gather(reader);
  if (reader->spun_at_ns == 0) {
    kg__clock_begin(&reader->clock);
  }
  uint64_t now = keep_spinning(reader);
  uint64_t until = now + (uint64_t)micros * 1000;
  for (;;) {
    for (int i = 0; i < LOOKS_PER_CLOCK; i++) {
      /* It is the end of the wait that is in a hurry, and a CPU that guesses it
       * asks for what follows before it knows. */
      if (KG__LIKELY(look(reader) != reader->ring.seen)) {
        /* They come while the read that follows begins. */
        kg__ring_reader_prefetch(&reader->ring);
        return true;
      }
      kg__cpu_relax();
    }
    now = keep_spinning(reader);
    if (now >= until || take_interrupt_if_any(reader)) {
      return false;
    }
  }
}
