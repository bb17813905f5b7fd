// The poll thread and its loop.
#ifndef MODEL_POLLER_PROGRAM_H
#define MODEL_POLLER_PROGRAM_H

#include "explorer.h"
#include "mistake.h"

namespace model {

// The loop hands the watch over a few times, then stops the thread. How head is
// watched, bell.cpp shows: here the thread gives the watch back at once.
class Poller : public Program {
public:
  Poller(int handovers, const Mistake &mistake)
      : handovers_(handovers), mistake_(mistake) {}

  State start() const override {
    return State(LOCATIONS, 2);
  }

  bool step(State &state, int thread, Choices &choices,
            Trace &trace) const override {
    return thread == LOOP ? step_loop(state, choices, trace)
                          : step_thread(state, choices, trace);
  }

  void check_end(const State &state) const override {
    if (state.threads[LOOP].at != LOOP_END) {
      throw Violation{"the thread stays parked"};
    }
  }

private:
  enum Location { SEEN, WAKER, PARKED, STOP, EXITED, DONE, LOCATIONS };
  enum { LOOP, THREAD };
  enum Outside { MUTEX_TAKEN, IN_WAIT, SENT };

  enum LoopAt {
    STORE_SEEN,
    APPOINT, // A2
    STORE_STOP,
    FENCE, // P2
    LOOK,
    LOCK,
    SIGNAL,
    WAIT_FOR_SENT,
    WAIT_FOR_EXIT, // E2
    LOOP_END = Thread::OVER
  };
  enum LoopOwn { ROUND };

  enum ThreadAt {
    IS_ARMED, // A1
    IS_STOPPED,
    THREAD_LOCK,
    STORE_PARKED,
    THREAD_FENCE, // P1
    IS_ARMED_INSIDE,
    IS_STOPPED_INSIDE,
    WAIT,
    WAITING,
    WAKE_UP,
    STORE_UNPARKED,
    UNLOCK,
    READ_SEEN,
    GIVE_BACK,
    STORE_DONE,
    STORE_EXITED, // E1
    THREAD_END = Thread::OVER
  };
  enum ThreadOwn { GIVEN };

  Order order(Step step, Order wanted) const {
    return mistake_.is_weak(step) ? Order::relaxed : wanted;
  }

  // --- The loop ------------------------------------------------------------

  bool step_loop(State &state, Choices &choices, Trace &trace) const {
    Thread &self = state.threads[LOOP];
    Memory &memory = state.memory;
    switch (self.at) {
    case STORE_SEEN:
      memory.store(LOOP, SEEN, self.own[ROUND] + 1, Order::relaxed, choices);
      trace.say("loop: seen = %d", self.own[ROUND] + 1);
      self.at = APPOINT;
      break;
    case APPOINT:
      take(Step::A2);
      memory.store(LOOP, WAKER, 1, order(Step::A2, Order::release), choices);
      trace.say("loop: A2 waker = the thread");
      self.at = FENCE;
      break;
    case STORE_STOP:
      memory.store(LOOP, STOP, 1, Order::release, choices);
      trace.say("loop: stop = 1");
      self.at = FENCE;
      break;
    case FENCE:
      if (!mistake_.is_gone(Step::P2)) {
        take(Step::P2);
        memory.fence_seq_cst(LOOP);
        trace.say("loop: P2 seq_cst fence");
      }
      self.at = LOOK;
      break;
    case LOOK: {
      int parked = memory.load(LOOP, PARKED, Order::relaxed, choices);
      trace.say("loop: parked is %d", parked);
      self.at = parked != 0 ? LOCK : after_signal(self);
      break;
    }
    case LOCK:
      if (!lock(state, LOOP)) {
        return false;
      }
      self.at = SIGNAL;
      break;
    case SIGNAL:
      state.outside[IN_WAIT] = 0;
      unlock(state, LOOP);
      trace.say("loop: signals");
      self.at = after_signal(self);
      break;
    default:
      return wait(state, choices, trace);
    }
    return true;
  }

  int after_signal(const Thread &self) const {
    return self.own[ROUND] < handovers_ ? WAIT_FOR_SENT : WAIT_FOR_EXIT;
  }

  bool wait(State &state, Choices &choices, Trace &trace) const {
    Thread &self = state.threads[LOOP];
    Memory &memory = state.memory;
    if (self.at == WAIT_FOR_SENT) {
      if (state.outside[SENT] <= self.own[ROUND]) {
        return false;
      }
      memory.enter_kernel(LOOP);
      self.own[ROUND]++;
      self.at = self.own[ROUND] < handovers_ ? STORE_SEEN : STORE_STOP;
      return true;
    }
    if (self.at == LOOP_END || memory.newest(EXITED) == 0) {
      return false;
    }
    take(Step::E2);
    int exited =
        memory.load(LOOP, EXITED, order(Step::E2, Order::acquire), choices);
    trace.say("loop: E2 exited is %d", exited);
    if (exited != 0) {
      int done = memory.load(LOOP, DONE, Order::relaxed, choices);
      trace.say("loop: what the thread did is %d", done);
      if (done == 0) {
        throw Violation{"the loop does not see what the thread did"};
      }
      self.at = LOOP_END;
    }
    return true;
  }

