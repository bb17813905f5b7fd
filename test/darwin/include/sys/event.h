/* The part of a kqueue that the wake file needs: one file, watched for a change
 * of its attributes. shim.c has it on inotify. */
#ifndef KG_DARWIN_SYS_EVENT_H
#define KG_DARWIN_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_VNODE (-4)
#define EV_ADD 0x0001
#define EV_CLEAR 0x0020
#define NOTE_ATTRIB 0x00000008

struct kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void *udata;
};

#define EV_SET(event, a, b, c, d, e, f) \
  (*(event) = (struct kevent){(a), (b), (c), (d), (e), (f)})

int kqueue(void);
int kevent(int queue, const struct kevent *changes, int change_count,
           struct kevent *events, int event_count,
           const struct timespec *timeout);

#endif
