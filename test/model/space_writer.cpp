// What the writer does.
#include "space_program.h"

#include <algorithm>

namespace model::space {

bool Space::step_writer(State &state, Choices &choices, Trace &trace) const {
  Thread &self = state.threads[0];
  if (self.at == AT_WRITER_END) {
    return false;
  }
  if (self.at < AT_BEFORE) {
    look_at_cells(state, choices, trace);
    return true;
  }
  return self.at < AT_CLAIM ? wait(state, choices, trace)
                            : publish(state, choices, trace);
}

void Space::begin_look(Thread &self) const {
  self.own[CELL] = self.own[MOST_LAG] = self.own[BLOCKED] = 0;
  self.at = AT_CELL_STATE;
}

void Space::look_at_cells(State &state, Choices &choices, Trace &trace) const {
  Thread &self = state.threads[0];
  int cell = self.own[CELL];
  switch (self.at) {
  case AT_CHECK:
    if (self.own[AT_HEAD] == shape_.events) {
      self.at = AT_WRITER_END;
    } else if (self.own[AT_HEAD] + BATCH <= self.own[LIMIT] ||
               mistake_.exchanges(Step::C3, Step::C4)) {
      self.at = AT_CLAIM;
    } else {
      begin_look(self);
    }
    break;
  case AT_CELL_STATE: {
    if (cell == readers()) {
      self.at = AT_DECIDE;
      break;
    }
    Order acquire =
        mistake_.is(Flaw::STATE_WEAK) ? Order::relaxed : Order::acquire;
    int found = state.memory.load(0, state_of(cell), acquire, choices);
    trace.say("writer: cell %d is %s", cell,
              found == FREE       ? "free"
              : found == ATTACHED ? "attached"
                                  : "evicted");
    if (found == ATTACHED && (self.own[GONE] & 1 << cell) == 0) {
      self.at = AT_CELL_CURSOR;
    } else {
      self.own[CELL]++;
    }
    break;
  }
  case AT_CELL_CURSOR: {
    take(Step::C3);
    int cursor = state.memory.load(0, cursor_of(cell),
                                   order(Step::C3, Order::acquire), choices);
    trace.say("writer: C3 cursor of cell %d is %d", cell, cursor);
    int lag = std::max(0, self.own[AT_HEAD] - cursor);
    if (lag > shape_.capacity) {
      state.memory.store(0, state_of(cell), EVICTED, Order::relaxed, choices);
      trace.say("writer: cell %d was overtaken", cell);
    } else if (lag + BATCH <= shape_.capacity) {
      self.own[MOST_LAG] = std::max(self.own[MOST_LAG], lag);
    } else {
      self.own[BLOCKED] |= 1 << cell;
    }
    self.own[CELL]++;
    self.at = AT_CELL_STATE;
    break;
  }
  default:
    decide(self);
    break;
  }
}

void Space::decide(Thread &self) const {
  if (self.own[BLOCKED] == 0) {
    int free = shape_.capacity - self.own[MOST_LAG];
    bool is_far = mistake_.is(Flaw::LIMIT_TOO_FAR);
    self.own[LIMIT] =
        self.own[AT_HEAD] + (is_far ? free : std::min(free, quarter()));
    self.own[ASKED] = 0;
    self.at = AT_CLAIM;
  } else if (self.own[ASKED] == 0) {
    self.at = mistake_.is(Flaw::ROOM_TOO_LATE) ? AT_ANNOUNCE : AT_BEFORE;
  } else {
    self.at = mistake_.is(Flaw::ROOM_TOO_LATE) ? AT_BEFORE : AT_WAIT;
  }
}

bool Space::wait(State &state, Choices &choices, Trace &trace) const {
  Thread &self = state.threads[0];
  Memory &memory = state.memory;
  bool is_late = mistake_.is(Flaw::ROOM_TOO_LATE);
  switch (self.at) {
  case AT_BEFORE:
    self.own[BEFORE] = memory.load(0, ROOM, Order::relaxed, choices);
    trace.say("writer: room is %d", self.own[BEFORE]);
    self.at = is_late ? AT_WAIT : AT_ANNOUNCE;
    break;
  case AT_ANNOUNCE:
    memory.update(
        0, ROOM_WAITERS, [](int) { return 1; }, Order::acquire_release,
        choices);
    trace.say("writer: room_waiters = 1");
    self.own[ASKED] = 1;
    self.at = AT_M1;
    if (mistake_.is_gone(Step::M1)) {
      look_again(self);
    }
    break;
  case AT_M1:
    take(Step::M1);
    memory.fence_seq_cst(0);
    trace.say("writer: M1 seq_cst fence");
    look_again(self);
    break;
  case AT_WAIT:
    return fall_asleep(state, choices, trace);
  case AT_EVICT:
    evict(state, choices, trace);
    self.at = AT_CHECK;
    break;
  default: // AT_ASLEEP
    if (state.outside[WRITER_SLEEPS] != 0 && state.outside[HAS_LEFT] == 0) {
      return false;
    }
    state.outside[WRITER_SLEEPS] = 0;
    memory.enter_kernel(0);
    trace.say("writer: wakes up");
    self.own[ASKED] = 0;
    self.at = AT_CHECK;
    break;
  }
  return true;
}

void Space::look_again(Thread &self) const {
  if (mistake_.is(Flaw::NO_SECOND_LOOK)) {
    self.at = AT_WAIT;
  } else {
    begin_look(self);
  }
}

bool Space::fall_asleep(State &state, Choices &choices, Trace &trace) const {
  Thread &self = state.threads[0];
  bool may_evict = shape_.can_evict && state.outside[IS_EVICTED] == 0 &&
                   (self.own[BLOCKED] & 1) != 0;
  if (may_evict && choices.choose(2) == 1) {
    state.outside[IS_EVICTED] = 1;
    self.own[ASKED] = 0;
    self.own[GONE] |= 1;
    self.at = mistake_.is(Flaw::EVICTED_LATE) ? AT_CHECK : AT_EVICT;
    return true;
  }
  state.memory.enter_kernel(0);
  int word = state.memory.load(0, ROOM, Order::relaxed, choices);
  trace.say("writer: sleeps while room is %d; it is %d", self.own[BEFORE],
            word);
  state.outside[WRITER_SLEEPS] = word == self.own[BEFORE];
  self.own[ASKED] = 0;
  self.at = word == self.own[BEFORE] ? AT_ASLEEP : AT_CHECK;
  return true;
}

void Space::evict(State &state, Choices &choices, Trace &trace) const {
  trace.say("writer: evicts cell 0");
  state.memory.store(0, state_of(0), EVICTED, Order::relaxed, choices);
}

bool Space::publish(State &state, Choices &choices, Trace &trace) const {
  Thread &self = state.threads[0];
  Memory &memory = state.memory;
  int position = self.own[AT_HEAD];
  switch (self.at) {
  case AT_CLAIM:
    take(Step::W1);
    memory.store(0, CLAIM, position + 1, order(Step::W1, Order::release),
                 choices);
    trace.say("writer: W1 claim = %d", position + 1);
    self.at = AT_FENCE;
    break;
  case AT_FENCE:
    take(Step::W2);
    memory.views(0).fence_release();
    self.at = AT_SLOT;
    break;
  case AT_SLOT:
    take(Step::C4);
    memory.store(0, slot_of(position, shape_.capacity), payload_of(position),
                 Order::relaxed, choices);
    trace.say("writer: C4 slot %d = %d", position, payload_of(position));
    self.at = AT_PUBLISH;
    if (mistake_.is(Flaw::EVICTED_LATE) && (self.own[GONE] & 1) != 0) {
      self.at = AT_EVICT_LATE;
    }
    break;
  case AT_EVICT_LATE:
    evict(state, choices, trace);
    self.at = AT_PUBLISH;
    break;
  case AT_PUBLISH:
    take(Step::W5);
    self.own[AT_HEAD]++;
    memory.store(0, HEAD, self.own[AT_HEAD], Order::release, choices);
    trace.say("writer: W5 head = %d", self.own[AT_HEAD]);
    self.at = mistake_.is_gone(Step::W6) ? AT_CHECK : AT_W6;
    break;
  default:
    take(Step::W6);
    memory.fence_seq_cst(0);
    trace.say("writer: W6 seq_cst fence");
    self.at = AT_CHECK;
    break;
  }
  return true;
}

} // namespace model::space
