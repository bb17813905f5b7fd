// Where a reader begins.
#include "ring_reader.h"

#include <algorithm>

namespace model {

// native/ tries it sixteen times; what goes wrong does so in two.
constexpr int TRIES = 2;

// Takes the slot before `head`, and the lead of its event, which has the
// counter; false when they were overwritten meanwhile.
bool Reader::find_newest(int head) {
  bool is_unchecked = mistake_.is(Flaw::SEEK_UNCHECKED);
  work.position = head - 1;
  work.count = 1;
  int first = oldest(copying_);
  Slot last = work.copies[0];
  if ((first >= head && !is_unchecked) || !last.is_valid(head - 1)) {
    return false;
  }
  const std::vector<Event> &events = history_.rings[0].events;
  bool is_event = last.sequence < static_cast<int>(events.size());
  if (!is_event ||
      events[last.sequence].position + events[last.sequence].span != head) {
    throw Violation{"seeking takes a sequence of a lap later"};
  }
  Slot lead = last;
  if (last.place > 0) {
    work.position = head - 1 - last.place;
    first = oldest(copying_);
    lead = work.copies[0];
    if ((first > work.position && !is_unchecked) ||
        !lead.is_valid(work.position)) {
      return false;
    }
  }
  stand(head, last.sequence + 1);
  position.counter = lead.counter;
  position.is_counter_known = 1;
  return true;
}

void Reader::seek_latest() {
  for (int i = 0; i < TRIES; i++) {
    work = Work{};
    work.tries = i;
    work.head = load_head();
    if (work.head == 0) {
      stand(0, 1);
      position.is_counter_known = 1;
      break;
    }
    if (find_newest(work.head)) {
      break;
    }
    stand(work.head, 0);
  }
  position.seen = position.cursor;
  taken = position.next - 1;
}

bool Reader::seek_oldest() {
  for (int i = 0; i < TRIES; i++) {
    int head = load_head();
    int at = std::max(0, head - setup_.shape.capacity);
    bool is_overtaken = false;
    while (at < head) {
      work = Work{};
      work.tries = 2 * i + is_overtaken;
      work.head = head;
      work.position = at;
      work.count = 1;
      crossroads_.pass(AT_SEEK);
      int first = oldest(copying_);
      Slot slot = work.copies[0];
      if (mistake_.is(Flaw::SEEK_UNCHECKED)) {
        first = 0;
      }
      if (at < first) {
        at = first;
        is_overtaken = true;
      } else if (slot.is_valid(at) && slot.place == 0) {
        stand(at, slot.sequence);
        position.seen = at;
        position.counter = slot.counter - slot.is_priority;
        position.is_counter_known = 1;
        position.before_join = slot.sequence - 1;
        position.before_join_priority = position.counter;
        taken = slot.sequence - 1;
        return true;
      } else {
        at++;
      }
    }
    if (!is_overtaken) {
      break;
    }
  }
  return false;
}

void Reader::seek_saved(bool has_count) {
  const std::vector<Event> &events = history_.rings[0].events;
  position.join = SAVED_SEQUENCE;
  position.is_join_counter_known = has_count;
  for (int i = 1; i < SAVED_SEQUENCE && i < static_cast<int>(events.size());
       i++) {
    position.join_counter += events[i].is_priority ? 1 : 0;
  }
  position.join_counter = has_count ? position.join_counter : 0;
  stand(0, 1);
  position.is_counter_known = 1;
  taken = SAVED_SEQUENCE - 1;
}

void Reader::seek(From from) {
  position = Position{};
  views = Views{};
  work = Work{};
  taken = 0;
  if (from == From::saved || from == From::saved_without_count) {
    seek_saved(from == From::saved);
  } else if (from == From::first ||
             (from == From::oldest && load_head() <= setup_.shape.capacity)) {
    stand(0, 1);
    position.is_counter_known = 1;
  } else if (from == From::latest || !seek_oldest()) {
    seek_latest();
  }
}

} // namespace model
