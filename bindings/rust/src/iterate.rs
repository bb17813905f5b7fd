//! Iterators over what a reader gets, which wait for it.

use std::iter::FusedIterator;

use crate::error::Result;
use crate::reader::{Event, ShmClient};
use crate::threat::Threat;

/// Threats and losses; see [`ShmClient::events`].
#[derive(Debug)]
#[must_use]
pub struct Events<'a> {
    client: &'a mut ShmClient,
    is_over: bool,
}

/// Threats; see [`ShmClient::threats`].
#[derive(Debug)]
#[must_use]
pub struct Threats<'a> {
    client: &'a mut ShmClient,
    is_over: bool,
}

impl<'a> Events<'a> {
    pub(crate) fn new(client: &'a mut ShmClient) -> Self {
        Events { client, is_over: false }
    }
}

impl<'a> Threats<'a> {
    pub(crate) fn new(client: &'a mut ShmClient) -> Self {
        Threats { client, is_over: false }
    }
}

impl Iterator for Events<'_> {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let item = self.client.next_until(None).transpose();
        self.is_over = !matches!(item, Some(Ok(_)));
        item
    }
}

impl Iterator for Threats<'_> {
    type Item = Result<Threat>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let item = self.client.next_threat().transpose();
        self.is_over = !matches!(item, Some(Ok(_)));
        item
    }
}

impl FusedIterator for Events<'_> {}
impl FusedIterator for Threats<'_> {}
