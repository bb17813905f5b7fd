#include "litmus.h"

#include <utility>

#include "explorer.h"

namespace model {
namespace {

constexpr Order RLX = Order::relaxed;
constexpr Order ACQ = Order::acquire;
constexpr Order REL = Order::release;
constexpr Order ACQ_REL = Order::acquire_release;

enum class Kind { load, store, add, acquire, release, both, seq_cst };

struct Instruction {
  Kind kind;
  int location = 0;
  int value = 0; // what is stored or added
  Order order = RLX;
  int target = 0; // the thread's variable that a load fills
};

using Code = std::vector<Instruction>;

static Instruction load(int location, Order order, int target) {
  return {Kind::load, location, 0, order, target};
}

static Instruction store(int location, int value, Order order) {
  return {Kind::store, location, value, order, 0};
}

static Instruction add(int location, int value, Order order, int target = 0) {
  return {Kind::add, location, value, order, target};
}

static Instruction fence(Kind kind) {
  return {kind};
}

static const Instruction acquire_fence = fence(Kind::acquire);
static const Instruction release_fence = fence(Kind::release);
static const Instruction seq_cst_fence = fence(Kind::seq_cst);
static const Instruction both_fences = fence(Kind::both);

// Straight code for each thread. The check at the end looks for the outcome in
// question.
class Litmus : public Program {
public:
  using Question = bool (*)(const State &);

  Litmus(std::vector<Code> threads, int locations, Question is_seen)
      : threads_(std::move(threads)), locations_(locations), is_seen_(is_seen) {
  }

  State start() const override {
    return State(locations_, static_cast<int>(threads_.size()));
  }

  bool step(State &state, int thread, Choices &choices,
            Trace &trace) const override {
    Thread &self = state.threads[thread];
    const Code &code = threads_[thread];
    if (self.at == static_cast<int>(code.size())) {
      return false;
    }
    trace.say("thread %d, instruction %d", thread, self.at);
    take(state.memory, thread, self, code[self.at++], choices);
    return true;
  }

  void check_end(const State &state) const override {
    if (is_seen_(state)) {
      throw Violation{"seen"};
    }
  }

private:
  static void take(Memory &memory, int thread, Thread &self,
                   const Instruction &next, Choices &choices) {
    switch (next.kind) {
    case Kind::load:
      self.own[next.target] =
          memory.load(thread, next.location, next.order, choices);
      break;
    case Kind::store:
      memory.store(thread, next.location, next.value, next.order, choices);
      break;
    case Kind::add:
      self.own[next.target] = memory.update(
          thread, next.location, [&](int old) { return old + next.value; },
          next.order, choices);
      break;
    case Kind::acquire:
      memory.views(thread).fence_acquire();
      break;
    case Kind::release:
      memory.views(thread).fence_release();
      break;
    case Kind::both:
      memory.views(thread).fence_acquire();
      memory.views(thread).fence_release();
      break;
    case Kind::seq_cst:
      memory.fence_seq_cst(thread);
      break;
    }
  }

