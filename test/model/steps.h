// The steps of the protocol. Each label that a comment in native/ names is one
// (W1), those that have none there have a longer name (R4_FENCE), and each is
// taken by a program of this model.
#ifndef MODEL_STEPS_H
#define MODEL_STEPS_H

#include <cstdint>

// test/lint/labels.js reads this list.
#define MODEL_STEPS(X)                                       \
  X(W1, "claim")                                             \
  X(W2, "release fence")                                     \
  X(W3, "slot")                                              \
  X(W4, "last_sequence")                                     \
  X(W5, "head")                                              \
  X(W6, "seq_cst fence")                                     \
  X(W7, "waiters")                                           \
  X(L1, "lane claim")                                        \
  X(L2, "release fence")                                     \
  X(L3, "lane slot")                                         \
  X(L4, "lane head")                                         \
  X(R1, "head")                                              \
  X(R2, "copy")                                              \
  X(R3, "acquire fence")                                     \
  X(R3_LOOK, "head, behind the copy")                        \
  X(R4, "claim")                                             \
  X(R4_FENCE, "acquire fence directly behind R4")            \
  X(R4_LOOK, "second look at head")                          \
  X(R5, "drop what was overwritten")                         \
  X(SETTLED_LAST, "last_sequence, settled?")                 \
  X(SETTLED_FENCE, "acquire fence, settled?")                \
  X(SETTLED_CLAIM, "claim, settled?")                        \
  X(SETTLED_FENCE_BEHIND, "acquire fence behind that claim") \
  X(LANE_HEAD, "R1 of the lane")                             \
  X(LANE_COPY, "R2 of the lane")                             \
  X(LANE_FENCE, "R3 of the lane")                            \
  X(LANE_CLAIM, "R4 of the lane")                            \
  X(S1, "waiters")                                           \
  X(S2, "seq_cst fence")                                     \
  X(C1, "copy")                                              \
  X(C2, "cursor")                                            \
  X(C3, "cursor")                                            \
  X(C4, "write over it")                                     \
  X(M1, "seq_cst fence")                                     \
  X(M2, "seq_cst fence")                                     \
  X(A1, "waker")                                             \
  X(A2, "waker")                                             \
  X(P1, "seq_cst fence")                                     \
  X(P2, "seq_cst fence")                                     \
  X(E1, "exited")                                            \
  X(E2, "exited")                                            \
  X(G1, "link")                                              \
  X(G2, "link")                                              \
  X(G3, "base")                                              \
  X(G4, "base")                                              \
  X(G5, "displaced handler")                                 \
  X(G6, "displaced handler")                                 \
  X(G7, "length")                                            \
  X(G8, "length")

namespace model {

enum class Step {
#define MODEL_STEP_NAME(name, text) name,
  MODEL_STEPS(MODEL_STEP_NAME)
#undef MODEL_STEP_NAME
      COUNT
};

// "W1 claim"; without the name where it is none of a label.
const char *name_of(Step step);

// How often each was taken, by all programs together.
extern uint64_t steps_taken[static_cast<int>(Step::COUNT)];

inline void take(Step step) {
  steps_taken[static_cast<int>(step)]++;
}

// Prints those that no program has taken; false when there is one.
bool all_steps_taken();

} // namespace model

#endif
