/* The reading end of kindly_guard_ipc.hpp. */
#ifndef KG_READER_HPP
#define KG_READER_HPP

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "kg_threat.hpp"

namespace kindly_guard {

enum class Item { none, threat, loss };

/* Reads a ring and those that take its place. */
class Reader {
public:
  /* Throws ERR_NO_RING when there is none yet. It reads what comes from now
   * on: see seek. */
  explicit Reader(const Options &options = Options())
      : is_stopped_(new std::atomic<bool>(false)) {
    const kg_ring_options raw = options.get();
    kg_reader *reader = nullptr;
    kg_failure failure;
    const int result = kg_reader_open(&raw, &reader, &failure);
    if (result != KG_OK) {
      throw Error(result, &failure);
    }
    handle_ = Handle(reader);
    generation_ = info().generation;
    use_slots(FIRST_SLOTS);
  }

  /* kg_reader_seek. */
  void seek(kg_from from, std::uint64_t sequence = 0) {
    checked(kg_reader_seek(handle_.get(), from, sequence));
    forget();
  }

  /* kg_reader_seek_after: behind `sequence` of this generation. */
  void seek_after(std::uint64_t sequence,
                  std::uint64_t priority = KG_PRIORITY_UNKNOWN) {
    checked(kg_reader_seek_after(handle_.get(), sequence, priority));
    forget();
  }

  /* The next thing that is there, in `threat` or in `loss`. Never waits. Throws
   * ERR_RING_TRUNCATED when the file was cut short: see follow. */
  Item next(Threat &threat, Loss &loss) {
    (void)handle_.get();
    while (!has_loss_ && events_ == 0) {
      if (!take() && !has_loss_ && events_ == 0) {
        return Item::none;
      }
    }
    if (has_loss_) {
      has_loss_ = false;
      loss = loss_;
      return Item::loss;
    }
    kg_threat raw;
    std::uint32_t offset = offset_;
    if ((slots_[offset_].flags & KG_EVENT_DEFLATED) != 0) {
      /* Most readers never need it. */
      inflated_.resize(INFLATED_BYTES);
    }
    /* A continuation that makes no sense, or is too large, leaves what is known
     * without it. */
    const bool is_whole =
        kg_event_decode_whole(slots_.data(), &offset, scratch_.data(),
                              inflated_.data(), KG_DEFAULT_EVENT_BYTES,
                              &raw) == KG_OK;
    Threat made = detail::threat_of(raw);
    made.generation = generation_;
    made.cut = made.cut || !is_whole;
    /* Behind what can throw: an event that there is no memory for comes next.
     */
    threat = std::move(made);
    offset_ = offset;
    events_--;
    return Item::threat;
  }

  /* Goes over to the ring that has the place of this one, if this one is over,
   * was read, and there is one: true. What of the old one nobody will read any
   * more is the next thing. */
  bool follow() {
    kg_writer_life life;
    kg_batch lost;
    kg_failure failure;
    kg_reader *reader = handle_.get();
    if (has_loss_ || events_ > 0 || kg_reader_check(reader, &life) == KG_OK) {
      return false;
    }
    const int result = kg_reader_reopen(reader, &lost, &failure);
    if (result == KG_E_RING_INVALID || result == KG_E_RING_TRUNCATED) {
      /* A writer that lives, or the next one, puts another in its place. */
      return false;
    }
    if (result < 0) {
      throw Error(result, &failure);
    }
    if (result == 0) {
      return false;
    }
    /* It is of the ring before. */
    set_loss(lost);
    generation_ = info().generation;
    return true;
  }

