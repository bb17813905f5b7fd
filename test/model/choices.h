// What chance decides, one after the other, so that every way can be tried.
#ifndef MODEL_CHOICES_H
#define MODEL_CHOICES_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace model {

// A program asks choose() wherever it could go on in several ways. It is run
// again and again, and next() moves on to the next way, like an odometer.
class Choices {
public:
  Choices() = default;

  // The way that `taken` of an earlier run tells, and then always the first.
  explicit Choices(std::vector<uint8_t> taken) : taken_(std::move(taken)) {}

  // One of 0 to count - 1.
  int choose(int count) {
    if (count <= 1) {
      return 0;
    }
    if (at_ == taken_.size()) {
      taken_.push_back(0);
    }
    counts_.resize(taken_.size());
    counts_[at_] = static_cast<uint8_t>(count);
    return taken_[at_++];
  }

  // Whether the run has left what it has in common with the one before.
  bool is_new() const {
    return at_ == taken_.size();
  }

  // Begins the next run; false when every way was tried.
  bool next() {
    taken_.resize(at_);
    at_ = 0;
    while (!taken_.empty()) {
      if (++taken_.back() < counts_[taken_.size() - 1]) {
        return true;
      }
      taken_.pop_back();
    }
    return false;
  }

  const std::vector<uint8_t> &taken() const {
    return taken_;
  }

private:
  std::vector<uint8_t> taken_;
  std::vector<uint8_t> counts_;
  size_t at_ = 0;
};

} // namespace model

#endif
