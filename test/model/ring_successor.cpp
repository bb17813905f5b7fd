// A writer that goes on where another one died.
#include "ring_life.h"

#include <algorithm>

namespace model {

// Passes over what the writer before had copied whole when it died.
void Writer::find_end(int claim) {
  int last = load(Field::last_sequence);
  int place = 0;
  while (sequence_ != last || place != 0) {
    if (head_ == claim) {
      throw Corrupt{"last_sequence is ahead of claim"};
    }
    Slot slot = load_slot(false, head_);
    if (!slot.is_valid(head_) || slot.place != place ||
        slot.sequence != sequence_ + (place == 0 ? 1 : 0)) {
      throw Corrupt{"a slot in front of last_sequence does not validate"};
    }
    sequence_ = slot.sequence;
    counter_ = place == 0 ? slot.counter : counter_;
    place = place + 1 == slot.span ? 0 : place + 1;
    head_++;
  }
}

void Writer::begin_lane() {
  lane_head_ = load(Field::lane_head);
  lane_claim_ = load(Field::lane_claim);
  int most = ring().lane_span();
  if (lane_claim_ < lane_head_ || lane_claim_ - lane_head_ > most) {
    throw Corrupt{"the lane's claim and head do not agree"};
  }
  if (lane_head_ > 0) {
    Slot last = load_slot(true, lane_head_ - 1);
    if (!last.is_valid(lane_head_ - 1)) {
      throw Corrupt{"the slot before the lane's head does not validate"};
    }
    if (last.sequence > sequence_) {
      throw Corrupt{"the lane is ahead of the ring"};
    }
    lane_sequence_ = last.sequence;
  }
}

// Copies what is not in the lane from `from_sequence` on. Only events of the
// last batch, or behind it, can be missing.
void Writer::repair(int until, int from_sequence) {
  int reach = mistake_.is(Flaw::REPAIR_OVERWRITTEN) ? ring().shape.capacity
                                                    : ring().shape.batch;
  int oldest = std::max(0, found_ - reach);
  std::vector<std::vector<Slot>> events;
  for (int at = oldest; at < until; at++) {
    Slot lead = load_slot(false, at);
    if (!lead.is_valid(at) || !lead.is_priority || lead.place != 0 ||
        lead.sequence < from_sequence || at + lead.span > until ||
        (repairs_late_from_ > 0 && current().events[lead.sequence].lane >= 0)) {
      continue;
    }
    if (lead.sequence > sequence_) {
      throw Violation{"a successor puts into the lane what is not published"};
    }
    events.push_back({lead});
    for (int place = 1; place < lead.span; place++) {
      events.back().push_back(load_slot(false, at + place));
    }
  }
  put_in_lane(events);
}

void Writer::begin() {
  head_ = found_ = load(Field::head);
  claim_ = load(Field::claim);
  if (claim_ < head_ || claim_ - head_ > ring().shape.batch) {
    throw Corrupt{"claim and head do not agree"};
  }
  if (head_ > 0) {
    Slot last = load_slot(false, head_ - 1);
    if (!last.is_valid(head_ - 1) || last.place + 1 != last.span) {
      throw Corrupt{"the slot before head does not validate"};
    }
    sequence_ = last.sequence;
    counter_ = load_slot(false, head_ - last.span).counter;
  }
  find_end(claim_);
  if (mistake_.is(Flaw::CLAIM_GOES_BACK)) {
    claim_ = head_;
  }
  if (mistake_.is(Flaw::BEGINS_AT_CLAIM)) {
    head_ = claim_;
  }
  bool has_lane = ring().shape.lane > 0;
  if (has_lane) {
    begin_lane();
  }
  if (mistake_.is(Flaw::COUNTER_RESTARTS)) {
    counter_ = 0;
  }
  int from = lane_sequence_ + (mistake_.is(Flaw::REPAIR_AGAIN) ? 0 : 1);
  bool is_early = mistake_.is(Flaw::REPAIR_BEFORE_HEAD);
  if (has_lane && is_early) {
    repair(head_, from);
  }
  // W5 for what find_end passed over.
  store(Step::W5, Field::head, head_, Order::release);
  if (mistake_.is(Flaw::REPAIR_LATE)) {
    repairs_late_from_ = from;
  } else if (has_lane && !is_early && !mistake_.is(Flaw::REPAIR_GONE)) {
    repair(mistake_.is(Flaw::REPAIR_TO_FOUND_HEAD) ? found_ : head_, from);
  }
}

} // namespace model