  std::vector<Code> threads_;
  int locations_;
  Question is_seen_;
};

// --- The questions ---------------------------------------------------------

static bool variables_are(const State &state, int thread, int first,
                          int second) {
  return state.threads[thread].own[0] == first &&
         state.threads[thread].own[1] == second;
}

// The flag without the data.
static bool passed_badly(const State &state) {
  return variables_are(state, 1, 1, 0);
}

static bool both_read_zero(const State &state) {
  return state.threads[0].own[0] == 0 && state.threads[1].own[0] == 0;
}

static bool both_read_one(const State &state) {
  return state.threads[0].own[0] == 1 && state.threads[1].own[0] == 1;
}

static bool readers_disagree(const State &state) {
  return variables_are(state, 2, 1, 0) && variables_are(state, 3, 1, 0);
}

static bool both_end_at_one(const State &state) {
  return state.memory.newest(0) == 1 && state.memory.newest(1) == 1;
}

static bool chain_is_broken(const State &state) {
  return state.threads[1].own[0] == 1 && variables_are(state, 2, 1, 0);
}

// --- The tests -------------------------------------------------------------

struct Test {
  const char *name;
  std::vector<Code> threads;
  int locations;
  bool is_allowed; // by C11, in this model
  Litmus::Question question;
};

// X is the data, Y the flag.
static constexpr int X = 0;
static constexpr int Y = 1;

static std::vector<Test> message_passing() {
  std::vector<Test> tests;
  static const char *const names[3][3] = {
      {"MP relaxed, relaxed", "MP relaxed, acquire",
       "MP relaxed, acquire fence"},
      {"MP release, relaxed", "MP release, acquire",
       "MP release, acquire fence"},
      {"MP release fence, relaxed", "MP release fence, acquire",
       "MP release fence, acquire fence"}};
  for (int w = 0; w < 3; w++) {
    for (int r = 0; r < 3; r++) {
      Code writer{store(X, 1, RLX)};
      if (w == 2) {
        writer.push_back(release_fence);
      }
      writer.push_back(store(Y, 1, w == 1 ? REL : RLX));
      Code reader{load(Y, r == 1 ? ACQ : RLX, 0)};
      if (r == 2) {
        reader.push_back(acquire_fence);
      }
      reader.push_back(load(X, RLX, 1));
      tests.push_back(
          {names[w][r], {writer, reader}, 2, w == 0 || r == 0, passed_badly});
    }
  }
  const Code right_reader{load(Y, ACQ, 0), load(X, RLX, 1)};
  const Code right_writer{store(X, 1, RLX), store(Y, 1, REL)};
  tests.push_back(
      {"MP release fence in front of the data",
       {{release_fence, store(X, 1, RLX), store(Y, 1, RLX)}, right_reader},
       2,
       true,
       passed_badly});
  tests.push_back(
      {"MP acquire fence in front of the flag",
       {right_writer, {acquire_fence, load(Y, RLX, 0), load(X, RLX, 1)}},
       2,
       true,
       passed_badly});
  tests.push_back({"MP seq_cst fences",
                   {{store(X, 1, RLX), seq_cst_fence, store(Y, 1, RLX)},
                    {load(Y, RLX, 0), seq_cst_fence, load(X, RLX, 1)}},
                   2,
                   false,
                   passed_badly});
  tests.push_back(
      {"MP a third thread's update keeps the release",
       {right_writer, right_reader, {add(Y, 1, RLX)}},
       2,
       false,
       [](const State &state) { return variables_are(state, 1, 2, 0); }});
  tests.push_back(
      {"MP a plain store does not (since C++20)",
       {{store(X, 1, RLX), store(Y, 1, REL), store(Y, 2, RLX)}, right_reader},
       2,
       true,
       [](const State &state) { return variables_are(state, 1, 2, 0); }});
  return tests;
}

static std::vector<Test> store_buffering() {
  auto sides = [](Order stores, Order loads) {
    return std::vector<Code>{{store(X, 1, stores), load(Y, loads, 0)},
                             {store(Y, 1, stores), load(X, loads, 0)}};
  };
  auto fenced = [](const Instruction &first, const Instruction &second) {
    return std::vector<Code>{{store(X, 1, RLX), first, load(Y, RLX, 0)},
                             {store(Y, 1, RLX), second, load(X, RLX, 0)}};
  };
  std::vector<Code> one_side = sides(RLX, RLX);
  one_side[0].insert(one_side[0].begin() + 1, seq_cst_fence);
  return {{"SB relaxed", sides(RLX, RLX), 2, true, both_read_zero},
          {"SB release, acquire", sides(REL, ACQ), 2, true, both_read_zero},
          {"SB acquire and release fences", fenced(both_fences, both_fences), 2,
           true, both_read_zero},
          {"SB a seq_cst fence on one side", one_side, 2, true, both_read_zero},
          {"SB seq_cst fences", fenced(seq_cst_fence, seq_cst_fence), 2, false,
           both_read_zero},
          {"SB an update on the side without a fence",
           {{store(X, 1, RLX), seq_cst_fence, load(Y, RLX, 0)},
            {add(Y, 1, ACQ_REL, 1), load(X, RLX, 0)}},
           2,
           true,
           both_read_zero},
          {"LB (C11 allows it, this model has none)",
           {{load(X, RLX, 0), store(Y, 1, RLX)},
            {load(Y, RLX, 0), store(X, 1, RLX)}},
           2,
           false,
           both_read_one}};
}

static std::vector<Test> coherence() {
  const Code twice{load(X, RLX, 0), load(X, RLX, 1)};
  return {{"IRIW release, acquire",
           {{store(X, 1, REL)},
            {store(Y, 1, REL)},
            {load(X, ACQ, 0), load(Y, ACQ, 1)},
            {load(Y, ACQ, 0), load(X, ACQ, 1)}},
           2,
           true,
           readers_disagree},
          {"IRIW seq_cst fences between the loads",
           {{store(X, 1, RLX)},
            {store(Y, 1, RLX)},
            {load(X, RLX, 0), seq_cst_fence, load(Y, RLX, 1)},
            {load(Y, RLX, 0), seq_cst_fence, load(X, RLX, 1)}},
           2,
           false,
           readers_disagree},
          {"CoRR",
           {{store(X, 1, RLX), store(X, 2, RLX)}, twice},
           1,
           false,
           [](const State &state) {
             return state.threads[1].own[0] > state.threads[1].own[1];
           }},
          {"CoRR two readers disagree",
           {{store(X, 1, RLX)}, {store(X, 2, RLX)}, twice, twice},
           1,
           false,
           [](const State &state) {
             return variables_are(state, 2, 1, 2) &&
                    variables_are(state, 3, 2, 1);
           }},
          {"CoWR",
           {{store(X, 1, RLX), load(X, RLX, 0)}, {store(X, 2, RLX)}},
           1,
           false,
           [](const State &state) { return state.threads[0].own[0] == 0; }},
          {"2+2W relaxed",
           {{store(X, 1, RLX), store(Y, 2, RLX)},
            {store(Y, 1, RLX), store(X, 2, RLX)}},
           2,
           true,
           both_end_at_one},
          {"2+2W seq_cst fences",
           {{store(X, 1, RLX), seq_cst_fence, store(Y, 2, RLX)},
            {store(Y, 1, RLX), seq_cst_fence, store(X, 2, RLX)}},
           2,
           false,
           both_end_at_one},
          {"WRC relaxed",
           {{store(X, 1, RLX)},
            {load(X, RLX, 0), store(Y, 1, RLX)},
            {load(Y, RLX, 0), load(X, RLX, 1)}},
           2,
           true,
           chain_is_broken},
          {"WRC release, acquire on the second hop",
           {{store(X, 1, RLX)},
            {load(X, RLX, 0), store(Y, 1, REL)},
            {load(Y, ACQ, 0), load(X, RLX, 1)}},
           2,
           false,
           chain_is_broken},
          {"updates are atomic",
           {{add(X, 1, RLX)}, {add(X, 1, RLX)}},
           1,
           false,
           [](const State &state) { return state.memory.newest(0) != 2; }}};
}

// The patterns that the ring is made of; X is claim, Y a slot or head.
static std::vector<Test> of_the_ring() {
  return {{"seqlock: claim, fence, slot; slot, fence, claim",
           {{store(X, 1, RLX), release_fence, store(Y, 1, RLX)},
            {load(Y, RLX, 0), acquire_fence, load(X, RLX, 1)}},
           2,
           false,
           passed_badly},
          {"seqlock: a release store in place of the fence",
           {{store(X, 1, REL), store(Y, 1, RLX)},
            {load(Y, RLX, 0), acquire_fence, load(X, RLX, 1)}},
           2,
           true,
           passed_badly},
          {"a claim seen, and an older head after it",
           {{store(X, 1, REL), store(Y, 1, RLX)},
            {load(Y, RLX, 0), load(X, ACQ, 1)}},
           2,
           true,
           passed_badly},
          {"... not with a release and a fence",
           {{store(X, 1, REL), store(Y, 1, REL)},
            {load(Y, RLX, 0), acquire_fence, load(X, ACQ, 1)}},
           2,
           false,
           passed_badly}};
}

} // namespace

void run_litmus(Report &report) {
  std::vector<Test> tests = message_passing();
  for (const std::vector<Test> &more :
       {store_buffering(), coherence(), of_the_ring()}) {
    tests.insert(tests.end(), more.begin(), more.end());
  }
  for (Test &test : tests) {
    if (!report.wants(test.name)) {
      continue;
    }
    report.begin(test.name);
    Litmus program(std::move(test.threads), test.locations, test.question);
    Outcome outcome = explore(program, report.limit());
    bool is_found = !outcome.violation.empty();
    report.end_litmus(outcome, test.is_allowed, is_found);
  }
}

} // namespace model
