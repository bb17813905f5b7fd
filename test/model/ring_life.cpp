#include "ring_life.h"

#include <algorithm>

namespace model {

// --- Words -----------------------------------------------------------------

Slot Writer::load_slot(bool is_lane, int position) {
  int words[WORDS];
  for (int i = 0; i < WORDS; i++) {
    words[i] = memory_.newest(is_lane ? ring().lane_slot(position, i)
                                      : ring().slot(position, i));
  }
  return Slot::of(words);
}

void Writer::store_slot(Step step, bool is_lane, int position,
                        const Slot &slot) {
  for (int done = 0; done < WORDS; done++) {
    int i = copies_backwards_ ? WORDS - 1 - done : done;
    int value = i == 0 ? position : slot.word(i);
    if (!is_lane && i == 0 && damaged_.count(position) > 0) {
      value = NO_POSITION;
    }
    std::string detail = " " + std::to_string(position) + " word " +
                         std::to_string(i) + " of event " +
                         std::to_string(slot.sequence);
    store(step,
          is_lane ? ring().lane_slot(position, i) : ring().slot(position, i),
          value, Order::relaxed, detail);
  }
}

// --- Publishing ------------------------------------------------------------

std::vector<Slot> Writer::stage(const Commit &planned, int first_payload) {
  std::vector<Slot> slots;
  std::vector<Event> &events = current().events;
  events.resize(sequence_ + 1);
  for (const Planned &plan : planned) {
    Event event = {plan.is_priority,
                   plan.span,
                   first_payload++,
                   events.back().counter + (plan.is_priority ? 1 : 0),
                   head_ + static_cast<int>(slots.size()),
                   -1};
    int counter = counter_ + (plan.is_priority ? 1 : 0);
    for (int place = 0; place < plan.span; place++) {
      slots.push_back({event.position + place, static_cast<int>(events.size()),
                       plan.is_priority, plan.span, place,
                       payload_of(event, place), place == 0 ? counter : 0});
    }
    counter_ = counter;
    events.push_back(event);
  }
  return slots;
}

void Writer::commit(const Commit &planned, int first_payload) {
  std::vector<Slot> slots = stage(planned, first_payload);
  int head = head_ + static_cast<int>(slots.size());
  int sequence = static_cast<int>(current().events.size()) - 1;
  std::vector<Step> steps =
      mistake_.applied_to({Step::W1, Step::W2, Step::W3, Step::W4, Step::W5});
  if (mistake_.is_weak(Step::W4)) {
    // A compiler may exchange relaxed stores, and a death shows it.
    steps = Mistake::exchanged(Step::W3, Step::W4).applied_to(steps);
  }
  for (Step step : steps) {
    switch (step) {
    case Step::W1:
      claim_ = std::max(claim_, head);
      store(step, Field::claim, claim_, Order::release);
      break;
    case Step::W2:
      fence_release(step);
      break;
    case Step::W3:
      for (const Slot &slot : slots) {
        store_slot(step, false, slot.position, slot);
      }
      break;
    case Step::W4:
      if (mistake_.is(Flaw::LANE_BEFORE_W4)) {
        copy_to_lane(slots);
      }
      store(step, Field::last_sequence, sequence, Order::release);
      break;
    default:
      if (mistake_.is(Flaw::LANE_BEFORE_W5)) {
        copy_to_lane(slots);
      }
      store(step, Field::head, head, Order::release);
      break;
    }
  }
  head_ = head;
  sequence_ = sequence;
  if (!mistake_.is(Flaw::LANE_BEFORE_W4) &&
      !mistake_.is(Flaw::LANE_BEFORE_W5)) {
    copy_to_lane(slots);
  }
  if (repairs_late_from_ > 0) {
    repair(head_, repairs_late_from_);
    repairs_late_from_ = 0;
  }
}

// --- The lane --------------------------------------------------------------

// Those of `slots`, whole events, that have priority.
void Writer::copy_to_lane(const std::vector<Slot> &slots) {
  std::vector<std::vector<Slot>> events;
  for (const Slot &slot : slots) {
    if (slot.is_priority && slot.place == 0) {
      events.push_back({});
    }
    if (slot.is_priority) {
      events.back().push_back(slot);
    }
  }
  put_in_lane(events);
}

void Writer::put_in_lane(const std::vector<std::vector<Slot>> &events) {
  if (ring().shape.lane == 0) {
    return;
  }
  size_t at_once = mistake_.is(Flaw::LANE_AT_ONCE) ? ring().shape.lane : 1;
  for (size_t i = 0; i < events.size(); i += at_once) {
    std::vector<Slot> slots;
    std::vector<std::pair<int, int>> places; // sequence, position
    for (size_t k = i; k < events.size() && k < i + at_once; k++) {
      int position = lane_head_ + static_cast<int>(slots.size());
      places.push_back({events[k][0].sequence, position});
      std::vector<Slot> event = events[k];
      if (event[0].span > ring().lane_span()) {
        event.resize(1);
        event[0].span = 1;
      }
      slots.insert(slots.end(), event.begin(), event.end());
    }
    int head = lane_head_ + static_cast<int>(slots.size());
    for (Step step :
         mistake_.applied_to({Step::L1, Step::L2, Step::L3, Step::L4})) {
      switch (step) {
      case Step::L1:
        lane_claim_ = std::max(lane_claim_, head);
        store(step, Field::lane_claim, lane_claim_, Order::relaxed);
        break;
      case Step::L2:
        fence_release(step);
        break;
      case Step::L3:
        for (size_t k = 0; k < slots.size(); k++) {
          store_slot(step, true, lane_head_ + static_cast<int>(k), slots[k]);
        }
        break;
      default:
        store(step, Field::lane_head, head, Order::release);
        break;
      }
    }
    lane_head_ = head;
    for (auto [sequence, position] : places) {
      current().events[sequence].lane = position;
    }
  }
}

// --- Replacing --------------------------------------------------------------

// A new ring, whole before it gets the name.
void Writer::replace() {
  Ring old = ring();
  int last = sequence_;
  bool is_early = mistake_.is(Flaw::NAMED_UNFINISHED);
  history_.rings.push_back(
      RingHistory(Ring(old.shape, old.at(Field::claim) + old.locations())));
  if (is_early) {
    history_.named = memory_.views(0).current;
  }
  Choices none;
  memory_.store(0, ring().at(Field::predecessor), last, Order::relaxed, none);
  trace_.say("writer %d: new ring, behind sequence %d, gets the name", number_,
             last);
  if (!is_early) {
    history_.named = memory_.views(0).current;
  }
  head_ = claim_ = sequence_ = counter_ = 0;
  lane_head_ = lane_claim_ = lane_sequence_ = 0;
}

} // namespace model
