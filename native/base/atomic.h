/* Atomic access to plain words in shared memory, and what else depends on the
 * compiler. C11's <stdatomic.h> wants _Atomic types, which would forbid the
 * plain structs of layout.h; the builtins take any aligned word. */
#ifndef KG_ATOMIC_H
#define KG_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if !defined(__GNUC__)
#error "atomic.h knows GCC and Clang; add this compiler's primitives here"
#endif

/* A word through which the bytes of any struct may be read and written. */
typedef uint64_t __attribute__((may_alias)) kg__word;

static inline uint32_t kg__load32_relaxed(const uint32_t *word) {
  return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline uint64_t kg__load64_relaxed(const uint64_t *word) {
  return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline uint32_t kg__load32_acquire(const uint32_t *word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline uint64_t kg__load64_acquire(const uint64_t *word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void kg__store32_relaxed(uint32_t *word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline void kg__store64_relaxed(uint64_t *word, uint64_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline void kg__store32_release(uint32_t *word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline void kg__store64_release(uint64_t *word, uint64_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline void kg__store32_seq_cst(uint32_t *word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* What it left there. */
static inline uint32_t kg__or32_seq_cst(uint32_t *word, uint32_t bits) {
  return __atomic_or_fetch(word, bits, __ATOMIC_SEQ_CST);
}

static inline uint32_t kg__exchange32_seq_cst(uint32_t *word, uint32_t value) {
  return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
}

static inline void kg__add32_seq_cst(uint32_t *word, uint32_t value) {
  __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
}

/* Whether it was `from`, and is `to` now. */
static inline bool kg__compare_exchange32_seq_cst(uint32_t *word, uint32_t from,
                                                  uint32_t to) {
  return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST);
}

static inline void kg__fence_acquire(void) {
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void kg__fence_release(void) {
  __atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void kg__fence_seq_cst(void) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Copies 8-byte words from private to shared memory or back. A racing memcpy is
 * undefined; relaxed words are not, and the fences of the protocol in ring.h
 * order them. */
static inline void kg__copy_words(void *target, const void *source,
                                  size_t bytes) {
  kg__word *to = target;
  const kg__word *from = source;
  for (size_t i = 0; i < bytes / 8; i++) {
    __atomic_store_n(&to[i], __atomic_load_n(&from[i], __ATOMIC_RELAXED),
                     __ATOMIC_RELAXED);
  }
}

/* A sanitizer sees nothing of what assembly does. */
#if defined(__SANITIZE_THREAD__)
#define KG__THREAD_SANITIZER 1
#else
#define KG__THREAD_SANITIZER 0
#endif

/* The bytes of six cache lines. */
#define KG__SIX_LINES_BYTES 384

#if defined(__x86_64__) && !KG__THREAD_SANITIZER && \
    !defined(__SANITIZE_ADDRESS__)

/* Copies a cache line, which the compiler may not know to race. A few wide
 * stores wait for their lines together, where eight times as many words would
 * fill the CPU's queue; each half of them is a word as above. */
#define KG__COPY_LINE(at)                  \
  "movdqu " #at "(%[from]), %%xmm0\n\t"    \
  "movdqu " #at "+16(%[from]), %%xmm1\n\t" \
  "movdqu " #at "+32(%[from]), %%xmm2\n\t" \
  "movdqu " #at "+48(%[from]), %%xmm3\n\t" \
  "movdqu %%xmm0, " #at "(%[to])\n\t"      \
  "movdqu %%xmm1, " #at "+16(%[to])\n\t"   \
  "movdqu %%xmm2, " #at "+32(%[to])\n\t"   \
  "movdqu %%xmm3, " #at "+48(%[to])\n\t"

/* The same in a register of 64 bytes, where the CPU has those
 * (kg__cpu_is_wide). One of the upper ones: no instruction of SSE waits for
 * what is left there. */
#define KG__COPY_LINE_WIDE(at)              \
  "vmovdqu64 " #at "(%[from]), %%zmm16\n\t" \
  "vmovdqu64 %%zmm16, " #at "(%[to])\n\t"

/* Written out: an address that is made for each line is an instruction more. */
#define KG__SIX_TIMES(line) \
  line(0) line(64) line(128) line(192) line(256) line(320)

/* What is said to the compiler of a register that it may use only where it was
 * told that every CPU has it. */
#if defined(__AVX512F__)
#define KG__CLOBBERS_WIDE , "xmm16"
#else
#define KG__CLOBBERS_WIDE
#endif

static inline void kg__copy_six_lines(void *to, const void *from) {
  __asm__ __volatile__(KG__SIX_TIMES(KG__COPY_LINE)
                       :
                       : [to] "r"(to), [from] "r"(from)
                       : "memory", "xmm0", "xmm1", "xmm2", "xmm3");
}

static inline void kg__copy_six_lines_wide(void *to, const void *from) {
  __asm__ __volatile__(KG__SIX_TIMES(KG__COPY_LINE_WIDE)
                       :
                       : [to] "r"(to), [from] "r"(from)
                       : "memory" KG__CLOBBERS_WIDE);
}

static inline void kg__copy_shared(void *target, const void *source,
                                   size_t bytes) {
  size_t at = 0;
  for (; bytes - at >= 64; at += 64) {
    __asm__ __volatile__(
        KG__COPY_LINE(0)
        :
        : [to] "r"((char *)target + at), [from] "r"((const char *)source + at)
        : "memory", "xmm0", "xmm1", "xmm2", "xmm3");
  }
  kg__copy_words((char *)target + at, (const char *)source + at, bytes - at);
}

#else

#define kg__copy_shared kg__copy_words
#define kg__copy_six_lines(to, from) \
  kg__copy_words(to, from, KG__SIX_LINES_BYTES)
#define kg__copy_six_lines_wide kg__copy_six_lines

#endif

/* The same number, of which the compiler knows nothing. Where it knows that a
 * length is small, GCC copies with an instruction that takes longer to begin
 * than the C library takes for all of it. */
static inline size_t kg__opaque(size_t number) {
  __asm__("" : "+r"(number));
  return number;
}

/* Has the compiler put what follows first, whatever the odds are. */
#define KG__LIKELY(condition) __builtin_expect((condition), 1)

/* Tells the CPU that this is a spinning loop. */
static inline void kg__cpu_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ __volatile__("yield");
#endif
}

#endif
