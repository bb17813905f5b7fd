// A ring in the model's memory, as small as it can be and still go wrong: a
// slot has three words instead of 48, and there is no checksum, so what a
// reader takes for whole is whole by the order of the steps alone.
#ifndef MODEL_RING_H
#define MODEL_RING_H

namespace model {

struct Shape {
  int capacity; // slots
  int batch;    // slots that one commit may take; a quarter in native/
  int buffer;   // slots that one read may take
  int lane;     // slots of the priority lane; 0: there is none
};

constexpr int MAX_SPAN = 2;
constexpr int MAX_BUFFER = 4;
constexpr int WORDS = 3;

enum class Field {
  claim,
  head,
  last_sequence,
  lane_claim,
  lane_head,
  predecessor, // the last sequence of the ring before
  COUNT
};

class Ring {
public:
  // Its first location is `base`.
  Ring(const Shape &its_shape, int base) : shape(its_shape), base_(base) {}

  int at(Field field) const {
    return base_ + static_cast<int>(field);
  }

  int slot(int position, int word) const {
    return base_ + FIELDS + position % shape.capacity * WORDS + word;
  }

  int lane_slot(int position, int word) const {
    return base_ + FIELDS + shape.capacity * WORDS +
           position % shape.lane * WORDS + word;
  }

  int locations() const {
    return FIELDS + (shape.capacity + shape.lane) * WORDS;
  }

  // The most slots that an event takes in the lane; a larger one goes there
  // with its lead slot alone.
  int lane_span() const {
    return shape.lane < 8 ? 1 : shape.lane / 4;
  }

  Shape shape;

private:
  static constexpr int FIELDS = static_cast<int>(Field::COUNT);

  int base_;
};

// Only ints, so that two equal ones have equal bytes.
struct Slot {
  int position;
  int sequence; // 0: nothing was ever written there
  int is_priority;
  int span;
  int place;
  int payload;
  int counter; // priority events up to this one, it included; in a lead slot

  int word(int number) const {
    return number == 0   ? position
           : number == 1 ? ((sequence * 2 + is_priority) * 4 + span) * 4 + place
                         : payload * 64 + counter;
  }

  static Slot of(const int (&words)[WORDS]) {
    return {words[0],     words[1] / 32, words[1] / 16 % 2, words[1] / 4 % 4,
            words[1] % 4, words[2] / 64, words[2] % 64};
  }

  // Whether it holds together by itself.
  bool is_valid(int at) const {
    return position == at && sequence > 0 && span > 0 && place < span;
  }
};

// What damage leaves in a slot's first word.
constexpr int NO_POSITION = -7;

} // namespace model

#endif