  // --- The thread ----------------------------------------------------------

  bool lock(State &state, int thread) const {
    if (state.outside[MUTEX_TAKEN] != 0) {
      return false;
    }
    state.outside[MUTEX_TAKEN] = 1;
    state.memory.enter_kernel(thread);
    return true;
  }

  void unlock(State &state, int thread) const {
    state.memory.enter_kernel(thread);
    state.outside[MUTEX_TAKEN] = 0;
  }

  bool is_armed(State &state, Choices &choices, Trace &trace) const {
    take(Step::A1);
    int waker = state.memory.load(THREAD, WAKER,
                                  order(Step::A1, Order::acquire), choices);
    trace.say("thread: A1 waker is %d", waker);
    return waker != 0;
  }

  bool is_stopped(State &state, Choices &choices, Trace &trace) const {
    int stop = state.memory.load(THREAD, STOP, Order::relaxed, choices);
    trace.say("thread: stop is %d", stop);
    return stop != 0;
  }

  bool step_thread(State &state, Choices &choices, Trace &trace) const {
    Thread &self = state.threads[THREAD];
    if (self.at == THREAD_END) {
      return false;
    }
    if (self.at >= READ_SEEN) {
      return watch(state, choices, trace);
    }
    bool is_late = mistake_.is(Flaw::PARKED_LATE);
    switch (self.at) {
    case IS_ARMED:
      self.at = is_armed(state, choices, trace) ? READ_SEEN : IS_STOPPED;
      break;
    case IS_STOPPED:
      self.at = is_stopped(state, choices, trace) ? STORE_DONE : THREAD_LOCK;
      break;
    case THREAD_LOCK:
      if (!lock(state, THREAD)) {
        return false;
      }
      self.at = is_late ? IS_ARMED_INSIDE : STORE_PARKED;
      break;
    case STORE_PARKED:
      state.memory.store(THREAD, PARKED, 1, Order::release, choices);
      trace.say("thread: parked = 1");
      self.at = THREAD_FENCE;
      break;
    case THREAD_FENCE:
      if (!mistake_.is_gone(Step::P1)) {
        take(Step::P1);
        state.memory.fence_seq_cst(THREAD);
        trace.say("thread: P1 seq_cst fence");
      }
      self.at = is_late ? WAIT : IS_ARMED_INSIDE;
      break;
    case IS_ARMED_INSIDE:
      self.at =
          is_armed(state, choices, trace) ? STORE_UNPARKED : IS_STOPPED_INSIDE;
      break;
    case IS_STOPPED_INSIDE:
      self.at = is_stopped(state, choices, trace) ? STORE_UNPARKED
                : is_late                         ? STORE_PARKED
                                                  : WAIT;
      break;
    default:
      return park(state, choices, trace);
    }
    return true;
  }

  bool park(State &state, Choices &choices, Trace &trace) const {
    Thread &self = state.threads[THREAD];
    switch (self.at) {
    case WAIT:
      trace.say("thread: waits");
      state.outside[IN_WAIT] = 1;
      unlock(state, THREAD);
      self.at = WAITING;
      break;
    case WAITING:
      if (state.outside[IN_WAIT] != 0) {
        return false;
      }
      self.at = WAKE_UP;
      break;
    case WAKE_UP:
      if (!lock(state, THREAD)) {
        return false;
      }
      trace.say("thread: wakes up");
      self.at = IS_ARMED_INSIDE;
      break;
    case STORE_UNPARKED:
      state.memory.store(THREAD, PARKED, 0, Order::relaxed, choices);
      trace.say("thread: parked = 0");
      self.at = UNLOCK;
      break;
    default:
      unlock(state, THREAD);
      self.at = IS_ARMED;
      break;
    }
    return true;
  }

  bool watch(State &state, Choices &choices, Trace &trace) const {
    Thread &self = state.threads[THREAD];
    Memory &memory = state.memory;
    switch (self.at) {
    case READ_SEEN: {
      int seen = memory.load(THREAD, SEEN, Order::relaxed, choices);
      trace.say("thread: seen is %d", seen);
      if (seen != self.own[GIVEN] + 1) {
        throw Violation{"the thread watches with a position of before"};
      }
      self.at = GIVE_BACK;
      break;
    }
    case GIVE_BACK:
      memory.update(
          THREAD, WAKER, [](int) { return 0; }, Order::acquire_release,
          choices);
      self.own[GIVEN]++;
      memory.enter_kernel(THREAD);
      state.outside[SENT] = self.own[GIVEN];
      trace.say("thread: wakes the loop");
      self.at = IS_ARMED;
      break;
    case STORE_DONE:
      memory.store(THREAD, DONE, 1, Order::relaxed, choices);
      trace.say("thread: its last store");
      self.at = STORE_EXITED;
      break;
    case STORE_EXITED:
      take(Step::E1);
      memory.store(THREAD, EXITED, 1, order(Step::E1, Order::release), choices);
      trace.say("thread: E1 exited = 1");
      self.at = THREAD_END;
      break;
    default:
      return false;
    }
    return true;
  }

  int handovers_;
  Mistake mistake_;
};

} // namespace model

#endif