  /* Gives `on_threat` each Threat && and `on_loss` each const Loss &, in order,
   * until `on_threat` returns false: true then. False when nothing came for
   * `timeout_ms`, or when it was stopped. It goes over to rings that take the
   * place of this one, and waits for one when this one was cut short. What a
   * callback that throws has not been given comes next. */
  template <typename OnThreat, typename OnLoss>
  bool poll(OnThreat &&on_threat, OnLoss &&on_loss,
            std::uint32_t timeout_ms = FOREVER) {
    Threat threat;
    Loss loss;
    Clock::time_point since = Clock::now();
    while (!takes_stop()) {
      bool is_cut = false;
      const Item item = next_or_cut(threat, loss, is_cut);
      if (item != Item::none) {
        is_idle_ = false;
        if (item == Item::loss) {
          on_loss(static_cast<const Loss &>(loss));
        } else if (!on_threat(std::move(threat))) {
          return true;
        }
        continue;
      }
      if (!is_idle_) {
        is_idle_ = true;
        since = checked_ = Clock::now();
      } else if (Clock::now() - checked_ >= turn()) {
        checked_ = Clock::now();
        if (follow()) {
          continue;
        }
      }
      if (!sleep(since, timeout_ms, is_cut)) {
        return false;
      }
    }
    return false;
  }

  /* Ends poll, or else the next one, at once. Any thread. */
  void stop() {
    kg_reader *reader = handle_.get();
    is_stopped_->store(true);
    kg_reader_interrupt(reader);
  }

  /* Sleeps until something may be there for `next`. May return early. */
  void wait(std::uint32_t timeout_ms) {
    kg_reader *reader = handle_.get();
    if (!has_item()) {
      kg_reader_wait(reader, timeout_ms);
    }
  }

  /* For an event loop: kg_reader_fd and kg_reader_arm. It is not armed while
   * `next` has something without reading. */
  int fd() {
    return checked(kg_reader_fd(handle_.get()));
  }
  bool arm() {
    return checked(kg_reader_arm(handle_.get())) == 1 && !has_item();
  }

  /* Of the present ring. */
  std::uint64_t generation() const noexcept {
    return generation_;
  }

  kg_writer_life writer_life() {
    kg_writer_life life = KG_WRITER_GONE;
    (void)kg_reader_check(handle_.get(), &life);
    return life;
  }

  /* What was copied from the ring so far, whether or not it was given. */
  kg_reader_stats stats() const {
    kg_reader_stats stats = kg_reader_stats();
    kg_reader_stats_get(handle_.get(), &stats);
    return stats;
  }

  kg_ring_info info() const {
    kg_ring_info info = kg_ring_info();
    kg_reader_info(handle_.get(), &info);
    return info;
  }

  /* Asks the kernel where the ring's pages are, which takes it some
   * milliseconds. Throws ERR_SYSTEM where it tells nothing. */
  kg_memory memory() const {
    kg_memory memory = kg_memory();
    kg_failure failure;
    const int result = kg_reader_memory(handle_.get(), &memory, &failure);
    if (result != KG_OK) {
      throw Error(result, &failure);
    }
    return memory;
  }

  bool is_open() const noexcept {
    return handle_.is_open();
  }

  void close() noexcept {
    handle_.reset();
    forget();
  }

  /* Behind what was given, which kg_reader_position is not: this has read more.
   * For seek_position, in another life, too. */
  kg_position position() const {
    kg_position position;
    checked(kg_reader_position(handle_.get(), &position));
    if (has_loss_ && loss_.count != KG_LOST_UNKNOWN &&
        loss_.reason != KG_LOSS_BEFORE_JOIN) {
      position.generation = loss_.generation;
      position.next = loss_.from;
      position.priority = KG_PRIORITY_UNKNOWN;
    } else if (events_ > 0) {
      const kg_slot &lead = slots_[offset_];
      const bool has_priority = (lead.flags & KG_EVENT_PRIORITY) != 0;
      position.generation = generation_;
      position.next = lead.sequence;
      position.priority = lead.priority_count - (has_priority ? 1U : 0U);
    }
    return position;
  }

  /* kg_reader_seek_position. What was lost with another ring comes first. */
  void seek_position(const kg_position &position) {
    kg_batch lost;
    checked(kg_reader_seek_position(handle_.get(), &position, &lost));
    forget();
    set_loss(lost);
    loss_.generation = position.generation;
  }

