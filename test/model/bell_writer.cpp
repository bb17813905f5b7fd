// What the writer does, and the one that comes after it.
#include "bell_program.h"

namespace model::bell {

bool Bell::step_writer(State &state, int thread, Choices &choices,
                       Trace &trace) const {
  Thread &self = state.threads[thread];
  if (self.at == AT_END) {
    return false;
  }
  if (self.at == AT_BEGIN) {
    return begin_successor(state, thread, choices, trace);
  }
  bool can_die = shape_.has_death && thread == 0;
  if (can_die && choices.choose(2) == 1) {
    trace.say("writer dies");
    state.memory.enter_kernel(thread);
    state.outside[IS_DEAD] = 1;
    self.at = AT_END;
    return true;
  }
  if (self.at < AT_BEGIN) {
    publish(state, thread, choices, trace);
  } else {
    ring(state, thread, choices, trace);
  }
  return true;
}

void Bell::begin_commit(Thread &self) const {
  self.own[TAKEN] = 0;
  self.at = self.own[PUBLISHED] < shape_.commits ? AT_STEPS
            : shape_.is_retired                  ? AT_RETIRE
                                                 : AT_END;
}

bool Bell::begin_successor(State &state, int thread, Choices &choices,
                           Trace &trace) const {
  Thread &self = state.threads[thread];
  if (state.outside[IS_DEAD] == 0) {
    return false;
  }
  state.memory.enter_kernel(thread);
  int head = state.memory.load(thread, HEAD, Order::relaxed, choices);
  int word = state.memory.load(thread, WAITERS, Order::relaxed, choices);
  take(Step::W5);
  state.memory.store(thread, HEAD, head, Order::release, choices);
  trace.say("successor: W5 head = %d again, waiters is %d", head, word);
  self.own[PUBLISHED] = head;
  self.own[NEXT_TURN] = word / TURN * TURN;
  self.own[TAKEN] = ON_WORD | FOR_FILE;
  if (mistake_.is(Flaw::SUCCESSOR_SILENT)) {
    begin_commit(self);
  } else if (mistake_.is(Flaw::SUCCESSOR_KEEPS_WAITERS)) {
    self.at = AT_WAKE_FILE;
  } else {
    take(Step::W6);
    state.memory.fence_seq_cst(thread);
    self.at = AT_TAKE;
  }
  return true;
}

void Bell::publish(State &state, int thread, Choices &choices,
                   Trace &trace) const {
  Thread &self = state.threads[thread];
  Step step = publishing_[self.at++];
  take(step);
  if (step == Step::W5) {
    state.memory.store(thread, HEAD, self.own[PUBLISHED] + 1, Order::release,
                       choices);
    trace.say("writer: W5 head = %d", self.own[PUBLISHED] + 1);
  } else if (step == Step::W6) {
    state.memory.fence_seq_cst(thread);
    trace.say("writer: W6 seq_cst fence");
  } else {
    self.own[TAKEN] =
        state.memory.load(thread, WAITERS, Order::relaxed, choices);
    trace.say("writer: W7 waiters is %d", self.own[TAKEN]);
  }
  if (self.at < static_cast<int>(publishing_.size())) {
    return;
  }
  self.own[PUBLISHED]++;
  if (self.own[TAKEN] % TURN == 0) {
    begin_commit(self);
  } else {
    self.at = mistake_.is(Flaw::CLEARED_LATE) ? AT_WAKE_FILE : AT_TAKE;
  }
}

void Bell::ring(State &state, int thread, Choices &choices,
                Trace &trace) const {
  Thread &self = state.threads[thread];
  switch (self.at) {
  case AT_TAKE:
    clear(state, thread, choices, trace);
    if (mistake_.is(Flaw::CLEARED_LATE)) {
      begin_commit(self);
    } else {
      self.at = AT_WAKE_FILE;
    }
    break;
  case AT_WAKE_FILE:
    wake(state, thread, FOR_FILE, trace);
    self.at = AT_WAKE_WORD;
    break;
  case AT_WAKE_WORD:
    wake(state, thread, ON_WORD, trace);
    if (mistake_.is(Flaw::CLEARED_LATE)) {
      self.at = AT_TAKE;
    } else {
      begin_commit(self);
    }
    break;
  case AT_RETIRE:
    trace.say("writer: retires the ring");
    state.memory.store(thread, RETIRED, 1, Order::relaxed, choices);
    self.own[TAKEN] = ON_WORD;
    self.at =
        mistake_.is(Flaw::RETIRED_QUIETLY) ? AT_RETIRE_WAKE : AT_RETIRE_TURN;
    break;
  case AT_RETIRE_TURN:
    state.memory.update(
        thread, WAITERS, [](int word) { return word + TURN; },
        Order::acquire_release, choices);
    trace.say("writer: adds a turn to waiters");
    self.at = AT_RETIRE_WAKE;
    break;
  default:
    wake(state, thread, ON_WORD, trace);
    self.at = AT_END;
    break;
  }
}

void Bell::clear(State &state, int thread, Choices &choices,
                 Trace &trace) const {
  Thread &self = state.threads[thread];
  bool is_successor = thread == 1 && self.own[TAKEN] == (ON_WORD | FOR_FILE);
  bool has_turns = !mistake_.is(Flaw::WAITS_WITHOUT_TURN);
  self.own[NEXT_TURN] += has_turns ? TURN : 0;
  int next = self.own[NEXT_TURN];
  int old = self.own[TAKEN];
  if (mistake_.is(Flaw::CLEARED_BY_STORE)) {
    state.memory.store(thread, WAITERS, next, Order::relaxed, choices);
  } else {
    old = state.memory.update(
        thread, WAITERS, [=](int) { return next; }, Order::acquire_release,
        choices);
  }
  bool wakes_all = is_successor && !mistake_.is(Flaw::SUCCESSOR_ASKS_WAITERS);
  self.own[TAKEN] = wakes_all ? ON_WORD | FOR_FILE : old;
  trace.say("writer: waiters = %d, was %d", next, old);
}

void Bell::wake(State &state, int thread, int how, Trace &trace) const {
  if ((state.threads[thread].own[TAKEN] & how) == 0) {
    return;
  }
  trace.say("writer: %s", how == FOR_FILE ? "signals the wake file"
                                          : "wakes who sleeps on waiters");
  state.memory.enter_kernel(thread);
  for (int i = 0; i < readers(); i++) {
    if (shape_.readers[i] != how) {
      continue;
    }
    if (how == FOR_FILE) {
      state.outside[SIGNALLED + i] = 1;
    } else {
      state.outside[ASLEEP + i] = 0;
    }
  }
}

} // namespace model::bell
