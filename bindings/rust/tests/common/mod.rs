//! A directory of its own for each test. Each file of tests has this module for
//! itself, and not each needs it all.
#![allow(dead_code)]

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use kindly_guard_ipc::{
    ReaderOptions, Severity, SharedMemoryIpc, ShmClient, Start, Threat, ThreatType, WriterOptions,
};

static COUNT: AtomicU32 = AtomicU32::new(0);

pub struct TestRing {
    pub dir: PathBuf,
}

impl TestRing {
    pub fn new() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kindly-guard-rust-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&dir).expect("a directory");
        TestRing { dir }
    }

    pub fn file(&self) -> PathBuf {
        self.dir.join("kindly-guard.shm")
    }

    /// A small ring, without a thread that changes what a test does.
    pub fn options(&self) -> WriterOptions {
        WriterOptions::new().dir(&self.dir).max_events(16).priority_events(0).beats(false)
    }

    pub fn writer(&self) -> SharedMemoryIpc {
        SharedMemoryIpc::open(&self.options()).expect("a writer")
    }

    pub fn reader_options(&self) -> ReaderOptions {
        ReaderOptions::new().dir(&self.dir).start(Start::Oldest)
    }

    pub fn reader(&self) -> ShmClient {
        ShmClient::open(&self.reader_options()).expect("a reader")
    }
}

impl Drop for TestRing {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(Path::new(&self.dir));
    }
}

pub fn threat(details: impl Into<String>) -> Threat {
    Threat::new(ThreatType::InjectionAttempt, Severity::High, "test", details)
}
