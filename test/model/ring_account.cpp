#include "ring_account.h"

#include <algorithm>

namespace model {

[[noreturn]] static void fail(const std::string &what) {
  throw Violation{what};
}

void Account::deliver(int number, const Slot *slots, int count, bool is_lane,
                      int known_head, int &taken) const {
  int sequence = slots[0].sequence;
  const RingHistory &history = ring(number);
  if (taken >= 0 && sequence != taken + 1) {
    fail(sequence <= taken ? "an event comes twice or out of order"
                           : "a hole in the account");
  }
  if (sequence > history.published) {
    fail("an event comes that was never published");
  }
  const Event &event = history.events[sequence];
  // Too large for the lane: its lead slot comes alone.
  bool is_cut =
      is_lane && slots[0].span == 1 && event.span > history.ring.lane_span();
  for (int place = 0; place < count; place++) {
    const Slot &slot = slots[place];
    if (slot.sequence != sequence || slot.place != place ||
        (slot.span != event.span && !is_cut) ||
        slot.is_priority != event.is_priority ||
        slot.payload != payload_of(event, place) ||
        slot.counter != (place == 0 ? event.counter : 0)) {
      fail("an event comes torn");
    }
  }
  if (known_head < event.position + event.span) {
    fail("an event comes before it was published");
  }
  taken = sequence;
}

// Whether the event belongs to the commit that ends at the loss's head.
bool Account::is_newest_commit(int number, const Loss &loss,
                               const Event &event) const {
  int before = 0;
  const Ring &where = ring(number).ring;
  for (const Message &message :
       history_.memory.history(where.at(Field::head))) {
    if (message.value >= loss.head) {
      break;
    }
    before = message.value;
  }
  return event.position >= before;
}

bool Account::is_damaged(const Event &event) const {
  for (int place = 0; place < event.span; place++) {
    if (history_.damaged.count(event.position + place) > 0) {
      return true;
    }
  }
  return false;
}

void Account::lose(int number, const Loss &loss, int &taken) const {
  const RingHistory &history = ring(number);
  if (taken >= 0 && loss.from != taken + 1) {
    fail("a loss does not begin where the account stands");
  }
  if (loss.to > history.published) {
    fail("a loss goes beyond what was published");
  }
  int lane = history.ring.shape.lane;
  int capacity = history.ring.shape.capacity;
  int priority = 0;
  for (int i = loss.from; i <= loss.to; i++) {
    const Event &event = history.events[i];
    priority += event.is_priority ? 1 : 0;
    bool is_late = loss.is_settled && is_newest_commit(number, loss, event);
    if (!is_damaged(event) && loss.claim_seen <= event.position + capacity) {
      fail("event " + std::to_string(i) +
           " is counted lost, and stands whole in the ring for all that the "
           "reader knows");
    }
    // "It is gone" takes a claim that the reader has seen.
    bool is_gone = event.lane >= 0 && loss.lane_claim_seen > event.lane + lane;
    if (lane > 0 && event.is_priority && !is_late && !is_gone) {
      fail("priority event " + std::to_string(i) +
           " is counted lost, and the lane has it for all that the reader "
           "knows");
    }
  }
  if (lane > 0 && loss.is_priority_known && loss.priority != priority) {
    fail("lost.priority says " + std::to_string(loss.priority) + " for " +
         std::to_string(priority));
  }
  if (lane > 0 && !loss.is_priority_known && loss.may_know &&
      !leniency_.is_damaged) {
    fail("lost.priority is not known where it could be");
  }
  taken = loss.to;
}

void Account::end(int number, int cursor, int scan, int join, int taken) const {
  const RingHistory &history = ring(number);
  if (cursor != history.end && cursor != scan) {
    fail("the reader stays behind");
  }
  int expected = std::max(history.published, join - 1);
  if (taken >= 0 && taken != expected) {
    fail("received and lost are " + std::to_string(taken) + ", published " +
         std::to_string(expected));
  }
}

} // namespace model
