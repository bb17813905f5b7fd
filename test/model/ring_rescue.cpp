// A reader that has missed events looks for them in the lane.
#include "ring_reader.h"

#include <algorithm>

namespace model {

// Copies `count` slots from the reader's place in the lane on, and says whether
// the first of them was not overwritten meanwhile; else the place moves on.
bool Reader::copy_lane(int count) {
  int lane = ring().shape.lane;
  bool was_copied = mistake_.exchanges(Step::LANE_HEAD, Step::LANE_COPY);
  work.lane_claim = 0;
  for (Step step : looking_in_lane_) {
    switch (step) {
    case Step::LANE_COPY:
      for (int i = 0; i < count; i++) {
        int at = position.lane + i;
        work.lane_copies[i] =
            was_copied ? work.lane_slots[at % lane] : copy(step, true, at);
        crossroads_.pass(AT_LANE_COPY, i);
      }
      break;
    case Step::LANE_CLAIM:
      work.lane_claim = load(step, Field::lane_claim, Order::relaxed);
      break;
    default:
      fence(step);
      break;
    }
  }
  if (mistake_.is(Flaw::LANE_CLAIM_IGNORED) ||
      work.lane_claim <= position.lane + lane) {
    return true;
  }
  position.lane = work.lane_claim - lane;
  return false;
}

// Moves the reader's place in the lane to the first event there from `first` to
// `last`.
bool Reader::find_in_lane(int first, int last) {
  int lane = ring().shape.lane;
  if (mistake_.exchanges(Step::LANE_HEAD, Step::LANE_COPY)) {
    for (int i = 0; i < lane; i++) {
      work.lane_slots[i] = copy(Step::LANE_COPY, true, i);
    }
  }
  work.lane_head = load(Step::LANE_HEAD, Field::lane_head, Order::acquire);
  position.lane = std::max(position.lane, work.lane_head - lane);
  while (position.lane < work.lane_head) {
    crossroads_.pass(AT_LANE);
    if (!copy_lane(1)) {
      continue;
    }
    const Slot &slot = work.lane_copies[0];
    if (!slot.is_valid(position.lane)) {
      throw Violation{"a lane slot that was not overwritten is not valid"};
    }
    bool is_wanted =
        slot.sequence >= first || mistake_.is(Flaw::LANE_BEFORE_GAP);
    if (slot.place == 0 && is_wanted) {
      return slot.sequence <= last;
    }
    position.lane++;
  }
  return false;
}

// When the lane has events of the gap, which ends with `last`, takes the first
// of them and those that follow it; the cursor stays.
bool Reader::rescue(int last) {
  int first = std::max(position.next, position.join);
  bool is_gap = position.next > 0 && last >= first;
  if (ring().shape.lane == 0 || !is_gap) {
    return false;
  }
  if (mistake_.is(Flaw::LANE_BEYOND_GAP)) {
    last = EVERYTHING;
  }
  work.gap_first = first;
  work.gap_last = last;
  if (!find_in_lane(first, last)) {
    return false;
  }
  int count = std::min(work.lane_head - position.lane, setup_.shape.buffer);
  int at = position.lane;
  work.is_found = 1;
  // Where it was overwritten meanwhile, the next read looks behind it.
  if (copy_lane(count)) {
    const Slot &lead = work.lane_copies[0];
    int span = examine(work.lane_copies, count, at, work.lane_head);
    if (span > 0 && lead.sequence <= last) {
      lose(lead.sequence - 1, lead.counter - lead.is_priority, true, false);
      position.lane += take_run(work.lane_copies, count, span, at,
                                work.lane_head, last, true);
    } else {
      throw Violation{"what was found in the lane is not there any more"};
    }
  }
  return true;
}

} // namespace model