  /* For what has no member here, and does not move the reader. */
  kg_reader *get() const {
    return handle_.get();
  }

private:
  using Handle = detail::Handle<kg_reader, kg_reader_close>;
  using Clock = std::chrono::steady_clock;

  enum : std::uint32_t {
    FOREVER = UINT32_MAX,
    FIRST_SLOTS = 256,
    /* KG_CONTINUATION_BYTES, which has casts of C. */
    INFLATED_BYTES = KG_DEFAULT_EVENT_BYTES + 4 * KG_FIELD_HEADER_BYTES,
    /* How long one sleep lasts, and until the ring is looked at. */
    TURN_MS = 200,
    /* Where there is no ring to sleep on. */
    CUT_MS = 50
  };

  static std::chrono::milliseconds turn() {
    return std::chrono::milliseconds(+TURN_MS);
  }

  bool has_item() const noexcept {
    return has_loss_ || events_ > 0;
  }

  /* A callback may have closed this one, or moved it away. */
  bool takes_stop() {
    (void)handle_.get();
    return is_stopped_->exchange(false);
  }

  int checked(int result) const {
    if (result < 0) {
      kg_failure failure = kg_failure();
      kg_reader_error(handle_.get(), &failure);
      throw Error(result, &failure);
    }
    return result;
  }

  void use_slots(std::uint32_t slots) {
    /* In this order: what is read into the slots has to have its scratch, also
     * behind a resize that throws. */
    scratch_.resize(static_cast<std::size_t>(slots) * KG_EVENT_BYTES);
    slots_.resize(slots);
  }

  void forget() noexcept {
    has_loss_ = false;
    events_ = 0;
  }

  void set_loss(const kg_batch &batch) {
    has_loss_ = batch.loss_reason != KG_LOSS_NONE;
    loss_ = detail::loss_of(batch);
    loss_.generation = generation_;
  }

  /* Copies what is there; true when something may be left. */
  bool take() {
    kg_batch batch;
    offset_ = 0;
    checked(kg_reader_read(handle_.get(), slots_.data(),
                           static_cast<std::uint32_t>(slots_.size()), &batch));
    set_loss(batch);
    events_ = batch.events;
    if (batch.events == 0 && batch.slots_needed > slots_.size()) {
      use_slots(batch.slots_needed);
      return true;
    }
    return batch.more;
  }

  Item next_or_cut(Threat &threat, Loss &loss, bool &is_cut) {
    try {
      return next(threat, loss);
    } catch (const Error &error) {
      if (error.number() != KG_E_RING_TRUNCATED) {
        throw;
      }
      is_cut = true;
      return Item::none;
    }
  }

  /* False when the time is over. */
  bool sleep(Clock::time_point since, std::uint32_t timeout_ms, bool is_cut) {
    using std::chrono::milliseconds;
    const milliseconds most(is_cut ? +CUT_MS : +TURN_MS);
    milliseconds left = most;
    if (timeout_ms != FOREVER) {
      left = milliseconds(timeout_ms) -
             std::chrono::duration_cast<milliseconds>(Clock::now() - since);
      if (left.count() <= 0) {
        return false;
      }
      left = left < most ? left : most;
    }
    if (is_cut) {
      std::this_thread::sleep_for(left);
      checked_ = Clock::now() - turn();
    } else {
      wait(static_cast<std::uint32_t>(left.count()));
    }
    return true;
  }

  Handle handle_;
  std::unique_ptr<std::atomic<bool>> is_stopped_;
  std::vector<kg_slot> slots_;
  std::vector<char> scratch_;
  std::vector<char> inflated_;
  Loss loss_;
  bool has_loss_ = false;
  bool is_idle_ = false;
  Clock::time_point checked_ = Clock::time_point();
  std::uint32_t events_ = 0; /* in the slots, not yet given */
  std::uint32_t offset_ = 0;
  std::uint64_t generation_ = 0;
};

} // namespace kindly_guard

#endif
