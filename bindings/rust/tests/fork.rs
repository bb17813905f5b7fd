//! A forked child has nothing of its parent's handles but the duty to free them.
#![cfg(unix)]

mod common;

use std::os::raw::c_int;

use common::{threat, TestRing};
use kindly_guard_ipc::SharedMemoryIpc;

extern "C" {
    fn fork() -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn _exit(code: c_int) -> !;
}

#[test]
fn a_forked_child_is_refused_and_frees() {
    let ring = TestRing::new();
    let writer = SharedMemoryIpc::open(&ring.options().beats(true)).expect("a writer");
    let mut reader = ring.reader();
    for _ in 0..3 {
        writer.write_threat(&threat("")).expect("a sequence");
    }
    // What this has read in advance is not the child's.
    assert!(matches!(reader.try_next(), Ok(Some(_))));
    let interrupter = reader.interrupter();
    // SAFETY: the child calls what allocates, which glibc allows behind a fork, and
    // ends without running what else this process has to do.
    let child = unsafe { fork() };
    if child == 0 {
        let is_forked = |code: Option<&str>| code == Some("ERR_FORKED");
        let mut rights = vec![
            is_forked(writer.write_threat(&threat("")).err().map(|error| error.code())),
            is_forked(writer.beat().err().map(|error| error.code())),
            is_forked(writer.memory().err().map(|error| error.code())),
            is_forked(reader.memory().err().map(|error| error.code())),
            is_forked(reader.try_next().err().map(|error| error.code())),
        ];
        interrupter.interrupt();
        drop(reader);
        drop(writer);
        rights.retain(|right| !right);
        // SAFETY: it does not return.
        unsafe { _exit(rights.len() as c_int) };
    }
    assert!(child > 0);
    let mut status = 0;
    // SAFETY: `status` is writable.
    assert_eq!(unsafe { waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "how the child ended");
    writer.write_threat(&threat("")).expect("the parent has its writer");
    assert!(matches!(reader.try_next(), Ok(Some(_))));
}
