//! What other threads may do with a writer or a reader: interrupt its waiting, as
//! long as it is open.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sys;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Handle {
    Writer(NonNull<sys::kg_writer>),
    Reader(NonNull<sys::kg_reader>),
}

// SAFETY: kg_ipc.h allows kg_writer_interrupt and kg_reader_interrupt, which are
// all that is called through it, to any thread.
unsafe impl Send for Handle {}

/// One for each writer and reader. The lock is held while another thread is in
/// the library, and while the handle is taken away before it is closed.
#[derive(Debug)]
pub(crate) struct Gate {
    handle: Mutex<Option<Handle>>,
    is_interrupted: AtomicBool,
    process: u32,
}

impl Gate {
    pub(crate) fn new(handle: Handle) -> Arc<Self> {
        Arc::new(Gate {
            handle: Mutex::new(Some(handle)),
            is_interrupted: AtomicBool::new(false),
            process: std::process::id(),
        })
    }

    /// Whether this is a forked child of the process that opened the handle.
    pub(crate) fn is_forked(&self) -> bool {
        self.process != std::process::id()
    }

    /// Whether it was interrupted since this was asked last.
    pub(crate) fn take_interrupt(&self) -> bool {
        // Acquire and release, as a swap is cheap beside a wait: what a thread did
        // before it interrupted is seen behind it.
        self.is_interrupted.swap(false, Ordering::AcqRel)
    }

    /// Behind this no other thread is in the library with the handle, or will be.
    pub(crate) fn close(&self) {
        // In a forked child the thread that had the lock is not there.
        if !self.is_forked() {
            *self.lock() = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Handle>> {
        // Nothing that panics runs under it.
        self.handle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a wait of a writer or a reader from any thread. It does not keep that open.
#[derive(Clone, Debug)]
pub struct Interrupter {
    gate: Arc<Gate>,
}

impl Interrupter {
    pub(crate) fn new(gate: &Arc<Gate>) -> Self {
        Interrupter { gate: Arc::clone(gate) }
    }

    /// Ends the wait that another thread is in, or else the next one. Nothing
    /// happens when what waits was closed. Not in a signal's handler: it waits for
    /// the other thread, and has a lock.
    pub fn interrupt(&self) {
        if self.gate.is_forked() {
            return;
        }
        // Before the call, which ends the wait: see Gate::take_interrupt.
        self.gate.is_interrupted.store(true, Ordering::Release);
        let handle = self.gate.lock();
        // SAFETY: the handle is open, since Gate::close takes it away before, and
        // waits for this lock; any thread may call these two.
        match *handle {
            Some(Handle::Writer(writer)) => unsafe { sys::kg_writer_interrupt(writer.as_ptr()) },
            Some(Handle::Reader(reader)) => unsafe { sys::kg_reader_interrupt(reader.as_ptr()) },
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_closing_nothing_is_interrupted() {
        // Nothing is there: the library would not survive it.
        let gate = Gate::new(Handle::Reader(NonNull::dangling()));
        let interrupter = Interrupter::new(&gate);
        gate.close();
        interrupter.interrupt();
        assert!(gate.take_interrupt());
        assert!(!gate.take_interrupt());
    }
}
