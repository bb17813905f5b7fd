// What a reader does.
#include "bell_program.h"

namespace model::bell {

bool Bell::step_reader(State &state, int thread, Choices &choices,
                       Trace &trace) const {
  Thread &self = state.threads[thread];
  int number = thread - first_reader();
  if (self.at == AT_DONE) {
    return false;
  }
  if (self.at == AT_SLEEP || self.at == AT_ASLEEP) {
    return sleep(state, thread, number, choices, trace);
  }
  if (self.at >= AT_ASK && self.at < AT_LOOK) {
    ask(state, thread, number, choices, trace);
  } else {
    look(state, thread, number, choices, trace);
  }
  return true;
}

void Bell::drain(State &state, int thread, int number, Trace &trace) const {
  trace.say("reader %d: drains its listener", number);
  state.memory.enter_kernel(thread);
  state.outside[SIGNALLED + number] = 0;
}

void Bell::ask(State &state, int thread, int number, Choices &choices,
               Trace &trace) const {
  Thread &self = state.threads[thread];
  int index = self.at - AT_ASK;
  Step step = asking_[index];
  take(step);
  if (step == Step::S1) {
    int bit = shape_.readers[number];
    Order order =
        mistake_.is_weak(step) ? Order::relaxed : Order::acquire_release;
    int old = state.memory.update(
        thread, WAITERS, [=](int word) { return word | bit; }, order, choices);
    self.own[EXPECTED] = old | bit;
    trace.say("reader %d: S1 waiters = %d", number, old | bit);
  } else {
    state.memory.fence_seq_cst(thread);
    trace.say("reader %d: S2 seq_cst fence", number);
  }
  bool is_last = index + 1 == static_cast<int>(asking_.size());
  self.at = !is_last                     ? self.at + 1
            : mistake_.is(Flaw::NO_LOOK) ? AT_NEWS
                                         : AT_LOOK;
}

void Bell::look(State &state, int thread, int number, Choices &choices,
                Trace &trace) const {
  Thread &self = state.threads[thread];
  Memory &memory = state.memory;
  switch (self.at) {
  case AT_READ: {
    take(Step::R1);
    self.own[EXPECTED] = 0;
    self.own[SEEN] = memory.load(thread, HEAD, Order::acquire, choices);
    trace.say("reader %d: drains up to head, %d", number, self.own[SEEN]);
    bool is_done = self.own[SEEN] == shape_.commits &&
                   (!shape_.is_retired || self.own[KNOWS_RETIRED] != 0);
    self.at = is_done ? AT_DONE : is_file(number) ? AT_DRAIN : AT_ASK;
    break;
  }
  case AT_DRAIN:
    if (!mistake_.is(Flaw::DRAINS_LATE)) {
      drain(state, thread, number, trace);
    }
    self.at = AT_ASK;
    break;
  case AT_LOOK: {
    int head = memory.load(thread, HEAD, Order::relaxed, choices);
    trace.say("reader %d: looks at head, %d", number, head);
    self.at = head == self.own[SEEN] ? AT_NEWS : AT_READ;
    break;
  }
  case AT_NEWS:
    if (shape_.is_retired && self.own[KNOWS_RETIRED] == 0) {
      self.own[KNOWS_RETIRED] =
          memory.load(thread, RETIRED, Order::relaxed, choices);
      trace.say("reader %d: is the ring retired? %d", number,
                self.own[KNOWS_RETIRED]);
      if (self.own[KNOWS_RETIRED] != 0) {
        self.at = AT_READ;
        break;
      }
    }
    self.at = is_file(number) && mistake_.is(Flaw::DRAINS_LATE) ? AT_DRAIN_LATE
                                                                : AT_SLEEP;
    break;
  default:
    drain(state, thread, number, trace);
    self.at = AT_SLEEP;
    break;
  }
}

bool Bell::sleep(State &state, int thread, int number, Choices &choices,
                 Trace &trace) const {
  Thread &self = state.threads[thread];
  bool is_asleep = is_file(number) ? state.outside[SIGNALLED + number] == 0
                                   : state.outside[ASLEEP + number] != 0;
  if (self.at == AT_SLEEP && !is_file(number)) {
    fall_asleep(state, thread, number, choices, trace);
    return true;
  }
  if (is_asleep) {
    return false;
  }
  state.memory.enter_kernel(thread);
  trace.say("reader %d: wakes up", number);
  state.outside[SIGNALLED + number] = 0;
  if (shape_.is_retired) {
    self.own[KNOWS_RETIRED] =
        state.memory.load(thread, RETIRED, Order::relaxed, choices);
  }
  self.at = AT_READ;
  return true;
}

void Bell::fall_asleep(State &state, int thread, int number, Choices &choices,
                       Trace &trace) const {
  Thread &self = state.threads[thread];
  bool is_head = mistake_.is(Flaw::WAITS_ON_HEAD);
  int expected = self.own[is_head ? SEEN : EXPECTED];
  state.memory.enter_kernel(thread);
  int word = state.memory.load(thread, is_head ? HEAD : WAITERS, Order::relaxed,
                               choices);
  if (mistake_.is(Flaw::WAITS_WITH_NEW_VALUE)) {
    expected = word;
  }
  bool sleeps = word == expected;
  trace.say("reader %d: sleeps while %s is %d; it is %d%s", number,
            is_head ? "head" : "waiters", expected, word,
            sleeps ? "" : ", so it does not");
  state.outside[ASLEEP + number] = sleeps;
  self.at = sleeps ? AT_ASLEEP : AT_READ;
}

} // namespace model::bell
