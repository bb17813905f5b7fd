//! Threats that are published at once.

use crate::error::{Error, Result};
use crate::threat::Threat;
use crate::writer::SharedMemoryIpc;

/// A batch of a writer. Nothing is seen of it before it is committed; dropping it
/// drops what is in it.
#[derive(Debug)]
#[must_use]
pub struct Batch<'a> {
    writer: &'a mut SharedMemoryIpc,
    failed: Option<Error>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(writer: &'a mut SharedMemoryIpc) -> Self {
        // What is left of one that was forgotten.
        writer.discard();
        Batch { writer, failed: None }
    }

    /// Adds a threat. Any error drops the whole batch, and is what each later call
    /// gives.
    pub fn push(&mut self, threat: &Threat) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.writer.stage(threat);
        self.failed = result.clone().err();
        result
    }

    /// Publishes the batch. Returns the sequence of its last threat; of an empty
    /// one, that of the last one in the ring. Any error, such as one of which
    /// [`Error::is_ring_full`] is true, drops the whole batch.
    pub fn commit(mut self) -> Result<u64> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.writer.commit(),
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        // While something is staged, no ring is mended that was removed.
        self.writer.discard();
    }
}
