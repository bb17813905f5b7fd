// What a reader does.
#include "space_program.h"

namespace model::space {

bool Space::step_reader(State &state, int thread, Choices &choices,
                        Trace &trace) const {
  Thread &self = state.threads[thread];
  if (self.at == AT_READER_END) {
    return false;
  }
  if (self.at < AT_READ) {
    join(state, thread, choices, trace);
  } else if (self.at == AT_READ) {
    return read(state, thread, choices, trace);
  } else if (self.at < AT_CHECK_CLAIM) {
    take_next(state, thread, choices, trace);
  } else {
    finish(state, thread, choices, trace);
  }
  return true;
}

void Space::join(State &state, int thread, Choices &choices,
                 Trace &trace) const {
  Thread &self = state.threads[thread];
  Memory &memory = state.memory;
  int cell = thread - 1;
  bool is_cursor =
      (self.at == AT_JOIN_FIRST) != mistake_.is(Flaw::STATE_BEFORE_CURSOR);
  switch (self.at) {
  case AT_JOIN:
    self.own[CURSOR] = memory.load(thread, HEAD, Order::acquire, choices);
    trace.say("reader %d: begins at head, %d", cell, self.own[CURSOR]);
    self.at = AT_JOIN_FIRST;
    break;
  case AT_JOIN_FIRST:
  case AT_JOIN_SECOND:
    if (is_cursor) {
      memory.store(thread, cursor_of(cell), self.own[CURSOR], Order::relaxed,
                   choices);
      trace.say("reader %d: cursor = %d", cell, self.own[CURSOR]);
    } else {
      memory.store(thread, state_of(cell), ATTACHED,
                   mistake_.is(Flaw::STATE_WEAK) ? Order::relaxed
                                                 : Order::release,
                   choices);
      trace.say("reader %d: is attached", cell);
    }
    self.at++;
    if (self.at == AT_JOIN_FENCE && mistake_.is(Flaw::JOINS_WITHOUT_FENCE)) {
      self.at = AT_JOIN_CLAIM;
    }
    break;
  case AT_JOIN_FENCE:
    memory.fence_seq_cst(thread);
    trace.say("reader %d: seq_cst fence", cell);
    self.at = AT_JOIN_CLAIM;
    break;
  default: {
    int claim = memory.load(thread, CLAIM, Order::relaxed, choices);
    bool is_promised = claim - self.own[CURSOR] <= shape_.capacity - quarter();
    trace.say("reader %d: claim is %d%s", cell, claim,
              is_promised ? "" : ", so it may lose something");
    self.at = is_promised ? AT_READ : AT_READER_END;
    if (!is_promised) {
      memory.store(thread, state_of(cell), FREE, Order::relaxed, choices);
      state.outside[HAS_LEFT] = 1;
    }
    break;
  }
  }
}

bool Space::read(State &state, int thread, Choices &choices,
                 Trace &trace) const {
  Thread &self = state.threads[thread];
  if (self.own[CURSOR] == shape_.events) {
    self.at = AT_READER_END;
    return true;
  }
  if (state.memory.newest(HEAD) <= self.own[CURSOR]) {
    return false;
  }
  take(Step::R1);
  int head = state.memory.load(thread, HEAD, Order::acquire, choices);
  trace.say("reader %d: R1 head is %d", thread - 1, head);
  self.own[SEEN] = head;
  self.at = head > self.own[CURSOR] ? AT_TAKE : AT_READ;
  return true;
}

void Space::take_next(State &state, int thread, Choices &choices,
                      Trace &trace) const {
  Thread &self = state.threads[thread];
  Memory &memory = state.memory;
  int cell = thread - 1;
  int index = self.at - AT_TAKE;
  int position = self.own[CURSOR];
  Step step = taking_[index];
  take(step);
  self.at++;
  if (step == Step::C1) {
    int found = memory.load(thread, slot_of(position, shape_.capacity),
                            Order::relaxed, choices);
    trace.say("reader %d: C1 slot %d is %d", cell, position, found);
    if (shape_.can_evict && cell == 0) {
      self.own[IS_LOST] = found != payload_of(position);
      self.at = AT_CHECK_CLAIM;
    } else if (found != payload_of(position)) {
      throw Violation{"what a reliable reader has not taken is overwritten"};
    }
  } else if (step == Step::C2) {
    if (cell >= shape_.attached &&
        memory.load(thread, state_of(cell), Order::relaxed, choices) ==
            EVICTED) {
      throw Violation{"a reader that has only come is evicted"};
    }
    memory.store(thread, cursor_of(cell), position + 1,
                 order(step, Order::release), choices);
    trace.say("reader %d: C2 cursor = %d", cell, position + 1);
  } else {
    memory.fence_seq_cst(thread);
    trace.say("reader %d: M2 seq_cst fence", cell);
  }
  if (self.at == AT_TAKE + static_cast<int>(taking_.size())) {
    self.at = AT_LOOK;
  }
}

void Space::finish(State &state, int thread, Choices &choices,
                   Trace &trace) const {
  Thread &self = state.threads[thread];
  Memory &memory = state.memory;
  int cell = thread - 1;
  switch (self.at) {
  case AT_CHECK_CLAIM: {
    take(Step::R3);
    memory.views(thread).fence_acquire();
    take(Step::R4);
    int claim = memory.load(thread, CLAIM, Order::relaxed, choices);
    if (!mistake_.is_gone(Step::R4_FENCE)) {
      take(Step::R4_FENCE);
      memory.views(thread).fence_acquire();
    }
    trace.say("reader %d: R4 claim is %d", cell, claim);
    bool is_dropped = self.own[CURSOR] < claim - shape_.capacity;
    if (self.own[IS_LOST] != 0 && !is_dropped) {
      throw Violation{"an overwritten slot is not dropped"};
    }
    self.own[IS_LOST] = is_dropped;
    self.at = AT_STATE;
    break;
  }
  case AT_STATE: {
    int found = memory.load(thread, state_of(cell), Order::relaxed, choices);
    trace.say("reader %d: its cell is %s", cell,
              found == EVICTED ? "evicted" : "attached");
    if (self.own[IS_LOST] != 0 && found != EVICTED) {
      throw Violation{"an evicted reader's loss is called overwritten"};
    }
    // One that was evicted has been told; what comes then is another story.
    self.at = found == EVICTED ? AT_READER_END : AT_TAKE + 1;
    break;
  }
  case AT_LOOK: {
    int found = memory.load(thread, ROOM_WAITERS, Order::relaxed, choices);
    trace.say("reader %d: room_waiters is %d", cell, found);
    self.own[CURSOR]++;
    self.at = found != 0 ? AT_TELL : AT_READ;
    break;
  }
  default:
    memory.update(
        thread, ROOM_WAITERS, [](int) { return 0; }, Order::acquire_release,
        choices);
    memory.update(
        thread, ROOM, [](int room) { return room + 1; }, Order::acquire_release,
        choices);
    memory.enter_kernel(thread);
    state.outside[WRITER_SLEEPS] = 0;
    trace.say("reader %d: wakes the writer", cell);
    self.at = AT_READ;
    break;
  }
}

} // namespace model::space
