#![doc = include_str!("../README.md")]
#![warn(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]

mod batch;
mod buffer;
mod encode;
mod error;
mod handle;
mod info;
mod iterate;
mod options;
mod placement;
mod position;
mod reader;
mod sys;
mod threat;
mod writer;

pub use batch::Batch;
pub use error::{Error, ErrorKind, Result};
pub use handle::Interrupter;
pub use info::{checksum_method, default_directory, version, RingInfo};
pub use iterate::{Events, Threats};
pub use options::{Overflow, ReaderOptions, Start, WriterOptions};
pub use placement::{HugePages, NumaNode, RingMemory};
pub use position::{LossReason, Losses, Lost, LostRange, Position};
pub use reader::{Event, ReaderStats, ShmClient, WriterLife};
pub use threat::{Severity, Threat, ThreatType};
pub use writer::{AttachedReader, SharedMemoryIpc, WriterStats};
