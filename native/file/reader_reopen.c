/* Going over from a ring to the one that took its place, with the account. */
#include <stddef.h>
#include <string.h>

#include "position.h"
#include "reader.h"
#include "reader_fields.h"

/* What of the old ring's stream nobody will read any more. */
static kg_batch loss_between(const kg_reader *old, const kg_reader *fresh) {
  kg_position position = kg__position_of(old);
  kg_ring_info now;
  kg_reader_info(fresh, &now);
  return kg__position_loss(&position, &now);
}

/* The account so far, of this ring and of those before it. */
static kg__totals totals_of(const kg_reader *reader, const kg_batch *lost) {
  kg_reader_stats stats;
  kg_reader_stats_get(reader, &stats);
  return (kg__totals){.received = stats.received,
                      .lost = stats.lost +
                              (lost->lost == KG_LOST_UNKNOWN ? 0 : lost->lost),
                      .rescued = stats.rescued,
                      .corrupt = stats.corrupt,
                      .bytes = stats.bytes};
}

static void point_home(kg_reader *reader) {
  reader->registration.place =
      (kg__place){&reader->dir, &reader->names, &reader->ring.ring};
}

/* What belongs to the ring that a reader has. Not what is behind that: another
 * thread may interrupt this reader at any time. */
#define OF_RING_BYTES offsetof(kg_reader, is_waiting)

/* Gives the reader the ring of the fresh one, and closes its old one. */
static void move_to(kg_reader *reader, kg_reader *fresh, const kg_batch *lost) {
  kg_reader old;
  reader->earlier = totals_of(reader, lost);
  memcpy(&old, reader, OF_RING_BYTES);
  memcpy(reader, fresh, OF_RING_BYTES);
  memcpy(fresh, &old, OF_RING_BYTES);
  point_home(reader);
  point_home(fresh);
  /* Behind that: the writer waits for a reliable reader by its lock in the old
   * ring, until it has one in the new ring. */
  kg_reader_close(fresh);
}

/* The options by which this reader was opened. */
static int open_again(kg_reader *reader, kg_reader **fresh,
                      kg_failure *failure) {
  char name[sizeof reader->names.ring];
  size_t length = strlen(reader->names.ring) - strlen(KG__RING_SUFFIX);
  memcpy(name, reader->names.ring, length);
  name[length] = '\0';
  const kg_ring_options options = {
      .struct_size = sizeof options,
      .dir = reader->is_default_dir ? NULL : reader->dir.path,
      .name = name,
      .reliable = reader->is_reliable,
      .huge_pages = reader->placement.huge_pages};
  return kg_reader_open(&options, fresh, failure);
}

static int reopen(kg_reader *reader, kg_batch *lost, kg_failure *failure) {
  enum kg_writer_life life;
  kg_ring_info infos[2];
  kg_reader *fresh;
  int result = kg_reader_check(reader, &life);
  if (result == KG_OK) {
    return 0;
  }
  result = open_again(reader, &fresh, failure);
  if (result != KG_OK) {
    return result == KG_E_NO_RING ? 0 : result;
  }
  kg_reader_info(reader, &infos[0]);
  kg_reader_info(fresh, &infos[1]);
  /* Now that the new one has its name, nothing more is written to the old
   * one. */
  bool is_unread = !kg__reader_is_broken(reader) &&
                   kg__reader_head(reader) != kg__reader_seen(reader);
  if (is_unread || infos[0].generation == infos[1].generation) {
    kg_reader_close(fresh);
    return 0;
  }
  result = kg_reader_seek(fresh, KG_FROM_SEQUENCE, 1);
  if (result != KG_OK) {
    kg_reader_error(fresh, failure);
    kg_reader_close(fresh);
    return result;
  }
  *lost = loss_between(reader, fresh);
  move_to(reader, fresh, lost);
  return 1;
}

int kg_reader_reopen(kg_reader *reader, kg_batch *lost, kg_failure *failure) {
  kg_failure found = {.error = KG_OK};
  if (reader == NULL || lost == NULL) {
    return kg__fail(failure, KG_E_INVALID_ARGUMENT, 0,
                    "reader or lost is NULL");
  }
  *lost = (kg_batch){0};
  if (!kg__reader_is_owned(reader)) {
    return kg__fail(failure, KG_E_WRONG_THREAD, 0, "opening a ring again");
  }
  int result = kg__reader_is_forked(reader)
                   ? kg__fail(&found, KG_E_FORKED, 0, "opening a ring again")
                   : reopen(reader, lost, &found);
  if (result < 0) {
    kg__fail_as(&reader->failure, &found);
    kg__fail_as(failure, &found);
  }
  return result;
}
