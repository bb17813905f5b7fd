/* The writing end of kindly_guard_ipc.hpp. */
#ifndef KG_WRITER_HPP
#define KG_WRITER_HPP

#include <cstdint>
#include <vector>

#include "kg_threat.hpp"

namespace kindly_guard {

/* The only writer of a ring. With `raw.any_thread`, any thread may call any
 * function of it but close() and the destructor, and a batch is written by one
 * thread while no other one writes. */
class Writer {
public:
  /* Takes the ring's lock, and goes on with the ring that is there or makes
   * one. Throws ERR_RING_LOCKED when there is another writer. */
  explicit Writer(const Options &options = Options()) {
    const kg_ring_options raw = options.get();
    kg_writer *writer = nullptr;
    kg_failure failure;
    const int result = kg_writer_open(&raw, &writer, &failure);
    if (result != KG_OK) {
      throw Error(result, &failure);
    }
    handle_ = Handle(writer);
  }

  /* Publishes it, and returns its sequence. Never waits. Throws ERR_RING_FULL
   * where a reliable reader leaves no space: see wait_for_space. */
  std::uint64_t write(const Threat &threat) {
    const kg_threat raw = detail::raw_of(threat);
    return static_cast<std::uint64_t>(
        checked(kg_writer_write(handle_.get(), &raw)));
  }

  /* Publishes all of them at once, or none, with one wake-up: a quarter of the
   * ring at the most. Returns the sequence of the last one. */
  template <typename Threats> std::uint64_t write_all(const Threats &threats) {
    kg_writer *writer = handle_.get();
    try {
      for (const Threat &threat : threats) {
        const kg_threat raw = detail::raw_of(threat);
        checked(kg_writer_stage(writer, &raw));
      }
      return static_cast<std::uint64_t>(checked(kg_writer_commit(writer)));
    } catch (...) {
      /* Not the library's own: those have dropped it. */
      kg_writer_discard(writer);
      throw;
    }
  }

  /* The slots that a threat takes. */
  static std::uint32_t slots_of(const Threat &threat) {
    const kg_threat raw = detail::raw_of(threat);
    const std::int64_t slots = kg_threat_span(&raw);
    if (slots < 0) {
      throw Error(static_cast<int>(slots));
    }
    return static_cast<std::uint32_t>(slots);
  }

  /* Waits until so many slots can be written: true; false when `timeout_ms` is
   * over, or when it was interrupted. */
  bool wait_for_space(std::uint32_t slots, std::uint32_t timeout_ms) {
    const int result =
        kg_writer_wait_for_space(handle_.get(), slots, timeout_ms);
    if (result != KG_E_RING_FULL) {
      checked(result);
    }
    return result == KG_OK;
  }

  /* Ends that wait, or the next one. Any thread. */
  void interrupt() {
    kg_writer_interrupt(handle_.get());
  }

  /* To be called twice a second: readers see that this process lives, and a
   * ring that was removed is made anew. */
  void beat() {
    kg_failure failure;
    const int result = kg_writer_beat(handle_.get(), &failure);
    if (result != KG_OK) {
      throw Error(result, &failure);
    }
  }

  kg_writer_stats stats() const {
    kg_writer_stats stats = kg_writer_stats();
    kg_writer_stats_get(handle_.get(), &stats);
    return stats;
  }

  kg_ring_info info() const {
    kg_ring_info info = kg_ring_info();
    kg_writer_info(handle_.get(), &info);
    return info;
  }

  /* Asks the kernel where the ring's pages are, which takes it some
   * milliseconds. Throws ERR_SYSTEM where it tells nothing. */
  kg_memory memory() const {
    kg_memory memory = kg_memory();
    kg_failure failure;
    const int result = kg_writer_memory(handle_.get(), &memory, &failure);
    if (result != KG_OK) {
      throw Error(result, &failure);
    }
    return memory;
  }

  /* The reliable readers. */
  std::vector<kg_attached_reader> readers() const {
    std::vector<kg_attached_reader> readers(KG_READER_CELLS);
    readers.resize(
        kg_writer_readers(handle_.get(), readers.data(), KG_READER_CELLS));
    return readers;
  }

  bool is_open() const noexcept {
    return handle_.is_open();
  }

  /* Releases the lock. The ring stays for late readers. */
  void close() noexcept {
    handle_.reset();
  }

  /* For what has no member here. */
  kg_writer *get() const {
    return handle_.get();
  }

private:
  using Handle = detail::Handle<kg_writer, kg_writer_close>;

  std::int64_t checked(std::int64_t result) const {
    if (result < 0) {
      kg_failure failure = kg_failure();
      kg_writer_error(handle_.get(), &failure);
      throw Error(static_cast<int>(result), &failure);
    }
    return result;
  }

  Handle handle_;
};

} // namespace kindly_guard

#endif
